"""Webhook calls that would be refused are refused where they arrive: before anything reads, routes or logs them.

Only a whole call in one piece, of a network that sends again, with the right secret, at a moment when its line is full;
every other goes the usual way, where it may be refused as well. What each costs is what a flood takes from the calls
that are stored. Calls of strangers do not count: nobody's own are refused for them.
"""

import re
from collections.abc import Callable
from uuid import UUID

from aiohttp import web

from hub.api.http.app_keys import CROWD, RECEIVER
from hub.api.webhooks import SPOOLED
from hub.chat.inbound.webhooks import Call

START = b"POST /api/v1/webhooks/"
LONGEST = 64 << 10
DIGITS = 9  # of the length of a body
ANSWER = (
    b"HTTP/1.1 503 Service Unavailable\r\nServer: hub\r\nX-Content-Type-Options: nosniff\r\n"
    b"Referrer-Policy: no-referrer\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"
)
_PATH = re.compile(rb"POST /api/v1/webhooks/([a-z]+)/([0-9a-f-]{36})/([^\s?/%]+)(?:/[a-z-]+)? HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([^\r\n]*?)[ \t]*(?=\r\n)", re.IGNORECASE)
# What says that it is no plain call.
_OTHER = re.compile(rb"\r\n(?:(?:transfer-encoding|expect|upgrade|connection)[ \t]*:|[ \t])", re.IGNORECASE)

Refuses = Callable[[bytes], bytes | None]


def refusing(app: web.Application) -> Refuses:
    """What is answered to a piece of what came in, at once; None: it goes the usual way."""
    crowd, receiver = app[CROWD], app[RECEIVER]

    def refuse(data: bytes) -> bytes | None:
        if not data.startswith(START) or len(data) > LONGEST:
            return None
        call = _called(data)
        if call is None or not receiver.remembers(call) or not crowd.turns_away(call.client_id):
            return None
        receiver.fell_behind(call.client_id, call.channel)
        return ANSWER

    return refuse


def _called(data: bytes) -> Call | None:
    """A whole call, where its network sends again what is refused; its headers are not looked at."""
    end = data.find(b"\r\n\r\n")
    path, length = _PATH.match(data), _LENGTH.findall(data, 0, end + 2)
    if end < 0 or path is None or len(length) != 1 or _OTHER.search(data, 0, end):
        return None
    lines = data.count(b"\r\n", 0, end)
    if not lines == data.count(b"\r", 0, end) == data.count(b"\n", 0, end) or data.find(0, 0, end) >= 0:
        return None
    if not length[0].isdigit() or len(length[0]) > DIGITS:
        return None
    if path[1].decode() in SPOOLED or end + 4 + int(length[0]) != len(data):
        return None
    try:
        return Call(path[1].decode(), UUID(path[2].decode()), path[3].decode(), {})
    except ValueError:
        return None
