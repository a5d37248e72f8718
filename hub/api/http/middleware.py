"""Around every request: an id, errors, the log line, and the headers of every answer."""

import logging
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from aiohttp import web

from hub.api.http import bounded, errors
from hub.api.http.app_keys import CALLER, CUT, HUB, PURSE, RATE, REQUEST_ID, REQUEST_LOG, UNASKED, UNKNOWN
from hub.api.http.client_address import HOOKS, PUBLIC, client_ip, limit_public
from hub.api.http.families import ANTHROPIC, family_of
from hub.api.http.hosts import apart
from hub.domain import Caller
from hub.errors import HubError, Invalid, NotFound, Overloaded
from hub.purse import purse
from hub.request_id import request_id
from hub.store import scope
from hub.store.db import clean

log = logging.getLogger(__name__)
access = logging.getLogger("hub.access")

KEYED, LOOKED_UP = ("/api/", "/v1/", "/mcp"), (HOOKS, PUBLIC, "/api/auth/")
DATA = ("/api/", "/v1/", "/openapi")
ALWAYS: Mapping[str, str] = MappingProxyType({"Server": "hub", "X-Content-Type-Options": "nosniff"})
ADDING = frozenset({"POST", "PUT", "PATCH"})
AGENT = 300
LONGEST = 100  # letters of a name that is told in a header
WIDEST = 2000  # and of all of them: clients read no longer line than 8 kB, and proxies keep 4 kB for all headers
EXPOSED = "Retry-After, X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Hub-Cache"
QUIET = frozenset({"/health/live", "/health/ready"})
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_SECRETS = re.compile(
    r"(?:sk|pk)-[\w-]{8,}|wky_\w+|(?<=/)[0-9a-f]{40,}|\b\d{6,}:[\w-]{20,}|(?<=/media/)[^/?]+|(?<=/hosted/)[^/?]+"
    r"|(?<=/link/)[^/?]+|(?<=/file/)[^/?]+|emb_[\w-]+|edt_[\w-]+|whsec_[\w-]+|(?<=/embed/)[^/?]+"
    r"|(?<=key=)[^&]+|(?<=token=)[^&]+|(?<=signature=)[^&]+",
    re.IGNORECASE,
)
Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def guard(request: web.Request, handler: Next) -> web.StreamResponse:
    """Give the request an id, answer it whatever happens, and log one line about it."""
    rid = request[REQUEST_ID] = request.get(REQUEST_ID) or named(request.headers)
    token, begun = request_id.set(rid), time.monotonic()
    # One task serves all requests of a connection: each begins without the purse of the one before.
    paid = purse.set(None)
    status = 0
    try:
        with scope.request(itself=not _keyed(request.path)):
            response = await _answer(request, handler)
        status = response.status
        return response
    finally:
        bounded.release(request)
        purse.reset(paid)
        if PURSE in request:
            await request[PURSE].close()
        seconds = time.monotonic() - begun
        say(_level(request.path, status), request.method, shown(request), status, seconds)
        request_id.reset(token)
        if CALLER in request and REQUEST_LOG in request.app:
            ip, agent, path = client_ip(request), request.headers.get("User-Agent", ""), _cleaned(request.path[:AGENT])
            row = note(request[CALLER], ip, agent, request.method, path, status, seconds)
            request.app[REQUEST_LOG].add(row)


def named(headers: Mapping[str, str]) -> str:
    """The id of a request: what its sender calls it, or one of ours."""
    given = headers.get("X-Request-Id", "")
    # One of ours is a name and no secret.
    return given if given and _GIVEN_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"


def _keyed(path: str) -> bool:
    """Whether a key or a token says whose the request is before anything is looked up: until then it is nobody's.

    Elsewhere, as where people sign in, networks call and visitors come, the hub itself looks up first whose it is."""
    return path.startswith(KEYED) and not path.startswith(LOOKED_UP)


def say(level: int, method: str, path: str, status: int, seconds: float) -> None:
    """One line about a request. path: as it may be shown."""
    if access.isEnabledFor(level):
        access.log(level, "%s %s %d %.0f ms", method, path, status, seconds * 1000)


def note(who: Caller, ip: str, agent: str, method: str, path: str, status: int, seconds: float) -> dict[str, Any]:
    """What is kept for the account of the use of its key."""
    return {
        "account": str(who.account_id), "key": str(who.key_id), "at": datetime.now(UTC), "ip": ip,
        "agent": agent[:AGENT], "method": method, "path": path, "status": status or 499, "ms": round(seconds * 1000),
    }


def _level(path: str, status: int) -> int:
    # A stored webhook is a row already, and a line about each would cost as much as storing it.
    quiet = path in QUIET or (status == 200 and path.startswith(HOOKS))
    return logging.DEBUG if quiet else logging.INFO


def _storable(request: web.Request) -> None:
    """No database and no file system holds a NUL. Raise NotFound for a path with one, Invalid for a query."""
    if "%00" not in request.raw_path or request.path.startswith("/manual"):
        return  # the manual asks no database, and answers with a page
    if "\x00" in request.path:
        raise NotFound
    for name, value in request.query.items():
        if "\x00" in name + value:
            raise Invalid(f"{clean(name)} holds a NUL, which is no text.", field=clean(name))


async def _answer(request: web.Request, handler: Next) -> web.StreamResponse:
    if request.method == "OPTIONS" and (request.path.startswith(PUBLIC) or _preflight(request)):
        return web.Response(status=204)
    try:
        _storable(request)
        await _before(request)
        return await handler(request)
    except HubError as e:
        if e.status >= 500:
            # Of a flood of webhooks that are told to come again, a line each would cost as much as the flood.
            level = logging.DEBUG if e.status == 503 and request.path.startswith(HOOKS) else logging.WARNING
            log.log(level, "%s %s: %s: %s", request.method, shown(request), type(e).__name__, e)
        failure = errors.of_hub(e, guest=request.path.startswith(PUBLIC))
    except web.HTTPException as e:
        if e.status < 400:
            raise
        failure = errors.of_http(e)
    except Exception:
        if _gone(request):
            return web.Response(status=499)
        log.exception("%s %s failed (request %s)", request.method, shown(request), request[REQUEST_ID])
        failure = errors.internal()
    if request.writer.output_size:
        # The answer has begun: all that can be said is that it does not end well.
        raise ConnectionResetError("The answer broke off.")
    return errors.render(request.path, failure, family_of(request), request.app[HUB].settings.address)


async def _before(request: web.Request) -> None:
    """Raise what keeps a request out whatever it asks for."""
    if apart(request) and not request.path.startswith(("/hosted/", "/health/")):
        raise web.HTTPNotFound
    full = request.app[HUB].room.full
    # Whoever makes room again is let in: what removes, and the console. Webhooks are told at their own door.
    if full and request.method in ADDING and not request.path.startswith((HOOKS, "/console", "/api/auth/")):
        raise Overloaded(full, retry_after=60)
    if request.method == "POST" and request.path.startswith(PUBLIC):
        await limit_public(request)


def _preflight(request: web.Request) -> bool:
    """Whether a browser asks if a page may call the OpenAI-compatible API; it tells no key yet."""
    return request.path.startswith("/v1/") and "Origin" in request.headers


def _shared(request: web.Request) -> str | None:
    """The origin whose pages may read the answer: those that may use the public key it was asked with."""
    origin = request.headers.get("Origin")
    if origin is None or not request.path.startswith("/v1/"):
        return None
    if request.method == "OPTIONS":
        return origin
    who = request.get(CALLER)
    if who is None or who.kind != "public" or (who.origins and origin.lower() not in who.origins):
        return None
    return origin


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def shown(request: web.Request) -> str:
    """The path for a log, without keys and secrets."""
    return _cleaned(request.path_qs[:300])


@lru_cache(maxsize=500)
def _cleaned(path: str) -> str:
    return _SECRETS.sub("***", path)


def usual(address: str, data: bool) -> dict[str, str]:
    """Headers of an answer that does not say otherwise; data: no page is made of it."""
    found = {"Referrer-Policy": "no-referrer"}
    if address.startswith("https://"):
        found["Strict-Transport-Security"] = "max-age=31536000"
    if data:
        found |= {
            "Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        }
    return found


async def headers(request: web.Request, response: web.StreamResponse) -> None:
    """Headers of every answer, streams too (an on_response_prepare signal)."""
    out = response.headers
    out.update(ALWAYS)
    for name, value in usual(request.app[HUB].settings.address, request.path.startswith(DATA)).items():
        out.setdefault(name, value)
    out["X-Request-Id"] = request.get(REQUEST_ID, "")
    if request.path.startswith(ANTHROPIC):
        out["request-id"] = request.get(REQUEST_ID, "")  # by the name that its clients read
    if request.path.startswith("/v1/") and request.app[HUB].settings.region:
        out["X-Region"] = request.app[HUB].settings.region
    _counted(request, response)
    if unread := [*request.get(UNASKED, ()), *request.get(UNKNOWN, ())]:
        out["X-Unknown-Fields"] = _named(unread)
    if request.path.startswith(PUBLIC):
        _share(request, response, "*", "*")
    elif (origin := _shared(request)) is not None:
        out["Vary"] = "Origin"
        # A star does not stand for Authorization.
        _share(request, response, origin, request.headers.get("Access-Control-Request-Headers", "*"))


def _named(unread: list[str]) -> str:
    named = ", ".join(quote(name[:LONGEST], safe="._-[]$ ") for name in unread)
    return named if len(named) <= WIDEST else named[: WIDEST - 5].rpartition(", ")[0] + ", ..."


def _counted(request: web.Request, response: web.StreamResponse) -> None:
    """How much may still be asked, and how much there is of a list."""
    out = response.headers
    out.update(rates(request))
    if CUT in request and response.status < 300:
        out["X-Total-Count"] = str(request[CUT].total)
        if request[CUT].more:
            out["Link"] = f'<{request[CUT].more}>; rel="next"'


def rates(request: web.Request) -> dict[str, str]:
    """How much may still be asked, where that is counted."""
    if RATE not in request:
        return {}
    rate = request[RATE]
    return {
        "X-RateLimit-Limit": str(rate.limit), "X-RateLimit-Remaining": str(rate.remaining),
        "X-RateLimit-Reset": str(int(time.time() + rate.reset + 0.999)),
    }


def _share(request: web.Request, response: web.StreamResponse, origin: str, names: str) -> None:
    """Let a page of another origin read the answer."""
    out = response.headers
    out["Access-Control-Allow-Origin"] = origin
    if request.method == "OPTIONS":
        out["Access-Control-Allow-Methods"] = "GET, HEAD, POST, PUT, PATCH, DELETE"
        out["Access-Control-Allow-Headers"] = names
        out["Access-Control-Max-Age"] = "86400"
    else:
        out["Access-Control-Expose-Headers"] = EXPOSED
