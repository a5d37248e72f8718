"""A whole hub with its worker, local twins of the networks, a model that does what it is told; nothing set up."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
import orjson
from aiohttp import web

from channels.twins.app import build
from channels.twins.options import Options
from hub.api.app import build_app
from hub.chat.inbound.intake import Intake
from hub.config import Settings
from hub.jobs.runner import Runner
from hub.processes.embedded import free_port
from hub.processes.worker import background
from hub.runtime import open_hub
from hub.task_groups import end
from tests.api.conftest import Api, keys_of
from tests.console.conftest import Desk, signed_in
from tests.fakes.model import FakeModel, says, serve

Json = dict[str, Any]
PERSON = {"telegram": "700000001", "zapi": "5511999990000", "evolution": "5511999990000"}
TOKEN = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@dataclass
class Business:
    """desk: the owner's browser. twins: address of the networks."""

    api: Api
    desk: Desk
    model: FakeModel
    twins: str

    async def control(self, network: str, path: str, sent: Json) -> Any:
        async with self.api.http.post(f"{self.twins}/control/{network}/{path}", json=sent) as got:
            assert got.status == 200, await got.text()
            return orjson.loads(await got.read())

    async def say(self, network: str, text: str) -> None:
        await self.control(network, "message", {"person": PERSON[network], "text": text})

    async def phone(self, network: str) -> list[str]:
        """What the business has said, as the person sees it."""
        async with self.api.http.get(f"{self.twins}/control/{network}/chats/{PERSON[network]}") as got:
            found = orjson.loads(await got.read())
        return [m["text"] for m in found["messages"] if m["side"] == "business" and not m["deleted"]]

    async def hears(self, network: str, text: str) -> None:
        await until(lambda: self._heard(network, text))

    async def _heard(self, network: str, text: str) -> bool:
        return any(text in t for t in await self.phone(network))

    async def bot(self, name: str = "Shop assistant") -> UUID:
        made = await self.desk.post(
            "/console/bots",
            name=name,
            answers="model",
            baseAddress=f"{self.model.url}/v1",
            modelName="fake-1",
            apiKey="k-1",
        )
        return UUID(made.headers["Location"].rsplit("/", 1)[1])

    async def place(self, bot: UUID, name: str = "Aurora") -> UUID:
        made = await self.desk.post("/console/channels", name=name, gateway=str(bot))
        return UUID(made.headers["Location"].rsplit("/", 1)[1])


async def until(holds: Callable[[], Awaitable[Any]], seconds: float = 15.0) -> Any:
    """Wait until it holds; what it says then."""
    last = time.monotonic() + seconds
    while not (found := await holds()):
        assert time.monotonic() < last, "it never came to that"
        await asyncio.sleep(0.05)
    return found


async def _listening(stack: AsyncExitStack, app: web.Application, port: int) -> str:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return f"http://127.0.0.1:{port}"


@asynccontextmanager
async def opening(settings: Settings) -> AsyncIterator[Business]:
    async with AsyncExitStack() as stack:
        twins = await _listening(stack, build(Options(speed=0.05)), free_port())
        model = await stack.enter_async_context(serve())
        model.default = says("At your service.")
        port = free_port()
        hub = await stack.enter_async_context(
            open_hub(
                settings.changed(
                    public_url=f"http://127.0.0.1:{port}",
                    telegram_api_url=f"{twins}/telegram",
                    zapi_api_url=f"{twins}/zapi",
                    kapso_api_url=f"{twins}/kapso",
                )
            )
        )
        intake = Intake(hub.db, hub.queue)
        stack.push_async_callback(intake.close)
        url = await _listening(stack, build_app(hub, intake), port)
        runner = Runner(hub)
        stack.push_async_callback(_stop, runner, [asyncio.create_task(t) for t in background(hub, runner)])
        http = await stack.enter_async_context(aiohttp.ClientSession())
        api = Api(hub, url, *await keys_of(hub), http)
        desk = await signed_in(api)
        stack.push_async_callback(desk.http.close)
        yield Business(api, desk, model, twins)


async def _stop(runner: Runner, tasks: "list[asyncio.Task[Any]]") -> None:
    await runner.drain(1)
    await end(tasks)
