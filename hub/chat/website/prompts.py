"""The web chat: a visitor's prompt enters at the turn and streams straight out."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from hub import ids
from hub.accounts import balance
from hub.chat import content
from hub.chat.inbound.intake import Intake, carry
from hub.chat.news import tell
from hub.chat.timespan import exact
from hub.chat.turns import turn
from hub.chat.turns.question import ask_of, history
from hub.engine.answer import answer
from hub.engine.ask import Answer
from hub.engine.messages import paired
from hub.engine.worker import Rejected
from hub.errors import BadRequest, Conflict, HubError, TooMany, Unavailable, Upstream
from hub.runtime import Hub
from hub.sealing import digest
from hub.store import files, messages, scope, turns, web_sessions
from hub.store.inbox import Item, Stored
from hub.store.web_sessions import Visit

log = logging.getLogger(__name__)

Json = dict[str, Any]
LATER = 2.0  # seconds a web process has before a worker may take the turn over
LOOK = 1.0  # seconds between two looks at a turn that another process runs, should its event be lost


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished turn for its visitor; `created` are the messages of this turn."""

    text: str
    reasoning: str | None
    tool_calls: list[Json]
    prompt_tokens: int
    completion_tokens: int
    created: list[Json]
    failed: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that is stored. `person`: a human reads it and will answer."""

    message: UUID
    person: bool
    soon: bool


async def visit(hub: Hub, access_key: str, *, talk: bool = False, manned: bool = False) -> Visit:
    """The session behind an access key. Raise Unavailable for any key that cannot be used; with
    `manned` also when no gateway is attached, with `talk` when the session is full too; a person can be written to all
    the same."""
    with scope.itself():
        found = await web_sessions.by_key(hub.db, digest(access_key))
    if found is None:
        raise Unavailable
    scope.enter(found.account_id)
    if (talk or manned) and found.gateway is None and not found.handoff:
        raise Unavailable
    if talk and not found.handoff:
        limit = found.limits.get("maxMessages", 300)
        if limit > 0 and found.message_count >= limit:
            raise Unavailable
        balance.check(hub.settings, found.balance)
    return found


async def valid(hub: Hub, access_key: str) -> bool:
    """Whether an access key still opens its session."""
    with scope.itself():
        return await web_sessions.by_key(hub.db, digest(access_key)) is not None


async def prompt(
    hub: Hub,
    intake: Intake,
    seen: Visit,
    said: Sequence[Json],
    *,
    client_id: str | None = None,
    again: UUID | None = None,
    extra: tuple[str, ...] = (),
    sink: turn.Sink | None = None,
) -> Reply:
    """Store what the visitor said and answer it. `client_id` names the prompt: said twice, it is
    answered once and the same answer comes back. `again`: what `ask_again` has stored, to be answered."""
    if again is not None:
        return await _answered(hub, seen, again, extra, sink)
    items = [_item(seen, body, client_id if n == 0 else None) for n, body in enumerate(said)]
    stored = await _kept(hub, intake, items)
    first = stored[0]
    if first.outcome == "gone":
        raise Unavailable
    if first.outcome == "ignored":
        raise await _refusal(hub, seen, first.message_id)
    last = stored[-1].message_id or first.message_id
    assert last is not None
    return await _answered(hub, seen, last, extra, sink)


async def _kept(hub: Hub, intake: Intake, items: list[Item]) -> list[Stored]:
    with hub.tracing.within("ingest", "server", {"messaging.system": "web"}):
        carry(hub.tracing, items)
        return await intake.store(items)


async def ask_again(hub: Hub, seen: Visit, client_id: str | None) -> UUID:
    """Take the last question and its answers away and store it anew, to be answered. Asked twice under one
    `client_id`, it is stored once. Raise BadRequest when there is none, Conflict while an answer is being made,
    TooMany, Unavailable; then everything stays as it is."""
    got = await messages.ask_again(hub.db, _item(seen, {}, client_id))
    if got.outcome == "none":
        raise BadRequest("The session does not contain any user messages.")
    if got.outcome == "busy":
        raise Conflict("An answer is being made; wait for it or stop it, then ask again.", code="busy")
    if got.outcome == "person":
        raise _taken()
    if got.outcome == "gone" or got.message_id is None:
        raise Unavailable
    state = await turns.fate(hub.db, seen.session_id, got.message_id) or {}
    if state.get("state") == "ignored":
        raise await _refusal(hub, seen, got.message_id)
    if got.outcome == "accepted":
        await _gone(hub, seen, got.gone or ())
        await _said(hub, seen, got.message_id, got.body or {}, client_id)
    return got.message_id


async def accept(hub: Hub, intake: Intake, seen: Visit, body: Json, client_id: str | None) -> Accepted:
    """Store what the visitor said; its answer comes by the events. Said twice under one `client_id`, it is
    stored once. `soon`: whether nobody else has been rung for it, so that the caller is to run the turn."""
    interval = seen.parameters.get("messageDebounceInterval")
    wait = exact(interval) if interval else 0.0
    [got] = await _kept(hub, intake, [_item(seen, body, client_id, wait, hub.settings.max_debounce_wait)])
    if got.outcome == "gone" or got.message_id is None:
        raise Unavailable
    state = await turns.fate(hub.db, seen.session_id, got.message_id) or {}
    if state.get("state") == "ignored" and state["rule"] != "handoff":
        raise await _refusal(hub, seen, got.message_id)
    if got.outcome != "duplicate":
        await _said(hub, seen, got.message_id, body, client_id)
    return Accepted(got.message_id, state.get("rule") == "handoff", not wait and state.get("state") == "waiting")


async def _said(hub: Hub, seen: Visit, message: UUID, body: Json, client_id: str | None) -> None:
    row = {"id": message, "role": "user", "source": "contact", "content": body}
    await hub.events.publish(f"s:{seen.session_id}", {"type": "said", "row": row | {"network_id": f"w:{client_id}"}})


async def answer_soon(hub: Hub, seen: Visit) -> None:
    """Answer what `accept` and `ask_again` have stored, until nothing waits, whoever answers it."""
    end = time.monotonic() + hub.settings.turn_seconds + 30
    try:
        async with hub.events.listen(f"s:{seen.session_id}") as heard:
            while time.monotonic() < end:
                await turn.run(hub, seen.session_id, now=True)
                if not await web_sessions.waits(hub.db, seen):
                    return
                await _turned(heard)
    except HubError as e:
        # It was given up, or is left to a worker; the pages hear of either.
        log.info("a message of the web chat was not answered here: %s", type(e).__name__)


def _item(seen: Visit, body: Json, client_id: str | None, wait: float = 0.0, most: float = LATER) -> Json:
    return {
        "kind": "message",
        "account": str(seen.account_id),
        "client": str(seen.client_id),
        "session": str(seen.session_id),
        "id": str(ids.uuid7()),
        "ext": f"w:{client_id}" if client_id else None,
        "network_id": f"w:{client_id}" if client_id else None,
        "body": body,
        "debounce": wait or LATER,
        "max_wait": max(most, wait) if wait else LATER,
        "per_hour": seen.limits.get("messagesPerHour", 30),
        "max_messages": seen.limits.get("maxMessages", 300),
        "limit_text": None,
        "blocked_text": None,
        "session_s": 0,
        "held_by_web": not wait,
    }


async def _refusal(hub: Hub, seen: Visit, message: UUID | None) -> HubError:
    state = await turns.fate(hub.db, seen.session_id, message) if message else None
    if state and state["rule"] == "messagesPerHour":
        return TooMany(
            "Too many messages within an hour; wait a little and write again.",
            retry_after=await web_sessions.hour_left(hub.db, seen.session_id),
        )
    if state and state["rule"] == "handoff":
        return _taken()
    return Unavailable()


def _taken() -> Unavailable:
    return Unavailable("A person has taken this conversation over and will answer.", code="handoff")


async def _answered(hub: Hub, seen: Visit, message: UUID, extra: tuple[str, ...], sink: turn.Sink | None) -> Reply:
    """Run the turn here; when another process has the session, wait for it and read its answer."""
    end = time.monotonic() + hub.settings.turn_seconds + 30
    said = turn.Heard()
    async with hub.events.listen(f"s:{seen.session_id}") as heard:
        while time.monotonic() < end:
            await turn.run(hub, seen.session_id, now=True, sink=sink, extra=extra, heard=said)
            state = await turns.fate(hub.db, seen.session_id, message)
            if state is None:
                raise _ended(said.text)
            if state["state"] == "ignored":
                raise await _refusal(hub, seen, message)
            if state["state"] != "waiting":
                return await _reply(hub, seen, state)
            await _turned(heard, said)
    raise HubError("The answer took too long.")


def _ended(said: str) -> Unavailable:
    """The session was deleted while its answer was made; what was said by then goes with the refusal."""
    return Unavailable(
        "The session was deleted while it was answered.", code="session_ended",
        details={"completionText": said} if said else None,
    )


async def _reply(hub: Hub, seen: Visit, state: Json) -> Reply:
    if state["outcome"] == "rejected":
        raise Rejected
    rows = await web_sessions.of_turn(hub.db, seen.account_id, state["turn_id"])
    said = [r for r in rows if r["role"] in ("assistant", "tool")]
    texts = [r["content"] for r in said if r["role"] == "assistant"]
    body = texts[-1] if texts else {}
    done = {r["content"].get("tool_call_id") for r in said if r["role"] == "tool"}
    return Reply(
        text=body.get("text") or "\n\n".join(b["text"] for b in texts if b.get("text")),
        reasoning="\n".join(b["reasoning"] for b in texts if b.get("reasoning")) or None,
        tool_calls=[call_of(c) for c in body.get("tool_calls", ()) if c.get("id") not in done],
        prompt_tokens=state["prompt_tokens"] or 0,
        completion_tokens=state["completion_tokens"] or 0,
        created=history(said, hub.settings.address),
        failed=state["outcome"] == "failed",
    )


def call_of(call: Json) -> Json:
    """A call the caller must run, in the documented shape."""
    f = call.get("function", {})
    return {
        "id": call.get("id"),
        "functionName": f.get("name"),
        "contents": f.get("arguments"),
        "isProtocolFunction": False,
    }


async def trial(
    hub: Hub, seen: Visit, said: Sequence[Json], instructions: tuple[str, ...], sink: turn.Sink | None
) -> Answer:
    """Answer without storing anything (`commit: false`): billed, but not remembered. Nothing `said`: the last
    question again."""
    claimed = await web_sessions.look(hub.db, seen.account_id, seen.session_id, turn.HISTORY)
    if claimed is None or claimed.gateway is None:
        raise Unavailable
    balance.check(hub.settings, seen.balance)
    ask = await ask_of(hub, claimed, {}, instructions)
    asked = [content.message(b, {}, hub.settings.address) for b in said]
    known = ask.messages
    if not said:
        while known and known[-1]["role"] != "user":
            known = known[:-1]
        if not known:
            raise BadRequest("The session does not contain any user messages.")
    ask = replace(ask, messages=paired([*known, *asked]), retractable=sink is None)
    try:
        return await answer(hub, ask, sink)
    except Upstream as e:
        # What the provider said is for the operator.
        raise Upstream(str(e), retry_after=e.retry_after, code=e.code) from None
    finally:
        billed = ask.trace.ledger.billed(hub.models, ask.gateway)
        await hub.meter.add(seen.account_id, billed, gateway=ask.gateway.id, session=seen.session_id)


async def attach(hub: Hub, seen: Visit, file_ids: Sequence[UUID]) -> list[Json]:
    """Stored attachments for uploaded files. Raise BadRequest naming one that is not this session's."""
    rows = {r["id"]: r for r in await files.of_session(hub.db, seen.account_id, seen.session_id, list(file_ids))}
    missing = [i for i in file_ids if i not in rows]
    if missing:
        raise BadRequest(f"file_id {missing[0]} is not a file of this session; upload it first.", field="file_id")
    return [
        {
            "media": rows[i]["kind"],
            "mime": rows[i]["mime"],
            "name": rows[i]["name"],
            "size": rows[i]["size"],
            "file_id": str(i),
            "token": rows[i]["token"],
        }
        for i in file_ids
    ]


async def _gone(hub: Hub, seen: Visit, ids: Sequence[UUID]) -> None:
    """Pages that show these messages take them away."""
    await tell(hub.events, seen.account_id, seen.session_id, {"type": "gone", "ids": [str(i) for i in ids]})


async def heard_or(heard: "asyncio.Queue[Json]", seconds: float) -> Json | None:
    """The next event; None when there was none for so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await heard.get()
    return None


async def _turned(heard: "asyncio.Queue[Json]", said: turn.Heard | None = None) -> None:
    """Wait until a turn may have ended; pieces of an answer do not count, and are kept in `said`."""
    end = time.monotonic() + LOOK
    while (left := end - time.monotonic()) > 0:
        event = await heard_or(heard, left)
        if event is not None and event["type"] == "delta" and said is not None:
            said.text = event["text"] if event["at"] == 0 else said.text + event["text"]
        if event is not None and event["type"] not in ("delta", "tool", "said", "gone"):
            return


async def retry(hub: Hub, seen: Visit) -> None:
    """Hide everything after the last user message. Raise BadRequest when there is none."""
    dropped = await messages.drop_after_last_user(hub.db, seen.account_id, seen.session_id)
    if dropped is None:
        raise BadRequest("The session does not contain any user messages.")
    await _gone(hub, seen, dropped)


async def cancel(hub: Hub, seen: Visit) -> None:
    """Stop the running turn wherever it runs; nothing running is fine."""
    if not hub.leases.cancel(seen.session_id):
        await hub.events.publish("cancel", {"session": str(seen.session_id)})


async def clear(hub: Hub, seen: Visit) -> None:
    """Empty the conversation, for all pages that show it; its key stays."""
    await _gone(hub, seen, await messages.clear(hub.db, seen.account_id, seen.session_id))
