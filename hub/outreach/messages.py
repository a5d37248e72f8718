"""What goes into a conversation: an instruction for the model, or the message itself. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from hub import ids
from hub.chat import choices
from hub.chat.operators.replies import FIELD, unmarked
from hub.chat.outbound import delivery
from hub.chat.turns import scheduled
from hub.tools.schedule import words

Json = dict[str, Any]
_NAME = re.compile(r"\{(\w{1,60})\}")
# Beside a recipient's variables, what a field of their person holds: {{contact.fields.plan|none}}.
_MARK = re.compile(r"\{\{\s*(contact\.fields\.[a-z][a-z0-9_]{0,39})\s*(?:\|([^{}]*))?\}\}|\{(\w{1,60})\}")


def is_instruction(message: Json) -> bool:
    return bool(message.get("instruction"))


def names(message: Json) -> set[str]:
    """The variables that a campaign's message wants of every recipient."""
    said = [message.get("text") or "", message.get("instruction") or "", *(message.get("parameters") or ())]
    said += [f["value"] for f in message.get("fills") or ()]
    return {name for text in said for name in _NAME.findall(text)}


def of_person(message: Json) -> bool:
    """Whether a campaign's message says what fields of the person hold."""
    return FIELD in orjson.dumps(message).decode()


def filled(text: str, variables: Mapping[str, Any], written: Callable[[str], str] = str) -> str:
    """The text with `{name}` replaced; a name without a value stays as it is. written: how the value of a field stands
    in this text. Pure."""

    def one(found: re.Match[str]) -> str:
        if found[3]:
            return str(variables.get(found[3], found[0]))
        value = str(variables.get(found[1]) or "")
        return written(value) if value else (found[2] or "").strip()

    return _MARK.sub(one, text)


def instruction(row: Json, closed: bool) -> Json:
    """Inbox content of an activation (see hub.chat.turns.scheduled). `closed`: WhatsApp's window is."""
    schedule, campaign = row["schedule"], row["campaign"]
    zone = schedule["zone"] if schedule else "UTC"
    said = schedule["instruction"] if schedule else filled(campaign["message"]["instruction"], row["variables"])
    return scheduled.body(
        id=str(row["id"]),
        kind=schedule["kind"] if schedule else "campaign",
        instruction=said,
        context=schedule["context"] if schedule else None,
        at=words.at(row["fire_at"], zone),
        user=row["external_user"],
        template=_opener(row) if closed else None,
        closed=closed,
    )


def direct(row: Json, to: delivery.Address, closed: bool) -> Json:
    """Item fields of a campaign's text or template, rendered for its network."""
    message, variables = row["campaign"]["message"], row["variables"]
    id = ids.uuid7()
    if message.get("template"):
        values = [filled(p, variables) for p in message.get("parameters") or ()]
        plain = f"[{message['template']}] " + " ".join(values)
        said = filled(message["preview"], variables) if message.get("preview") else plain.strip()
        fills = [f | {"value": filled(f["value"], variables)} for f in message.get("fills") or ()]
        parts = [
            scheduled.template_part(to.chat, message["template"], message.get("language"), values, str(id), fills)
        ]
        return {"message": str(id), "content": {"text": said}, "parts": parts}
    text = filled(message["text"], variables, unmarked)
    offered = choices.of([
        {k: filled(v, variables) for k, v in one.items()} for one in message.get("choices") or ()
    ])
    parts = delivery.parts_of(text, id, to, offered)
    if closed:
        parts = scheduled.held(parts, _opener(row))
    return {"message": str(id), "content": {"text": text} | ({"choices": offered} if offered else {}), "parts": parts}


def _opener(row: Json) -> str | None:
    """The template that opens WhatsApp's window; none when one has just been sent."""
    return None if row["templated"] else (row["settings"] or {}).get("continuedMessagesTemplateId")
