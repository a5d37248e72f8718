"""What was answered last is said again, to a restored copy: through the networks' twins, webhooks, a turn, a send."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
from aiohttp import web

from channels.twins.app import build
from channels.twins.options import Options
from hub.api.app import build_app
from hub.chat.clients import integrations
from hub.chat.inbound.intake import Intake
from hub.config import Settings
from hub.domain import Integration, Json
from hub.jobs.runner import Runner
from hub.processes.embedded import free_port
from hub.processes.init import EXTRACTIVE
from hub.runtime import Hub, open_hub
from hub.store import replays
from hub.store.replays import Asked

SECONDS, LOOK = 60.0, 0.1
HERE = "127.0.0.1"
# Networks that have a twin to say it again, no others are replayed: what names an account there, and the first part of
# people nobody is.
NAMED = {
    "telegram": "botToken", "zapi": "instanceId", "evolution": "instanceName", "kapso": "phoneNumberId",
    "cloud": "phoneNumberId",
}
NOBODY = {"telegram": "7000", "zapi": "1202555", "evolution": "1202555", "kapso": "1202555", "cloud": "1202555"}


@dataclass
class Replayed:
    """How many were asked, and what went otherwise than before."""

    asked: int = 0
    differences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Stage:
    """What is open; accounts: names at their networks of integrations that are registered at the twins."""

    hub: Hub
    http: aiohttp.ClientSession
    runner: Runner
    accounts: dict[str, str] = field(default_factory=dict)


async def replay(settings: Settings, count: int) -> Replayed:
    """Ask again, and compare: each text arrives once as it was, is answered, and the answer is on the phone."""
    done = Replayed()
    port, twins = free_port(), free_port()
    closed = _closed(settings, port, twins)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_listening(build(Options(speed=0.01)), twins))
        hub = await stack.enter_async_context(open_hub(closed, closed=True))
        await replays.quiet(hub.db, EXTRACTIVE, f"http://{HERE}:{twins}/evolution")
        intake = Intake(hub.db, hub.queue)
        stack.push_async_callback(intake.close)
        await stack.enter_async_context(_listening(build_app(hub, intake), port))
        http = await stack.enter_async_context(aiohttp.ClientSession(f"http://{HERE}:{twins}"))
        runner = Runner(hub)
        stack.push_async_callback(runner.drain, 5.0)
        stage = _Stage(hub, http, runner)
        for number, one in enumerate(await replays.recent(hub.db, count, list(NAMED))):
            done.asked += 1
            wrong = await _again(stage, one, number)
            if wrong:
                done.differences.append(f"{one.channel}, message {number + 1}: {wrong}")
    return done


def _closed(settings: Settings, port: int, twins: int) -> Settings:
    """Nothing is reached but the twins."""
    base = f"http://{HERE}:{twins}"
    return settings.changed(
        host=HERE, port=port, public_url=f"http://{HERE}:{port}", outbound_allow=f"{HERE}/32", backup_at="",
        telegram_api_url=f"{base}/telegram", zapi_api_url=f"{base}/zapi", kapso_api_url=f"{base}/kapso",
        meta_api_url=f"{base}/cloud/v24.0",
        search_url="", x_search_url="", research_url="", image_url="", speech_url="", helper_model="", shell=False,
    )


@asynccontextmanager
async def _listening(app: web.Application, port: int) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HERE, port).start()
        yield
    finally:
        await runner.cleanup()


async def _again(stage: _Stage, one: Asked, number: int) -> str | None:
    """Say it as somebody new; what is otherwise than it was."""
    key = str(one.integration)
    if key not in stage.accounts:
        known = await integrations.of_client(stage.hub, one.account, one.client)
        [found] = [i for i in known if i.channel == one.channel]
        if refused := await integrations.register(stage.hub, found):
            return refused
        stage.accounts[key] = _account(found)
    person, began = f"{NOBODY[one.channel]}{number:04}", datetime.now(UTC)
    said = {"account": stage.accounts[key], "person": person, "text": one.text}
    async with stage.http.post(f"/control/{one.channel}/message", json=said) as answer:
        if answer.status != 200:
            return f"the twin did not take it ({answer.status})"
    return await _answered(stage, one, person, began)


def _account(found: Integration) -> str:
    values = {**found.settings, **found.secrets}
    return str(values.get(NAMED[found.channel]) or "").partition(":")[0]


async def _answered(stage: _Stage, one: Asked, person: str, began: datetime) -> str | None:
    end, seen = time.monotonic() + SECONDS, None
    while time.monotonic() < end:
        seen = await replays.found(stage.hub.db, one.integration, person, began)
        if seen is not None:
            wrong = _otherwise(one, seen)
            if wrong or await _on_the_phone(stage.http, one.channel, person):
                return wrong
            (stage.runner.turn if seen["state"] == "waiting" else stage.runner.send)(seen["session_id"])
        await asyncio.sleep(LOOK)
    return "no webhook arrived" if seen is None else "no answer reached the phone"


def _otherwise(one: Asked, seen: Json) -> str | None:
    if seen["text"] != one.text:
        return "it arrived otherwise than it was written"
    if seen["state"] not in ("waiting", "answered"):
        return f"it is {seen['state']}, and was answered before"
    return None


async def _on_the_phone(http: aiohttp.ClientSession, channel: str, person: str) -> bool:
    async with http.get(f"/control/{channel}/chats/{person}") as answer:
        found = await answer.json() if answer.status == 200 else {}
    return any(m["side"] == "business" and m["text"].strip(" .\u2026") for m in found.get("messages", ()))
