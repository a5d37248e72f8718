"""Somebody in front of the console: signed in, reading pages and sending their forms."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from hub import ids
from hub.accounts import sign_in
from hub.accounts.operators import Operator
from hub.processes.embedded import Server
from hub.store import operators
from tests.api.conftest import Api, House, api, housed, provider

__all__ = ["api", "provider"]
SIGNING = ("/console/link/", "/console/login", "/console/logout")
HERE = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Page:
    status: int
    text: str
    headers: Any
    path: str

    @property
    def csrf(self) -> str:
        return str(re.findall(r'name="csrf" value="([0-9a-f]+)"', self.text)[0])

    @property
    def said(self) -> str:
        """What the page says about the last action."""
        found = re.findall(r'<p class="note[^"]*"[^>]*>(.*?)</p>', self.text, re.S)
        return " ".join(found)


@dataclass
class Desk:
    """One browser of one person."""

    api: Api
    http: aiohttp.ClientSession
    who: Operator

    async def get(self, path: str, **headers: str) -> Page:
        async with self.http.get(self.api.url + path, headers=headers, allow_redirects=False) as got:
            return Page(got.status, await got.text(), got.headers, path)

    async def post(
        self, path: str, _from: Any = "/console/settings", _headers: Any = None, **fields: Any
    ) -> Page:
        """Send a form with the mark of a page just read."""
        fields = {"csrf": (await self.get(_from)).csrf, **fields}
        before = await self._noted()
        data: Any = [(k, x) for k, value in fields.items() for x in (value if isinstance(value, list) else [value])]
        async with self.http.post(
            self.api.url + path, data=data, headers={**HERE, **(_headers or {})}, allow_redirects=False
        ) as got:
            page = Page(got.status, await got.text(), got.headers, path)
        if not path.startswith(SIGNING) and page.status < 500:
            await self._told_once(before, page)
        return page

    async def _noted(self) -> int:
        return int(await self.api.hub.db.value("select count(*) from audit where actor_id = $1", self.who.id))

    async def _told_once(self, before: int, page: Page) -> None:
        """Whatever was done left one row of the audit log, what was refused none."""
        looked = page.path.endswith(("/read", "/typing"))  # that somebody looks or writes is no change
        wanted = int(not looked and page.status < 400 and "/console/login" not in page.headers.get("Location", ""))
        for _ in range(40):
            if (found := await self._noted() - before) >= wanted:
                break
            await asyncio.sleep(0.05)  # the last piece of a stream comes before its end
        assert found == wanted, (page.path, page.status, found)

    async def done(self, path: str, **fields: Any) -> Page:
        """Send a form and read the page it leads to."""
        got = await self.post(path, **fields)
        assert got.status == 303, (got.status, got.said or got.text[:500])
        return await self.get(got.headers["Location"])

    async def part(self, path: str, **fields: Any) -> Page:
        """Send a form as htmx does."""
        return await self.post(path, _headers={"HX-Request": "true"}, **fields)


async def person(api: Api, role: str = "owner", account: UUID | None = None) -> tuple[Operator, str]:
    """Somebody new with a password-less browser session: (who, token of a login link)."""
    id, email = ids.uuid7(), f"{role}-{ids.uuid7().hex[-8:]}@example.com"
    account = account or api.account
    assert await operators.add(api.hub.db, account, id, email, role.capitalize(), role)
    return Operator(id, account, email, role.capitalize(), role, "Aurora"), await sign_in.login_link(api.hub.db, id)


async def signed_in(api: Api, role: str = "owner", account: UUID | None = None) -> Desk:
    who, token = await person(api, role, account)
    http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
    desk = Desk(api, http, who)
    got = await desk.post(f"/console/link/{token}", _from=f"/console/link/{token}")
    assert got.status == 303 and got.headers["Location"] == "/console", got.text
    return desk


@pytest.fixture(scope="module")
async def house(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    async with housed(servers, sealing_key, tmp_path_factory.mktemp("hub"), public_url="http://127.0.0.1:9") as one:
        yield one


@pytest.fixture
async def desk(api: Api) -> AsyncIterator[Desk]:
    found = await signed_in(api)
    yield found
    await found.http.close()


@pytest.fixture
async def agent(api: Api) -> AsyncIterator[Desk]:
    found = await signed_in(api, "agent")
    yield found
    await found.http.close()


@pytest.fixture
async def viewer(api: Api) -> AsyncIterator[Desk]:
    found = await signed_in(api, "viewer")
    yield found
    await found.http.close()
