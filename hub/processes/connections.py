"""Connections of the web process: who says nothing, or half of something, is not waited for."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from hub.api.quick_completions import Quick
from hub.api.quick_webhooks import Front
from hub.processes.refusals import Refuses, refusing

log = logging.getLogger(__name__)
# How long what is left of a body is read after its request was answered.
LINGERING = 2.0


class Connection(web.RequestHandler):
    """One connection. aiohttp itself closes it when it is idle between two requests, and the readers of bodies give up
    those that do not come; here, headers that do not come whole in time."""

    __slots__ = ("_headers_by", "_patience", "_refuses")

    def __init__(self, manager: web.Server, patience: float, refuses: Refuses, **more: Any) -> None:
        super().__init__(manager, **more)
        self._patience = patience
        self._refuses = refuses
        self._headers_by: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        if self._waits() and (answer := self._refuses(data)) is not None and self.transport is not None:
            self.transport.write(answer)
            self._forget()
            self._await_headers()
            return
        before = self._request_count
        super().data_received(data)
        if self._request_count > before:
            self._forget()
        elif self._waits() and self._headers_by is None:
            self._await_headers()

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
    refuses = refusing(app)

    def connection() -> Connection:
        assert runner.server is not None
        more = {"access_log": None, "keepalive_timeout": idle, "lingering_time": LINGERING}
        return Connection(runner.server, headers, refuses, loop=loop, **more)

    try:
        server = await loop.create_server(connection, host, port, backlog=1024, reuse_port=shared)
        try:
            yield server
        finally:
            server.close()
    finally:
        await runner.cleanup()
