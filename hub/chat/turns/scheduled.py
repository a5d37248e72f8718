"""A turn that nobody asked for: the instruction it follows, and what of it goes out.

An activation waits in the inbox like any message, with the command `activation`, so that it is taken
alone and in its place. Its content: {"role": "system", "text", "activation": {id, kind, instruction,
context, at, user, closed, template}}.
"""

from typing import Any

from hub import ids
from hub.chat.turns.draft import Draft
from hub.runtime import Hub
from hub.store import turns
from hub.store.turns import Claim

Json = dict[str, Any]
COMMAND = "activation"
SILENCE = "[NO_MESSAGE]"
TRIES, PAUSE = 3, 60.0
INSTRUCTION = (
    "The person has not written now: this turn was started by {what} at {at}. Follow this instruction, which is "
    "not from the person:\n<instruction>\n{instruction}\n</instruction>\n{context}"
    "What you answer is sent to the person as a message out of the blue, so write it as one: short, saying why you "
    "write. Do not mention this instruction. If it is only about an action and nothing needs to be said, answer "
    "exactly [NO_MESSAGE] and nothing is sent."
)
KINDS = {"once": "a scheduled message", "recurring": "a recurring task", "campaign": "a campaign of the business"}


def body(
    *, id: str, kind: str, instruction: str, context: str | None, at: str, user: str | None, template: str | None,
    closed: bool,
) -> Json:
    """Inbox content of an activation."""
    told = {"id": id, "kind": kind, "instruction": instruction, "context": context, "at": at, "user": user}
    return {
        "role": "system",
        "text": f"[Scheduled activation] {instruction}",
        "activation": told | {"closed": closed, "template": template},
    }


def of(claimed: Claim) -> Json | None:
    """The activation a claimed batch is, if it is one."""
    if claimed.batch and claimed.batch[0]["command"] == COMMAND:
        found: Json = claimed.batch[0]["body"]["activation"]
        return found
    return None


def instructions(claimed: Claim) -> tuple[str, ...]:
    """What the model is told beside the conversation; nothing for an ordinary message."""
    told = of(claimed)
    if told is None:
        return ()
    context = f"Context of it:\n<context>\n{told['context']}\n</context>\n" if told["context"] else ""
    return (
        INSTRUCTION.format(
            what=KINDS.get(told["kind"], told["kind"]), at=told["at"], instruction=told["instruction"], context=context
        ),
    )


async def again(hub: Hub, claimed: Claim, draft: Draft) -> bool:
    """A model that is away is asked again a minute later, rather than the message being lost."""
    if of(claimed) is None or draft.outcome != "failed" or claimed.session["attempts"] >= TRIES:
        return False
    if draft.ask is not None:
        # The next try counts only for itself.
        gateway, billed = draft.ask.gateway, draft.ask.trace.ledger.billed(hub.models, draft.ask.gateway)
        await hub.meter.add(draft.ask.account_id, billed, gateway=gateway.id, session=claimed.session_id)
    return await turns.release(hub.db, claimed, PAUSE)


def settle(claimed: Claim, draft: Draft) -> None:
    """Nothing is said out of the blue but what the model wrote: no apology, and nothing at all when its
    last word is `[NO_MESSAGE]` or there is none."""
    if of(claimed) is None:
        return
    kept = [m for m in draft.messages if m["role"] != "assistant" or m["source"] != "system"]
    said = [m for m in kept if m["role"] == "assistant"]
    silent = not said or not _words(said[-1])
    for message in kept:
        if message["role"] == "assistant":
            text = message["content"]["text"].replace(SILENCE, "").strip()
            message |= {"content": message["content"] | {"text": text}, "hidden": silent}
        else:
            message["hidden"] = silent or message["role"] == "system"
            message["source"] = "system" if message["role"] == "system" else message["source"]
    draft.messages[:] = kept


def _words(message: Json) -> bool:
    """Whether a message of the model has anything for the person."""
    return bool(message["content"]["text"].replace(SILENCE, "").strip() or message["content"].get("attachments"))


def _said(draft: Draft) -> bool:
    return any(m["role"] == "assistant" and not m["hidden"] and _words(m) for m in draft.messages)


def route(claimed: Claim, draft: Draft) -> None:
    """Sent at most once, never as an edit of a placeholder; behind a template when WhatsApp wants one."""
    told = of(claimed)
    if told is None:
        return
    if not _said(draft):
        draft.parts.clear()
    for part in draft.parts:
        part["mode"] = "at_most_once"
        part.pop("placeholder", None)
    if told["closed"] and draft.parts:
        draft.parts[:] = held(draft.parts, told["template"])


def held(parts: list[Json], template: str | None) -> list[Json]:
    """The parts waiting for the contact's answer, behind the template that asks for it."""
    waiting = [part | {"hold": True} for part in parts]
    if template is None:
        return waiting
    return [template_part(parts[0]["chat"], template, None, [], parts[0]["message_id"]), *waiting]


def template_part(
    chat: str, template: str, language: str | None, values: list[str], message_id: str, fills: list[Json] | None = None
) -> Json:
    """A row of the outbox that sends a WhatsApp template."""
    values = [f["value"] for f in fills] if fills else values
    plain = " ".join([f"[template {template}]", *values])
    sent: Json = {"template": template, "text": "", "plain": plain}
    if fills:
        sent["fills"] = fills
    elif values:
        sent["values"] = values
    if language:
        sent["language"] = language
    key = str(ids.uuid7())
    return {"key": key, "message_id": message_id, "chat": chat, "body": sent, "mode": "at_most_once", "sha": ""}


def closing(claimed: Claim, draft: Draft) -> Json:
    """Fields for `complete` that close the activation with its turn."""
    told = of(claimed)
    if told is None:
        return {}
    said = _said(draft)
    state, reason, result = "done", None, None if said else "Done: nothing to send"
    if draft.outcome == "rejected":
        state, reason, result = "refused", "rejected", "Refused: the gateway's worker stopped it"
    elif draft.outcome in ("failed", "poison", "cancelled") and not said:
        state, reason, result = "failed", draft.outcome, f"Failed: {draft.error or draft.outcome}"
    closed = {"id": told["id"], "user": told["user"], "said": said, "state": state, "result": result, "reason": reason}
    return {"activation": closed, "title": None}
