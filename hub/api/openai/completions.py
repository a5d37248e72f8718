"""Chat completions (A-02)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import orjson
from aiohttp import web

from hub import ids
from hub.accounts import balance, key_limits
from hub.accounts.model_lookup import Entry
from hub.api.http import rate_limits
from hub.api.http.answer_stream import Out, attended
from hub.api.http.app_keys import BROKEN, DIRECTORY, HUB, SUBJECT, caller
from hub.api.http.completion_chunks import DONE, Chunks, completion
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Header
from hub.api.openai.blocks import Blocks
from hub.api.openai.limits import limit
from hub.api.openai.question import ask_of
from hub.api.openai.refusing import told
from hub.api.openai.schemas import CompletionIn, CompletionOut
from hub.chat.content import link
from hub.chat.turns.dialogs import Dialog
from hub.domain import Caller, Json
from hub.engine import request_log
from hub.engine.answer import answer
from hub.engine.ask import Answer, Ask, Sink
from hub.errors import Forbidden, HubError, NotFound, Upstream
from hub.llm.finish import FINAL
from hub.llm.reading import with_beside
from hub.llm.types import Delta
from hub.runtime import Hub
from hub.studio.aresgen import threads

log = logging.getLogger(__name__)

LIMIT = 32 << 20
GONE = 499
ROUTED = "X-Model-Routed-Complexity"
NO_PING = Header("Sse-Stream-Options", "`no-ping`: no comments in a stream between its events.", required=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was understood."""

    hub: Hub
    who: Caller
    entry: Entry
    body: CompletionIn
    ask: Ask
    id: str
    created: int
    thread: Dialog | None = None

    @property
    def more(self) -> dict[str, str]:
        return {"thread_id": self.thread.name} if self.thread else {}

    def json_alone(self, made: Answer) -> bool:
        """Whether the answer is the JSON and nothing around it; a refusal, or nothing at all, is no JSON."""
        said = made.text or not (made.refusal or made.beside or made.finish in FINAL)
        return bool(self.body.json_only and not made.tool_calls and said and made.withheld is None)

    @property
    def headers(self) -> dict[str, str]:
        found = self.ask.trace.complexity
        return {ROUTED: found} if found else {}


@endpoint(
    id="A-02", tag="Inference", auth="public", limit=LIMIT, seconds=60, produces="text/event-stream",
    errors=(402, 404, 413, 429, 502, 503), headers=(NO_PING,), idempotent=True,
)
async def complete(request: web.Request, body: CompletionIn) -> CompletionOut | web.StreamResponse:
    """Create a chat completion.

    `model` is the id or slug of an AI gateway, or the name of an integrated model. With `stream`
    the answer comes as `chat.completion.chunk` events; `Sse-Stream-Options: no-ping` asks for no
    comments in between. With `json_only` the answer is the JSON alone, unless the model calls one
    of your tools: then it is a completion with `tool_calls`.

    With `store`, or with a `thread_id`, the conversation is kept as a thread: `messages` are what is
    new, what was said before is read from the thread. `voice_id` names a brand voice; with phrases
    that it bans a stream comes in one piece, when they are looked for.
    """
    hub, who = request.app[HUB], caller(request)
    if request.path.startswith("/v1/"):
        # The row G-01 of AresGen, whose limit holds for a plain completion too.
        await rate_limits.count(request, "aresgen", str(who.key_id), who.plan)
    entry = await request.app[DIRECTORY].find(who.account_id, body.model, who.kind == "public")
    if who.models and entry.gateway.id not in who.models:
        raise Forbidden("This key may not use that gateway.", field="model", code="model_refused")
    key_limits.may_ask(who.limits, body.model, str(entry.gateway.id), entry.gateway.slug)
    balance.check(hub.settings, entry.account.balance)
    model = hub.models.entry(entry.gateway, str(entry.gateway.parameters["modelName"]))
    await limit(request, who, model.badges if model else ())
    ask = ask_of(hub.settings, who, entry.gateway, body, entry.account.parameters)
    ask = await threads.voiced(hub, ask, body.voice_id)
    thread = await threads.entered(hub, who.account_id, body.thread_id) if body.thread_id or body.store else None
    ask = await threads.joined(hub, ask, thread) if thread else ask
    asked = Asked(hub, who, entry, body, ask, str(ids.uuid7()), int(time.time()), thread)
    try:
        if body.stream:
            return await _stream(request, asked)
        return await _whole(request, asked)
    except ConnectionError:
        return web.Response(status=GONE)
    except HubError as e:
        if not isinstance(e, NotFound):
            await request_log.failed(hub, who, ask, e, entry.account)
        raise (told(who, e) if isinstance(e, Upstream) else e) from e


async def _whole(request: web.Request, asked: Asked) -> web.Response:
    blocks, texts = Blocks() if asked.body.rendering_mode == "textual_blocks" else None, list[str]()

    async def collect(delta: Delta) -> None:
        piece = blocks.take(delta) if blocks else None
        texts.append(piece.text if piece else "")

    made = await _answered(request, asked, collect if blocks else None)
    made = replace(made, beside=with_beside(made.beside, _files(asked, made)))
    if asked.json_alone(made):
        return web.Response(body=orjson.dumps(made.value), content_type="application/json", headers=asked.headers)
    if blocks:
        end = blocks.end()
        made = replace(made, text="".join([*texts, end.text if end else ""]))
    # Not through the model: the documented answer has no nulls beside its own.
    body = orjson.dumps(completion(asked.id, asked.created, made, legacy=asked.body.legacy) | asked.more)
    return web.Response(body=body, content_type="application/json", headers=asked.headers)


async def _stream(request: web.Request, asked: Asked) -> web.StreamResponse:
    out = Out(request, headers=lambda: asked.headers)
    model = str(asked.ask.gateway.parameters["modelName"])
    chunks = Chunks(asked.id, asked.created, model, more=asked.more, legacy=asked.body.legacy)
    blocks = Blocks() if asked.body.rendering_mode == "textual_blocks" else None

    async def say(delta: Delta) -> None:
        piece = blocks.take(delta) if blocks else delta
        chunks.model = asked.ask.trace.model or chunks.model
        if piece is not None:
            await out.send(chunks.delta(piece))

    sink: Sink | None = None if asked.body.json_only else say
    try:
        made = await _answered(request, asked, sink, out.keep)
    except HubError as e:
        if out.response is None:
            raise
        log.warning("stream %s ended with an error: %s", chunks.id, e)
        request[BROKEN] = True
        if not isinstance(e, NotFound):
            await request_log.failed(asked.hub, asked.who, asked.ask, e, asked.entry.account)
        await out.send(chunks.error(told(asked.who, e) if isinstance(e, Upstream) else e))
        return out.response
    end = blocks.end() if blocks else None
    last = chunks.delta(end) if end is not None else b""
    chunks.model = made.model
    if asked.json_alone(made):
        return await out.finish(last + b"data: " + orjson.dumps(made.value) + b"\n\n" + DONE)
    rest = Delta(beside=_files(asked, made))
    if asked.body.json_only:
        # Nothing was shown yet of what is no JSON.
        beside = with_beside(made.beside, rest.beside)
        rest = Delta(made.text, tool_calls=tuple(made.tool_calls), refusal=made.refusal or "", beside=beside)
    return await out.finish(last + chunks.delta(rest) + chunks.end(made))


def _files(asked: Asked, made: Answer) -> Json:
    """What tools made for the caller: pictures as pictures, the rest by name and address."""
    address = asked.hub.settings.address
    shown: list[Json] = []
    others: list[Json] = []
    for a in made.files:
        if a.get("token") and a.get("media") == "image":
            shown.append({"type": "image_url", "image_url": {"url": link(a, address)}})
        elif a.get("token"):
            facts = {n: a.get(n) for n in ("name", "mime", "size")}
            others.append({**facts, "url": link(a, address)})
    return {n: v for n, v in (("images", shown), ("files", others)) if v}


async def _answered(
    request: web.Request, asked: Asked, sink: Sink | None, keep: Callable[[], Awaitable[None]] | None = None
) -> Answer:
    """The answer. What it consumed is written, also when it fails or its caller leaves."""
    try:
        made = await attended(request, answer(asked.hub, asked.ask, sink), keep)
    except (HubError, ConnectionError, asyncio.CancelledError):
        await _record(asked, None)
        raise
    await _record(asked, made)
    if asked.thread is not None:
        try:
            kept = await threads.keep(asked.hub, asked.thread, asked.body.talk(), made, asked.body.voice_id)
        except NotFound:
            # Deleted meanwhile: what was written of it since goes too.
            await request_log.forget(asked.hub.db, asked.who.account_id, asked.ask)
            raise
        request[SUBJECT] = kept.id
    return made


async def _record(asked: Asked, made: Answer | None) -> None:
    """Write what it consumed; the answer is given even when that fails."""
    ask = asked.ask
    billed = made.billed if made else ask.trace.ledger.billed(asked.hub.models, ask.gateway)
    try:
        gateway = ask.gateway.id if ask.gateway.slug else None
        await asked.hub.meter.add(asked.who.account_id, billed, key=asked.who.key_id, gateway=gateway)
        if made is not None:
            await request_log.answered(asked.hub, asked.who, ask, made, asked.entry.account)
    except HubError as e:
        log.error("usage of account %s was not written: %s", asked.who.account_id, e)

