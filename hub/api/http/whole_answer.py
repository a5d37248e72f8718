"""A JSON answer in one piece whose caller is kept alive while it is made: spaces, which JSON may begin with.

The status goes out with the first of them, so there is none before the model is known to answer; whatever is refused
is refused by then. Where it goes wrong afterwards all the same the connection is broken off, which nobody takes for an
answer: a status of 200 is never followed by an error. Interim statuses (1xx) would say less and break more: some
clients take the first one for the answer, others for a fault.
"""

import contextlib
import time
from collections.abc import Callable

from aiohttp import HttpVersion11, web

from hub.api.http.app_keys import BROKEN, KEPT

MIME = "application/json"
QUIET_SECONDS = 10.0


class Whole:
    """One answer. ready: whether it is known that there will be one. headers: further ones, asked for when it
    begins."""

    def __init__(
        self, request: web.Request, ready: Callable[[], bool], headers: Callable[[], dict[str, str]] = dict
    ) -> None:
        self._request, self._ready, self._headers = request, ready, headers
        # Without chunks an end that is none cannot be told from one.
        quiet = "no-ping" in request.headers.get("Sse-Stream-Options", "").lower()
        self._never = quiet or request.version < HttpVersion11
        self._last = time.monotonic()
        self._begun: web.StreamResponse | None = None

    async def keep(self) -> None:
        """Write a space when it was quiet for too long. Raise ConnectionError when nobody reads."""
        if self._never or time.monotonic() - self._last < QUIET_SECONDS or not self._ready():
            return
        self._last = time.monotonic()
        if self._begun is None:
            begun = web.StreamResponse(headers={**self._headers(), "Content-Type": MIME, "X-Accel-Buffering": "no"})
            self._begun = begun
            await begun.prepare(self._request)
        await self._begun.write(b" ")

    async def finish(self, body: bytes) -> web.StreamResponse:
        """Write the answer. It is the answer too when nobody reads it any more."""
        if self._begun is None:
            return web.Response(body=body, content_type=MIME, headers=self._headers())
        if KEPT in self._request:
            self._request[KEPT].append(body)
        with contextlib.suppress(ConnectionError):
            await self._begun.write(body)
        return self._begun

    def broken(self) -> bool:
        """There will be no answer: whether its status is out already, and the connection was broken off for it."""
        if self._begun is None:
            return False
        self._request[BROKEN] = True
        if self._request.transport is not None:
            self._request.transport.abort()
        return True
