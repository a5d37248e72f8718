"""Webhook calls in a crowd, answered below the application: what is plain, whole and of a known address.

Only what goes into the journal is answered here; everything else goes on to the application, which is given the body
that was read.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit
from uuid import UUID

from aiohttp import web

from channels.base import BadSignature
from hub.api.http import errors, middleware
from hub.api.http.app_keys import CROWD, HUB, READ, RECEIVER, SPOOL
from hub.api.http.client_address import HOOKS
from hub.api.webhooks import SPOOLED
from hub.chat.inbound.webhooks import Call, Knock
from hub.errors import Overloaded

LARGEST = 64 << 10  # bytes of a body that is taken here
SECONDS = 4.0
_PATH = re.compile(re.escape(HOOKS) + r"([a-z][a-z0-9_]*)/([0-9a-f-]{36})/([^\s?/%]+)(?:/[a-z-]+)?")

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Front:
    """What a server asks first."""

    def __init__(self, app: web.Application, behind: Handler) -> None:
        """behind: the application's own handler."""
        self._hub, self._receiver, self._crowd, self._spool = app[HUB], app[RECEIVER], app[CROWD], app[SPOOL]
        self._behind = behind
        self._elsewhere = urlsplit(self._hub.settings.hosted_url).netloc.lower()
        self._headers = {**middleware.ALWAYS, **middleware.usual(self._hub.settings.address, data=True)}

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        call = self._called(request) if request.method == "POST" else None
        answer = None if call is None else await self._answer(request, call)
        if answer is None:
            return await self._behind(request)
        answer.headers.update(self._headers)
        answer.headers["X-Request-Id"] = middleware.named(request.headers)
        return answer

    def _called(self, request: web.BaseRequest) -> Call | None:
        """A call whose body is here."""
        path = _PATH.fullmatch(request.raw_path)
        if path is None or not request.content.is_eof() or request.content.exception() is not None:
            return None
        if "Expect" in request.headers or self._hub.tracing.on:
            return None
        if self._elsewhere and request.host.lower() == self._elsewhere:
            return None
        try:
            client = UUID(path[2])
        except ValueError:
            return None
        return Call(path[1], client, path[3], {k.lower(): v for k, v in request.headers.items()})

    async def _answer(self, request: web.BaseRequest, call: Call) -> web.Response | None:
        endpoint = self._receiver.recognised(call)
        if endpoint is None or self._hub.room.full is not None or self._crowd.refuses(call.client_id):
            return None
        if call.channel in SPOOLED and self._spool.holds(call.client_id):
            return None
        with self._crowd.coming(call.client_id):
            if not self._receiver.crowded(endpoint):
                return None
            body = request.content.read_nowait()
            request[READ] = body
            if len(body) > LARGEST:
                return None
            knock = Knock(call.channel, call.client_id, call.secret, call.headers, body)
            try:
                async with asyncio.timeout(SECONDS):
                    return web.Response() if await self._receiver.keeps(endpoint, knock) else None
            except BadSignature:
                return None
            except (Overloaded, TimeoutError):  # what takes longer goes on: it is sent again, and stored once
                return None if call.channel in SPOOLED else self._refused(request, call)

    def _refused(self, request: web.BaseRequest, call: Call) -> web.Response:
        self._receiver.fell_behind(call.client_id, call.channel)
        failure = errors.of_hub(Overloaded(retry_after=5))
        return errors.render(request.path, failure, address=self._hub.settings.address)
