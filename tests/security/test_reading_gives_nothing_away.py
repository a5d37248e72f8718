"""Who may only look sees no secret on any address, and looking changes nothing."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from hub.accounts.keys import grant
from hub.api.http.operation import Route, operation_of
from tests.api.conftest import Api, keys_of
from tests.console.conftest import Desk, signed_in
from tests.contract.conftest import Place, place  # noqa: F401 - a fixture
from tests.security.house import GETS, House, built, capable, pages

SETTINGS = {"public_url": "http://127.0.0.1:9"}  # the browser of a test takes no secure cookie
pytestmark = pytest.mark.asyncio(loop_scope="module")
ROLES = ("viewer", "member")
# What a GET may leave behind: that a key or a browser was used.
NOTED = {"api_keys": "used_at", "operator_sessions": "seen_at", "operator_presence": "*", "requests": "*", "usage": "*"}
# As documented it makes what it gives, once: a voice.
MAKING = {"/api/v1/public/chat-clients/{key}/messages/{message_id}/audio"}

# What takes people's words along is written down, and nothing else is.
TAKEN_ALONG, AUDITED = re.compile(r"/(?:export|transcript|conversations/file)\b"), {"audit", "audit_heads"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(place: Place) -> AsyncIterator[House]:  # noqa: F811
    place.provider.refusal = None
    yield await built(Api(place.hub, place.url, *await keys_of(place.hub), place.http))


@asynccontextmanager
async def at_desk(house: House, role: str) -> AsyncIterator[Desk]:
    desk = await signed_in(house.api, role)
    try:
        yield desk
    finally:
        await desk.http.close()


async def _read(got: aiohttp.ClientResponse) -> str:
    """Headers and body; of a stream what is said at once."""
    body = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(1 if got.content_type == "text/event-stream" else None):
            body = await (got.content.read(1000) if got.content_type == "text/event-stream" else got.read())
    return f"{dict(got.headers)}\n{body.decode(errors='replace')}"


async def _asked(house: House, route: Route, key: str) -> tuple[int, str]:
    path = house.path(route.path)
    token = house.known.token if operation_of(route).auth == "user" else key
    headers = {"Authorization": f"Bearer {token}", "X-Shell-User-Id": "ana"}
    async with house.api.http.get(house.api.url + path, headers=headers, allow_redirects=False) as got:
        return got.status, await _read(got)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", [r for r in GETS if not capable(r)], ids=lambda r: r.path)
async def test_no_endpoint_shows_a_secret_below_admin(house: House, route: Route, role: str) -> None:
    key = await grant(house.api.hub.db, house.api.account, role, None, role=role)
    status, text = await _asked(house, route, key)
    assert status in (200, 400, 404, 403), text[:500]
    assert [what for what, secret in house.secrets.items() if secret in text] == []


async def test_owners_see_what_they_have_to_copy(house: House) -> None:
    """The search above would find nothing in empty pages either."""
    seen = ""
    for route in GETS:
        if not capable(route):
            seen += (await _asked(house, route, house.api.key))[1]
    shown = {what for what, secret in house.secrets.items() if secret in seen}
    copied = {"the salt", "an embed key", "a session's key", "the path's secret of telegram", "query of a source"}
    assert copied <= shown
    assert {w for w in house.secrets if w.startswith(("key of", "header", "token of", "the header"))} & shown == set()


async def test_no_page_of_the_console_shows_a_secret_to_a_viewer(house: House) -> None:
    found: list[Any] = []
    seen = 0
    async with at_desk(house, "viewer") as desk:
        for template in pages(house.api):
            if "{token}" in template or "{key}" in template or not template.startswith("/"):
                continue
            async with desk.http.get(house.api.url + house.path(template), allow_redirects=False) as got:
                assert got.status < 500, template
                text = await _read(got)
                seen += got.status == 200
            found += [(template, what) for what, secret in house.secrets.items() if secret in text]
    assert found == []
    assert seen > 25


async def _everything(house: House) -> dict[str, str]:
    """What every table holds, without what says that somebody was here."""
    db = house.api.hub.db
    names = [r["name"] for r in await db.fetch(
        "select relname::text as name from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p') order by 1"
    )]
    total = "coalesce(md5(string_agg(md5({0}), '' order by md5({0}))), '')"
    parts = [
        f"select '{n}' as name, {total.format(_line(n))} as sum from {n} t" for n in names if NOTED.get(n) != "*"
    ]
    return {r["name"]: r["sum"] for r in await db.fetch(" union all ".join(parts))}


def _line(table: str) -> str:
    return f"(to_jsonb(t) - '{NOTED[table]}')::text" if table in NOTED else "to_jsonb(t)::text"


async def _changed(house: House, before: dict[str, str], what: str) -> list[tuple[str, str]]:
    """Which tables hold something else now; `before` becomes what they hold."""
    after = await _everything(house)
    allowed = AUDITED if TAKEN_ALONG.search(what) else set()
    found = [(what, n) for n in after if after[n] != before.get(n) and n not in allowed]
    before |= after
    return found


async def test_reading_changes_nothing(house: House) -> None:
    before, changed = await _everything(house), list[tuple[str, str]]()
    for route in GETS:
        if route.path not in MAKING:
            await _asked(house, route, house.api.key)
            changed += await _changed(house, before, route.path)
    assert changed == []


async def test_pages_change_nothing(house: House) -> None:
    async with at_desk(house, "owner") as desk:
        before, changed = await _everything(house), list[tuple[str, str]]()
        for template in pages(house.api):
            if template in MAKING or not template.startswith("/"):
                continue
            async with desk.http.get(house.api.url + house.path(template), allow_redirects=False) as got:
                assert got.status < 500, template
                await _read(got)
            changed += await _changed(house, before, template)
    assert changed == []


async def test_a_visitor_who_only_looks_does_not_keep_the_conversation_alive(house: House) -> None:
    client, key = house.known.known["web-chat-client"], house.secrets["a session's key"]
    before = await _everything(house)
    cookie = {"Cookie": f"hub-{client.replace('-', '')}={key}"}
    async with house.api.http.get(f"{house.api.url}/c/{client}", headers=cookie) as got:
        assert got.status == 200
    assert await _changed(house, before, "/c/{id}") == []


async def test_a_viewer_is_not_told_the_public_address_of_a_file(house: House) -> None:
    viewer = await grant(house.api.hub.db, house.api.account, "v", None, role="viewer")
    path, user = "/api/v1/shell/io/file/public-address?path=/canary.txt", {"X-Shell-User-Id": "ana"}
    assert (await house.api.call("GET", path, key=viewer, headers=user)).status == 403
    first = (await house.api.ok("GET", path, headers=user))["data"]["publicUrl"]
    again = (await house.api.ok("GET", path, headers=user))["data"]["publicUrl"]
    assert first.rsplit("/", 1)[0] == again.rsplit("/", 1)[0]


async def test_a_viewer_cannot_feel_for_a_session_key(house: House) -> None:
    viewer = await grant(house.api.hub.db, house.api.account, "v", None, role="viewer")
    client, key = house.known.known["web-chat-client"], house.secrets["a session's key"]
    path = f"/api/v1/web-chat-client/{client}/sessions?filter={key[4:24]}"
    assert len(await house.api.ok("GET", path)) == 1
    assert await house.api.ok("GET", path, key=viewer) == []
