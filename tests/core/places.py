"""A local server that remembers who came, and names that lead where a test wants."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer

from hub.guarded_http import Outbound


@dataclass
class Place:
    """`answers` by path; everything else is 200 "reached"."""

    port: int = 0
    came: list[web.BaseRequest] = field(default_factory=list)
    answers: dict[str, Callable[[web.Request], Any]] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.came.append(request)
        make = self.answers.get(request.path)
        answer = make(request) if make else web.Response(text="reached")
        return await answer if asyncio.iscoroutine(answer) else answer

    def redirects(self, path: str, target: str, status: int = 302) -> None:
        self.answers[path] = lambda _: web.Response(status=status, headers={"Location": target})


@asynccontextmanager
async def place(ssl: Any = None, host: str = "127.0.0.1") -> AsyncIterator[Place]:
    one = Place()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", one.handle)
    server = TestServer(app, scheme="https" if ssl else "http", host=host)
    await server.start_server(ssl=ssl)
    one.port = server.port or 0
    try:
        yield one
    finally:
        await server.close()


class Names(AbstractResolver):
    """Answers the given addresses one after the other, for whatever name is asked."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        address = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)
        ]

    async def close(self) -> None:
        pass


def resolve_by(out: Outbound, names: Names) -> None:
    for session in (out.public, out._named):
        connector = session.connector
        assert isinstance(connector, aiohttp.TCPConnector)
        connector._resolver = names
        connector._use_dns_cache = False
