"""One turn: claim, gather, ask, store, send."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from hub import ids
from hub.accounts import balance
from hub.chat import content, texts
from hub.chat.inbound import consent, continuation, hearing, media
from hub.chat.inbound.commands import COMMANDS
from hub.chat.news import tell
from hub.chat.outbound import delivery, media_origins
from hub.chat.turns import choices, human, patience, scheduled, traced, voice_answers
from hub.chat.turns.broadcast import Broadcast
from hub.chat.turns.drafting import Drafting, drafting, mode_in
from hub.chat.turns.presence import Presence, take_back
from hub.chat.turns.question import ask_of, remembered
from hub.chat.turns.wording import fallback, language, title
from hub.engine import messages as chat_messages
from hub.engine.answer import answer
from hub.engine.ask import Answer, Ask
from hub.engine.worker import Rejected
from hub.errors import HubError, Overloaded, Unavailable
from hub.llm.citing import sources
from hub.llm.prices import cost
from hub.llm.types import Delta
from hub.runtime import Hub
from hub.store import strays, turns
from hub.store.turns import Claim, Closed
from hub.tracing import KEY

log = logging.getLogger(__name__)

HISTORY = 200
Json = dict[str, Any]
Sink = Callable[[Delta], Awaitable[None]]


@dataclass
class Draft:
    """A turn being made; what `turns.complete` will commit."""

    id: UUID
    started: float
    messages: list[Json] = field(default_factory=list)
    parts: list[Json] = field(default_factory=list)
    outcome: str = "answered"
    error: str | None = None
    failure: HubError | None = None
    batch_state: str = "answered"
    answer: Answer | None = None
    ask: Ask | None = None
    reset: bool = False
    said: str = ""
    shown: Broadcast | Drafting | None = None
    quiet: float = 0.0


@dataclass(frozen=True, slots=True)
class Done:
    """A committed turn as its caller needs it."""

    turn_id: UUID
    outcome: str
    error: str | None
    messages: list[Json]
    answer: Answer | None


@dataclass
class Heard:
    """What a turn has said so far, for whom its answer matters although it will never be stored."""

    text: str = ""


async def run(
    hub: Hub, session: UUID, *, now: bool = False, sink: Sink | None = None, extra: tuple[str, ...] = (),
    heard: Heard | None = None,
) -> Done | None:
    """Take the waiting batch of a session and answer it. None when there was nothing to take, or
    when somebody else answered meanwhile, or the session is gone. Whoever calls this may die at any point."""
    if hub.leases.closing:
        return None
    claimed = await turns.claim(hub.db, session, hub.leases.me, hub.settings.lease_seconds, HISTORY, now)
    return None if claimed is None else await take(hub, claimed, sink=sink, extra=extra, heard=heard)


async def take(
    hub: Hub, claimed: Claim, *, sink: Sink | None = None, extra: tuple[str, ...] = (), heard: Heard | None = None
) -> Done | None:
    """As `run`, of what is claimed already."""
    hub.reached("C5")
    parents = [told for row in claimed.batch if (told := row["body"].pop(KEY, None))]
    about = traced.about(claimed) if hub.tracing.on else {}
    with hub.tracing.within("turn", "consumer", about, next(iter(parents), None)) as span:
        done = await _taken(hub, claimed, sink, extra, heard)
        span.set("hub.outcome", done.outcome if done else "none")
        return done


async def _taken(
    hub: Hub, claimed: Claim, sink: Sink | None, extra: tuple[str, ...], heard: Heard | None
) -> Done | None:
    session, draft = claimed.session_id, Draft(ids.uuid7(), time.monotonic())
    draft.shown = drafts = drafting(hub, claimed, draft.id)
    if claimed.integration is None and claimed.batch:
        draft.shown = Broadcast(hub, session, draft.id)
        await draft.shown.begin()
    presence = Presence(hub, claimed, drafts)
    async with presence:
        with hub.leases.hold(session, claimed.epoch):
            ours = await _made(hub, claimed, draft, sink, extra)
        if heard is not None:
            heard.text = draft.said
        if not ours:
            await _lost(hub, claimed, draft)
            return None
        placeholder = await presence.finish()
        draft.quiet = presence.quiet()
    if await scheduled.again(hub, claimed, draft):
        if draft.shown is not None:
            await _over(hub, claimed, draft, {})
        return None
    try:
        return await _close(hub, claimed, draft, placeholder)
    finally:
        await presence.over()


async def _close(hub: Hub, claimed: Claim, draft: Draft, placeholder: str | None) -> Done | None:
    """Commit the turn and send what it says; or put it off, when the model may be back in a while."""
    what, after = patience.step(hub, claimed, draft)
    if what == "wait" and await turns.put_off(hub.db, claimed, after):
        await _charged(hub, claimed, draft)
        return None
    if what == "silence":
        draft.messages = [m for m in draft.messages if m["source"] != "system"]
    scheduled.settle(claimed, draft)
    await _route(hub, claimed, draft, placeholder)
    scheduled.route(claimed, draft)
    if (standing := _standing(draft, placeholder)) is not None:
        # Before the session forgets it: whoever dies leaves it to a sweep, which looks whether it is in use.
        await strays.leave(hub.db, claimed.session_id, standing)
    closed = await _commit(hub, claimed, draft, after if what == "apologise" else None)
    if not closed.ok:
        log.info("turn thrown away: somebody else has taken session %s", claimed.session_id)
        if closed.taken:
            await _given_up(hub, claimed, draft, placeholder)
        else:
            await _lost(hub, claimed, draft)
        return None
    if what == "apologise":
        # `complete` charges with the turn; of an apology there is none yet.
        await _charged(hub, claimed, draft)
    await _after(hub, claimed, draft, closed, standing)
    if what == "apologise":
        return None
    return Done(draft.id, draft.outcome, draft.error, draft.messages, draft.answer)


async def _made(hub: Hub, claimed: Claim, draft: Draft, sink: Sink | None, extra: tuple[str, ...]) -> bool:
    """Fill the draft. False when the lease was lost meanwhile: the session is another's, or gone."""
    session = claimed.session_id
    try:
        try:
            await _fill(hub, claimed, draft, sink, extra)
        finally:
            await _settle(draft)
    except asyncio.CancelledError:
        stopped = hub.leases.was_cancelled(session)
        if not stopped and not hub.leases.was_taken(session):
            raise
        _go_on()
        if stopped:
            _stopped(draft, claimed)
        return stopped
    return True


async def _fill(hub: Hub, claimed: Claim, draft: Draft, sink: Sink | None, extra: tuple[str, ...]) -> None:
    """Decide what the turn says."""
    if claimed.poison:
        draft.batch_state, draft.outcome = "dead", "poison"
        draft.error = "Processing this message stopped the worker several times; it was set aside."
        _user(claimed, draft)
        _say(draft, fallback(hub, claimed), source="system")
    elif not claimed.batch:
        draft.outcome = "nothing"
    elif (replied := await _own(hub, claimed)) is not None:
        draft.outcome, said = replied
        _user(claimed, draft)
        _say(draft, said, source="system")
    elif claimed.batch[0]["command"] in COMMANDS.values():
        _command(claimed, draft)
    else:
        await _ask(hub, claimed, draft, sink, extra)


async def _own(hub: Hub, claimed: Claim) -> tuple[str, str] | None:
    """What the hub itself answers, behind the outcome that this is."""
    for name, reply in (("consent", consent.answer), ("continue", continuation.answer), ("human", human.answer)):
        if (said := await reply(hub, claimed, language(claimed))) is not None:
            return f"command:{name}", said
    return None


async def _settle(draft: Draft) -> None:
    """Nothing of this turn is shown later than its end, however it ends."""
    if draft.shown is not None:
        await draft.shown.settle()


def _command(claimed: Claim, draft: Draft) -> None:
    name, lang = claimed.batch[0]["command"], language(claimed)
    draft.outcome = f"command:{name}"
    if name == "reset":
        draft.reset = True
        _say(draft, texts.say("reset", lang), source="system", hidden=True)
    else:
        s = claimed.session
        used = texts.say("usage", lang, messages=s["message_count"], tokens=s["token_count"])
        _say(draft, used, source="system", hidden=True)


async def _ask(hub: Hub, claimed: Claim, draft: Draft, sink: Sink | None, extra: tuple[str, ...]) -> None:
    choices.heard(claimed)
    _user(claimed, draft)
    try:
        opened = await media.ensure(hub, claimed)
        if claimed.gateway is None:
            raise Unavailable("No AI gateway is attached to this chat client.")
        balance.check(hub.settings, claimed.account["balance"])
        await hearing.transcribe(hub, claimed, opened)
        hub.reached("C6")
        told = (*extra, *scheduled.instructions(claimed))
        ask = replace(await ask_of(hub, claimed, opened, told), retractable=sink is None)
        draft.ask = ask
        draft.answer = await answer(hub, remembered(hub, claimed, ask), _spoken(draft, sink))
        hub.reached("C8")
    except Rejected as e:
        # Whoever wrote hears nothing: that is what the worker decided.
        draft.outcome, draft.error = "rejected", str(e)
    except Overloaded:
        raise  # the database is away: the turn is begun again, it has not failed
    except HubError as e:
        draft.outcome, draft.error, draft.failure, draft.batch_state = "failed", _reason(e), e, "failed"
        _acted(draft)
        _say(draft, fallback(hub, claimed), source="system")
    else:
        if draft.answer.blocked:
            for m in draft.messages:
                m["content"] = content.withheld(m["content"], draft.answer.blocked)
        _answered(draft, draft.answer.messages, draft.answer.files)
        choices.offer(hub, claimed, draft.answer, draft.messages)


def _spoken(draft: Draft, sink: Sink | None) -> Sink:
    """Who hears the answer while it is made."""

    async def spoken(delta: Delta) -> None:
        draft.said = "" if delta.restart else draft.said + delta.text
        if draft.shown is not None:
            await draft.shown.say(delta)
        if sink is not None:
            await sink(delta)

    return spoken


def _acted(draft: Draft) -> str:
    """The tool calls of an answer that was not finished, so that nothing is done again because the model
    does not know of it. Returns what was said with them."""
    made = draft.ask.trace.made if draft.ask is not None else []
    _answered(draft, chat_messages.paired(made))
    return "".join(str(m.get("content") or "") for m in made if m["role"] == "assistant")


def _answered(draft: Draft, made: Sequence[Json], files: Sequence[Json] = ()) -> None:
    """The messages of the answer; what its tools made goes with the last one."""
    added = [(m["role"], stored) for m in made if (stored := content.of_answer(m)) is not None]
    if files and added:
        added[-1][1]["attachments"] = list(files)
    draft.messages += [
        {"id": str(ids.uuid7()), "role": role, "source": "model", "content": stored, "hidden": False}
        for role, stored in added
        if stored["text"] or stored.get("tool_calls") or stored.get("attachments")
    ]


def _go_on() -> None:
    """The cancellation has done what it was for: the task must not count as cancelled any more."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


def _stopped(draft: Draft, claimed: Claim) -> None:
    """Somebody pressed stop: what was said so far is kept."""
    draft.outcome, draft.error = "cancelled", None
    rest = draft.said.removeprefix(_acted(draft))
    if rest:
        _say(draft, rest, cancelled=True)


def _user(claimed: Claim, draft: Draft) -> None:
    draft.messages = [
        {
            "id": row["id"], "role": row["body"].get("role", "user"), "source": "contact", "content": row["body"],
            "network_id": row["network_id"],
        }
        for row in claimed.batch
    ]


def _say(draft: Draft, text: str, source: str = "model", hidden: bool = False, **extra: Any) -> None:
    if not text and not extra:
        return
    draft.messages.append({
        "id": str(ids.uuid7()), "role": "assistant", "source": source, "content": {"text": text, **extra},
        "hidden": hidden,
    })


def _reason(e: HubError) -> str:
    return f"{e} ({e.details})" if e.details else str(e)


async def _route(hub: Hub, claimed: Claim, draft: Draft, placeholder: str | None) -> None:
    """Turn what is said into parts of the network's shape; a web session is read, not sent to."""
    if claimed.integration is None:
        return
    channel = hub.channels[claimed.integration["channel"]]
    last = claimed.batch[-1] if claimed.batch else None
    to = delivery.Address(
        chat=claimed.session["chat"],
        mode=mode_in(claimed.integration["mode"], channel, claimed.session["chat"]),
        style=channel.style,
        chunks=bool(claimed.client["parameters"].get("splitAnswerIntoMessageChunks")),
        reply_to=last["network_id"] if last and last["body"].get("group") else None,
        placeholder=placeholder,
        origins=media_origins.of(hub.settings.address, claimed.client["parameters"]),
        buttons=choices.buttons(channel.style, claimed),
        ask=texts.say("choose", language(claimed)),
    )
    for message in draft.messages:
        if message["role"] == "assistant":
            parts = await delivery.of_content(message["content"], UUID(message["id"]), to, hub.settings.address)
            if parts:
                to = replace(to, placeholder=None)  # the first fills it in, the next would write over that
            draft.parts += parts
    if told := hub.tracing.carrier():
        # Whoever sends them, now or later, goes on with this.
        for part in draft.parts:
            part["body"][KEY] = told


def _standing(draft: Draft, placeholder: str | None) -> str | None:
    """The placeholder, if nothing that is said fills it in."""
    filled = any(part.get("placeholder") for part in draft.parts)
    return None if filled else placeholder or None


async def _commit(hub: Hub, claimed: Claim, draft: Draft, after: float | None) -> Closed:
    """after: seconds until it is tried again although the contact gets an apology."""
    made, a = draft.answer, claimed.gateway
    turn: Json = {
        "id": str(draft.id),
        "gateway_id": a["id"] if a else None,
        "model": made.model if made else None,
        "outcome": draft.outcome,
        "error": draft.error,
        "batch_state": draft.batch_state,
        "attempts": claimed.session["attempts"],
        "timings": {"total_ms": round((time.monotonic() - draft.started) * 1000)}
        | (dict(made.timings) if made else {}),
    }
    if draft.reset:
        turn["reset"] = True
    if draft.ask is not None:
        # What was consumed, whatever came of it.
        ledger = draft.ask.trace.ledger
        billed = ledger.billed(hub.models, draft.ask.gateway)
        turn |= {
            "prompt_tokens": ledger.usage.prompt, "completion_tokens": ledger.usage.completion,
            "billed": billed, "cost": cost(billed),
        }
        if fired := draft.ask.trace.fired:
            turn["timings"] |= {"rules": dict(fired)}
    if made:
        turn |= {
            "title": title(claimed),
            "passages": sources(made.passages, made.text),
        }
    turn |= scheduled.closing(claimed, draft)
    if after is None:
        return await hub.outcomes.complete(claimed, turn, draft.messages, draft.parts)
    told = [{**m, "hidden": m.get("hidden", False) or m["role"] == "assistant"} for m in draft.messages]
    return await turns.apologise(hub.db, claimed, hub.leases.me, turn, told, draft.parts, delivery.wire(hub), after)


async def _after(hub: Hub, claimed: Claim, draft: Draft, closed: Closed, standing: str | None) -> None:
    session = claimed.session_id
    told = asyncio.create_task(_tell(hub, claimed, draft))
    if claimed.integration is not None:
        if standing is not None:
            hub.reached("SILENT")
            await take_back(hub, claimed, standing)
        part = await delivery.put_off(hub, closed.part, draft.quiet)
        await delivery.drain(hub, session, part, claimed.integration)
        await voice_answers.ask(hub, claimed, draft.outcome, draft.messages)
    if human.ran(claimed, draft.outcome, draft.answer.ran if draft.answer else []):
        await human.settle(hub, UUID(claimed.account["id"]), session)
    if closed.more:
        lane = (str(claimed.account["id"]), str((claimed.integration or {}).get("id") or ""))
        await hub.queue.turn(session, -claimed.epoch, lane=lane)
    await told


async def _given_up(hub: Hub, claimed: Claim, draft: Draft, placeholder: str | None) -> None:
    """A person has the conversation: nothing of the turn is kept but what it has cost."""
    if placeholder:
        await take_back(hub, claimed, placeholder)
    await _charged(hub, claimed, draft)
    await _over(hub, claimed, draft, {"messages": [], "outcome": "cancelled"})


async def _lost(hub: Hub, claimed: Claim, draft: Draft) -> None:
    """Thrown away: another process answers, or the session is gone. What it has cost stays, what it said does not."""
    await _charged(hub, claimed, draft)
    if draft.shown is not None:
        await draft.shown.withdraw()


async def _charged(hub: Hub, claimed: Claim, draft: Draft) -> None:
    if draft.ask is not None:
        gateway, billed = draft.ask.gateway, draft.ask.trace.ledger.billed(hub.models, draft.ask.gateway)
        await hub.meter.add(draft.ask.account_id, billed, gateway=gateway.id, session=claimed.session_id)


async def _tell(hub: Hub, claimed: Claim, draft: Draft) -> None:
    """Pages and operators that have the conversation open hear that the turn is stored."""
    told: Json = {"messages": [m["id"] for m in draft.messages if m["role"] == "assistant"], "outcome": draft.outcome}
    if draft.answer is not None:
        used = draft.answer.usage
        told |= {"model": draft.answer.model, "promptTokens": used.prompt, "completionTokens": used.completion}
    told["ms"] = round((time.monotonic() - draft.started) * 1000)
    await _over(hub, claimed, draft, told)


async def _over(hub: Hub, claimed: Claim, draft: Draft, told: Json) -> None:
    await _settle(draft)
    event = {"type": "turn", "turn": str(draft.id), **told}
    await tell(hub.events, claimed.account["id"], claimed.session_id, event)
    if draft.shown is not None:
        await draft.shown.end()
