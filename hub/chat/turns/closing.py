"""The end of a turn: what it says is brought into the shape of its network, committed, sent and told."""

import asyncio
import logging
import time
from dataclasses import replace
from typing import Any
from uuid import UUID

from hub.chat import texts
from hub.chat.news import tell
from hub.chat.outbound import delivery, media_origins
from hub.chat.turns import choices, human, patience, scheduled, voice_answers
from hub.chat.turns.draft import Done, Draft
from hub.chat.turns.drafting import mode_in
from hub.chat.turns.presence import take_back
from hub.chat.turns.wording import language, title
from hub.llm.citing import sources
from hub.llm.prices import cost
from hub.runtime import Hub
from hub.store import strays, turns
from hub.store.turns import Claim, Closed
from hub.tracing import KEY

log = logging.getLogger(__name__)

Json = dict[str, Any]

WORDS = "words"  # by what documents were searched, where not by their vectors too


async def close(hub: Hub, claimed: Claim, draft: Draft, placeholder: str | None) -> Done | None:
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
            await lost(hub, claimed, draft)
        return None
    if what == "apologise":
        # `complete` charges with the turn; of an apology there is none yet.
        await _charged(hub, claimed, draft)
    await _after(hub, claimed, draft, closed, standing)
    if what == "apologise":
        return None
    return Done(draft.id, draft.outcome, draft.error, draft.messages, draft.answer)


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
        if draft.ask.trace.worded:
            turn["timings"] |= {"search": WORDS}
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
    await over(hub, claimed, draft, {"messages": [], "outcome": "cancelled"})


async def lost(hub: Hub, claimed: Claim, draft: Draft) -> None:
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
    await over(hub, claimed, draft, told)


async def over(hub: Hub, claimed: Claim, draft: Draft, told: Json) -> None:
    await settle(draft)
    event = {"type": "turn", "turn": str(draft.id), **told}
    await tell(hub.events, claimed.account["id"], claimed.session_id, event)
    if draft.shown is not None:
        await draft.shown.end()


async def settle(draft: Draft) -> None:
    """Nothing of this turn is shown later than its end, however it ends."""
    if draft.shown is not None:
        await draft.shown.settle()
