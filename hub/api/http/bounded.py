"""Bodies within bounds: of size, of time, and of what all of them together may take of the process."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from typing import TypeVar
from urllib.parse import parse_qsl

from aiohttp import web

from hub.api.http.app_keys import BUDGET, CALLER, HELD, HUB, PAYER, READ
from hub.api.http.client_address import HOOKS, counted
from hub.errors import BadRequest, TooLarge

# Slower than this for long, and the body is given up.
SLOWEST = 32 << 10
# What is worked on where it is read; more is worked on beside the loop.
SMALL = 64 << 10
FIELDS = 2000
MALFORMED = (web.RequestPayloadError, ValueError)
T = TypeVar("T")


def patience(request: web.Request, limit: int, seconds: float | None = None) -> float:
    """How long a body of at most `limit` bytes may take: a while, and longer where more is announced."""
    most = request.app[HUB].settings.body_seconds
    announced = min(limit, request.content_length or 0)
    return min(most, seconds or most) + announced / SLOWEST


async def whole(request: web.Request, limit: int, seconds: float | None = None) -> bytes:
    """The body. Raise HTTPRequestEntityTooLarge, HTTPRequestTimeout, HTTPBadRequest or Overloaded."""
    if (request.content_length or 0) > limit:
        raise web.HTTPRequestEntityTooLarge(limit, request.content_length or 0)
    body, size = io.BytesIO(), 0
    try:
        if request.content.is_eof():
            before = request.get(READ)
            return _here(request, request.content.read_nowait() if before is None else before, limit)
        # Grows in place and is handed over without a copy: joining 60 MB at the end would hold the loop.
        async with asyncio.timeout(patience(request, limit, seconds)):
            async for part in request.content.iter_any():
                size += len(part)
                if size > limit:
                    raise web.HTTPRequestEntityTooLarge(limit, size)
                hold(request, len(part))
                body.write(part)
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except MALFORMED:
        raise web.HTTPBadRequest from None
    return body.getvalue()


def _here(request: web.Request, body: bytes, limit: int) -> bytes:
    """A body that came with its headers, as small ones do: nothing is waited for."""
    if len(body) > limit:
        raise web.HTTPRequestEntityTooLarge(limit, len(body))
    hold(request, len(body))
    return body


async def pieces(request: web.Request, limit: int, field: str) -> AsyncIterator[bytes]:
    """The body as it comes, for what is worked off while it is read: only the waiting counts.

    Raise TooLarge naming the field, HTTPRequestTimeout or HTTPBadRequest.
    """
    clock, waited, size = asyncio.get_running_loop().time, 0.0, 0
    while True:
        begun = clock()
        try:
            async with asyncio.timeout(max(0.0, patience(request, limit) + size / SLOWEST - waited)):
                part = await request.content.readany()
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        except MALFORMED:
            raise web.HTTPBadRequest from None
        waited, size = waited + clock() - begun, size + len(part)
        if not part:
            return
        if size > limit:
            raise TooLarge(f"{field} is larger than {limit >> 20} MB; send it in several files.", field=field)
        yield part


async def urlencoded(request: web.Request, limit: int) -> dict[str, list[str]]:
    """The fields of a form without files. Raise BadRequest for another kind of body."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise BadRequest("Send a form.")
    raw = await whole(request, limit)
    return _fields(raw) if len(raw) <= SMALL else await asyncio.to_thread(_fields, raw)


def _fields(raw: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=FIELDS):
            found.setdefault(name, []).append(value)
    except ValueError:
        raise BadRequest(f"The form is not UTF-8, or has more than {FIELDS} fields.") from None
    return found


def hold(request: web.Request, size: int) -> None:
    """Count bytes of a body against what the process takes at once, until the request is answered.

    Raise Overloaded. A body that is small is always taken.
    """
    before = request.get(HELD, 0)
    request[HELD] = before + size
    if (budget := request.app.get(BUDGET)) is not None:
        more = max(0, before + size - SMALL) - max(0, before - SMALL)
        if more and PAYER not in request:
            request[PAYER] = _payer(request)
        if more:
            budget.hold(request[PAYER], more)


def release(request: web.Request) -> None:
    """The request is answered: its bytes are gone."""
    if (budget := request.app.get(BUDGET)) is not None and PAYER in request:
        budget.free(request[PAYER], max(0, request.get(HELD, 0) - SMALL))


def _payer(request: web.Request) -> str:
    """Whose bytes they are: an account's, those of a webhook's address, or of whoever calls."""
    who = request.get(CALLER)
    if who is not None:
        return f"a:{who.account_id}"
    return f"w:{request.match_info['client']}" if request.path.startswith(HOOKS) else f"i:{counted(request)}"


def last(fields: Mapping[str, list[str]], name: str) -> str:
    """The last value of a field, "" without one."""
    return (fields.get(name) or [""])[-1]
