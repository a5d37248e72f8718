"""Connections of the web process: who says nothing, or half of something, is not waited for."""

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from hub.api.quick_completions import Quick
from hub.api.quick_webhooks import Front
from hub.processes.refusals import Refuses, refusing
from hub.processes.short_calls import LATER, SECONDS, ShortCalls

log = logging.getLogger(__name__)
# How long what is left of a body is read after its request was answered.
LINGERING = 2.0
HEAD = 2000  # bytes of the headers of a message that are remembered
_HEAD = re.compile(rb"[A-Z]{3,10} [!-~]{1,4000} HTTP/1\.1\r\n(?:[!#-'*+.^_`|~0-9A-Za-z-]+:[\t -~]*\r\n)+\r\n")
_LENGTH = re.compile(rb"(?<=\r\n)content-length:[ \t]*([0-9]{1,12})[ \t]*(?=\r\n)", re.IGNORECASE)
_ODD = re.compile(
    rb"\r\n(?:transfer-encoding|upgrade)[ \t]*:|\r\ncontent-length:(?![ \t]*[0-9]{1,12}[ \t]*\r\n)", re.IGNORECASE
)


class Connection(web.RequestHandler):
    """One connection. aiohttp itself closes it when it is idle between two requests, and the readers of bodies give up
    those that do not come; here, headers that do not come whole in time.

    Calls of networks are met before that: some are answered without being read (`refuses`, `short`), as long as it is
    certain that a message begins where their bytes do."""

    __slots__ = (
        "_alike", "_behind", "_ends", "_ended", "_headers_by", "_kept", "_left", "_patience", "_refuses", "_short",
    )

    def __init__(self, manager: web.Server, patience: float, refuses: Refuses, short: ShortCalls, **more: Any) -> None:
        super().__init__(manager, **more)
        self._patience = patience
        self._refuses = refuses
        self._short = short
        self._headers_by: asyncio.TimerHandle | None = None
        self._left: int | None = 0  # bytes of the last message that are still to come; None: nobody knows
        self._alike = b"", 0  # the head of the last plain message, and the bytes of its body
        self._kept: bytes | None = None  # a call that is being kept
        self._behind = b""
        self._ended: asyncio.Future[None] | None = None
        self._ends = False  # once that call is answered

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        if self._kept is not None:
            self._hold(data)
            return
        # Who does not read answers is given no more of them unread: aiohttp waits for that.
        if data and self._left == 0 and self._waits() and self.transport is not None and not self._paused:
            answer = self._short.meets(data, self._told)
            if answer is LATER:
                self._kept = data
                self._forget()
                self._next_keepalive_close_time = self._loop.time() + SECONDS + self._keepalive_timeout
                return
            if answer is None:
                answer = self._refuses(data)
            if answer is not None:
                self.transport.write(answer)
                self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
                self._forget()
                self._await_headers()
                return
        self._read(data)

    def _read(self, data: bytes) -> None:
        if data:  # aiohttp gives itself nothing to go on with what it has
            self._left = self._left_of(data)
        before = self._request_count
        super().data_received(data)
        if self._request_count > before:
            self._forget()
        elif self._waits() and self._headers_by is None:
            self._await_headers()

    def _left_of(self, data: bytes) -> int | None:
        """As below; most messages of a connection have the head of the one before."""
        end = data.find(b"\r\n\r\n", 0, HEAD) + 4 if self._left == 0 else 0
        head = data[:end] if end > 3 else b""
        if head and head == self._alike[0]:
            more = end + self._alike[1] - len(data)
            return more if more >= 0 else None
        left = left_of(self._left, data)
        if head and left is not None:
            self._alike = head, left + len(data) - end
        return left

    def _hold(self, data: bytes) -> None:
        """What comes behind a call that is being kept waits until that is answered."""
        self._behind += data
        if self.transport is not None:
            self.transport.pause_reading()

    def _told(self, answer: bytes | None) -> None:
        """What became of the call that was to be kept."""
        data, self._kept = self._kept, None
        if self.transport is not None and data is not None:
            if answer is None:
                self._read(data)
            else:
                self.transport.write(answer)
        behind, self._behind = self._behind, b""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
        if self._ends:
            super().close()
            return
        if behind and self.transport is not None:
            self.transport.resume_reading()
            self.data_received(behind)

    def close(self) -> None:
        """None is begun any more; a call that is being kept is not given up."""
        self._ends = True
        if self._kept is None:
            super().close()

    async def shutdown(self, timeout: float | None = 15.0) -> None:
        """A call that is being kept is answered, too; none is begun behind it."""
        if self._kept is not None:
            self._ends, self._ended = True, self._loop.create_future()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._ended
        await super().shutdown(timeout)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What is no HTTP is told so, in a line, here and there."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        log.info("no valid HTTP from %s: %s", request.remote, type(exc).__name__)
        headers = {"Server": "hub", "X-Content-Type-Options": "nosniff"}
        response = web.Response(status=400, text="The request is not valid HTTP.\n", headers=headers)
        response.force_close()
        return response

    def _waits(self) -> bool:
        """Whether the next request has not come yet."""
        return self._waiter is not None and not self._waiter.done()

    def _await_headers(self) -> None:
        self._headers_by = asyncio.get_running_loop().call_later(self._patience, self._give_up)

    def _give_up(self) -> None:
        self._headers_by = None
        if self._waits():
            self.force_close()

    def _forget(self) -> None:
        if self._headers_by is not None:
            self._headers_by.cancel()
            self._headers_by = None


def left_of(left: int | None, data: bytes) -> int | None:
    """How much of the last message is still to come once these bytes are read, where so much was to come before them;
    None from where nobody can tell without reading all of it. What is not plain for certain counts as that."""
    if left:
        return left - len(data) if len(data) <= left else None
    head = _HEAD.match(data) if left == 0 else None
    lengths = [] if head is None else _LENGTH.findall(head[0])
    if head is None or len(lengths) > 1 or _ODD.search(head[0]):
        return None
    more = head.end() + (int(lengths[0]) if lengths else 0) - len(data)
    return more if more >= 0 else None


@asynccontextmanager
async def serve(
    app: web.Application, host: str, port: int, headers: float, idle: float, last: float
) -> AsyncIterator[asyncio.Server]:
    """Serve an application; several processes may share the port. headers, idle: seconds as above. last: seconds in
    which, at the end, what is being answered may be finished."""
    loop, shared = asyncio.get_running_loop(), hasattr(socket, "SO_REUSEPORT")
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=last, handler_cancellation=False)
    await runner.setup()
    assert runner.server is not None
    runner.server.request_handler = Quick(app, Front(app, runner.server.request_handler))
    refuses, short = refusing(app), ShortCalls(app)

    def connection() -> Connection:
        assert runner.server is not None
        more = {"access_log": None, "keepalive_timeout": idle, "lingering_time": LINGERING}
        return Connection(runner.server, headers, refuses, short, loop=loop, **more)

    try:
        server = await loop.create_server(connection, host, port, backlog=1024, reuse_port=shared)
        try:
            yield server
        finally:
            server.close()
    finally:
        await runner.cleanup()
