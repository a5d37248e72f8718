"""A message's fate in order and in plain words: what happened, and also why nothing did."""

from typing import Any
from uuid import UUID

from hub.chat.turns import scheduled
from hub.chat.turns.closing import WORDS
from hub.errors import NotFound
from hub.store import why
from hub.store.db import Db
from hub.translations import told

Json = dict[str, Any]

RULES = {
    "messagesPerHour": told(
        "ignored: the contact's messages of this hour are used up (limitingParameters.messagesPerHour)"
    ),
    "maxMessages": told("ignored: the session holds as many messages as it may (limitingParameters.maxMessages)"),
    "handoff": told("not answered by the bot: a person has taken the conversation over"),
    "revoked": told("not answered: the contact deleted it before it was answered"),
    "pictured": told("not answered by itself: it was changed before its file came, and is answered with it"),
    "history": told("not answered: the network replayed it from its history, more than a day late"),
    "groups:ignore": told("not answered: messages of groups are ignored (integration setting groups)"),
    "groups:mention": told("not answered: groups get answers only when the bot is named (integration setting groups)"),
}
OUTCOMES = {
    "answered": told("the model answered"),
    "failed": told("the model could not answer; the contact was told so"),
    "cancelled": told("the answer was stopped on request"),
    "rejected": told("the gateway's worker did not allow it, so nothing was said"),
    "poison": told("set aside: processing it stopped the worker several times"),
    "nothing": told("nothing was left to answer"),
    "command:reset": told("the command /reset cleared the conversation"),
    "command:usage": told("the command /usage was answered"),
    "command:consent": told("the contact's wish about being written to was carried out and confirmed"),
}
ACTIVATIONS = {
    "waiting": told("waits for its campaign to come to it"),
    "due": told("waits to be let out"),
    "admitted": told("let out: the assistant writes it"),
    "done": told("let out"),
}

SEARCHED = told("documents were searched by their words alone: the embedder failed or took too long")

# Of a delivery and of one attempt, as they are stored: as they are said.
STATES = {
    "sent": told("sent"), "delivered": told("delivered"), "read": told("read"), "dead": told("dead"),
    "cancelled": told("cancelled"), "unknown": told("unknown"), "retry": told("retry"), "failed": told("failed"),
}


async def explain(db: Db, account: UUID, message: UUID) -> Json:
    """The chain of one message (or delivery). Raise NotFound for another account's."""
    found = await why.chain(db, account, message)
    if found is None:
        raise NotFound("No such message.")
    steps = [*_activated(found), *_received(found), *_turn(found), *_deliveries(found), *_happenings(found)]
    # A transaction's time is that of its beginning: what let it out may have begun before the activation was there.
    begun = found["activation"]["created_at"] if found["activation"] else ""
    steps.sort(key=lambda s: max(s["at"], begun))
    return {
        "messageId": str(message),
        "sessionId": str(found["session_id"]) if found["session_id"] else None,
        "channel": found["channel"] or "web",
        "role": found["role"],
        "verdict": _verdict(found),
        "steps": steps,
    }


def _activated(found: Json) -> list[Json]:
    """How a message that nobody just asked for came about, or why it did not go out."""
    a = found["activation"]
    if not a:
        return []
    named = a["campaign" if a["campaign_id"] else "schedule"]
    came = told("the time of a campaign came") if a["campaign_id"] else told("the time of a schedule came")
    came = told("%(came)s: %(name)s", came=came, name=named[:200]) if named else came
    of = {"scheduleId": a["schedule_id"], "campaignId": a["campaign_id"], "scheduledTime": a["fire_at"]}
    steps = [{"at": a["created_at"], "step": "activation", "text": came, **of}]
    if a["admitted_at"]:
        steps.append({"at": a["admitted_at"], "step": "admitted", "text": told("the outreach policy let it out")})
    elif a["closed_at"]:
        steps.append({"at": a["closed_at"], "step": a["state"], "rule": a["reason"], "text": _activation_words(a)})
    return steps


def _activation_words(a: Json) -> str:
    if a["state"] == "due" and a["reason"]:
        return told("%(result)s (until %(time)s)", result=told(a["result"]), time=a["not_before"])
    return told(a["result"]) if a["result"] else ACTIVATIONS.get(a["state"], str(a["state"]))


def _received(found: Json) -> list[Json]:
    steps = []
    for row in found["inbox"]:
        own = row["command"] == scheduled.COMMAND
        steps.append(
            {
                "at": row["received_at"],
                "step": "instructed" if own else "received",
                "text": told("put into the conversation as an instruction" if own else "received and stored"),
                "messageId": row["id"],
                "providerId": row["network_id"],
                "providerTime": row["provider_at"],
            }
        )
        if row["rule"]:
            steps.append(
                {
                    "at": row["received_at"],
                    "step": "ignored",
                    "rule": row["rule"],
                    "messageId": row["id"],
                    "text": _rule(row["rule"]),
                }
            )
        if row["state"] == "waiting":
            steps.append(
                {
                    "at": row["received_at"],
                    "step": "waiting",
                    "messageId": row["id"],
                    "text": _waits_for(found["session"]),
                }
            )
    return steps


def _waits_for(session: Json) -> str:
    if session["lease_until"]:
        return told("waiting: a turn of this session is running")
    if session["due_at"]:
        return told(
            "waiting until %(time)s for the contact to finish writing (messageDebounceInterval)", time=session["due_at"]
        )
    return told("waiting for a worker")


def _rule(name: str) -> str:
    return RULES.get(name) or told("not answered: %(rule)s", rule=name)


def _turn(found: Json) -> list[Json]:
    turn = found["turn"]
    if not turn:
        return []
    merged = [row["id"] for row in found["inbox"]]
    steps = []
    if len(merged) > 1:
        steps.append(
            {
                "at": turn["created_at"],
                "step": "merged",
                "text": told("answered together with %(count)s other message(s)", count=len(merged) - 1),
                "messageIds": merged,
                "turnId": turn["id"],
            }
        )
    if (turn["timings"] or {}).get("search") == WORDS:
        steps.append({"at": turn["created_at"], "step": "search", "turnId": turn["id"], "text": SEARCHED})
    steps.append(
        {
            "at": turn["created_at"],
            "step": "turn",
            "turnId": turn["id"],
            "outcome": turn["outcome"],
            "error": turn["error"],
            "text": OUTCOMES.get(turn["outcome"], turn["outcome"]),
            "model": turn["model"],
            "gatewayId": turn["gateway_id"],
            "attempts": turn["attempts"],
            "passages": turn["passages"],
            "timings": turn["timings"],
            "usage": {"promptTokens": turn["prompt_tokens"], "completionTokens": turn["completion_tokens"]},
        }
    )
    return steps


def _deliveries(found: Json) -> list[Json]:
    steps = [
        {
            "at": a["at"],
            "step": "attempt",
            "deliveryId": a["delivery"],
            "outcome": a["outcome"],
            "code": a["code"],
            "error": a["error"],
            "text": _attempt_words(a),
        }
        for a in found["attempts"]
    ]
    return steps + [
        {
            "at": o["closed_at"] or o["created_at"],
            "step": "delivery",
            "deliveryId": o["key"],
            "state": o["state"],
            "part": o["part"],
            "providerId": o["network_id"],
            "fate": o["fate"],
            "code": o["code"],
            "error": o["error"],
            "resolution": o["resolution"],
            "text": _delivery_words(o),
        }
        for o in found["deliveries"]
    ]


def _attempt_words(a: Json) -> str:
    outcome = STATES.get(a["outcome"], a["outcome"])
    if a["error"]:
        return told("send attempt: %(outcome)s (%(error)s)", outcome=outcome, error=told(a["error"]))
    return told("send attempt: %(outcome)s", outcome=outcome)


def _delivery_words(o: Json) -> str:
    part = o["part"] + 1
    if o["state"] == "sent":
        fate = STATES.get(o["fate"], o["fate"]) if o["fate"] else told("taken by the network")
        return told("part %(part)s sent (%(fate)s)", part=part, fate=fate)
    if o["state"] == "queued" and o["code"] == "window_closed":
        return told(
            "part %(part)s waits for the contact to answer: WhatsApp's 24 hour window is closed", part=part
        )
    if o["state"] == "queued":
        return told("part %(part)s waits to be sent", part=part)
    if o["state"] == "unknown":
        return told("part %(part)s may or may not have arrived: the network did not answer", part=part)
    why = told(o["error"] or o["code"]) if o["error"] or o["code"] else told("no reason given")
    return told("part %(part)s %(state)s: %(why)s", part=part, state=STATES.get(o["state"], o["state"]), why=why)


def _happenings(found: Json) -> list[Json]:
    words = {
        "edit": told("edited by the contact"),
        "revoke": told("deleted by the contact"),
        "reaction": told("the contact reacted"),
        "feedback": told("the visitor rated it"),
        "status": told("the network reported"),
        "own": told("sent from outside the hub"),
        "handoff": told("the conversation changed hands"),
        "person_asked": told("a person was asked for"),
        "person_answered": told("a person answered for the first time"),
        "person_late": told("colleagues were told that the answer will be late"),
    }
    return [
        {
            "at": h["at"],
            "step": h["kind"],
            "detail": h["detail"],
            "text": words.get(h["kind"]) or h["detail"].get("text") or h["kind"],
        }
        for h in found["happenings"]
        if h["kind"] != "ignored"
    ]


def _verdict(found: Json) -> str:
    act = found["activation"]
    if act and not act["admitted_at"]:
        return _activation_words(act)
    mine = next((r for r in found["inbox"] if r["id"] == str(found["id"])), None)
    if mine and mine["rule"]:
        return _rule(mine["rule"])
    if mine and mine["state"] == "waiting":
        return _waits_for(found["session"])
    bad = [o for o in found["deliveries"] if o["state"] in ("dead", "unknown", "queued")]
    if bad:
        return _delivery_words(bad[0])
    turn = found["turn"]
    if turn:
        sent = sum(o["state"] == "sent" for o in found["deliveries"])
        words = OUTCOMES.get(turn["outcome"], str(turn["outcome"]))
        return told("%(what)s; %(count)s part(s) sent", what=words, count=sent) if sent else words
    if act and act["state"] in ("done", "failed"):
        sent = sum(o["state"] == "sent" for o in found["deliveries"])
        return told(act["result"]) if act["result"] else told("let out; %(count)s part(s) sent", count=sent)
    return told("recorded")
