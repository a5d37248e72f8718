"""One ASGI exchange inside an aiohttp handler: what the MCP package needs, no more.

The body is read before and given as one piece; what is sent becomes the response as it comes.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from aiohttp import web

from hub.api.http.sse import LOOK_SECONDS, gone

Message = MutableMapping[str, Any]
Application = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
# Set by aiohttp itself.
OWN = (b"content-length", b"transfer-encoding", b"connection")


async def exchange(
    request: web.Request, body: bytes, application: Application, state: dict[str, Any]
) -> web.StreamResponse:
    """The application's response. `state` is put into the scope beside what the request is."""
    talk = _Exchange(request, body)
    await application(_scope(request) | state, talk.receive, talk.send)
    if talk.response is None:
        raise web.HTTPInternalServerError
    return talk.response


class _Exchange:
    def __init__(self, request: web.Request, body: bytes) -> None:
        self._request = request
        self._body: bytes | None = body
        self._ended = asyncio.Event()
        self.response: web.StreamResponse | None = None

    async def receive(self) -> Message:
        """The body at first, then, as soon as it is so, that nobody listens any more."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        while not self._ended.is_set() and not gone(self._request):
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._ended.wait()
            except TimeoutError:
                continue
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.response = web.StreamResponse(status=message["status"])
            for name, value in message.get("headers") or ():
                if name.lower() not in OWN:
                    self.response.headers.add(name.decode("latin-1"), value.decode("latin-1"))
            self.response.headers["Cache-Control"] = "no-store"
            await self.response.prepare(self._request)
        elif message["type"] == "http.response.body" and self.response is not None and not self._ended.is_set():
            if message.get("body"):
                await self.response.write(message["body"])
            if not message.get("more_body"):
                self._ended.set()
                await self.response.write_eof()


def _scope(request: web.Request) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode(),
        "root_path": "",
        # A key may stand there, and the package has no use for it.
        "query_string": b"",
        "headers": [(k.lower(), v) for k, v in request.raw_headers if k.lower() != b"authorization"],
        "client": None,
        "server": None,
    }
