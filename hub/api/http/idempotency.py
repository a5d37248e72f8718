"""Idempotency-Key: the same request gets the same answer, and has its effect once."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import orjson
from aiohttp import web

from hub.api.http import body, errors
from hub.api.http.app_keys import BODY, BROKEN, CALLER, HUB, KEPT, MAKES, SUBJECT
from hub.api.http.openapi import replayed
from hub.api.http.operation import Operation
from hub.errors import Conflict, Gone, HubError, Invalid, Unprocessable
from hub.runtime import Hub
from hub.store import idempotency
from hub.store.idempotency import Claim, Place
from hub.task_groups import end

log = logging.getLogger(__name__)

HEADER, REPLAYED, LONGEST = "Idempotency-Key", "Idempotency-Replayed", 255
PERSON = ("user", "externalUserId", "user_id", "tag")
PLACE = "idempotency.body"
# Refusals of the moment: the same request may be answered otherwise a little later.
PASSING = (408, 429, 499)
COPIED = ("Content-Type", "Content-Disposition", "X-Model-Routed-Complexity")
Answer = Callable[[], Awaitable[web.StreamResponse]]


class Lost(Conflict):
    """Another process answers this request."""


async def once(request: web.Request, operation: Operation, answer: Answer) -> web.StreamResponse:
    """The answer, or the one that was given to the same request before.

    Raise Invalid for a key that is too long, Unprocessable when it was sent with another request, Conflict
    while the first one is being answered. A public key belongs to everyone, so its requests are not kept.
    """
    name, who = request.headers.get(HEADER), request.get(CALLER)
    if name is None or who is None or who.kind != "private" or not replayed(request.method, operation):
        return await answer()
    if not 0 < len(name) <= LONGEST:
        raise Invalid(f"{HEADER} must have 1 to {LONGEST} characters.", field=HEADER, code="idempotency_key_invalid")
    hub = request.app[HUB]
    at = Place(who.account_id, who.key_id, name, request.method, request.path)
    request[BODY] = await body.raw(request, operation.limit, operation.seconds)
    digest = _digest(request)
    claimed = await idempotency.claim(hub.db, at, digest, hub.settings.lease_seconds)
    if claimed is None:
        return await _again(request, at, digest)
    return await _answered(request, operation, claimed, answer)


def _digest(request: web.Request) -> bytes:
    """Of what is asked: JSON whose names come in another order, or with other spaces, is the same."""
    raw = request[BODY]
    with suppress(orjson.JSONDecodeError, TypeError):
        raw = orjson.dumps(orjson.loads(raw), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(request.query_string.encode() + b"\n" + raw).digest()


async def _again(request: web.Request, at: Place, digest: bytes) -> web.StreamResponse:
    hub = request.app[HUB]
    found = await idempotency.found(hub.db, at)
    if found is not None and bytes(found["digest"]) != digest:
        raise Unprocessable(
            f"This {HEADER} was sent with another body; use a new key for a new request.", field=HEADER,
            code="idempotency_key_reused",
        )
    if found is None or found["status"] is None:
        raise Conflict(
            "The first request with this key is being answered; send it again in a moment.", field=HEADER,
            code="idempotency_in_progress", retry_after=max(1.0, float((found or {}).get("left") or 1.0)),
        )
    if found["body"] is None:
        raise Gone(code="answer_deleted", field=HEADER)
    text = hub.sealer.open(PLACE, found["id"], bytes(found["body"]))
    return web.Response(status=found["status"], body=text.encode(), headers={**found["headers"], REPLAYED: "true"})


@asynccontextmanager
async def _held(hub: Hub, claimed: Claim) -> AsyncIterator[None]:
    """Prolong the claim for as long as the answer takes. Raise Lost, and stop the answer, when somebody else
    has taken the request over."""
    asking, lost = asyncio.current_task(), False
    assert asking is not None

    async def renew() -> None:
        nonlocal lost
        while not lost:
            await asyncio.sleep(hub.settings.lease_seconds / 3)
            try:
                lost = not await idempotency.renew(hub.db, claimed, hub.settings.lease_seconds)
            except HubError as e:
                log.warning("the claim of request %s was not prolonged: %s", claimed.id, e)
        asking.cancel()

    task = asyncio.create_task(renew())
    try:
        yield
    except asyncio.CancelledError:
        if not lost or asking.uncancel() > 0:
            raise
        raise Lost(
            "This request took too long and was taken over; send it again for its answer.", field=HEADER,
            code="idempotency_in_progress", retry_after=1.0,
        ) from None
    finally:
        await end([task])


async def _answered(
    request: web.Request, operation: Operation, claimed: Claim, answer: Answer
) -> web.StreamResponse:
    hub = request.app[HUB]
    request[KEPT], request[MAKES] = [], claimed.id
    try:
        async with _held(hub, claimed):
            response = await answer()
    except Lost:
        raise
    except HubError as e:
        if e.status >= 500 or e.status in PASSING:
            await idempotency.free(hub.db, claimed)
            raise
        response = errors.render(
            request.path, errors.of_hub(e), family=operation.family, address=hub.settings.address
        )
    except BaseException:
        await idempotency.free(hub.db, claimed)
        raise
    hub.reached("I1")
    if response.status >= 500 or response.status in PASSING or request.get(BROKEN):
        await idempotency.free(hub.db, claimed)
        return response
    sealed = hub.sealer.seal(PLACE, claimed.id, _said(request, response))
    headers = {name: response.headers[name] for name in COPIED if name in response.headers}
    await idempotency.finish(
        hub.db, claimed, response.status, headers, sealed, request.get(SUBJECT), _person(request)
    )
    return response


def _person(request: web.Request) -> str | None:
    """The external user id that the request names."""
    with suppress(orjson.JSONDecodeError, TypeError):
        sent = orjson.loads(request[BODY])
        given = [sent.get(name) for name in PERSON] if isinstance(sent, dict) else []
        return next((g[:500] for g in given if isinstance(g, str) and g), None)
    return None


def _said(request: web.Request, response: web.StreamResponse) -> str:
    """The whole text of an answer, of a stream too."""
    if not isinstance(response, web.Response):
        pieces: list[bytes] = request[KEPT]
        return b"".join(pieces).decode()
    return response.body.decode() if isinstance(response.body, bytes) else ""
