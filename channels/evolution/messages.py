"""Items about messages: said, sent, edited, revoked."""

from dataclasses import replace
from typing import Any

from channels import jid, loose, readable
from channels.evolution.content import album, context, quote, read, unwrap
from channels.evolution.who import Who, answers, key_of, named, own_ids, who
from channels.inbound import Inbound, Kind
from channels.loose import moment, number, obj, text

Json = dict[str, Any]

EDIT = frozenset({"MESSAGE_EDIT", "14"})
REVOKE = frozenset({"REVOKE", "0"})


def item(data: Json, me: str | None) -> Inbound:
    """messages.upsert: what a contact wrote, or what was written on our own phone."""
    key = key_of(data)
    message_id = text(key.get("id"))
    author = who(key, text(data.get("pushName")), me)
    if message_id is None or not author.chat:
        return _event("message.unknown", loose.key("u", loose.digest(data)), author, data)
    ext = loose.key("m", message_id)
    if author.ignore:
        return _event("message.ignored", ext, author, data)
    message = unwrap(obj(data.get("message")))
    if not message:
        # Not decrypted yet: the content may still come under the same id.
        return _event("message.waiting", loose.key("w", message_id), author, data)
    if isinstance(protocol := message.get("protocolMessage"), dict):
        return _protocol(protocol, author, data, message_id)
    if isinstance(reaction := message.get("reactionMessage"), dict):
        return _reaction(reaction, author, data, message_id)
    return _message(data, message, author, message_id)


def sent(data: Json, me: str | None) -> Inbound:
    """send.message: the echo of what went out through the API."""
    found = item({**data, "key": {**key_of(data), "fromMe": True}}, me)
    return replace(found, ext=loose.key("o", found.message_id or loose.digest(data)), by="api")


def edited(data: Json, me: str | None) -> Inbound:
    """messages.edited: in truth every protocol message, so its type decides."""
    return _protocol(data, _changer(key_of(data), me), data, loose.digest(data))


def deleted(data: Json, me: str | None) -> Inbound:
    """messages.delete: a bare key, or one inside."""
    key = obj(data.get("key")) or data
    return _protocol({"key": key, "type": "REVOKE"}, who(key, None, me), data, loose.digest(data))


def _message(data: Json, message: Json, author: Who, message_id: str) -> Inbound:
    ext = loose.key("m", message_id)
    said = read(message, message_id)
    if (said.event and (author.own or not said.text)) or said.empty:
        return _event(said.event or "message.empty", ext, author, data, reply_to=said.reply_to)
    around = context(data, message)
    return Inbound(
        Kind.OWN if author.own else Kind.MESSAGE,
        ext,
        chat=author.chat,
        contact=author.contact,
        message_id=message_id,
        at=moment(data.get("messageTimestamp")),
        text=said.text,
        attachments=said.attachments,
        reply_to=said.reply_to or text(around.get("stanzaId")),
        quote=quote(around),
        forwarded=around.get("isForwarded") is True
        or (number(around.get("forwardingScore")) or 0) > 0,
        button=said.button,
        album=album(message),
        group=author.group,
        named=named(around) if author.group else (),
        answers=answers(around) if author.group else (),
        ours=own_ids(key_of(data)),
        by="human" if author.own else "contact",
        detail=readable.ad(obj(around.get("externalAdReply"))),
        age_matters=True,
    )


def _reaction(reaction: Json, author: Who, data: Json, message_id: str) -> Inbound:
    target = text(obj(reaction.get("key")).get("id"))
    emoji = text(reaction.get("text")) or ""
    ext = loose.key("r", message_id)
    if author.own:
        return _event("own.reaction", ext, author, data, words=emoji, reply_to=target)
    return Inbound(
        Kind.REACTION,
        ext,
        chat=author.chat,
        contact=author.contact,
        message_id=message_id,
        at=moment(data.get("messageTimestamp")),
        text=emoji,
        reply_to=target,
        group=author.group,
        age_matters=True,
    )


def _protocol(protocol: Json, author: Who, data: Json, fallback: str) -> Inbound:
    """An edit or a revocation of the message that the inner key names."""
    key = obj(protocol.get("key"))
    target = text(key.get("id"))
    kind = text(protocol.get("type")) or ("REVOKE" if target else "UNKNOWN")
    if target is None or kind not in EDIT | REVOKE:
        ext = loose.key("n", kind, fallback)
        return _event(f"protocol.{kind.lower()[:60]}", ext, author, data)
    when = protocol.get("timestampMs")
    at = moment(when) or moment(data.get("messageTimestamp"))
    if kind in REVOKE:
        if author.own:
            return _event("own.revoke", loose.key("x", target), author, data, target=target)
        return _change(Kind.REVOKE, loose.key("x", target), author, target, at=at)
    said = read(unwrap(obj(protocol.get("editedMessage"))), target)
    stamp = number(when)
    ext = loose.key("e", target, str(stamp) if stamp else loose.digest(said.text))
    if author.own:
        return _event("own.edit", ext, author, data, words=said.text, target=target)
    if said.event:
        return _event("message.edit_unknown", ext, author, data, target=target)
    return _change(
        Kind.EDIT, ext, author, target, at=at, text=said.text, attachments=said.attachments
    )


def _changer(key: Json, me: str | None) -> Who:
    """Who edited or revoked.

    The key may be in the sender's view: then fromMe means them, and the chat is our own address.
    Nobody can be named in that case; the message's id leads to the chat.
    """
    author = who(key, None, me)
    if not author.own:
        return author
    if author.group:
        theirs = who({**key, "fromMe": False}, None, me)
        ours = jid.phone(me)
        known = theirs.contact and theirs.contact.phone != ours
        return theirs if known else author
    if author.at_us or (text(key.get("remoteJid")) or "").endswith("@lid"):
        return replace(author, chat="", contact=None, own=False)
    return author


def _change(kind: Kind, ext: str, author: Who, target: str, **more: Any) -> Inbound:
    return Inbound(
        kind,
        ext,
        chat=author.chat,
        contact=author.contact,
        message_id=target,
        original=loose.key("m", target),
        group=author.group,
        age_matters=True,
        **more,
    )


def _event(
    name: str,
    ext: str,
    author: Who,
    data: Json,
    *,
    words: str = "",
    reply_to: str | None = None,
    target: str | None = None,
) -> Inbound:
    return Inbound(
        Kind.EVENT,
        ext,
        chat=author.chat,
        contact=author.contact,
        message_id=target or text(obj(data.get("key")).get("id")),
        at=moment(data.get("messageTimestamp")) or moment(data.get("timestampMs")),
        text=words,
        reply_to=reply_to,
        group=author.group,
        by="human" if author.own else "contact",
        event=name,
        detail=loose.scalars(data, "messageType", "messageStubType"),
        age_matters=True,
        ignore=author.ignore,
    )
