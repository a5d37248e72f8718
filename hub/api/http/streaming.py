"""Waiting for an answer while the client may go away, and streaming it as it is said.

Pieces are written by whoever says them: one task a request, none an event, which is what keeps a
stream of hundreds of events cheap.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from aiohttp import web

from hub.api.http.chunks import PING
from hub.api.http.sse import LOOK_SECONDS, PING_SECONDS, gone

T = TypeVar("T")
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}


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
        response = self.response or await self._begin()
        self._last = time.monotonic()
        await response.write(data)

    async def keep(self) -> None:
        """Write a comment when it was quiet for too long."""
        if self._ping is not None and time.monotonic() - self._last >= self._ping:
            await self.send(PING)

    async def _begin(self) -> web.StreamResponse:
        async with self._lock:
            if self.response is None:
                response = web.StreamResponse(status=self._status, headers={**HEADERS, **self._headers()})
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
    task = asyncio.create_task(work)
    try:
        while True:
            await asyncio.wait({task}, timeout=every)
            if task.done():
                return task.result()
            if gone(request):
                raise ConnectionResetError("The client went away.")
            if keep is not None:
                await keep()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
