"""The hub as an MCP server: agents search an account's collections and ask its gateways.

The protocol is the package's own (Streamable HTTP without sessions, all its versions); every request
brings its key and stands for itself, so any process may answer it. The package is imported with the
first call: most hubs have none, and it costs a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from hub.api.http import body
from hub.api.http.auth import authenticate
from hub.api.mcp.asgi import Application
from hub.errors import Forbidden, Setup, Unauthorized
from hub.loading import loaded

LIMIT, SECONDS, VALUES = 1 << 20, 10.0, 20_000


class _Serving:
    """The package's tasks live as long as the application, in one task: what began them must end them."""

    def __init__(self) -> None:
        self._wanted, self._ready = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._application: Application | None = None

    async def run(self) -> AsyncIterator[None]:
        """From the start of the application to its end."""
        stop = asyncio.Event()
        self._task = asyncio.create_task(self._serve(stop))
        yield
        stop.set()
        self._wanted.set()
        await self._task

    async def _serve(self, stop: asyncio.Event) -> None:
        await self._wanted.wait()
        if stop.is_set():
            return
        try:
            async with (await loaded(SERVER)).serving() as self._application:
                self._ready.set()
                await stop.wait()
        finally:
            self._ready.set()

    async def application(self) -> Application:
        """Whoever asks first begins it. Raise Setup when it could not begin."""
        self._wanted.set()
        await self._ready.wait()
        if self._application is None:
            raise Setup("The MCP server did not start; the log says why.")
        return self._application


SERVER = "hub.api.mcp.server"
SERVING = web.AppKey("mcp", _Serving)


def mount(app: web.Application) -> None:
    """Put the server at /mcp."""
    app[SERVING] = serving = _Serving()
    app.cleanup_ctx.append(lambda _: serving.run())
    app.router.add_route("*", "/mcp", answer)


async def answer(request: web.Request) -> web.StreamResponse:
    """POST /mcp: one message of a client that shows a private key."""
    try:
        await authenticate(request, "key", True)
    except Forbidden as e:
        raise Unauthorized(str(e)) from None
    if request.method != "POST":
        # There are no sessions: nothing to listen to, nothing to end.
        raise web.HTTPMethodNotAllowed(request.method, ["POST"])
    sent = await body.raw(request, LIMIT, SECONDS)
    body.few(sent, VALUES)
    application = await request.app[SERVING].application()
    response: web.StreamResponse = await (await loaded(SERVER)).asked(request, sent, application)
    return response
