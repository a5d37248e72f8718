"""A hub with one business on every network, its intake and its worker, in this process."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from hub import ids
from hub.chat.inbound.intake import Intake
from hub.chat.inbound.webhooks import Knock, Receiver, Verdict
from hub.config import Settings
from hub.jobs.runner import Runner
from hub.processes.worker import background
from hub.runtime import Hub, open_hub
from hub.sealing import digest
from hub.task_groups import end
from tests.flows.net import Net

Json = dict[str, Any]
SECRET = "s" * 48
PROVIDER: dict[str, Json] = {
    "telegram": {"botToken": "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    "zapi": {"instanceId": "I1", "instanceToken": "T1"},
    "evolution": {"endpointUrl": "", "instanceName": "hub", "apiKey": "ev-key"},
    "kapso": {"apiKey": "k-key", "phoneNumberId": "100", "webhookSecretKey": "hook-secret"},
}
MODES = {"telegram": "placeholder_edit"}


@dataclass
class World:
    hub: Hub
    net: Net
    intake: Intake
    receiver: Receiver
    account: UUID
    gateway: UUID
    client: UUID
    runner: Runner
    tasks: list["asyncio.Task[Any]"] = field(default_factory=list)

    async def knock(self, channel: str, body: Json | bytes, **headers: str) -> Verdict:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        given = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        if channel == "telegram":
            given.setdefault("x-telegram-bot-api-secret-token", SECRET)
        return await self.receiver.receive(Knock(channel, self.client, SECRET, given, raw))

    async def until(self, condition: Any, seconds: float = 60.0) -> None:
        """Wait for a condition (a plain or async callable); whoever has waited for some time is asked less often."""
        end, pause = time.monotonic() + seconds, 0.02
        while True:
            found = condition()
            if hasattr(found, "__await__"):
                found = await found
            if found:
                return
            assert time.monotonic() < end, f"not reached; calls: {[(c.path, c.body) for c in self.net.calls]}"
            await asyncio.sleep(pause)
            pause = min(pause * 1.2, 0.08)

    async def settle(self) -> None:
        """Wait until nothing is left to do."""

        async def idle() -> bool:
            return not await self.hub.db.value(
                "select (select count(*) from sessions where due_at is not null)"
                " + (select count(*) from outbox where state in ('queued', 'sending'))"
                " + (select count(*) from arrivals)"
            )

        await self.until(idle)

    async def parameters(self, **changes: Any) -> None:
        await self.hub.db.run("update clients set parameters = parameters || $2 where id = $1", self.client, changes)


async def make(hub: Hub, net: Net, mode: dict[str, str] | None = None) -> World:
    account, gateway, client = ids.uuid7(), ids.uuid7(), ids.uuid7()
    await hub.db.run("insert into accounts (id, name, salt) values ($1, 'a', 's')", account)
    await hub.db.run(
        "insert into gateways (id, account_id, name, slug, parameters) values ($1, $2, 'g', 'g:1', $3)",
        gateway,
        account,
        {"baseAddress": "@integrated", "modelName": "@hub/extractive"},
    )
    await hub.db.run(
        "insert into clients (id, account_id, name, gateway_id) values ($1, $2, 'c', $3)", client, account, gateway
    )
    for channel, given in PROVIDER.items():
        id = ids.uuid7()
        secrets = {**given, "webhookSecret": SECRET}
        if channel == "evolution":
            secrets["endpointUrl"] = net.url
        await hub.db.run(
            "insert into integrations (id, account_id, client_id, channel, secrets, secret_hash, mode, state)"
            " values ($1, $2, $3, $4, $5, $6, $7, 'registered')",
            id,
            account,
            client,
            channel,
            hub.sealer.seal_map("integrations.secrets", id, secrets),
            digest(SECRET),
            (mode or {}).get(channel, MODES.get(channel, "reconcile")),
        )
    intake = Intake(hub.db, hub.queue)
    return World(hub, net, intake, Receiver(hub, intake), account, gateway, client, Runner(hub))


@asynccontextmanager
async def world(settings: Settings, net: Net, *, work: bool = True, **more: Any) -> AsyncIterator[World]:
    """A world whose worker runs (unless `work` is false)."""
    urls = {"telegram_api_url": net.url, "zapi_api_url": net.url, "kapso_api_url": net.url}
    async with open_hub(settings.changed(**urls)) as hub:
        made = await make(hub, net, **more)
        if work:
            made.tasks = [asyncio.create_task(t) for t in background(hub, made.runner)]
        try:
            yield made
        finally:
            await made.runner.drain(1)
            await end(made.tasks)
            await made.intake.close()
