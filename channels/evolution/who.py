"""Whose message a Baileys key names, over all of Evolution's ways to write LIDs."""

from dataclasses import dataclass
from typing import Any

from channels import calling, jid
from channels.inbound import Contact
from channels.loose import obj, text

Json = dict[str, Any]

# Which of the two is the phone and which the LID has changed with nearly every release.
PRIVATE = ("remoteJid", "remoteJidAlt", "previousRemoteJid")
AUTHOR = ("participant", "participantAlt", "participantPn", "participantLid")
SENDER = ("senderPn", "senderLid")


@dataclass(frozen=True, slots=True)
class Who:
    """Chat and author of one item."""

    chat: str
    contact: Contact | None
    group: str | None
    ignore: str | None
    own: bool
    at_us: bool = False  # remoteJid is our own address: the key is in the sender's view


def who(key: Json, name: str | None, me: str | None) -> Who:
    """Resolve a key; `me` is the instance's own jid."""
    remote = text(key.get("remoteJid")) or ""
    own = key.get("fromMe") is True
    kind = jid.kind(remote)
    if kind != "person":
        group = remote if kind == "group" else None
        author = None if own else _contact(_values(key, *AUTHOR, *SENDER), name)
        return Who(remote, author, group, None if group else kind, own)
    # senderPn is the author, so for our own messages it is us.
    addresses = _values(key, *PRIVATE, *(() if own else SENDER))
    lid, phone = jid.pick(addresses)
    chat = phone or (f"{lid}@lid" if lid else remote)
    ours = jid.phone(me)
    at_us = ours is not None and phone == ours
    return Who(chat, _contact(addresses, None if own else name), None, None, own, at_us)


def named(context: Json) -> tuple[str, ...]:
    """Whom a group message calls."""
    listed = context.get("mentionedJid")
    return calling.ids(text(v) for v in listed) if isinstance(listed, list) else ()


def answers(context: Json) -> tuple[str, ...]:
    """To whom a message answers."""
    return calling.ids([text(context.get("participant"))]) if context.get("stanzaId") else ()


def own_ids(key: Json) -> tuple[str, ...]:
    """What a message of our own in a group tells about us."""
    if key.get("fromMe") is not True or jid.kind(text(key.get("remoteJid"))) != "group":
        return ()
    return calling.ids(_values(key, *AUTHOR))


def me(body: Json) -> str | None:
    """The instance's own jid, which the envelope misleadingly calls sender."""
    return text(body.get("sender"))


def key_of(data: Json) -> Json:
    """The key of an item, with the author where some versions put it beside the key."""
    key = obj(data.get("key"))
    if not key.get("participant") and (participant := text(data.get("participant"))):
        return {**key, "participant": participant}
    return key


def _values(key: Json, *names: str) -> list[str | None]:
    return [text(key.get(n)) for n in names]


def _contact(addresses: list[str | None], name: str | None) -> Contact | None:
    lid, phone = jid.pick(addresses)
    ids = jid.ids(lid, phone)
    return Contact(ids, name=name, phone=phone) if ids else None
