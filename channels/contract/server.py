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
class Network:
    """plan: what the next calls get, (status, body, headers), or None for a connection that is cut."""

    answers: tuple[int, Any]
    seen: list[bytes] = field(default_factory=list)
    plan: deque[tuple[int, Any, Mapping[str, str]] | None] = field(default_factory=deque)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any call of the adapter's."""
        self.seen.append(await request.read())
        told = self.plan.popleft() if self.plan else (*self.answers, {})
        if told is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        status, body, headers = told
        raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
        return web.Response(status=status, body=raw, headers={"Content-Type": "application/json", **headers})

    def always(self, status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> None:
        """What the next calls get."""
        self.plan.extend([(status, body, headers or {})] * 20)

    def cut(self) -> None:
        """The next calls are read, and never answered."""
        self.plan.extend([None] * 20)


@dataclass(frozen=True, slots=True)
class Bench:
    """An adapter, its link and its network."""

    sample: Sample
    channel: Channel
    link: Link
    network: Network
    nowhere: Link  # the same where nobody listens

    def said(self, text: str, id: str = "1001") -> Hook:
        """A webhook call in which somebody says it."""
        return self.sample.hook(self.link, text, id)


async def _nothing(url: str, headers: Mapping[str, str], limit: int) -> Download:
    raise ChannelError("There is nothing at the address.", permanent=True, code="media_gone")


@asynccontextmanager
async def bench(sample: Sample) -> AsyncIterator[Bench]:
    """The adapter and its network; both end with the context."""
    network, app = Network(sample.answers), web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", network.handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        address = f"http://127.0.0.1:{server.port}"
        channel = sample.make(Tools(http, lambda _: http, _nothing), address)
        try:
            yield Bench(sample, channel, sample.link(address), network, sample.link("http://127.0.0.1:9"))
        finally:
            await channel.close()
