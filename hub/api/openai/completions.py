"""Chat completions (A-02)."""

import logging
import time

import orjson
from aiohttp import web

from hub import ids
from hub.accounts import accounts
from hub.api.http.chunks import Chunks, completion
from hub.api.http.endpoint import endpoint
from hub.api.http.keys import HUB, caller
from hub.api.openai.asking import ask_of
from hub.api.openai.resolve import resolve
from hub.api.openai.schemas import CompletionIn, CompletionOut
from hub.api.openai.streaming import Out, attended
from hub.chat.engine import Answer, Ask, answer
from hub.domain import Caller
from hub.errors import HubError, PaymentRequired, Upstream
from hub.llm.types import Delta
from hub.runtime import Hub
from hub.store import usage

log = logging.getLogger(__name__)

LIMIT = 32 << 20
GONE = 499


@endpoint(
    id="A-02", tag="Inference", auth="public", limit=LIMIT, seconds=60, produces="text/event-stream",
    errors=(402, 413, 502, 503),
)
async def complete(request: web.Request, body: CompletionIn) -> CompletionOut | web.StreamResponse:
    """Create a chat completion.

    `model` is the id or slug of an AI gateway, or the name of an integrated model. With `stream`
    the answer comes as `chat.completion.chunk` events; `Sse-Stream-Options: no-ping` asks for no
    comments in between.
    """
    hub, who = request.app[HUB], caller(request)
    if hub.settings.billing and (await accounts.view(hub.db, who)).balance <= 0:
        raise PaymentRequired
    ask = ask_of(who, await resolve(hub, who, body.model), body)
    id, created = str(ids.uuid7()), int(time.time())
    try:
        if body.stream:
            chunks = Chunks(id, created, str(ask.gateway.parameters["modelName"]))
            return await _stream(request, hub, ask, chunks)
        made = await attended(request, answer(hub, ask))
    except ConnectionError:
        return web.Response(status=GONE)
    except Upstream as e:
        raise _told(who, e) from e
    await _record(hub, who, ask, made)
    # Not through the model: the documented answer has no nulls beside its own.
    return web.Response(body=orjson.dumps(completion(id, created, made)), content_type="application/json")


async def _stream(request: web.Request, hub: Hub, ask: Ask, chunks: Chunks) -> web.StreamResponse:
    out, who = Out(request), caller(request)

    async def say(delta: Delta) -> None:
        await out.send(chunks.delta(delta))

    try:
        made = await attended(request, answer(hub, ask, say), out.keep)
    except HubError as e:
        if out.response is None:
            raise
        log.warning("stream %s ended with an error: %s", chunks.id, e)
        await out.send(chunks.error(e))
        return out.response
    await _record(hub, who, ask, made)
    await out.send(chunks.end(made))
    assert out.response is not None
    return out.response


async def _record(hub: Hub, who: Caller, ask: Ask, made: Answer) -> None:
    """Write what it consumed; the answer is given even when that fails."""
    gateway = ask.gateway.id if ask.gateway.slug else None
    try:
        await usage.add(hub.db, who.account_id, made.billed, key=who.key_id, gateway=gateway)
    except HubError as e:
        log.error("usage of account %s was not written: %s", who.account_id, e)


def _told(who: Caller, e: Upstream) -> Upstream:
    """What the provider said is for the operator, not for everyone who holds a public key."""
    return e if who.kind == "private" else Upstream(str(e), retry_after=e.retry_after, code=e.code)
