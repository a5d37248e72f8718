"""Plain chat completions, answered below the application: no route is looked for, no middleware asked, no header made
anew.

Only what goes the short road of `hub/api/openai/plain.py` begins here. Everything else, and whatever turns out
otherwise, goes on to the application, which is given what was read and begun.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, web
from aiohttp.helpers import rfc822_formatted_time

from hub import ids
from hub.api.http import middleware
from hub.api.http.answer_stream import HEADERS, Out
from hub.api.http.app_keys import DIRECTORY, HUB, KEYRING, READ, REQUEST_ID, REQUEST_LOG
from hub.api.http.auth import credential
from hub.api.http.client_address import peer
from hub.api.openai import plain, road
from hub.api.openai.plain import Plain, Started, Understood
from hub.domain import Caller
from hub.errors import HubError
from hub.request_id import request_id
from hub.store import scope

PATHS = frozenset(("/v1/chat/completions", "/api/v1/chat/completions"))
JSON = "application/json"
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Ready(web.StreamResponse):
    """An answer of which every byte is there, from its first line on."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = data
        self._keep_alive = True

    async def prepare(self, request: web.BaseRequest) -> None:
        await request.writer.write(self._data)

    async def write_eof(self, data: bytes = b"") -> None:
        self._eof_sent = True


class Quick:
    """What a server asks first about completions."""

    def __init__(self, app: web.Application, behind: Handler) -> None:
        """behind: who answers everything else."""
        self._hub, self._keyring, self._directory = app[HUB], app[KEYRING], app[DIRECTORY]
        self._log = app.get(REQUEST_LOG)
        self._behind = behind
        settings = self._hub.settings
        self._elsewhere = urlsplit(settings.hosted_url).netloc.lower()
        self._usual = {**middleware.usual(settings.address, data=True), **middleware.ALWAYS}
        self._heads = {path: _head({"Content-Type": JSON, **self._always(path)}) for path in PATHS}

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.raw_path not in PATHS or request.method != "POST" or not isinstance(request, web.Request):
            return await self._behind(request)
        this = await self._understood(request)
        if this is None:
            return await self._behind(request)
        begun, status = time.monotonic(), 0
        rid = middleware.named(request.headers)
        request_id.set(rid)
        answer: web.StreamResponse | Started | None = None
        try:
            answer = await self._answer(request, this, rid)
            if isinstance(answer, Started):
                request[REQUEST_ID], request[plain.STARTED] = rid, answer
                return await self._handed_on(request, answer)
            status = answer.status
            return answer
        finally:
            if not isinstance(answer, Started):
                self._told(request, this.who, status, time.monotonic() - begun)

    async def _understood(self, request: web.Request) -> Understood | None:
        """One that is here as a whole. What is wrong with any other is said elsewhere."""
        if not self._sound(request):
            return None
        key = credential(request, False)
        if key is None:
            return None
        try:
            who = self._keyring.known(key) or await self._keyring.caller(key)
            if not plain.asks_anything(who):
                return None
            body = request.content.read_nowait()
            sent = plain.plainly(body)
            this = None if sent is None else await self._meant(who, sent)
        except HubError:
            return None
        if this is None:
            request[READ], request[plain.USUAL] = body, True
        return this

    async def _meant(self, who: Caller, sent: Plain) -> Understood | None:
        account = who.account_id
        scope.begin(account)
        try:
            entry = self._directory.known(account, sent.model) or await self._directory.find(account, sent.model)
            return plain.understood(self._hub, who, entry, sent)
        except HubError:
            return None

    def _sound(self, request: web.Request) -> bool:
        content = request.content
        if not content.is_eof() or content.exception() is not None or not plain.may(self._hub, request):
            return False
        if request.version != HttpVersion11 or not request.keep_alive or "Expect" in request.headers:
            return False
        return self._hub.room.full is None and not (self._elsewhere and request.host.lower() == self._elsewhere)

    async def _answer(self, request: web.Request, this: Understood, rid: str) -> web.StreamResponse | Started:
        try:
            await road.admitted(request, self._hub, this.who, this.entry)
        except HubError as e:
            return Started(this, ids.uuid7(), 0, refused=e)
        out = Out(request, headers=lambda: self._streams(request, rid)) if this.sent.stream else None
        return await plain.start(request, this, lambda body: self._ready(request, rid, body), out)

    async def _handed_on(self, request: web.Request, started: Started) -> web.StreamResponse:
        try:
            return await self._behind(request)
        finally:
            if started.found is not None:
                await started.found.close()

    def _ready(self, request: web.Request, rid: str, body: bytes) -> Ready:
        rates = ""
        if self._hub.settings.aresgen_per_minute:
            rates = "".join([f"{n}: {v}\r\n" for n, v in middleware.rates(request).items()])
        own = f"Date: {rfc822_formatted_time()}\r\nX-Request-Id: {rid}\r\n{rates}"
        head = self._heads[request.raw_path], own.encode(), len(body)
        return Ready(b"%b%bContent-Length: %d\r\n\r\n%b" % (*head, body))

    def _streams(self, request: web.Request, rid: str) -> dict[str, str]:
        """Headers of a stream beside its own."""
        found = {n: v for n, v in self._always(request.raw_path).items() if n not in HEADERS}
        return {**found, **middleware.rates(request), "X-Request-Id": rid}

    def _always(self, path: str) -> dict[str, str]:
        region = self._hub.settings.region if path.startswith("/v1/") else ""
        return {**self._usual, "X-Region": region} if region else self._usual

    def _told(self, request: web.Request, who: Caller, status: int, seconds: float) -> None:
        path = request.raw_path
        middleware.say(logging.INFO, "POST", path, status, seconds)
        if self._log is not None:
            ip, agent = peer(request, self._hub.settings.trusted_proxies), request.headers.get("User-Agent", "")
            self._log.add(middleware.note(who, ip, agent, "POST", path, status, seconds))


def _head(headers: dict[str, str]) -> bytes:
    return "".join(["HTTP/1.1 200 OK\r\n", *(f"{n}: {v}\r\n" for n, v in headers.items())]).encode()
