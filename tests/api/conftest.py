"""The whole application over a real database, called over HTTP by two accounts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.api.app import build_app
from hub.chat.inbound.intake import Intake
from hub.config import Settings
from hub.processes.embedded import Server
from hub.runtime import Hub, open_hub
from tests.api import test_collections
from tests.api.door import door, place  # noqa: F401 - fixtures
from tests.conftest import cloned, small
from tests.flows.net import as_form

Json = dict[str, Any]
GATEWAY: Json = {"name": "Shop bot", "parameters": {"baseAddress": "@integrated", "modelName": "extractive"}}


@dataclass
class Answer:
    status: int
    body: Any
    headers: Any

    @property
    def said(self) -> str:
        return str(self.body.get("message") or self.body.get("error"))

    def events(self) -> list[Any]:
        """Data of an event stream; comments are left out."""
        data = [line[6:] for line in str(self.body).split("\n") if line.startswith("data: ")]
        return [d if d == "[DONE]" else orjson.loads(d) for d in data]


@dataclass
class Api:
    """The hub as `account` sees it; `foreign` is another account's key."""

    hub: Hub
    url: str
    account: UUID
    key: str
    public: str
    foreign: str
    http: aiohttp.ClientSession

    async def call(self, method: str, path: str, sent: Any = None, key: str | None = None, **more: Any) -> Answer:
        """`key` "" sends none; `data` sends raw bytes."""
        key = self.key if key is None else key
        headers = {**({"Authorization": f"Bearer {key}"} if key else {}), **more.pop("headers", {})}
        more |= {"json": sent} if sent is not None else {}
        async with self.http.request(method, self.url + path, headers=headers, allow_redirects=False, **more) as got:
            raw = await got.read()
            body = orjson.loads(raw) if raw and got.content_type.endswith("json") else raw.decode(errors="replace")
            return Answer(got.status, body, got.headers)

    async def ok(self, method: str, path: str, sent: Any = None, **more: Any) -> Any:
        got = await self.call(method, path, sent, **more)
        assert got.status == 200, got.body
        return got.body

    async def gateway(self, **parameters: Any) -> str:
        sent = {**GATEWAY, "parameters": {**GATEWAY["parameters"], **parameters}}
        return str((await self.ok("POST", "/api/v1/ai-gateways", sent))["aiGatewayId"])

    async def client(self, **sent: Any) -> str:
        return str((await self.ok("POST", "/api/v1/web-chat-client", {"name": "Shop", **sent}))["id"])


@dataclass
class Provider:
    """A network's API that remembers what it was asked and refuses when told to."""

    url: str = ""
    calls: list[tuple[str, Json]] = field(default_factory=list)
    refusal: str | None = None

    async def handle(self, request: web.Request) -> web.Response:
        method = request.path.rsplit("/", 1)[-1]
        sent = dict(await request.post()) if request.content_type != "application/json" else await request.json()
        sent = as_form(sent) if "/bot" in request.path else sent
        self.calls.append((method, sent))
        if self.refusal and method not in ("getMe", "getWebhookInfo"):
            return web.json_response({"ok": False, "error_code": 400, "description": self.refusal}, status=400)
        results: Json = {
            "getMe": {"id": 7, "is_bot": True, "first_name": "Bot", "username": "shop_bot"},
            "getWebhookInfo": {"url": "", "has_custom_certificate": False, "pending_update_count": 0},
        }
        return web.json_response({"ok": True, "result": results.get(method, True)})

    def asked(self, method: str) -> list[Json]:
        return [sent for name, sent in self.calls if name == method]


@asynccontextmanager
async def providing() -> AsyncIterator[Provider]:
    found = Provider()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    async with TestServer(app) as server:
        found.url = str(server.make_url("")).rstrip("/")
        yield found


@asynccontextmanager
async def serving(settings: Settings, provider: Provider) -> AsyncIterator[tuple[Hub, str]]:
    """The whole application and its address."""
    settings = settings.changed(telegram_api_url=provider.url, zapi_api_url=provider.url, kapso_api_url=provider.url)
    async with open_hub(settings) as hub:
        intake = Intake(hub.db, hub.queue)
        try:
            async with TestServer(build_app(hub, intake)) as server:
                yield hub, str(server.make_url("")).rstrip("/")
        finally:
            await intake.close()


async def keys_of(hub: Hub) -> tuple[UUID, str, str, str]:
    """A new account, its private and its public key, and a key of another account."""
    mine, theirs = await create_account(hub.db, "Aurora"), await create_account(hub.db, "Boreal")
    key, public = [await grant(hub.db, mine.id, "test", None, kind) for kind in ("private", "public")]
    return mine.id, key, public, await grant(hub.db, theirs.id, "test", None)


House = tuple[Hub, str, Provider]


@asynccontextmanager
async def housed(servers: tuple[Server, Server], key: str, home: Path, **changed: Any) -> AsyncIterator[House]:
    """The whole application for a file of tests."""
    async with cloned(servers[0]) as dsn, providing() as found:
        async with serving(small(dsn, servers[1].url, key, home).changed(**changed), found) as (hub, url):
            yield hub, url, found


@pytest.fixture(scope="module")
async def house(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    async with housed(servers, sealing_key, tmp_path_factory.mktemp("hub")) as one:
        yield one


@pytest.fixture
def provider(house: House) -> Provider:
    """The file's, which was asked nothing yet."""
    found = house[2]
    found.calls, found.refusal = [], None
    return found


@pytest.fixture
async def api(house: House, provider: Provider) -> AsyncIterator[Api]:
    """The file's application as a new account sees it."""
    hub, url, _ = house
    async with aiohttp.ClientSession() as http:
        yield Api(hub, url, *await keys_of(hub), http)


@pytest.fixture(scope="module")
async def library(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[test_collections.Door]:
    """The API of collections for a file of tests."""
    async with test_collections.shelves(servers, sealing_key, tmp_path_factory.mktemp("hub")) as one:
        yield one
