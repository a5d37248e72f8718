"""Webhook calls in a crowd, taken where they arrive: a whole call in one piece goes into the journal and is answered
with ready bytes, without anything that reads HTTP in between.

Only what is plain in every way; whatever is anything else, and whatever turns out otherwise, goes the usual way.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from aiohttp import web
from aiohttp.helpers import rfc822_formatted_time

from channels.base import BadSignature
from hub.api.http import middleware
from hub.api.http.app_keys import CROWD, HUB, RECEIVER, SPOOL
from hub.api.webhooks import SPOOLED
from hub.chat.inbound.webhooks import Call, Endpoint, Knock
from hub.errors import HubError, Overloaded
from hub.processes.refusals import ANSWER, DIGITS, LONGEST, START

log = logging.getLogger(__name__)

HEAD = 8000  # bytes of the headers of a call
HEADS, SHORT = 2000, 2048  # that are remembered, and bytes of one: those of a network differ in little but the length
SECONDS = 4.0  # what takes longer is sent again, and stored once
LATER = b""
_CALL = re.compile(
    rb"POST /api/v1/webhooks/([a-z][a-z0-9_]*)/([0-9a-f-]{36})/([^\s?/%#]+)(?:/[a-z-]+)? HTTP/1\.1\r\n"
    rb"((?:[!#-'*+.^_`|~0-9A-Za-z-]+:[\t -~]*\r\n)+)\r\n"
)
_FIELD = re.compile(r"([^:\r\n]+):[ \t]*([^\r\n]*?)[ \t]*\r\n")
# What says that it is no plain call.
_OTHER = frozenset(("transfer-encoding", "content-encoding", "expect", "upgrade"))

Told = Callable[[bytes | None], None]


@dataclass(slots=True)
class Head:
    """What stands before a body, looked through once. rid: what its sender calls the request. proved: for which
    integration its secrets were found right."""

    call: Call
    body: int
    rid: str
    proved: Endpoint | None = None


def head_of(data: bytes) -> Head | None:
    """Of a plain call; None of any other."""
    found = _CALL.fullmatch(data) if data.isascii() else None
    if found is None:
        return None
    fields = [(n.lower(), v) for n, v in _FIELD.findall(found[4].decode())]
    headers, length = dict(fields), ""
    if len(headers) == len(fields) and _OTHER.isdisjoint(headers) and "host" in headers:
        length = headers.get("content-length", "")
    if not length.isdecimal() or len(length) > DIGITS:
        return None
    if headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    try:
        call = Call(found[1].decode(), UUID(found[2].decode()), found[3].decode(), headers)
    except ValueError:
        return None
    return Head(call, int(length), headers.get("x-request-id", ""))


class _Kept:
    """A call on its way into the journal; called with what became of it."""

    __slots__ = ("by", "head", "rank", "told", "_short")

    def __init__(self, short: "ShortCalls", head: Head, rank: bool, told: Told, by: float) -> None:
        self._short = short
        self.head = head
        self.rank = rank
        self.told = told
        self.by = by

    def __call__(self, error: Exception | None) -> None:
        self._short.ended(self, error)


class ShortCalls:
    """What a process is asked first about bytes that may be a call."""

    def __init__(self, app: web.Application) -> None:
        self._hub, self._receiver, self._crowd, self._spool = app[HUB], app[RECEIVER], app[CROWD], app[SPOOL]
        settings = self._hub.settings
        self._elsewhere = urlsplit(settings.hosted_url).netloc.lower()
        headers = {**middleware.usual(settings.address, data=True), **middleware.ALWAYS}
        self._good = _ready(headers)
        self._heads: dict[bytes, Head] = {}
        self._waiting: dict[_Kept, None] = {}  # who came first is first
        self._timer: asyncio.TimerHandle | None = None

    def meets(self, data: bytes, told: Told) -> bytes | None:
        """What a call is answered at once; None: it goes the usual way; LATER: `told` is given the one or the other."""
        if not data.startswith(START) or len(data) > LONGEST:
            return None
        end = data.find(b"\r\n\r\n", 0, HEAD) + 4
        head = self._head(data[:end]) if end > 3 else None
        if head is None or end + head.body != len(data):
            return None
        endpoint = self._place(head, data[:end])
        if endpoint is None:
            return None
        call = head.call
        knock = Knock(call.channel, call.client_id, call.secret, call.headers, data[end:])
        kept = _Kept(self, head, self._crowd.comes(call.client_id), told, asyncio.get_running_loop().time() + SECONDS)
        answer = None
        try:
            if self._receiver.puts(endpoint, knock, kept):
                self._await(kept)
                return LATER
        except BadSignature:
            pass
        except Overloaded:
            answer = self._not_stored(call)
        except Exception:  # a fault of ours: the usual way tells of it, and loses no call
            log.exception("webhook call not kept")
        self._crowd.came(call.client_id, kept.rank)
        return answer

    def _head(self, data: bytes) -> Head | None:
        head = self._heads.get(data)
        if head is None:
            head = head_of(data)
            if head is not None and self._elsewhere and head.call.headers["host"].lower() == self._elsewhere:
                return None
        return head

    def _place(self, head: Head, data: bytes) -> Endpoint | None:
        """Where it belongs, if it is to be kept."""
        call, receiver = head.call, self._receiver
        endpoint = receiver.place(call)
        if endpoint is None or not receiver.short(endpoint) or self._crowd.refuses(call.client_id):
            return None
        if self._hub.tracing.on or self._hub.room.full is not None:
            return None
        if call.channel in SPOOLED and self._spool.holds(call.client_id):
            return None
        if head.proved is not endpoint:
            if not receiver.genuine(endpoint, call):
                return None
            head.proved = endpoint
            if len(data) <= SHORT:  # strangers fill nothing
                if len(self._heads) >= HEADS:
                    self._heads.clear()
                self._heads[data] = head
        return endpoint

    def _await(self, kept: _Kept) -> None:
        self._waiting[kept] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(kept.by, self._late)

    def _late(self) -> None:
        self._timer, loop = None, asyncio.get_running_loop()
        for kept in list(self._waiting):
            if kept.by > loop.time():
                self._timer = loop.call_at(kept.by, self._late)
                return
            self.ended(kept, Overloaded(retry_after=5))

    def ended(self, kept: _Kept, error: Exception | None) -> None:
        """A call is in the journal, or could not be kept."""
        if kept not in self._waiting:
            return  # it took too long
        del self._waiting[kept]
        self._crowd.came(kept.head.call.client_id, kept.rank)
        if error is None:
            self._receiver.has_stored()
            rid = middleware.named({"X-Request-Id": kept.head.rid})
            self._tell(kept, self._good % (rfc822_formatted_time().encode(), rid.encode()))
            return
        if not isinstance(error, HubError):
            log.warning("webhook call not stored: %s: %s", type(error).__name__, error)
        self._tell(kept, self._not_stored(kept.head.call))

    def _tell(self, kept: _Kept, answer: bytes | None) -> None:
        """One who cannot be told is in nobody's way."""
        try:
            kept.told(answer)
        except Exception:
            log.exception("an answer to a webhook call was not told")

    def _not_stored(self, call: Call) -> bytes | None:
        """It is sent again, or else kept on disk."""
        if call.channel in SPOOLED:
            return None
        self._receiver.fell_behind(call.client_id, call.channel)
        return ANSWER


def _ready(headers: Mapping[str, str]) -> bytes:
    """An answer, but for its date and its name."""
    lines = "".join(f"{n}: {v}\r\n" for n, v in headers.items()).replace("%", "%%")
    return f"HTTP/1.1 200 OK\r\n{lines}Date: %b\r\nX-Request-Id: %b\r\nContent-Length: 0\r\n\r\n".encode()
