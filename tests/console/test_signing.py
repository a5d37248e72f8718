"""Who gets in, who stays in, and what keeps others out."""

import re
from datetime import timedelta

import aiohttp
from yarl import URL

from hub.accounts import sign_in
from hub.accounts.passwords import Passwords
from hub.store import operators
from tests.api.conftest import Api
from tests.console.conftest import HERE, Desk, person, signed_in

PASSWORD = "correct horse battery"


async def with_password(api: Api, role: str = "owner") -> str:
    who, _ = await person(api, role)
    hashed = await Passwords().hashed(PASSWORD)
    assert await operators.set_profile(api.hub.db, api.account, who.id, who.email, who.name, hashed)
    return who.email


def stranger() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


async def log_in(
    api: Api, http: aiohttp.ClientSession, email: str, password: str, **headers: str
) -> tuple[int, str, str]:
    """(status, where it leads, page)."""
    async with http.get(f"{api.url}/console/login?next=/console/bots") as got:
        text = await got.text()
    [csrf], [onward] = re.findall(r'name="csrf" value="(\w+)"', text), re.findall(r'name="next" value="([^"]+)"', text)
    sent = {"csrf": csrf, "next": onward, "email": email, "password": password}
    async with http.post(
        f"{api.url}/console/login", data=sent, headers={**HERE, **headers}, allow_redirects=False
    ) as got:
        return got.status, got.headers.get("Location", ""), await got.text()


async def test_a_password_signs_in_and_signing_out_ends_it(api: Api) -> None:
    email = await with_password(api)
    async with stranger() as http:
        assert (await log_in(api, http, email.upper(), PASSWORD))[:2] == (303, "/console/bots")
        async with http.get(f"{api.url}/console/bots", allow_redirects=False) as got:
            assert got.status == 200
            page = await got.text()
        [cookie] = [c for c in http.cookie_jar if c.key == "hub_console"]
        assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/console"
        kept = await api.hub.db.fetch("select hash from operator_sessions")
        assert cookie.value.encode() not in [bytes(r["hash"]) for r in kept], "only its hash is stored"
        [csrf, *_] = re.findall(r'name="csrf" value="(\w+)"', page)
        async with http.post(
            f"{api.url}/console/logout", data={"csrf": csrf}, headers=HERE, allow_redirects=False
        ) as got:
            assert got.status == 303
        http.cookie_jar.update_cookies({"hub_console": cookie.value}, URL(api.url))
        async with http.get(f"{api.url}/console/bots", allow_redirects=False) as got:
            assert (got.status, got.headers["Location"]) == (303, "/console/login?next=%2Fconsole%2Fbots")


async def test_what_is_wrong_is_not_told_apart_and_soon_slowed_down(api: Api) -> None:
    email = await with_password(api)
    async with stranger() as http:
        known = await log_in(api, http, email, "wrong password")
        unknown = await log_in(api, http, "nobody@example.com", "wrong password")
        assert known[0] == unknown[0] == 401
        for got in (known, unknown):
            assert "The e-mail address or the password is not right." in got[2]
        statuses = [(await log_in(api, http, email, f"wrong {n}"))[0] for n in range(10)]
        assert 429 in statuses and 401 in statuses


async def test_a_link_works_once(api: Api) -> None:
    _, token = await person(api)
    async with stranger() as http:
        address = f"{api.url}/console/link/{token}"
        for _ in range(2):  # looking does not use it up
            async with http.get(address) as got:
                page = await got.text()
                assert got.status == 200
        [csrf] = re.findall(r'name="csrf" value="(\w+)"', page)
        async with http.post(address, data={"csrf": csrf}, headers=HERE, allow_redirects=False) as got:
            assert (got.status, got.headers["Location"]) == (303, "/console")
    async with stranger() as http, http.get(address) as got:
        assert got.status == 410 and "used before or has expired" in await got.text()


async def test_sessions_end_by_idleness_and_absolutely(api: Api) -> None:
    for column, age in (("seen_at", sign_in.IDLE), ("expires_at", 0.0)):
        desk = await signed_in(api)
        assert (await desk.get("/console")).status == 200
        await api.hub.db.run(
            f"update operator_sessions set {column} = now() - $2::interval where operator_id = $1",
            desk.who.id,
            timedelta(seconds=age + 1),
        )
        assert (await desk.get("/console")).status == 303
        await desk.http.close()


async def test_next_leads_nowhere_else(api: Api) -> None:
    async with stranger() as http:
        for wanted in ("https://evil.example/", "//evil.example", "/console\\..\\x", "/api/v1", "/consolex"):
            async with http.get(f"{api.url}/console/login", params={"next": wanted}) as got:
                assert 'name="next" value="/console"' in await got.text(), wanted


async def test_forms_of_other_sites_and_old_pages_are_refused(desk: Desk, api: Api) -> None:
    async def sent(fields: dict[str, str], **headers: str) -> int:
        async with desk.http.post(
            f"{api.url}/console/knowledge", data=fields, headers=headers, allow_redirects=False
        ) as got:
            return got.status

    csrf = (await desk.get("/console/settings")).csrf
    good = {"csrf": csrf, "name": "Prices"}
    assert await sent(good, **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert await sent(good, **{"Sec-Fetch-Site": "same-site"}) == 403
    assert await sent(good, Origin="https://evil.example") == 403
    assert await sent({"name": "Prices"}, **HERE) == 403
    other = await signed_in(api)
    theirs = (await other.get("/console/settings")).csrf
    await other.http.close()
    assert await sent({**good, "csrf": theirs}, **HERE) == 403
    assert await sent({**good, "csrf": "zz"}, **HERE) == 403
    assert await api.hub.db.value("select count(*) from collections") == 0
    assert await sent(good, **HERE) == 303
    assert await sent(good, Origin=api.url) == 303


async def test_every_page_forbids_frames_and_inline_scripts(desk: Desk) -> None:
    for path in ("/console", "/console/inbox", "/console/login", "/console/bots/nothing"):
        got = await desk.get(path)
        if got.status == 303:
            continue
        policy = dict(p.split(" ", 1) for p in got.headers["Content-Security-Policy"].split("; "))
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'" and got.headers["X-Frame-Options"] == "DENY"
        assert got.headers["Cache-Control"] == "no-store"
        assert re.findall(r"<script(?![^>]+src=)|<style|\son\w+=|\sstyle=|javascript:", got.text) == []
