"""Who a Z-API callback is about: chat, group, author."""

from typing import Any

from channels import calling, jid
from channels.inbound import Contact
from channels.loose import first, text

Json = dict[str, Any]


def by(body: Json) -> str:
    return "api" if body.get("fromApi") is True else "human"


def chat(body: Json) -> str:
    """Where an answer goes: the phone, the LID when the phone is hidden, or the group."""
    phone = first(body.get("phone"), body.get("chatLid")) or ""
    return jid.phone(phone) or phone


def forbidden(body: Json) -> str | None:
    kind = jid.kind(text(body.get("phone")))
    if body.get("isNewsletter") is True or kind == "newsletter":
        return "newsletter"
    if body.get("broadcast") is True or kind == "broadcast":
        return "broadcast"
    return None


def group(body: Json) -> str | None:
    phone = text(body.get("phone"))
    if body.get("isGroup") is not True and jid.kind(phone) != "group":
        return None
    return first(body.get("chatName"), phone) or "group"


def contact(body: Json) -> Contact | None:
    """Who wrote; for what we sent ourselves, the person it was sent to."""
    if "connected" in (text(body.get("type")) or "").lower():
        return None  # its phone is ours
    own = body.get("fromMe") is True
    names: tuple[str, ...]
    if group(body):
        # In a group the chat's addresses are the group's.
        names = () if own else ("participantLid", "senderLid", "participantPhone")
    else:
        names = ("chatLid", "phone") if own else ("chatLid", "senderLid", "phone")
    lid, phone = jid.pick(text(body.get(n)) for n in names)
    ids = jid.ids(lid, phone)
    if not ids:
        return None
    shown = body.get("chatName") if own else first(body.get("senderName"), body.get("chatName"))
    return Contact(ids, name=text(shown), phone=phone)


def ours(body: Json) -> tuple[str, ...]:
    """Our own ids; a message of our own in a group has our LID as its author."""
    names: tuple[str, ...] = ("connectedPhone", "connectedLid")
    if body.get("fromMe") is True and group(body):
        names += ("participantLid", "senderLid", "participantPhone")
    return calling.ids(text(body.get(n)) for n in names)
