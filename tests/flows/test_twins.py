"""Whole conversations over the twins: API, webhooks, worker and the person's phone, on each network."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
import orjson
import pytest
from aiohttp import web

from channels.cloud import WhatsAppCloud
from channels.twins.app import build
from channels.twins.options import Options
from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.api.app import build_app
from hub.chat.inbound.intake import Intake
from hub.chat.inbound.webhooks import REMEMBER
from hub.config import Settings
from hub.jobs.runner import Runner
from hub.processes.embedded import free_port
from hub.processes.worker import background
from hub.runtime import Hub, open_hub
from hub.task_groups import end
from tests.fakes.model import FakeModel, says, serve

Json = dict[str, Any]
NETWORKS = {
    "telegram": ("Telegram", "telegramIntegration", {"botToken": "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}),
    "zapi": ("Zapi", "zapiIntegration", {"instanceId": "I1", "instanceToken": "T1"}),
    "evolution": ("EvolutionApi", "evolutionIntegration", {"instanceName": "hub", "apiKey": "ev-key"}),
    "kapso": ("Kapso", "kapsoIntegration", {"apiKey": "k-key", "phoneNumberId": "100", "webhookSecretKey": "hook-secret"}),
    "cloud": ("WhatsAppCloud", "whatsAppCloudIntegration", {"accessToken": "c-token", "appSecret": "app-secret", "phoneNumberId": "100"}),
    "webhook": ("Webhook", "webhookIntegration", {"secret": "webhook-secret-0001"}),
}
PEOPLE = {"telegram": "700000001", "zapi": "5511999990000", "evolution": "5511999990000", "kapso": "5511999990000", "cloud": "5511999990000", "webhook": "900000001"}
VOICE = "T2dnUwACAAAAAAAAAABTY3JpcHQ="  # an Ogg page's first bytes


@dataclass
class Town:
    """One business on one network; `phone` reads what the person sees."""

    network: str
    hub: Hub
    model: FakeModel
    api: str
    twins: str
    key: str
    http: aiohttp.ClientSession
    client: str = ""

    async def ask(self, method: str, url: str, sent: Any = None) -> Any:
        async with self.http.request(method, url, json=sent, headers={"Authorization": f"Bearer {self.key}"}) as got:
            raw = await got.read()
            assert got.status == 200, (url, got.status, raw)
            return orjson.loads(raw)

    async def control(self, path: str, sent: Json) -> Any:
        return await self.ask("POST", f"{self.twins}/control/{self.network}/{path}", sent)

    async def say(self, text: str = "", **more: Any) -> str:
        act = {"person": PEOPLE[self.network], "text": text} | more
        return str((await self.control("message", act))["messages"][0]["id"])

    async def phone(self) -> list[Json]:
        """What the business has said, as the person sees it."""
        found = await self.ask("GET", f"{self.twins}/control/{self.network}/chats/{PEOPLE[self.network]}")
        return [m for m in found["messages"] if m["side"] == "business" and not m["deleted"]]

    async def texts(self) -> list[str]:
        return [m["text"] for m in await self.phone()]

    async def patient(self, seconds: int) -> None:
        """How long the hub waits for more to be said."""
        sent = {"clientParameters": {"messageDebounceInterval": seconds}}
        await self.ask("PUT", f"{self.api}/api/v1/web-chat-client/{self.client}", sent)

    async def until(self, wanted: list[str], seconds: float = 60.0) -> None:
        """Wait until exactly these answers are on the phone, and stay a moment to see that no more come."""
        end = time.monotonic() + seconds
        while (seen := await self.texts()) != wanted:
            assert time.monotonic() < end, (seen, wanted, await self.trouble())
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        assert await self.texts() == wanted

    async def trouble(self) -> Any:
        rows = await self.hub.db.fetch("select state, code, error, body->>'text' as text from outbox order by id")
        return [dict(r) for r in rows]

    async def integrate(self) -> None:
        kind, field, given = NETWORKS[self.network]
        if self.network == "evolution":
            given = given | {"endpointUrl": f"{self.twins}/evolution"}
        if self.network == "webhook":
            given = given | {"url": f"{self.twins}/webhook/shop"}
        sent = {"integrationType": kind, "integrations": {field: given}}
        await self.ask("PUT", f"{self.api}/api/v1/web-chat-client/{self.client}/integrations", sent)


async def listening(stack: AsyncExitStack, app: web.Application, port: int) -> str:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return f"http://127.0.0.1:{port}"


@pytest.fixture(params=list(NETWORKS))
async def town(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        twins = await listening(stack, build(Options(speed=0.05)), free_port())
        model = await stack.enter_async_context(serve())
        model.default = says("At your service.")
        port = free_port()
        changed = settings.changed(
            public_url=f"http://127.0.0.1:{port}", telegram_api_url=f"{twins}/telegram", zapi_api_url=f"{twins}/zapi", kapso_api_url=f"{twins}/kapso",
            meta_api_url=f"{twins}/cloud/v24.0",
        )
        hub = await stack.enter_async_context(open_hub(changed))
        intake = Intake(hub.db, hub.queue)
        stack.push_async_callback(intake.close)
        api = await listening(stack, build_app(hub, intake), port)
        runner = Runner(hub)
        stack.push_async_callback(stop, runner, [asyncio.create_task(t) for t in background(hub, runner)])
        account = await create_account(hub.db, "Aurora")
        http = await stack.enter_async_context(aiohttp.ClientSession())
        one = Town(request.param, hub, model, api, twins, await grant(hub.db, account.id, "test", None), http)
        await furnish(one, account.id)
        await one.integrate()
        yield one


async def stop(runner: Runner, tasks: "list[asyncio.Task[Any]]") -> None:
    await runner.drain(1)
    await end(tasks)


async def furnish(one: Town, account: UUID) -> None:
    parameters = {"baseAddress": f"{one.model.url}/v1", "modelName": "fake-1", "apiKey": "k"}
    made = await one.ask("POST", f"{one.api}/api/v1/ai-gateways", {"name": "Shop", "parameters": parameters})
    sent = {
        "name": "Shop", "aiGatewayId": made["aiGatewayId"], "limitingParameters": {"messagesPerHour": 0, "maxMessages": 0},
        "clientParameters": {"messageDebounceInterval": 0, "inputModes": ["Image", "Audio"]},
    }
    one.client = (await one.ask("POST", f"{one.api}/api/v1/web-chat-client", sent))["id"]


def users(one: Town) -> str:
    """What the model was last told by the person."""
    return "\n".join(str(m["content"]) for m in one.model.calls[-1].body["messages"] if m["role"] == "user")


async def test_a_conversation(town: Town) -> None:
    """Asked once and three times at once, delivered ten times, and unregistered at the end."""
    await town.patient(5)  # what comes at once comes within that, on a busy machine too
    await asyncio.sleep(REMEMBER)  # from when on every process acts by it
    await town.say("Good morning")
    await town.until(["At your service."])
    await town.say(messages=[{"text": "One"}, {"text": "Two"}, {"text": "Three"}])
    await town.until(["At your service."] * 2)
    await town.patient(0)
    assert len(town.model.calls) == 2 and all(word in users(town) for word in ("One", "Two", "Three"))
    await town.say("Again and again", duplicate=9, concurrent=True)
    await town.until(["At your service."] * 3)
    assert len(town.model.calls) == 3
    name = NETWORKS[town.network][0]
    await town.ask("DELETE", f"{town.api}/api/v1/web-chat-client/{town.client}/integrations/{name}")
    state = await town.ask("GET", f"{town.twins}/control/state")
    [network] = [n for n in state["networks"] if n["name"] == town.network]
    assert all(not a["webhook"] for a in network["accounts"]), network["accounts"]


async def test_a_lost_answer(town: Town) -> None:
    """The network has sent it, but its answer is lost: the person has it once, and it is settled."""
    await town.say("First")
    await town.until(["At your service."])
    # Telegram's answer is the edit of its placeholder.
    ending = {"telegram": "editMessageText", "zapi": "send-text", "evolution": "sendText", "kapso": "messages", "cloud": "messages", "webhook": "shop"}[town.network]
    await town.control("faults", {"match": ending, "drop": "after"})
    town.model.default = says("Only once.")
    await town.say("Second")
    await town.until(["At your service.", "Only once."])
    end = time.monotonic() + 60
    while any(r["state"] in ("queued", "sending") for r in await town.trouble()):
        assert time.monotonic() < end, await town.trouble()
        await asyncio.sleep(0.1)
    assert await town.texts() == ["At your service.", "Only once."]


async def test_what_is_not_text(town: Town) -> None:
    """Pictures and voices reach the model or are named; edits, reactions and groups are not answered."""
    await town.say("Look", kind="image")
    await town.until(["At your service."])
    assert "image" in users(town).lower()
    await town.say(kind="voice", file={"base64": VOICE, "mime": "audio/ogg", "seconds": 2})
    await town.until(["At your service."] * 2)
    assert any(word in users(town).lower() for word in ("audio", "voice"))
    first = await town.say("Hello")
    await town.until(["At your service."] * 3)
    await town.say(kind="reaction", emoji="👍", message_id=first)
    if town.network in ("telegram", "evolution"):
        await town.say("Hello!", kind="edit", message_id=first)
    await town.until(["At your service."] * 3)
    assert len(town.model.calls) == 3


@pytest.mark.parametrize("town", ["cloud"], indirect=True)
async def test_a_newcomer_runs_the_twin_of_meta_by_its_integration_s_name(town: Town) -> None:
    """`hub twin WhatsAppCloud` and a hub that is told its address: connected with what the phone's page names, and talking."""
    port = free_port()
    command = [sys.executable, "-m", "hub", "twin", "WhatsAppCloud", "--port", str(port)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert b"/phone" in await asyncio.wait_for(process.stdout.readline(), 30)
        town.twins = f"http://127.0.0.1:{port}"
        state = await town.ask("GET", f"{town.twins}/control/state")
        assert [n["name"] for n in state["networks"]] == ["cloud"]
        async with town.http.get(f"{town.twins}/phone") as page:
            assert page.status == 200
        town.hub.channels["cloud"] = WhatsAppCloud(town.http, nothing, f"{town.twins}/cloud/v24.0")
        await town.integrate()
        await town.say("Good morning")
        await town.until(["At your service."], 20)
        state = await town.ask("GET", f"{town.twins}/control/state")
        assert [a["webhook"] for n in state["networks"] for a in n["accounts"]][0].startswith(town.api)
    finally:
        process.terminate()
        await process.wait()


async def nothing(url: str, headers: Any, limit: int) -> Any:
    raise AssertionError("no file is fetched")
