"""A running API with one account, over a model server that does what a test tells it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.accounts import gateways
from hub.accounts.accounts import create_account
from hub.accounts.keys import Keyring, grant
from hub.accounts.model_lookup import Directory
from hub.accounts.parameters import GatewayParameters
from hub.api.http import app_keys, middleware
from hub.api.openai import ROUTES
from hub.api.quick_completions import Quick
from hub.config import Settings
from hub.domain import Json
from hub.processes.embedded import Server
from hub.runtime import Hub, open_hub
from tests.conftest import cloned, small
from tests.fakes.model import FakeModel, serve
from tests.later import later

if TYPE_CHECKING:
    import openai
else:
    openai = later("openai")

ASK = [{"role": "user", "content": "Hi"}]


@dataclass
class Door:
    """A running API with one account: its keys and the means to call it."""

    hub: Hub
    url: str
    account: UUID
    key: str
    public: str
    http: aiohttp.ClientSession
    model: FakeModel

    async def gateway(self, name: str = "Shop bot", **parameters: Any) -> str:
        address = f"{self.model.url}/v1"
        given = {"baseAddress": address, "modelName": "fake-1", "apiKey": "sk-upstream-key", **parameters}
        checked, hub = GatewayParameters.model_validate(given), self.hub
        return str(await gateways.add(hub.db, hub.sealer, hub.outbound.guard, self.account, name, checked))

    def post(
        self, path: str = "/v1/chat/completions", key: str | None = None, headers: Json | None = None, **body: Any
    ) -> Any:
        sent = {"Authorization": f"Bearer {key or self.key}", **(headers or {})}
        return self.http.post(self.url + path, json={"messages": ASK, **body}, headers=sent)

    async def asked(self, model: str | None = None, **body: Any) -> Json:
        """The answer of a request to a new gateway (`parameters` are its), or to `model`."""
        parameters = body.pop("parameters", {})
        async with self.post(model=model or await self.gateway(**parameters), **body) as r:
            found: Json = await r.json(content_type=None)
        assert r.status == 200, found
        return found

    @property
    def sent(self) -> Json:
        """The body of the model's last request."""
        return self.model.calls[-1].body

    def client(self) -> "openai.AsyncOpenAI":
        return openai.AsyncOpenAI(base_url=self.url + "/v1", api_key=self.key, max_retries=0)

    async def billed(self) -> list[Json]:
        await self.hub.meter.settled()
        rows = await self.hub.db.fetch("select * from usage where account_id = $1 order by id", self.account)
        return [dict(r) for r in rows]


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Door]:
    async with open_hub(settings) as hub, serve() as model, aiohttp.ClientSession() as http:
        app = web.Application(middlewares=[middleware.guard])
        app[app_keys.HUB], app[app_keys.KEYRING], app[app_keys.DIRECTORY] = hub, Keyring(hub.db), Directory(hub)
        for route in ROUTES:
            app.router.add_route(route.method, route.path, route.handler)
        app.on_response_prepare.append(middleware.headers)
        async with TestServer(app) as server:
            assert server.runner is not None and server.runner.server is not None
            server.runner.server.request_handler = Quick(app, server.runner.server.request_handler)
            yield Door(hub, str(server.make_url("")).rstrip("/"), **await account_of(hub), http=http, model=model)


async def account_of(hub: Hub) -> dict[str, Any]:
    """A new account and its keys, as a door has them."""
    account = await create_account(hub.db, "Aurora")
    private = await grant(hub.db, account.id, "test", None)
    return {"account": account.id, "key": private, "public": await grant(hub.db, account.id, "web", None, "public")}


@asynccontextmanager
async def shared(servers: tuple[Server, Server], key: str, home: Path, **changed: Any) -> AsyncIterator[Door]:
    """The same for all tests of a module."""
    async with cloned(servers[0]) as dsn, opened(small(dsn, servers[1].url, key, home).changed(**changed)) as one:
        yield one


@pytest.fixture(scope="module")
async def place(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Door]:
    """One API for a file of tests."""
    async with shared(servers, sealing_key, tmp_path_factory.mktemp("hub")) as one:
        yield one


@pytest.fixture
async def door(place: Door) -> AsyncIterator[Door]:
    """The file's API as a new account sees it, over a model server that nobody has met."""
    async with serve() as model:
        yield replace(place, **await account_of(place.hub), model=model)


async def events(response: aiohttp.ClientResponse) -> list[Any]:
    """Data of an event stream; comments are left out."""
    text = (await response.read()).decode()
    data = [line[6:] for line in text.split("\n") if line.startswith("data: ")]
    return [d if d == "[DONE]" else orjson.loads(d) for d in data]
