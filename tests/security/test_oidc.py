"""Signing in at an identity provider: whom it lets in, and what of it is not believed."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hub import ids
from hub.config import Settings
from hub.store import operators
from tests.api.alone import provider  # noqa: F401 - fixtures
from tests.api.conftest import Api, Provider, keys_of, serving
from tests.console.test_signing import stranger
from tests.fakes.identity import CLIENT, SECRET, Identity, identity


@pytest.fixture
async def there() -> AsyncIterator[Identity]:
    async with identity() as found:
        yield found


@pytest.fixture
async def api(settings: Settings, provider: Provider, there: Identity) -> AsyncIterator[Api]:  # noqa: F811
    more = {
        "public_url": "http://127.0.0.1:9", "oidc_providers": f"keycloak={there.url}, broken=http://127.0.0.1:1",
        "oidc_clients": f"keycloak={CLIENT},broken=x", "oidc_secrets": f"keycloak={SECRET}",
    }
    async with serving(settings.changed(**more), provider) as (hub, url), aiohttp.ClientSession() as http:
        yield Api(hub, url, *await keys_of(hub), http)


async def invited(api: Api, email: str = "ann@example.com", role: str = "agent") -> Any:
    id = ids.uuid7()
    assert await operators.add(api.hub.db, api.account, id, email, "Ann", role)
    return id


async def sent(api: Api, http: aiohttp.ClientSession) -> str:
    """Where the browser is sent to."""
    async with http.get(f"{api.url}/console/oidc/to/keycloak?next=/console/bots", allow_redirects=False) as got:
        assert got.status == 303, await got.text()
        return got.headers["Location"]


async def back(api: Api, http: aiohttp.ClientSession, to: str) -> tuple[int, str, str]:
    async with http.get(to.replace("http://127.0.0.1:9", api.url), allow_redirects=False) as got:
        return got.status, got.headers.get("Location", ""), await got.text()


async def comes(api: Api, there: Identity) -> tuple[int, str, str]:
    async with stranger() as http:
        return await back(api, http, there.code(await sent(api, http)))


async def test_whoever_was_invited_signs_in_by_an_address_that_is_proved(api: Api, there: Identity) -> None:
    id = await invited(api)
    async with stranger() as http:
        async with http.get(f"{api.url}/console/login?next=/console/bots") as got:
            assert "/console/oidc/to/keycloak?next=/console/bots" in await got.text()
        status, where, _ = await back(api, http, there.code(await sent(api, http)))
        assert (status, where) == (303, "/console/bots")
        async with http.get(f"{api.url}/console/bots", allow_redirects=False) as got:
            assert got.status == 200
    assert there.asked["scope"].split()[0] == "openid" and there.asked["code_challenge_method"] == "S256"
    bound = await api.hub.db.row("select * from operator_identities")
    assert bound and (bound["operator_id"], bound["subject"], bound["issuer"]) == (id, "subject-1", there.url)
    actions = [r["action"] for r in await api.hub.db.fetch("select action from audit order by id")]
    assert actions == ["self.identity_bound", "self.signed_in"]


async def test_afterwards_the_subject_counts_and_not_the_address(api: Api, there: Identity) -> None:
    mine = await invited(api)
    assert (await comes(api, there))[0] == 303
    await invited(api, "boss@example.com", "owner")
    there.claims = {"email": "boss@example.com"}
    assert (await comes(api, there))[0] == 303
    who = await api.hub.db.fetch("select distinct operator_id from operator_sessions")
    assert [r["operator_id"] for r in who] == [mine], "the same subject is the same person"


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "stranger@example.com"}, {"email_verified": False}, {"email_verified": None}, {"email": None},
        {"email": ["ann@example.com"]}, {"email": "\u0430nn@example.com"}, {"email_verified": "false"},
    ],
    ids=["not invited", "not proved", "silent", "no address", "a list", "look-alike", "false as text"],
)
async def test_who_was_not_invited_stays_outside(api: Api, there: Identity, claims: dict[str, Any]) -> None:
    await invited(api)
    there.claims = claims
    status, _, text = await comes(api, there)
    assert status == 401 and "ask for an invitation" in text
    assert await api.hub.db.value("select count(*) from operator_sessions") == 0


def _other(claims: Any, header: Any, key: Any, how: str) -> Any:
    return claims, header, rsa.generate_private_key(65537, 2048), how


def _shared(claims: Any, header: Any, key: Any, how: str) -> Any:
    return claims, header, "hub-secret-hub-secret-hub-secret-hub", "HS256"


def _none(claims: Any, header: Any, key: Any, how: str) -> Any:
    return claims, header, None, "none"


def _unknown(claims: Any, header: Any, key: Any, how: str) -> Any:
    return claims, {"kid": "two"}, key, how


SPOILT: dict[str, Any] = {
    "another issuer": {"iss": "https://evil.example"}, "another client": {"aud": "other"}, "expired": {"exp": 1},
    "another nonce": {"nonce": "x"}, "no nonce": {"nonce": None}, "no subject": {"sub": None},
    "issued to another": {"azp": "other"}, "several, to another": {"aud": [CLIENT, "other"], "azp": "other"},
    "another key": _other, "a shared secret": _shared, "no signature": _none, "an unknown key": _unknown,
    "no expiry": {"exp": None}, "not yet": {"nbf": 99_999_999_999},
}


@pytest.mark.parametrize("what", SPOILT.values(), ids=SPOILT.keys())
async def test_tokens_that_do_not_hold_are_refused(api: Api, there: Identity, what: Any) -> None:
    await invited(api)
    there.claims, there.spoil = ({}, what) if callable(what) else (what, None)
    status, _, text = await comes(api, there)
    assert status == 401 and "does not hold" in text
    assert await api.hub.db.value("select count(*) from operator_sessions") == 0


async def test_an_answer_belongs_to_the_browser_that_asked(api: Api, there: Identity) -> None:
    await invited(api)
    async with stranger() as mine, stranger() as victim:
        to = there.code(await sent(api, mine))
        assert (await back(api, victim, to))[0] == 401, "a link that signs a victim in as somebody else"
        assert (await back(api, mine, to.replace("state=", "state=x")))[0] == 401
        assert (await back(api, mine, to.replace("c0de", "guess")))[0] in (401, 502)
        assert (await back(api, mine, to + "&iss=https://evil.example"))[0] == 401
        refused = to.split("?")[0] + f"?error=access_denied&state={there.asked['state']}"
        status, _, text = await back(api, mine, refused)
        assert status == 401 and "access_denied" in text
        assert (await back(api, mine, to))[0] == 303
        assert (await back(api, mine, to))[0] == 401, "good once"


async def test_a_provider_may_change_its_keys(api: Api, there: Identity) -> None:
    await invited(api)
    assert (await comes(api, there))[0] == 303
    there.key, there.kid = ec.generate_private_key(ec.SECP256R1()), "two"
    from_start = there.calls.count("/jwks")
    assert (await comes(api, there))[0] == 401, "asked for again once a minute at most"
    assert there.calls.count("/jwks") == from_start


async def test_a_provider_that_is_away_holds_up_nobody_else(api: Api, there: Identity) -> None:
    await invited(api)
    async with stranger() as http:
        for _ in range(3):
            async with http.get(f"{api.url}/console/oidc/to/broken", allow_redirects=False) as got:
                assert got.status == 502 and "broken cannot be reached" in await got.text()
        async with http.get(f"{api.url}/console/oidc/to/nobody", allow_redirects=False) as got:
            assert got.status == 404
    assert (await comes(api, there))[0] == 303


async def test_a_second_factor_is_asked_for_all_the_same(api: Api, there: Identity) -> None:
    id = await invited(api)
    await api.hub.db.run(
        "insert into operator_totp (operator_id, secret, confirmed_at) values ($1, $2, now())",
        id, api.hub.sealer.seal("operator_totp.secret", id, "A" * 32),
    )
    status, where, _ = await comes(api, there)
    assert status == 303 and where.startswith("/console/second")


async def test_the_common_issuer_of_microsoft_proves_no_address(
    settings: Settings, provider: Provider, there: Identity  # noqa: F811
) -> None:
    """Anybody may write any address into a tenant of their own."""
    there.issuer = "https://login.example/{tenantid}/v2.0"
    more = {
        "public_url": "http://127.0.0.1:9", "oidc_providers": f"keycloak={there.url}",
        "oidc_clients": f"keycloak={CLIENT}", "oidc_secrets": f"keycloak={SECRET}",
    }
    async with serving(settings.changed(**more), provider) as (hub, url), aiohttp.ClientSession() as http:
        api = Api(hub, url, *await keys_of(hub), http)
        await invited(api)
        there.claims = {"iss": "https://login.example/t1/v2.0", "tid": "t1", "email_verified": None}
        assert (await comes(api, there))[0] == 401
        there.claims |= {"xms_edov": True}
        assert (await comes(api, there))[0] == 303
        there.claims |= {"tid": "t2"}
        assert (await comes(api, there))[0] == 401, "the tenant is not that of the issuer"


def test_a_token_of_the_fake_provider_is_one() -> None:
    found = Identity(url="http://x", asked={"nonce": "n"})
    assert jwt.get_unverified_header(found.token())["kid"] == "one"
