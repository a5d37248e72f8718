"""What the proofs of durability share: a business whose model and provider are local, and time travel."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from hub.config import Settings
from tests.fakes.model import Act, FakeModel, says, serve
from tests.flows.ledger import Ledger, ledger
from tests.flows.processes import Child, Dies, family, start
from tests.flows.world import World, world

Json = dict[str, Any]
EXPIRED = """
    update sessions set lease_until = now() - interval '1 second', due_at = now() where lease_until is not null
"""
LOST = "update outbox set wire_deadline = now() - interval '1 second' where state = 'sending'"
NOTHING_LEFT = """
    select (select count(*) from sessions where due_at is not null or lease_until is not null)
    + (select count(*) from outbox
       where state in ('queued', 'sending') or (state = 'unknown' and closed_at is null))
    + (select count(*) from arrivals) = 0
"""
MARK = re.compile(r"#[a-z]\d+-\d+")


def marks(text: str) -> list[str]:
    return MARK.findall(text)


def echo(delay: float = 0.0) -> Act:
    """Says back the marks of the last question, so that each answer tells what it answers."""

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        asked: list[str] = []
        for message in body["messages"]:
            if message["role"] == "assistant":
                asked = []
            elif message["role"] == "user":
                asked += marks(orjson.dumps(message["content"]).decode())
        return await says("You ", "said ", " ".join(asked) or "nothing", delay=delay / 3)(request, body)

    return act


@dataclass
class Rig:
    """A world without a worker of its own; `children` are its real processes."""

    w: World
    net: Ledger
    model: FakeModel
    settings: Settings
    children: list[Child]

    @property
    def db(self) -> Any:
        return self.w.hub.db

    def start(self, role: str = "worker", **changes: Any) -> Child:
        child = start(role, self.w.hub.settings, **changes)
        self.children.append(child)
        return child

    async def dies_at(self, point: str, role: str = "worker", **changes: Any) -> None:
        """A process that ends itself at a named point."""
        flag = self.settings.home / f"{point}-{len(self.children)}"
        child = self.start(role, reached=Dies(point, flag), **changes)
        assert await child.ended() == 9, f"it did not die at {point}"

    async def hurry(self) -> None:
        """Let leases and deadlines of the dead run out now instead of later."""
        await self.db.run(EXPIRED)
        await self.db.run(LOST)

    async def count(self, what: str) -> Any:
        return await self.db.value(what)

    async def one_answer(self) -> None:
        """Every message was answered by one turn and nothing is left to do."""
        assert await self.count("select count(*) from inbox where state <> 'answered'") == 0
        assert (
            await self.count("select count(*) from sessions where due_at is not null or lease_until is not null") == 0
        )
        assert await self.count("select count(*) from turns") == 1


@asynccontextmanager
async def rig(settings: Settings, *, work: bool = False, net: Ledger | None = None, **more: Any) -> AsyncIterator[Rig]:
    """`work`: with a worker in this process."""
    async with AsyncExitStack() as stack:
        provider: Ledger = net if net is not None else await stack.enter_async_context(ledger())
        model = await stack.enter_async_context(serve())
        model.default = echo()
        w = await stack.enter_async_context(world(settings, provider, work=work, **more))
        await w.hub.db.run(
            "update gateways set parameters = $1", {"baseAddress": f"{model.url}/v1", "modelName": "fake-1"}
        )
        await w.hub.db.run('update clients set limits = \'{"messagesPerHour": 0, "maxMessages": 0}\'')
        children = stack.enter_context(family())
        yield Rig(w, provider, model, w.hub.settings, children)
