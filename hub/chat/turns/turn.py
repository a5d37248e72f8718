"""One turn: claim, gather, ask, store, send."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from hub import ids
from hub.accounts import balance
from hub.chat import content, texts
from hub.chat.inbound import consent, continuation, hearing, media
from hub.chat.inbound.commands import COMMANDS
from hub.chat.turns import choices, closing, human, scheduled, traced
from hub.chat.turns.broadcast import Broadcast
from hub.chat.turns.draft import Done, Draft
from hub.chat.turns.drafting import drafting
from hub.chat.turns.presence import Presence
from hub.chat.turns.question import ask_of, remembered
from hub.chat.turns.wording import fallback, language
from hub.engine.answer import answer
from hub.engine.worker import Rejected
from hub.errors import HubError, Overloaded, Unavailable
from hub.llm.types import Delta
from hub.runtime import Hub
from hub.store import turns
from hub.store.turns import Claim
from hub.tracing import KEY

log = logging.getLogger(__name__)

HISTORY = 200
Json = dict[str, Any]
Sink = Callable[[Delta], Awaitable[None]]


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
        with hub.leases.hold(session, claimed.epoch) as draft.lease:
            ours = await _made(hub, claimed, draft, sink, extra)
        if heard is not None:
            heard.text = draft.said
        if not ours:
            await closing.lost(hub, claimed, draft)
            return None
        placeholder = await presence.finish()
        draft.quiet = presence.quiet()
    if await scheduled.again(hub, claimed, draft):
        if draft.shown is not None:
            await closing.over(hub, claimed, draft, {})
        return None
    try:
        return await closing.close(hub, claimed, draft, placeholder)
    finally:
        await presence.over()


async def _made(hub: Hub, claimed: Claim, draft: Draft, sink: Sink | None, extra: tuple[str, ...]) -> bool:
    """Fill the draft. False when the lease was lost meanwhile: the session is another's, or gone."""
    lease = draft.lease
    try:
        try:
            await _fill(hub, claimed, draft, sink, extra)
        finally:
            await closing.settle(draft)
    except asyncio.CancelledError:
        if lease is None or not (lease.stopped or lease.taken):
            raise
        if lease.stopped:
            draft.stopped()
        return lease.stopped
    return True


async def _fill(hub: Hub, claimed: Claim, draft: Draft, sink: Sink | None, extra: tuple[str, ...]) -> None:
    """Decide what the turn says."""
    if claimed.poison:
        draft.batch_state, draft.outcome = "dead", "poison"
        draft.error = "Processing this message stopped the worker several times; it was set aside."
        draft.hear(claimed)
        draft.say(fallback(hub, claimed), source="system")
    elif not claimed.batch:
        draft.outcome = "nothing"
    elif (replied := await _own(hub, claimed)) is not None:
        draft.outcome, said = replied
        draft.hear(claimed)
        draft.say(said, source="system")
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


def _command(claimed: Claim, draft: Draft) -> None:
    name, lang = claimed.batch[0]["command"], language(claimed)
    draft.outcome = f"command:{name}"
    if name == "reset":
        draft.reset = True
        draft.say(texts.say("reset", lang), source="system", hidden=True)
    else:
        s = claimed.session
        used = texts.say("usage", lang, messages=s["message_count"], tokens=s["token_count"])
        draft.say(used, source="system", hidden=True)


async def _ask(hub: Hub, claimed: Claim, draft: Draft, sink: Sink | None, extra: tuple[str, ...]) -> None:
    choices.heard(claimed)
    draft.hear(claimed)
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
        draft.acted()
        draft.say(fallback(hub, claimed), source="system")
    else:
        if draft.answer.blocked:
            for m in draft.messages:
                m["content"] = content.withheld(m["content"], draft.answer.blocked)
        draft.answered(draft.answer.messages, draft.answer.files)
        choices.offer(hub, claimed, draft.answer, draft.messages)


def _spoken(draft: Draft, sink: Sink | None) -> Sink:
    """Who hears the answer while it is made."""

    async def spoken(delta: Delta) -> None:
        if draft.lease is not None:
            draft.lease.heed()
        draft.said = "" if delta.restart else draft.said + delta.text
        if draft.shown is not None:
            await draft.shown.say(delta)
        if sink is not None:
            await sink(delta)

    return spoken


def _reason(e: HubError) -> str:
    return f"{e} ({e.details})" if e.details else str(e)
