"""The public chat client: the access key in the path is the credential (A-35..A-39)."""

import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web

from hub.api.aivax.schemas.public import (
    AcceptedOut,
    AttachmentOut,
    Cancelled,
    ContinuationOut,
    Creation,
    EventsQuery,
    FeedbackIn,
    Look,
    MessageIn,
    PromptIn,
    PromptOut,
    SessionInfo,
    Shown,
    Spoken,
    ToolCall,
    Transcript,
    UsageOut,
)
from hub.api.http import sse
from hub.api.http.app_keys import ERRANDS, HUB, INTAKE, STREAMS
from hub.api.http.auth import server
from hub.api.http.client_address import counted
from hub.api.http.completion_chunks import Chunks, usage
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.api.http.uploads import uploaded
from hub.chat.inbound import continuation as continuation_
from hub.chat.website import prompts as visits
from hub.chat.website import speech
from hub.chat.website import transcript as transcripts
from hub.chat.website.culture import labels, preferred
from hub.chat.website.events import Happened, follow
from hub.domain import Usage
from hub.engine.messages import shown
from hub.errors import Forbidden, HubError
from hub.llm.types import Delta
from hub.store import messages
from hub.store.web_sessions import Visit

TAG = "Public chat"
MIB = 1 << 20
Json = dict[str, Any]


@endpoint(id="A-35", tag=TAG, auth="none", errors=(422,))
async def info(request: web.Request, key: str) -> SessionInfo:
    """Session information: the newest 500 messages, how the page looks, words in the visitor's language.

    `transcript.json` has all messages.
    """
    hub = request.app[HUB]
    seen = await visits.visit(hub, key, manned=True)
    rows = await messages.newest(hub.db, seen.account_id, seen.session_id)
    lang = preferred(seen.parameters.get("languageCode"), request.headers.get("Accept-Language", ""))
    tools = bool(seen.parameters.get("showToolCalls"))
    return SessionInfo(
        messages=[Shown(**m) for m in transcripts.visible(rows, hub.settings.address, tools)],
        chat_title=seen.title,
        culture=labels(lang),
        client=Look(**transcripts.look(seen.parameters)),
        chat_creation_data=Creation(tag=seen.tag, created_at=seen.created_at) if seen.parameters.get("debug") else None,
    )


@endpoint(id="A-36", tag=TAG, auth="none", errors=(422,))
async def cancel(request: web.Request, key: str) -> Cancelled:
    """Cancel running inference. What was said so far is kept; nothing running is fine."""
    hub = request.app[HUB]
    await visits.cancel(hub, await visits.visit(hub, key))
    return Cancelled()


@endpoint(id="A-37", tag=TAG, auth="none", status=204, errors=(422,))
async def retry(request: web.Request, key: str) -> None:
    """Remove all messages after the last user message."""
    hub = request.app[HUB]
    await visits.retry(hub, await visits.visit(hub, key, manned=True))


@endpoint(id="A-38", tag=TAG, auth="none", limit=32 * MIB, seconds=60, errors=(402, 409, 415, 422, 429, 502))
async def prompt(request: web.Request, key: str, body: PromptIn) -> PromptOut | web.StreamResponse:
    """Send a prompt and get the answer; with `Accept: text/event-stream` as a stream.

    `instructions` take a private key of the account in `Authorization`: only a server of the business may give them.
    What tools were called with, and what they gave, is told to such a server, and where the client has
    `showToolCalls`.
    """
    if "text/event-stream" in request.headers.get("Accept", ""):
        return await _streamed(request, key, body)
    hub = request.app[HUB]
    seen = await visits.visit(hub, key, talk=True)
    whole = await _allowed(request, seen, body)
    said = await transcripts.said(hub, seen, body.said())
    if not body.commit:
        made = await visits.trial(hub, seen, said, body.extra(), None)
        return PromptOut(
            completion_text=made.text,
            reasoning=made.reasoning or None,
            tool_calls=[ToolCall(**visits.call_of(c)) for c in made.tool_calls],
            usage=_usage(made.usage.prompt, made.usage.completion),
            created_messages=transcripts.created(shown(made.messages), made.tool_calls, whole),
        )
    again = await visits.ask_again(hub, seen, body.client_message_id) if not said else None
    got = await visits.prompt(
        hub, request.app[INTAKE], seen, said, client_id=body.client_message_id, again=again, extra=body.extra()
    )
    return PromptOut(
        completion_text=got.text,
        reasoning=got.reasoning,
        tool_calls=[ToolCall(**c) for c in got.tool_calls],
        usage=_usage(got.prompt_tokens, got.completion_tokens),
        created_messages=transcripts.created(got.created, got.tool_calls, whole),
    )


async def _allowed(request: web.Request, seen: Visit, body: PromptIn) -> bool:
    """Whether tools may be told of. Raise Forbidden for instructions of somebody who is no server of the business."""
    trusted = await server(request, seen.account_id)
    if body.instructions and not trusted:
        raise Forbidden(
            "instructions can only be given with a private key of the account in Authorization.", field="instructions",
            code="private_key_needed",
        )
    return trusted or bool(seen.parameters.get("showToolCalls"))


def _usage(prompt: int, completion: int) -> UsageOut:
    return UsageOut(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


@endpoint(
    tag=TAG, auth="none", limit=32 * MIB, seconds=60, produces="text/event-stream",
    errors=(402, 409, 415, 422, 429, 502),
)
async def stream(request: web.Request, key: str, body: PromptIn) -> web.StreamResponse:
    """Send a prompt and stream the answer as chat completion chunks."""
    return await _streamed(request, key, body)


async def _streamed(request: web.Request, key: str, body: PromptIn) -> web.StreamResponse:
    hub = request.app[HUB]
    seen = await visits.visit(hub, key, talk=True)
    whole = await _allowed(request, seen, body)
    said = await transcripts.said(hub, seen, body.said())
    again = await visits.ask_again(hub, seen, body.client_message_id) if body.commit and not said else None
    chunks = Chunks(str(uuid4()), int(time.time()), seen.model or "")

    async def work(put: Any) -> None:
        async def sink(delta: Delta) -> None:
            if delta.event is None or whole:
                await put(chunks.delta(delta))

        try:
            if body.commit:
                got = await visits.prompt(
                    hub,
                    request.app[INTAKE],
                    seen,
                    said,
                    client_id=body.client_message_id,
                    again=again,
                    extra=body.extra(),
                    sink=sink,
                )
                # Another process may have answered: then nothing came through the sink.
                rest = got.text if not chunks.begun else f"\n\n{got.text}" if got.failed else ""
                used, calls = Usage(got.prompt_tokens, got.completion_tokens), bool(got.tool_calls)
            else:
                made = await visits.trial(hub, seen, said, body.extra(), sink)
                rest, used, calls = "", made.usage, bool(made.tool_calls)
        except HubError as e:
            await put(chunks.error(e))
            return
        if rest:
            await put(chunks.delta(Delta(text=rest)))
        await put(chunks.finish("tool_calls" if calls else "stop", usage(used)))

    return await sse.stream(request, _events(sse.produced(work, finish=body.commit)))


async def _events(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[sse.Event, None]:
    """Rendered events without their frame, which `sse.stream` adds."""
    async with contextlib.aclosing(pieces):
        async for piece in pieces:
            for one in piece.split(b"\n\n"):
                if one:
                    yield one.removeprefix(b"data: ")


@endpoint(id="A-39", tag=TAG, auth="none", file="transcript.json", errors=(422,))
async def transcript(request: web.Request, key: str) -> Transcript:
    """Download the conversation as a JSON file.

    `context` and `metadata`, which the business has written, are for its servers: with a private key of the account
    in `Authorization`.
    """
    hub = request.app[HUB]
    seen = await visits.visit(hub, key)
    whole = await server(request, seen.account_id)
    rows = await messages.newest(hub.db, seen.account_id, seen.session_id, None)
    shown = transcripts.visible(rows, hub.settings.address)
    return Transcript(
        messages=[Spoken(role=m["role"], content=m["content"]) for m in shown],
        context=seen.extra_context if whole else None, session_id=seen.session_id,
        metadata=seen.metadata if whole else {},
    )


@endpoint(tag=TAG, auth="none", status=204, errors=(422,))
async def reset(request: web.Request, key: str) -> None:
    """Clear the conversation; the access key stays valid."""
    hub = request.app[HUB]
    seen = await visits.visit(hub, key)
    await visits.clear(hub, seen)


@endpoint(tag=TAG, auth="none", consumes="multipart/form-data", field="file", errors=(413, 415, 422, 429))
async def attach(request: web.Request, key: str) -> AttachmentOut:
    """Upload a file (multipart field `file`); name it in a prompt by its `file_id`."""
    hub = request.app[HUB]
    seen = await visits.visit(hub, key)
    file = await uploaded(request, "file", hub.settings.upload_limit_mb * MIB)
    return AttachmentOut(**await transcripts.keep(hub, seen, file.name, file.mime, file.content))


@endpoint(tag=TAG, auth="none", status=204, errors=(422,))
async def feedback(request: web.Request, key: str, message_id: UUID, body: FeedbackIn) -> None:
    """Rate an answer: up, down, or 1 to 5."""
    hub = request.app[HUB]
    await transcripts.rate(hub, await visits.visit(hub, key), message_id, body.rating, body.comment)


@endpoint(tag=TAG, auth="none", status=202, limit=32 * MIB, seconds=60, errors=(402, 409, 415, 422, 429))
async def say(request: web.Request, key: str, body: MessageIn) -> AcceptedOut:
    """Send a message whose answer comes by the events.

    For pages: it is stored when this answers, and answered whatever becomes of the connection.
    """
    hub = request.app[HUB]
    seen = await visits.visit(hub, key, talk=True)
    if body.content is None:
        got = visits.Accepted(await visits.ask_again(hub, seen, body.client_message_id), person=False, soon=True)
    else:
        content = await transcripts.saying(hub, seen, body.content)
        got = await visits.accept(hub, request.app[INTAKE], seen, content, body.client_message_id)
    if got.soon:
        request.app[ERRANDS].once(seen.session_id, partial(visits.answer_soon, hub, seen))
    return AcceptedOut(message_id=got.message, person=got.person)


@endpoint(tag=TAG, auth="none", produces="audio/mpeg", errors=(402, 422, 429, 502))
async def audio(request: web.Request, key: str, message_id: UUID) -> web.Response:
    """An answer as speech, of clients whose `audioSynthesisSource` is not None."""
    hub = request.app[HUB]
    spoken = await speech.spoken(hub, await visits.visit(hub, key), message_id, counted(request))
    headers = {"Cache-Control": "private, max-age=86400"}
    return web.Response(body=spoken.content, content_type=spoken.mime, headers=headers)


@endpoint(tag=TAG, auth="none", produces="text/event-stream", errors=(422, 429))
async def events(request: web.Request, key: str, query: EventsQuery) -> web.StreamResponse:
    """What happens in the conversation, as it happens; `Last-Event-ID` resumes without a gap.

    `message`: a stored message, with an id; one that was said but waits for its turn has none. `delta`: a
    piece of the answer being made, `at` so many UTF-16 units of it. `tool`: a tool at work (clients with
    `showToolCalls`). `turn`: a turn has ended. `gone`: `ids` of messages that were taken back.
    `person`: somebody has taken the conversation over (`active`), or given it back to the assistant. `typing`: a person
    of the business is writing (`active`), or has stopped; `text` says so in the visitor's language.
    """
    hub = request.app[HUB]
    seen: Visit = await visits.visit(hub, key)
    last = request.headers.get("Last-Event-ID", "")
    after = int(last) if last.isascii() and last.isdigit() and len(last) < 19 else query.after
    with request.app[STREAMS].one(str(seen.session_id), counted(request)):
        asked = request.headers.get("Accept-Language", "")
        words = labels(preferred(seen.parameters.get("languageCode"), asked))
        return await sse.stream(request, _named(follow(hub, key, seen, after), words))


async def _named(happenings: AsyncIterator[Happened], words: Mapping[str, str]) -> AsyncIterator[sse.Event]:
    async for one in happenings:
        said = {"text": words["waitingLabel" if one.data["active"] else "personLabel"]} if one.kind == "typing" else {}
        yield sse.Named(one.kind, one.data | said, one.place)


@endpoint(tag=TAG, auth="none", errors=(409, 422))
async def continuation(request: web.Request, key: str) -> ContinuationOut:
    """A code that goes on with this chat on WhatsApp or Telegram: the visitor sends it from there.

    It is good once, for 15 minutes; one asked for later takes its place. The chat then ends here.
    """
    hub = request.app[HUB]
    seen = await visits.visit(hub, key)
    return ContinuationOut.of(await continuation_.offer(hub, seen, request.headers.get("Accept-Language", "")))


BASE = "/api/v1/public/chat-clients/{key}"
ROUTES = [
    Route("GET", BASE, info),
    Route("DELETE", BASE, cancel),
    Route("POST", BASE + "/retry", retry),
    Route("POST", BASE + "/prompt", prompt),
    Route("POST", BASE + "/stream", stream),
    Route("POST", BASE + "/messages", say),
    Route("GET", BASE + "/messages/{message_id}/audio", audio),
    Route("GET", BASE + "/transcript.json", transcript),
    Route("POST", BASE + "/reset", reset),
    Route("POST", BASE + "/attachments", attach),
    Route("POST", BASE + "/continuation", continuation),
    Route("POST", BASE + "/messages/{message_id}/feedback", feedback),
    Route("GET", BASE + "/events", events),
]
