"""A hub that serves in a thread of its own: what holds up its loop is told from what holds up the test."""

import asyncio
import gc
import queue
import socket
import sys
import threading
import time
import traceback
from asyncio.events import Handle
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar
from uuid import UUID

import aiohttp
import orjson
from aiohttp import web

from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.api.app import build_app
from hub.api.http.app_keys import BUDGET
from hub.chat.clients import sessions
from hub.chat.clients.sessions import Wanted
from hub.config import Settings
from hub.processes.connections import serve
from hub.processes.embedded import Server
from hub.runtime import Hub
from tests.conftest import cloned, small
from tests.flows.net import net
from tests.flows.world import SECRET, World, world

T = TypeVar("T")
Json = dict[str, Any]
LIMIT = 0.05


@dataclass
class Doors:
    """A running hub with a business on every network, and what may be shown at its doors."""

    url: str
    w: World
    app: web.Application
    loop: asyncio.AbstractEventLoop
    thread: int
    key: str = ""
    guest: str = ""
    collection: UUID | None = None
    http: list[aiohttp.ClientSession] = field(default_factory=list)

    @property
    def hub(self) -> Hub:
        return self.w.hub

    @property
    def held(self) -> int:
        return self.app[BUDGET].held

    def hook(self, channel: str, client: Any = None, secret: str = SECRET) -> str:
        return f"/api/v1/webhooks/{channel}/{client or self.w.client}/{secret}"

    async def there(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the hub's own loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))

    async def value(self, sql: str, *args: Any) -> Any:
        return await self.there(self.hub.db.value(sql, *args))

    async def send(self, path: str, body: Any = b"", method: str = "POST", **headers: str) -> tuple[int, bytes]:
        """The status, and the answer; 0 where the hub hangs up before all of it is sent."""
        named = {n.replace("_", "-"): v for n, v in headers.items()}
        sockets: list[socket.socket] = []

        def opened(address: Any) -> socket.socket:
            sockets.append(socket.socket(family=address[0], type=address[1], proto=address[2]))
            return sockets[-1]

        try:
            connector = aiohttp.TCPConnector(socket_factory=opened)
            async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as http:
                async with http.request(
                    method, self.url + path, data=body, headers=named, allow_redirects=False
                ) as got:
                    return got.status, await got.read()
        except aiohttp.ClientError:
            return 0, b""
        finally:
            # What was not sent when the hub hung up would keep its connection open beyond the test's loop.
            for one in sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            await asyncio.sleep(0.01)

    async def until(self, condition: Callable[[], Coroutine[Any, Any, Any]], seconds: float = 60.0) -> None:
        async with asyncio.timeout(seconds):
            while not await condition():
                await asyncio.sleep(0.05)


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Doors]:
    async with net() as provider, world(settings, provider, work=False) as w:
        app = build_app(w.hub, w.intake)
        async with serve(
            app, "127.0.0.1", 0, settings.header_seconds, settings.idle_seconds, 1.0
        ) as server:
            port = server.sockets[0].getsockname()[1]
            doors = Doors(f"http://127.0.0.1:{port}", w, app, asyncio.get_running_loop(), threading.get_ident())
            doors.key = await grant(w.hub.db, w.account, "test", None)
            doors.collection = await w.hub.db.value(
                "insert into collections (id, account_id, name) values (gen_random_uuid(), $1, 'c') returning id",
                w.account,
            )
            wanted = Wanted(tag=None, extra_context=None, context_location=None, metadata=None, seconds=86400.0)
            doors.guest = (await sessions.open(w.hub, w.account, w.client, wanted)).access_key
            await create_account(w.hub.db, "Boreal")
            yield doors


@contextmanager
def served(servers: tuple[Server, Server], sealing_key: str, home: Path, changed: Json) -> Iterator[Doors]:
    """Serve in a thread, over a database of its own, until the block ends."""
    ready: queue.Queue[Doors | BaseException] = queue.Queue()
    ended = threading.Event()

    async def run() -> None:
        async with (
            cloned(servers[0]) as dsn, _open(small(dsn, servers[1].url, sealing_key, home).changed(**changed)) as doors
        ):
            ready.put(doors)
            while not ended.is_set():
                await asyncio.sleep(0.05)

    def work() -> None:
        try:
            asyncio.run(run())
        except BaseException as e:
            ready.put(e)
            raise

    thread = threading.Thread(target=work)
    thread.start()
    try:
        doors = ready.get(timeout=60)
        if isinstance(doors, BaseException):
            raise doors
        yield doors
    finally:
        ended.set()
        thread.join()


class Watched(Protocol):
    """A loop, and the thread it runs in."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def thread(self) -> int: ...


@contextmanager
def watching(doors: Watched) -> Iterator[list[str]]:
    """Callbacks of the hub's loop that take longer than they may, by the processor's time of its thread: whatever else
    the machine does, does not count."""
    slow: list[str] = []
    seen: list[str] = []
    original, ended = Handle._run, threading.Event()

    def run(self: Handle) -> None:
        if getattr(self, "_loop", None) is not doors.loop:
            original(self)
            return
        seen.clear()
        begun = time.thread_time()
        original(self)
        spent = time.thread_time() - begun
        if spent > LIMIT:
            slow.append(f"{spent * 1000:.0f} ms\n{''.join(seen[-1:])}")

    def look() -> None:
        while not ended.wait(0.02):
            seen.append("".join(traceback.format_stack(sys._current_frames()[doors.thread])[-5:]))

    looking = threading.Thread(target=look)
    # As a hub of its own does (hub.processes.lifetime.run): what is there already is not looked through again. It stays
    # so: thousands of collected tests, thawed, would cost each full search for garbage some seconds.
    gc.collect()
    gc.freeze()
    Handle._run = run  # type: ignore[method-assign]  # an instrument, of the standard library's loop
    looking.start()
    try:
        yield slow
    finally:
        ended.set()
        looking.join()
        Handle._run = original  # type: ignore[method-assign]  # as above


def multipart(*parts: tuple[str, str | None, bytes], boundary: str = "b") -> tuple[bytes, str]:
    """A body of (name, filename, content), and its type."""
    lines = []
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename else ""
        lines.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content)
    return b"\r\n".join([*lines, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


def said(body: bytes) -> Json:
    found: Json = orjson.loads(body)
    return found
