"""A network that does as it is told, and the adapter before it."""

from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from channels.base import Channel, ChannelError, Download, Hook, Link
from channels.contract.sample import Sample
from channels.plug import Tools


@dataclass
class Bench:
    """plan: what the next calls get, (status, body, headers) or None for a connection that is cut."""

    sample: Sample
    channel: Channel
    link: Link
    seen: list[bytes] = field(default_factory=list)
    plan: deque[tuple[int, Any, Mapping[str, str]] | None] = field(default_factory=deque)

    def said(self, text: str, id: str = "1001") -> Hook:
        """A webhook call in which somebody says it."""
        return self.sample.hook(self.link, text, id)

    def always(self, status: int, body: Any = None, **headers: str) -> None:
        """What every call gets from now on, for a while."""
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        self.plan.extend([(status, body, named)] * 20)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any call of the adapter's."""
        self.seen.append(await request.read())
        told = self.plan.popleft() if self.plan else (*self.sample.answers, {})
        if told is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, body, headers = told
        raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
        return web.Response(status=status, body=raw, headers={"Content-Type": "application/json", **headers})


async def _nothing(url: str, headers: Mapping[str, str], limit: int) -> Download:
    raise ChannelError("There is nothing at the address.", permanent=True, code="media_gone")


@asynccontextmanager
async def bench(sample: Sample) -> AsyncIterator[Bench]:
    """The adapter and its network; both end with the context."""
    app = web.Application(client_max_size=64 << 20)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        address = f"http://127.0.0.1:{server.port}"
        channel = sample.make(Tools(http, lambda _: http, _nothing), address)
        one = Bench(sample, channel, sample.link(address))
        app.router.freeze = lambda: None  # type: ignore[method-assign]  # the route is known only now
        _route(server, one)
        try:
            yield one
        finally:
            await channel.close()


def _route(server: TestServer, one: Bench) -> None:
    server.handler = one.handle  # type: ignore[attr-defined]
