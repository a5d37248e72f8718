"""A worker in the test's process, and an address elsewhere that remembers what it was sent."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.jobs.runner import Runner
from hub.processes.worker import background
from hub.runtime import Hub
from hub.task_groups import end


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Elsewhere:
    """`plan` holds the next answers (status, JSON, seconds), then 200. together: so many calls wait for each
    other before any is answered; peak: the most that were open at once."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    plan: deque[tuple[int, Any, float]] = field(default_factory=deque)
    together: int = 0
    open: int = 0
    peak: int = 0
    met: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        self.calls.append(Call(request.method, request.path_qs, dict(request.headers), await request.read()))
        status, body, delay = self.plan.popleft() if self.plan else (200, {"ok": True}, 0.0)
        self.open += 1
        self.peak = max(self.peak, self.open)
        if self.open >= self.together:
            self.met.set()
        try:
            await self.met.wait()
            await asyncio.sleep(delay)
        finally:
            self.open -= 1
        headers = {"Location": "http://127.0.0.1/"} if 300 <= status < 400 else {}
        return web.json_response(body, status=status, headers=headers)


@asynccontextmanager
async def elsewhere() -> AsyncIterator[Elsewhere]:
    found = Elsewhere()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    async with TestServer(app) as server:
        found.url = str(server.make_url("")).rstrip("/")
        yield found


@asynccontextmanager
async def working(hub: Hub) -> AsyncIterator[None]:
    """All that a worker process does."""
    runner = Runner(hub)
    tasks = [asyncio.create_task(t) for t in background(hub, runner)]
    try:
        yield
    finally:
        await runner.drain(2)
        await end(tasks)
        hub.leases.closing = False


async def until(found: Callable[[], Awaitable[Any]], seconds: float = 60.0) -> Any:
    """What the call gives, once it gives something."""
    limit = time.monotonic() + seconds
    while True:
        value = await found()
        if value:
            return value
        assert time.monotonic() < limit, "it did not come"
        await asyncio.sleep(0.02)
