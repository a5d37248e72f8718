"""Guessing, stealing and taking over: who signs in at the console, and who does not."""

import asyncio
import re
import time
from typing import Any

import aiohttp
import pyotp
import pytest

from hub.accounts.emails import email_address
from hub.accounts.operators import Operator
from hub.accounts.passwords import Passwords, guessed
from hub.accounts.sign_in_waits import NETWORK, USER, network_of
from hub.errors import Invalid
from tests.api.conftest import Api
from tests.console.conftest import HERE, Desk, person, signed_in
from tests.console.test_signing import PASSWORD, log_in, stranger, with_password

FACTORS = "/console/settings/sign-in"


async def whom(api: Api, email: str) -> Operator:
    row = await api.hub.db.row("select id, name, role from operators where email = $1", email)
    assert row is not None
    return Operator(row["id"], api.account, email, row["name"], row["role"], "Aurora")


async def audited(api: Api, action: str) -> list[Any]:
    return await api.hub.db.fetch("select * from audit where action = $1 order by id", action)


async def tries(api: Api, http: aiohttp.ClientSession, email: str, count: int, **headers: str) -> list[int]:
    return [(await log_in(api, http, email, f"wrong {n}", **headers))[0] for n in range(count)]


async def sat_out(api: Api) -> None:
    """As if every wait had passed."""
    await api.hub.db.run("update sign_in_waits set until = now() - interval '1 second'")


async def later(api: Api, free: int) -> None:
    """Waits that have begun last longer than this test."""
    sql = "update sign_in_waits set until = now() + interval '1 minute' where failures > $1 and until > at"
    assert await api.hub.db.run(sql, free)


# Guessing


async def test_guesses_at_one_person_wait_longer_and_longer(api: Api) -> None:
    email = await with_password(api)
    async with stranger() as http:
        assert await tries(api, http, email, USER) == [401] * USER
        waits = []
        for _ in range(4):
            await sat_out(api)
            assert (await log_in(api, http, email, "wrong"))[0] == 401
            waits.append(
                await api.hub.db.value("select max(extract(epoch from until - now())::float8) from sign_in_waits")
            )
            await later(api, USER)
            assert (await log_in(api, http, email, PASSWORD))[0] == 429, "while it lasts, the password is not looked at"
        assert waits == sorted(waits) and waits[-1] > 3 * waits[0]


async def test_asking_while_one_waits_makes_the_wait_no_longer(api: Api) -> None:
    email = await with_password(api)
    async with stranger() as http:
        await tries(api, http, email, USER + 1)
        await later(api, USER)
        waiting = "select key, failures, until from sign_in_waits where until > now()"
        before = await api.hub.db.fetch(waiting)
        assert set(await tries(api, http, email, 5)) == {429}
        after = await api.hub.db.fetch(waiting)
        assert len(before) == 1 and [tuple(r) for r in before] == [tuple(r) for r in after]


async def test_the_owner_gets_in_where_they_were_before_whoever_guesses(api: Api) -> None:
    email, other = await with_password(api), await with_password(api, "admin")
    async with stranger() as mine, stranger() as thief, stranger() as third:
        assert (await log_in(api, mine, email, PASSWORD))[0] == 303
        mine.cookie_jar.clear(lambda c: c.key == "hub_console")
        await tries(api, thief, email, USER + 1)
        await later(api, USER)
        assert (await log_in(api, thief, email, PASSWORD))[0] == 429
        assert (await log_in(api, mine, email, PASSWORD))[0] == 303, "a known browser has a door of its own"
        assert (await log_in(api, third, other, PASSWORD))[0] == 303, "nobody else notices"


async def test_a_stolen_device_cookie_is_no_way_to_guess_for_ever(api: Api) -> None:
    email = await with_password(api)
    async with stranger() as http:
        assert (await log_in(api, http, email, PASSWORD))[0] == 303
        http.cookie_jar.clear(lambda c: c.key == "hub_console")
        assert 429 in await tries(api, http, email, 20)


async def test_the_device_of_one_person_is_no_door_to_another(api: Api) -> None:
    mine, theirs = await with_password(api), await with_password(api)
    async with stranger() as http, stranger() as thief:
        assert (await log_in(api, http, mine, PASSWORD))[0] == 303
        http.cookie_jar.clear(lambda c: c.key == "hub_console")
        await tries(api, thief, theirs, USER + 1)
        await later(api, USER)
        assert (await log_in(api, http, theirs, PASSWORD))[0] == 429


async def test_a_hundred_guesses_at_once_are_counted_one_by_one(api: Api) -> None:
    email = await with_password(api)
    async with stranger() as http:
        async with http.get(f"{api.url}/console/login") as got:
            [csrf] = re.findall(r'name="csrf" value="(\w+)"', await got.text())

        async def guess(n: int) -> int:
            sent = {"csrf": csrf, "next": "/console", "email": email, "password": f"wrong {n}"}
            async with http.post(f"{api.url}/console/login", data=sent, headers=HERE, allow_redirects=False) as got:
                return got.status

        found = await asyncio.gather(*(guess(n) for n in range(40)))
    assert found.count(401) <= USER + 2 and found.count(429) >= 30


async def test_one_network_trying_many_people_waits_and_others_do_not(api: Api) -> None:
    email = await with_password(api)
    plain = api.hub.settings
    assert plain.trusted_proxies == ""
    async with stranger() as http:
        for n in range(NETWORK):
            assert (await log_in(api, http, f"nobody{n}@example.com", "wrong"))[0] == 401
        assert (await log_in(api, http, "nobody@example.com", "wrong"))[0] == 401
        await later(api, NETWORK)
        assert (await log_in(api, http, "somebody@example.com", "wrong"))[0] == 429
        assert (await log_in(api, http, email, PASSWORD))[0] == 429


def test_ipv6_counts_by_its_network() -> None:
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9") != network_of("2001:db8:1:3::1")
    assert network_of("203.0.113.9") == "203.0.113.9" != network_of("203.0.113.10")


async def test_failed_tries_stand_in_the_audit_log_without_the_password(api: Api) -> None:
    email = await with_password(api)
    async with stranger() as http:
        await log_in(api, http, email, "my-other-password")
        await log_in(api, http, "nobody@example.com", "my-other-password")
    [row] = await audited(api, "self.sign_in_failed")
    assert row["account_id"] == api.account and row["detail"] == {"with": "password", "from": "127.0.0.1"}
    rows = await api.hub.db.fetch("select to_jsonb(a)::text as t from audit a")
    assert not any("my-other-password" in r["t"] for r in rows)


# Links, roles, passwords


@pytest.mark.parametrize(
    ("role", "other", "status"),
    [
        ("admin", "owner", 403), ("admin", "admin", 403), ("owner", "owner", 403), ("admin", "agent", 303),
        ("owner", "admin", 303), ("agent", "viewer", 403),
    ],
)
async def test_a_login_link_is_made_for_lower_roles_only(api: Api, role: str, other: str, status: int) -> None:
    maker = await signed_in(api, role)
    who, _ = await person(api, other)
    links = await api.hub.db.value("select count(*) from operator_links")
    for what in ("link", "factors"):
        got = await maker.post(f"/console/team/{who.id}/{what}")
        assert got.status == (status if what == "factors" or status == 403 else 200), (what, got.text[:300])
    assert await api.hub.db.value("select count(*) from operator_links") == links + (status != 403)
    await maker.http.close()


@pytest.mark.parametrize("field", ["email", "new"])
async def test_a_passer_by_changes_neither_address_nor_password(api: Api, field: str) -> None:
    email = await with_password(api)
    async with stranger() as http:
        assert (await log_in(api, http, email, PASSWORD))[0] == 303
        found = Desk(api, http, await whom(api, email))
        sent = {"name": "Ann", "email": email, field: "thief@example.com"}
        for old in ("", "wrong password"):
            got = await found.post("/console/settings/me", **sent, old=old)
            assert got.status == 401 and "password you have now" in got.text
        assert (await found.post("/console/settings/me", name="Ann", email=email)).status == 303, "a name alone is free"
        assert (await found.post("/console/settings/me", **sent, old=PASSWORD)).status == 303


async def test_a_new_password_makes_other_browsers_strangers(api: Api) -> None:
    email = await with_password(api)
    async with stranger() as one, stranger() as two:
        for http in (one, two):
            assert (await log_in(api, http, email, PASSWORD))[0] == 303
        found = Desk(api, one, await whom(api, email))
        got = await found.post("/console/settings/me", name="A", email=email, old=PASSWORD, new="tulips in the rain")
        assert got.status == 303
        assert await api.hub.db.value("select count(*) from operator_devices d join operators o on o.id = d.operator_id"
                                      " where o.email = $1", email) == 1
        async with two.get(f"{api.url}/console", allow_redirects=False) as left:
            assert left.status == 303 and "/console/login" in left.headers["Location"]


COMMON = (
    "password", "Password1!", "P@ssw0rd", "qwertyuiop", "12345678", "iloveyou2024", "aaaaaaaaaa", "abababab",
    "letmein123", "PASSWORD", "dragon1999!", "ana@example.com", "Boulangerie", "ｐａｓｓｗｏｒｄ",
)


@pytest.mark.parametrize("password", COMMON)
def test_what_is_guessed_first_is_no_password(password: str) -> None:
    assert guessed(password, ("ana@example.com", "Boulangerie Paul"))


@pytest.mark.parametrize("password", ["correct horse battery", "tulips in the rain", "x9$kQz!m2", "Ana e o mar azul"])
def test_what_is_not_guessed_may_be_one(password: str) -> None:
    assert not guessed(password, ("ana@example.com", "Ana"))


async def test_common_passwords_are_refused_at_every_door(api: Api) -> None:
    owner = await signed_in(api)
    got = await owner.post("/console/settings/me", name="A", email=owner.who.email, new="password123")
    assert got.status == 400 and "many people use" in got.text
    await owner.http.close()
    one = {"email": "eve@example.com", "password": "password123", "name": "Eve"}
    for path, key in (("/api/auth/register", ""), ("/api/v1/ares/users", None)):
        answer = await api.call("POST", path, one, key=key)
        assert answer.status == 400 and "password" in answer.said
    assert await api.hub.db.value("select count(*) from ares_users") == 0


LOOKS = {
    "NUL": "a\x00na@example.com", "zero width": "a\u200bna@example.com", "soft hyphen": "a\u00adna@example.com",
    "Cyrillic": "\u0430na@example.com", "direction": "\u202eana@example.com", "blank": "a na@example.com",
    "two": "ana@example.com@evil.example", "no domain": "ana@", "no name": "@example.com", "dot": "ana@example.com.",
    "dots": "ana..x@example.com", "comma": "ana@example.com,eve@evil.example", "bracket": "<ana@example.com>",
    "line": "ana@example.com\nbcc:x@evil.example", "long": "a" * 65 + "@example.com", "host": "ana@example",
}


@pytest.mark.parametrize("text", LOOKS.values(), ids=LOOKS.keys())
async def test_addresses_that_hide_something_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        email_address(text)
    assert caught.value.field == "email"


def test_one_address_is_written_in_one_way() -> None:
    ways = (" ANA@EXAMPLE.COM ", "ana@example.com", "ａｎａ@example.com", "ana@EXAMPLE。com")
    same = {email_address(t).lower() for t in ways}
    assert same == {"ana@example.com"}
    assert email_address("ana@\u0435xample.com") == "ana@xn--xample-2of.com", "a look-alike domain shows itself"
    assert email_address("owner@localhost") == "owner@localhost"


async def test_an_address_is_taken_however_it_is_written(api: Api) -> None:
    one = {"email": "ana@example.com", "password": "tulips in the rain", "name": "Ana"}
    assert (await api.call("POST", "/api/v1/ares/users", one)).status == 201
    for text in ("ANA@example.com", "ａna@example.com", " ana@EXAMPLE.com"):
        got = await api.call("POST", "/api/v1/ares/users", {**one, "email": text})
        assert got.status == 409, text
    owner = await signed_in(api)
    first = await owner.post("/console/team", email="bob@example.com", name="Bob", role="agent")
    again = await owner.post("/console/team", email="ｂob@Example.com", name="Bob", role="agent")
    assert (first.status, again.status) == (200, 409)
    await owner.http.close()


# The second factor


async def enrolled(api: Api) -> tuple[str, pyotp.TOTP, list[str]]:
    """(address, app, recovery codes) of an owner who has set up an app."""
    email = await with_password(api)
    async with stranger() as http:
        assert (await log_in(api, http, email, PASSWORD))[0] == 303
        found = Desk(api, http, await whom(api, email))
        assert (await found.post(f"{FACTORS}/app", old="wrong")).status == 401
        assert (await found.post(f"{FACTORS}/app", old=PASSWORD)).status == 303
        [secret] = re.findall(r"<pre>([A-Z2-7]{32})</pre>", (await found.get(FACTORS)).text)
        app = pyotp.TOTP(secret)
        assert (await found.post(f"{FACTORS}/code", code="000000")).status == 400
        page = await found.post(f"{FACTORS}/code", code=app.at(int(time.time()) - 30))
        [codes] = re.findall(r'<pre id="codes">([^<]+)</pre>', page.text)
        assert codes.split("\n")[0] not in (await found.get(FACTORS)).text, "shown once"
    return email, app, codes.split("\n")


async def second(api: Api, http: aiohttp.ClientSession, code: str) -> tuple[int, str, str]:
    async with http.get(f"{api.url}/console/second?next=/console/bots") as got:
        text = await got.text()
    [csrf, *_] = re.findall(r'name="csrf" value="(\w+)"', text)
    async with http.post(
        f"{api.url}/console/second", data={"csrf": csrf, "next": "/console/bots", "code": code}, headers=HERE,
        allow_redirects=False,
    ) as got:
        return got.status, got.headers.get("Location", ""), await got.text()


async def test_the_password_alone_lets_nobody_in_who_has_a_second_factor(api: Api) -> None:
    email, app, codes = await enrolled(api)
    async with stranger() as http:
        status, where, _ = await log_in(api, http, email, PASSWORD)
        assert (status, where) == (303, "/console/second?next=%2Fconsole%2Fbots")
        async with http.get(f"{api.url}/console/bots", allow_redirects=False) as got:
            assert got.status == 303 and "/console/login" in got.headers["Location"]
        assert (await second(api, http, "123456"))[0] == 401
        code = app.now()
        assert (await second(api, http, code))[:2] == (303, "/console/bots")
        async with http.get(f"{api.url}/console/bots", allow_redirects=False) as got:
            assert got.status == 200
    async with stranger() as http:
        await log_in(api, http, email, PASSWORD)
        assert (await second(api, http, code))[0] == 401, "a code is good once"
        assert (await second(api, http, codes[0].upper().replace("-", "")))[0] == 303
    async with stranger() as http:
        await log_in(api, http, email, PASSWORD)
        assert (await second(api, http, codes[0]))[0] == 401, "a recovery code is good once"
    ways = [r["detail"]["with"] for r in await audited(api, "self.signed_in")]
    assert ways[-2:] == ["password, totp", "password, recovery code"]


async def test_codes_cannot_be_tried_out(api: Api) -> None:
    email, app, _ = await enrolled(api)
    async with stranger() as http:
        await log_in(api, http, email, PASSWORD)
        found = [(await second(api, http, f"{n:06}"))[0] for n in range(USER + 1)]
        assert found == [401] * (USER + 1)
        await later(api, USER)
        assert (await second(api, http, app.now()))[0] == 429


async def test_the_second_step_belongs_to_the_browser_and_ends(api: Api) -> None:
    email, app, _ = await enrolled(api)
    async with stranger() as http, stranger() as other:
        await log_in(api, http, email, PASSWORD)
        async with other.get(f"{api.url}/console/second") as got:
            assert got.status == 401 and "sign in again" in await got.text()
        await api.hub.db.run("update operator_pending set expires_at = now()")
        async with http.get(f"{api.url}/console/second") as got:
            assert got.status == 401


async def test_a_link_of_a_colleague_does_not_pass_by_the_second_factor(api: Api) -> None:
    email, _, _ = await enrolled(api)
    await api.hub.db.run("update operators set role = 'agent' where email = $1", email)
    id = await api.hub.db.value("select id from operators where email = $1", email)
    owner = await signed_in(api)
    page = await owner.post(f"/console/team/{id}/link")
    [link] = re.findall(r"/console/link/([\w-]+)", page.text)
    async with stranger() as http:
        async with http.get(f"{api.url}/console/link/{link}") as got:
            [csrf] = re.findall(r'name="csrf" value="(\w+)"', await got.text())
        async with http.post(
            f"{api.url}/console/link/{link}", data={"csrf": csrf}, headers=HERE, allow_redirects=False
        ) as got:
            assert got.headers["Location"].startswith("/console/second")
    # Their phone is lost: a higher role lets them in with the password alone.
    assert (await owner.post(f"/console/team/{id}/factors")).status == 303
    async with stranger() as http:
        assert (await log_in(api, http, email, PASSWORD))[:2] == (303, "/console/bots")
    await owner.http.close()


async def test_who_needs_a_second_factor_does_nothing_before_it_is_set_up(api: Api) -> None:
    owner, agent = await signed_in(api), await signed_in(api, "agent")
    form = {"name": "Aurora", "handoffMinutes": "30", "timeZone": "UTC"}
    admin = await signed_in(api, "admin")
    got = await admin.post("/console/settings", **form, flag="requireSecondFactor")
    assert got.status == 403, "only an owner decides that"
    assert (await owner.post("/console/settings", **form, flag="requireSecondFactor")).status == 303
    for one in (owner, agent, admin):
        got = await one.get("/console/inbox")
        assert got.status == 303 and got.headers["Location"] == FACTORS
        assert (await one.get(FACTORS)).status == 200
        done = await one.post("/console/settings/me", _from=FACTORS, name="X", email=one.who.email)
        assert done.status == 303 and done.headers["Location"] == FACTORS or done.status == 403
        await one.http.close()


async def test_secrets_of_second_factors_are_sealed(api: Api) -> None:
    _, app, codes = await enrolled(api)
    rows = await api.hub.db.fetch(
        "select to_jsonb(t)::text as t from operator_totp t union all"
        " select to_jsonb(c)::text from operator_recovery_codes c union all select to_jsonb(a)::text from audit a"
    )
    assert rows and not any(x in r["t"] for r in rows for x in (app.secret, *codes))


async def test_cookies_of_signing_in_are_out_of_reach_of_scripts(api: Api) -> None:
    email = await with_password(api)
    async with stranger() as http:
        await log_in(api, http, email, PASSWORD)
        found = {c.key: c for c in http.cookie_jar}
    assert {"hub_console", "hub_console_device"} <= set(found)
    assert all(c["httponly"] and c["samesite"] in ("Lax", "Strict") for c in found.values())


async def test_passwords_are_checked_beside_the_loop() -> None:
    """Five checks at once leave the loop free in between."""
    passwords, beats = Passwords(), 0
    checks = asyncio.gather(*(passwords.fits("wrong", None) for _ in range(5)))
    while not checks.done():
        await asyncio.sleep(0)
        beats += 1
    assert beats > 5 and not any(await checks)
