"""Chat completions (A-02)."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

import orjson
from aiohttp import web

from hub.api.http.answer_stream import Out
from hub.api.http.app_keys import HUB, SUBJECT, caller
from hub.api.http.completion_chunks import DONE, Chunks, completion
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Header
from hub.api.http.whole_answer import Whole
from hub.api.openai import road
from hub.api.openai.blocks import Blocks
from hub.api.openai.remembering import CACHED
from hub.api.openai.road import LIMIT, Asked
from hub.api.openai.schemas import CompletionIn, CompletionOut
from hub.engine.ask import Answer, Sink
from hub.errors import HubError
from hub.llm.reading import with_beside
from hub.llm.types import Delta
from hub.studio.aresgen import threads

log = logging.getLogger(__name__)

NO_PING = Header("Sse-Stream-Options", "`no-ping`: no comments in a stream between its events.", required=False)


@endpoint(
    id="A-02", tag="Inference", auth="public", limit=LIMIT, seconds=60, produces="text/event-stream",
    errors=(402, 404, 413, 429, 502, 503), headers=(NO_PING, CACHED), idempotent=True,
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
    asked = await road.entered(request, body)
    ask = await threads.voiced(hub, asked.ask, body.voice_id)
    thread = await threads.entered(hub, who.account_id, body.thread_id) if body.thread_id or body.store else None
    ask = replace(await threads.joined(hub, ask, thread), cache=None) if thread else ask
    if ask is not asked.ask or thread is not None:
        asked = replace(asked, ask=ask, thread=thread)
    return await told(request, asked)


async def told(request: web.Request, asked: Asked, out: Out | None = None) -> web.StreamResponse:
    """The answer to a request that was understood. out: a stream that may have begun."""
    return await road.given(asked, _stream(request, asked, out) if asked.body.stream else _whole(request, asked))


async def _whole(request: web.Request, asked: Asked) -> web.StreamResponse:
    blocks, texts = Blocks() if asked.body.rendering_mode == "textual_blocks" else None, list[str]()

    async def collect(delta: Delta) -> None:
        piece = blocks.take(delta) if blocks else None
        texts.append(piece.text if piece else "")

    structured = asked.ask.structured
    # JSON that may not become valid is no answer before it is.
    sure = structured is None or not structured.heals
    whole = Whole(request, lambda: sure and asked.ask.trace.model is not None, lambda: asked.headers)
    try:
        made = await _answered(request, asked, collect if blocks else None, whole.keep)
    except HubError as e:
        if not whole.broken():
            raise
        log.warning("answer %s broke off: %s", asked.id, e)
        await road.refused(asked, e)
        raise ConnectionResetError("The answer broke off.") from e
    made = replace(made, beside=with_beside(made.beside, road.files(asked, made)))
    if asked.json_alone(made):
        return await whole.finish(orjson.dumps(made.value))
    if blocks:
        end = blocks.end()
        made = replace(made, text="".join([*texts, end.text if end else ""]))
    # Not through the model: the documented answer has no nulls beside its own.
    return await whole.finish(
        orjson.dumps(completion(asked.id, asked.created, made, legacy=asked.body.legacy) | asked.more))


async def _stream(request: web.Request, asked: Asked, out: Out | None = None) -> web.StreamResponse:
    out = out or Out(request, headers=lambda: asked.headers)
    begun, shown = out.response is not None, asked.shown
    chunks = Chunks(asked.id, asked.created, asked.model, begun, more=asked.more, legacy=asked.body.legacy)
    blocks = Blocks() if asked.body.rendering_mode == "textual_blocks" else None

    async def say(delta: Delta) -> None:
        nonlocal shown
        if shown:
            # Nothing but text went out before, and it comes again.
            delta, shown = Delta(delta.text[shown:]), max(0, shown - len(delta.text))
        piece = blocks.take(delta) if blocks else delta
        chunks.model = asked.model
        if piece is not None:
            await out.send(chunks.delta(piece))

    sink: Sink | None = None if asked.body.json_only else say
    try:
        made = await _answered(request, asked, sink, out.keep)
    except HubError as e:
        if out.response is None:
            raise
        return await road.broken(request, asked, e, out, chunks)
    end = blocks.end() if blocks else None
    last = chunks.delta(end) if end is not None else b""
    chunks.model = made.model
    if asked.json_alone(made):
        return await out.finish(last + b"data: " + orjson.dumps(made.value) + b"\n\n" + DONE)
    rest = Delta(beside=road.files(asked, made))
    if asked.body.json_only:
        # Nothing was shown yet of what is no JSON.
        beside = with_beside(made.beside, rest.beside)
        rest = Delta(made.text, tool_calls=tuple(made.tool_calls), refusal=made.refusal or "", beside=beside)
    return await out.finish(last + chunks.delta(rest) + chunks.end(made))


async def _answered(
    request: web.Request, asked: Asked, sink: Sink | None, keep: Callable[[], Awaitable[None]] | None = None
) -> Answer:
    """The answer, kept where it belongs to a thread."""

    async def kept(made: Answer) -> None:
        if asked.thread is not None:
            stored = await threads.keep(asked.hub, asked.thread, asked.body.talk(), made, asked.body.voice_id)
            request[SUBJECT] = stored.id

    return await road.answered(request, asked, sink, keep, kept)
