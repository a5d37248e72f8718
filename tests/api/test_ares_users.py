"""Users of ARES: registering, signing in, tokens that are good once."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import aiohttp
import jwt
import pytest

from hub.accounts.accounts import create_account
from hub.accounts.tokens import ACCESS, CLAIMS, REFRESH, Tokens
from hub.config import Settings
from hub.domain import User
from hub.errors import Unauthorized
from hub.ids import uuid7
from hub.runtime import Hub
from hub.sealing import Sealer, digest, new_key
from tests.api.alone import api, provider
from tests.api.conftest import Api, Json, Provider, keys_of, serving

__all__ = ["api", "provider"]

ANA: Json = {"email": "Ana@example.com", "password": "correct horse", "name": "Ana"}
AUTH = "/api/auth"


@asynccontextmanager
async def _http(hub: Hub, url: str, account: UUID) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as http:
        yield Api(hub, url, account, "", "", "", http)


async def entered(api: Api, sent: Json = ANA) -> Json:
    found: Json = await api.ok("POST", f"{AUTH}/register", sent, key="")
    return found


async def opens(api: Api, token: str) -> bool:
    return (await api.call("GET", "/api/memory", key=token)).status == 200


async def renewed(api: Api, token: str) -> Any:
    return await api.call("POST", f"{AUTH}/refresh", {"refresh_token": token}, key="")


async def test_registering_and_signing_in(api: Api) -> None:
    made = await entered(api)
    assert made["message"] == "User registered successfully" and made["expires_in"] == 900
    row = await api.hub.db.row("select * from ares_users")
    assert row is not None and str(row["id"]) == made["user_id"] and row["password"].startswith("$argon2id$")
    claims = jwt.decode(made["access_token"], options={"verify_signature": False})
    assert set(CLAIMS) <= set(claims) and claims["exp"] - claims["iat"] == 900 and claims["typ"] == ACCESS
    kept = jwt.decode(made["refresh_token"], options={"verify_signature": False})
    assert kept["exp"] - kept["iat"] == 604_800
    hashes = [r["hash"] for r in await api.hub.db.fetch("select hash from ares_tokens")]
    assert hashes == [digest(made["refresh_token"])]
    again = await api.ok("POST", f"{AUTH}/login", {**ANA, "email": "ana@EXAMPLE.com"}, key="")
    assert await opens(api, made["access_token"]) and await opens(api, again["access_token"])


async def test_what_cannot_register_or_sign_in(api: Api) -> None:
    await entered(api)
    for wrong, status, field in (
        ({}, 409, "e-mail"), ({"email": "ANA@example.com"}, 409, "e-mail"), ({"email": "ana"}, 400, "email"),
        ({"email": "b@example.com", "password": "short"}, 400, "password"), ({"password": None}, 400, "password"),
    ):
        got = await api.call("POST", f"{AUTH}/register", {**ANA, **wrong}, key="")
        assert (got.status, got.body["code"]) == (status, "INVALID_INPUT") and field in got.body["error"], wrong
    for wrong in ({"password": "correct horses"}, {"email": "nobody@example.com"}):
        got = await api.call("POST", f"{AUTH}/login", {**ANA, **wrong}, key="")
        assert (got.status, got.body["error"]) == (401, "Invalid credentials")
        assert got.body["code"] == "AUTHENTICATION_FAILED"
    for path in ("refresh", "logout"):
        got = await api.call("POST", f"{AUTH}/{path}", {}, key="")
        assert got.status == 400 and "refresh_token is missing" in got.body["error"]


async def test_a_refresh_token_is_good_once_and_a_spent_one_ends_its_family(api: Api) -> None:
    first = await entered(api)
    other = await api.ok("POST", f"{AUTH}/login", ANA, key="")
    second = (await renewed(api, first["refresh_token"])).body
    assert await opens(api, second["access_token"])
    third = (await renewed(api, second["refresh_token"])).body
    stolen = await renewed(api, first["refresh_token"])
    assert (stolen.status, stolen.body["code"]) == (401, "AUTHENTICATION_FAILED")
    assert (await renewed(api, third["refresh_token"])).status == 401
    # What came of another sign-in is not touched.
    assert (await renewed(api, other["refresh_token"])).status == 200


async def test_two_at_once_get_no_two_tokens(api: Api) -> None:
    made = await entered(api)
    both = await asyncio.gather(*(renewed(api, made["refresh_token"]) for _ in range(4)))
    assert sorted(got.status for got in both) == [200, 401, 401, 401]
    [won] = [got.body["refresh_token"] for got in both if got.status == 200]
    assert (await renewed(api, won)).status == 401


async def test_signing_out(api: Api) -> None:
    made = await entered(api)
    said = await api.ok("POST", f"{AUTH}/logout", {"refresh_token": made["refresh_token"]}, key="")
    assert said == {"message": "Logged out successfully"}
    assert (await renewed(api, made["refresh_token"])).status == 401
    await api.ok("POST", f"{AUTH}/logout", {"refresh_token": "no token"}, key="")


async def test_tokens_are_for_one_use_and_one_hub(api: Api) -> None:
    made = await entered(api)
    assert not await opens(api, made["refresh_token"])
    assert (await renewed(api, made["access_token"])).status == 401
    user = User(api.account, uuid7(), "x@example.com", "X")
    assert not await opens(api, Tokens(Sealer(new_key())).access(user, uuid7()))
    nobody = Tokens(api.hub.sealer).access(user, uuid7())
    assert not await opens(api, nobody)
    claims = jwt.decode(made["access_token"], options={"verify_signature": False})
    assert not await opens(api, jwt.encode(claims, "", algorithm="none"))


@pytest.mark.parametrize(("ago", "good"), [(0, True), (30, True), (90, False)])
def test_the_clock_may_be_a_minute_off(ago: int, good: bool, sealing_key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, user, now = Tokens(Sealer(sealing_key)), User(uuid7(), uuid7(), "a@b.cd", "A"), time.time()
    monkeypatch.setattr("hub.accounts.tokens.time.time", lambda: now - 900 - ago)
    family = uuid7()
    token = tokens.access(user, family)
    monkeypatch.undo()
    if good:
        assert tokens.read(token, ACCESS) == (user.id, family)
    for kind in (REFRESH, *([] if good else [ACCESS])):
        with pytest.raises(Unauthorized):
            tokens.read(token, kind)


async def test_an_account_keeps_its_users(api: Api) -> None:
    made = await api.call("POST", "/api/v1/ares/users", ANA)
    assert made.status == 201
    token = (await api.ok("POST", f"{AUTH}/login", ANA, key=""))["access_token"]
    said = await api.ok("POST", "/api/chat", {"message": "Hello"}, key=token)
    [shown] = await api.ok("GET", "/api/v1/ares/users")
    assert (shown["id"], shown["email"], shown["name"]) == (made.body["id"], "Ana@example.com", "Ana")
    assert await api.ok("GET", "/api/v1/ares/users", key=api.foreign) == []
    path = f"/api/v1/ares/users/{shown['id']}"
    assert (await api.call("DELETE", path, key=api.foreign)).status == 404
    edits = (({"password": "short"}, 400), ({"name": "Ana Souza"}, 204), ({"password": "new password"}, 204))
    for sent, status in edits:
        assert (await api.call("PATCH", path, sent)).status == status
        assert (await api.call("PATCH", path, {"name": "Eva"}, key=api.foreign)).status == 404
    assert (await api.call("POST", f"{AUTH}/login", ANA, key="")).status == 401
    assert (await api.ok("GET", "/api/v1/ares/users"))[0]["name"] == "Ana Souza"
    await api.ok("POST", f"{AUTH}/login", {**ANA, "password": "new password"}, key="")
    assert (await api.call("DELETE", path)).status == 204
    assert not await opens(api, token) and said["response"]
    assert await api.hub.db.value("select count(*) from sessions where kind = 'ares'") == 0


async def test_too_many_attempts(api: Api) -> None:
    """Some are free; then each makes the next wait longer, and soon one comes too early."""
    statuses: list[int] = []
    while 429 not in statuses and len(statuses) < 60:
        statuses.append((await api.call("POST", f"{AUTH}/login", {**ANA, "password": "x"}, key="")).status)
    assert statuses[:8] == [401] * 8 and statuses[-1] == 429
    other = await api.call("POST", f"{AUTH}/login", {**ANA, "email": "bob@example.com"}, key="")
    assert other.status == 401


async def test_whom_registering_makes_a_user_of(settings: Settings, provider: Provider) -> None:
    async with serving(settings, provider) as (hub, url):
        other = await create_account(hub.db, "Boreal")
        mine = (await keys_of(hub))[0]
    for changed, account in (({}, other.id), ({"ares_account": str(mine)}, mine)):
        async with serving(settings.changed(**changed), provider) as (hub, url):
            async with _http(hub, url, account) as api:
                made = await entered(api, {**ANA, "email": f"{account}@example.com"})
                found = await hub.db.value("select account_id from ares_users where id = $1", made["user_id"])
                assert found == account
    async with serving(settings.changed(ares_registration=False), provider) as (hub, url):
        async with _http(hub, url, mine) as api:
            got = await api.call("POST", f"{AUTH}/register", ANA, key="")
            assert (got.status, got.body["code"]) == (403, "AUTHORIZATION_FAILED")
