"""Waiting for an answer while the client may go away, and streaming it as it is said.

Pieces are written by whoever says them: one task a request, none an event, which is what keeps a
stream of hundreds of events cheap.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from aiohttp import web

from hub.api.http.app_keys import KEPT
from hub.api.http.completion_chunks import PING
from hub.api.http.sse import LOOK_SECONDS, PING_SECONDS, gone

T = TypeVar("T")
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}


class _Stream(web.StreamResponse):
    """Its headers go out with its first event, as it begins with one."""

    _send_headers_immediately = False


class Out:
    """An event stream that begins with its first event, so that an early error is an error answer."""

    def __init__(
        self, request: web.Request, ping: float = PING_SECONDS, headers: Callable[[], dict[str, str]] = dict,
        *, status: int = 200,
    ) -> None:
        """`headers`: further ones, asked for when the stream begins."""
        self._status = status
        self._request = request
        self._headers = headers
        self._ping = ping if "no-ping" not in request.headers.get("Sse-Stream-Options", "").lower() else None
        self._lock = asyncio.Lock()
        self._last = time.monotonic()
        self.response: web.StreamResponse | None = None

    async def send(self, data: bytes) -> None:
        """Write events; nothing is written for nothing. Raise ConnectionError when nobody reads."""
        if not data:
            return
        if data != PING and KEPT in self._request:
            self._request[KEPT].append(data)
        response = self.response or await self._begin()
        self._last = time.monotonic()
        await response.write(data)

    async def finish(self, data: bytes) -> web.StreamResponse:
        """Write the last events of an answer that is stored. It is the answer too when nobody reads it any more."""
        with contextlib.suppress(ConnectionError):
            if KEPT in self._request:
                await self.send(data)  # it ends when it is kept
            else:
                await (self.response or await self._begin()).write_eof(data)
        return self.response or web.StreamResponse(status=self._status, headers={**HEADERS, **self._headers()})

    async def keep(self) -> None:
        """Write a comment when it was quiet for too long."""
        if self._ping is not None and time.monotonic() - self._last >= self._ping:
            await self.send(PING)

    async def _begin(self) -> web.StreamResponse:
        async with self._lock:
            if self.response is None:
                response = _Stream(status=self._status, headers={**HEADERS, **self._headers()})
                await response.prepare(self._request)
                self.response = response
            return self.response


async def attended(
    request: web.Request,
    work: Coroutine[Any, Any, T],
    keep: Callable[[], Awaitable[None]] | None = None,
    every: float = LOOK_SECONDS,
) -> T:
    """The result of `work`. Raise ConnectionResetError, and cancel the work, when the client goes away."""
    # In this task: one more for every request would cost more than looking now and then.
    look = _Look(request, keep, every)
    try:
        return await work
    except asyncio.CancelledError:
        if not look.left:
            raise
        look.forgive()
        raise ConnectionResetError("The client went away.") from None
    finally:
        look.end()


class _Look:
    """Looks now and then whether the client is still there, and cancels the task that works for it when not."""

    def __init__(
        self, request: web.Request, keep: Callable[[], Awaitable[None]] | None, every: float
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._request, self._keep, self._every, self._task = request, keep, every, task
        self._loop = asyncio.get_running_loop()
        self._keeping: asyncio.Future[None] | None = None
        self._asked = 0
        self._next = self._loop.call_later(every, self._look)

    @property
    def left(self) -> bool:
        return self._asked > 0

    def _look(self) -> None:
        self._next = self._loop.call_later(self._every, self._look)
        if gone(self._request):
            # Again and again: a library may swallow a cancellation.
            self._asked += 1
            self._task.cancel()
        elif self._keep is not None and (self._keeping is None or self._keeping.done()):
            self._keeping = asyncio.ensure_future(self._kept(self._keep))

    @staticmethod
    async def _kept(keep: Callable[[], Awaitable[None]]) -> None:
        with contextlib.suppress(ConnectionError):  # the next look finds that nobody reads any more
            await keep()

    def forgive(self) -> None:
        """The cancellations have done what they were for."""
        for _ in range(self._asked):
            self._task.uncancel()

    def end(self) -> None:
        self._next.cancel()
        if self._keeping is not None:
            self._keeping.cancel()
