"""An open hub, an account, and a far end of the internet that remembers what it was asked."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub import ids
from hub.accounts.accounts import create_account
from hub.config import Settings
from hub.domain import Gateway
from hub.runtime import Hub, open_hub
from hub.tools.base import Context, Result, Tool

Json = dict[str, Any]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
METADATA = "http://169.254.169.254/latest/meta-data/"


@dataclass
class Asked:
    method: str
    path: str
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Far:
    """A server elsewhere: answers by path, with what a test put there."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: dict[str, web.Response | Answer] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(Asked(request.method, request.path_qs, request.headers, await request.read()))
        found = self.answers.get(request.path)
        if found is None:
            return web.Response(status=404, text="nothing here")
        if isinstance(found, web.Response):
            return web.Response(status=found.status, body=found.body, headers=found.headers)
        return await found(request)

    def says(self, path: str, content: Any, status: int = 200, mime: str = "text/plain", **headers: str) -> str:
        """Put an answer at a path; return its address."""
        body = content if isinstance(content, bytes) else (
            content.encode() if isinstance(content, str) else orjson.dumps(content)
        )
        self.answers[path] = web.Response(status=status, body=body, headers={"Content-Type": mime, **headers})
        return self.url + path

    def redirects(self, path: str, to: str, status: int = 302) -> str:
        self.answers[path] = web.Response(status=status, headers={"Location": to})
        return self.url + path


@dataclass
class Place:
    """A hub and an account of it; `context` makes turns."""

    hub: Hub
    account: UUID

    def context(self, parameters: Json | None = None, seconds: float = 20.0, **more: Any) -> Context:
        gateway = Gateway(ids.uuid7(), self.account, "Shop", "shop:abcd", parameters or {})
        return Context(
            hub=self.hub, account_id=self.account, gateway=gateway, deadline=time.monotonic() + seconds, **more
        )


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    found = Far()
    app = web.Application(client_max_size=20_000_000)
    app.router.add_route("*", "/{path:.*}", found.handle)
    async with TestServer(app) as server:
        found.url = str(server.make_url("")).rstrip("/")
        yield found


@pytest.fixture
async def hub(settings: Settings) -> AsyncIterator[Hub]:
    async with open_hub(settings) as hub:
        yield hub


@pytest.fixture
async def place(hub: Hub) -> Place:
    return Place(hub, (await create_account(hub.db, "Aurora")).id)


def named(tools: list[Tool]) -> dict[str, Tool]:
    return {t.name: t for t in tools}


async def use(tool: Tool, context: Context, **arguments: Any) -> Result:
    return await tool.run(context, arguments)
