"""Verify and parse Z-API's callbacks; all kinds may come to one address."""

from collections.abc import Callable, Mapping
from typing import Any

from channels import calling, loose, readable
from channels.base import BadSignature, Hook, Link, Unreadable
from channels.inbound import Fate, Inbound, Kind
from channels.loose import moment, obj, text
from channels.zapi import who
from channels.zapi.content import read

Json = dict[str, Any]

# Z-API once renamed the header overnight, so both names are known and none is required:
# the secret in the webhook's path, checked by the receiver, is what proves the sender.
TOKEN_HEADERS = ("z-api-token", "client-token")
STATES = {"SENT": "sent", "RECEIVED": "delivered", "READ": "read", "PLAYED": "played"}


def receive(link: Link, hook: Hook) -> list[Inbound]:
    """The one item of a callback."""
    if not hook.proved:
        prove(link, hook.headers)
    body = loose.load(hook.body)
    if not isinstance(body, dict):
        raise Unreadable("the body is not an object")
    if text(body.get("instanceId")) != link.settings.get("instanceId"):
        raise Unreadable("the call is about another instance")
    handler = HANDLERS.get((text(body.get("type")) or "").lower(), _unknown)
    return [calling.called(handler(body), (*link.ours, *who.ours(body)))]


def prove(link: Link, headers: Mapping[str, str]) -> None:
    """The token, where it is shown."""
    shown = [v for name in TOKEN_HEADERS if (v := headers.get(name)) is not None]
    token = link.settings.get("instanceToken", "")
    if shown and not any(loose.same(v, token) for v in shown):
        raise BadSignature("the token header is not this instance's token")


def _received(body: Json) -> Inbound:
    if notification := text(body.get("notification")):
        return _notification(body, notification)
    message_id = text(body.get("messageId"))
    if message_id is None or not who.chat(body):
        return _unknown(body)
    if body.get("waitingMessage") is True:
        # The same id comes again with the content, so it must not use up that one's key.
        return _event(body, "message.waiting", loose.key("w", message_id))
    if forbidden := who.forbidden(body):
        return _event(body, "message.ignored", loose.key("m", message_id), ignore=forbidden)
    if isinstance(reaction := body.get("reaction"), dict):
        return _reaction(body, message_id, reaction)
    return _message(body, message_id)


def _message(body: Json, message_id: str) -> Inbound:
    said = read(body)
    own = body.get("fromMe") is True
    edit_id = text(body.get("editMessageId"))
    edited = body.get("isEdit") is True or edit_id is not None
    # An edit carries the original's id as messageId and its own as editMessageId.
    # Some edits carry no id of their own: then what they say, and when, tells them apart.
    edit = edit_id or loose.digest([text(body.get("momment")), said.text])
    ext = loose.key("e", message_id, edit) if edited else loose.key("m", message_id)
    if (said.event and (own or edited or not said.text)) or said.empty:
        return _event(body, said.event or "message.empty", ext, reply_to=said.reply_to)
    if edited and own:
        return _event(body, "own.edit", ext, said.text)
    kind = Kind.EDIT if edited else Kind.OWN if own else Kind.MESSAGE
    return Inbound(
        kind,
        ext,
        chat=who.chat(body),
        contact=who.contact(body),
        message_id=message_id,
        original=loose.key("m", message_id) if kind is Kind.EDIT else None,
        at=moment(body.get("momment")),
        text=said.text,
        attachments=said.attachments,
        reply_to=said.reply_to or text(body.get("referenceMessageId")),
        forwarded=body.get("forwarded") is True,
        button=said.button,
        group=who.group(body),
        named=calling.written(said.text) if who.group(body) else (),
        ours=tuple(i for i in who.ours(body) if i.startswith("lid:")),
        by=who.by(body) if own else "contact",
        detail=_detail(body),
    )


def _reaction(body: Json, message_id: str, reaction: Json) -> Inbound:
    target = text(obj(reaction.get("referencedMessage")).get("messageId"))
    emoji = text(reaction.get("value")) or ""
    ext = loose.key("r", message_id)
    if body.get("fromMe") is True:
        return _event(body, "own.reaction", ext, emoji, reply_to=target)
    return Inbound(
        Kind.REACTION,
        ext,
        chat=who.chat(body),
        contact=who.contact(body),
        message_id=message_id,
        at=moment(body.get("momment")),
        text=emoji,
        reply_to=target,
        group=who.group(body),
    )


def _notification(body: Json, name: str) -> Inbound:
    message_id = text(body.get("messageId"))
    revoked = name == "REVOKE" and message_id is not None
    if not revoked or body.get("fromMe") is True:
        event = "own.revoke" if revoked else f"notification.{name.lower()}"
        ext = loose.key("n", name, message_id or loose.digest(body))
        return _event(body, event, ext)
    return Inbound(
        Kind.REVOKE,
        loose.key("x", message_id),
        chat=who.chat(body),
        contact=who.contact(body),
        message_id=message_id,
        original=loose.key("m", message_id),
        at=moment(body.get("momment")),
        group=who.group(body),
    )


def _delivery(body: Json) -> Inbound:
    message_id = text(body.get("messageId"))
    if message_id is None:
        return _unknown(body)
    error = text(body.get("error"))
    code = text(body.get("errorCode"))
    if error and "not exist" in error.lower():
        code = "not_on_whatsapp"
    state = "failed" if error else "sent"
    return Inbound(
        Kind.STATUS,
        loose.key("d", state, message_id),
        chat=who.chat(body),
        message_id=message_id,
        at=moment(body.get("momment")),
        fate=Fate(state, (message_id,), code=code if error else None, text=error),
        detail=loose.scalars(body, "zaapId"),
    )


def _status(body: Json) -> Inbound:
    status = text(body.get("status")) or ""
    listed = body.get("ids")
    ids = tuple(i for v in (listed if isinstance(listed, list) else ()) if (i := text(v)))
    participant = text(body.get("participant"))
    ext = loose.key("s", status, participant, *ids)
    if status not in STATES or not ids:
        name = status.lower() or "unknown"
        return _event(body, f"status.{name}", ext if ids else loose.key("u", loose.digest(body)))
    return Inbound(
        Kind.STATUS,
        ext,
        chat=who.chat(body),
        message_id=ids[0],
        at=moment(body.get("momment")),
        group=who.group(body),
        fate=Fate(STATES[status], ids),
        detail=loose.scalars(body, "participant"),
    )


def _presence(body: Json) -> Inbound:
    status = (text(body.get("status")) or "unknown").lower()
    return _event(body, f"presence.{status}", loose.key("u", loose.digest(body)))


def _connected(body: Json) -> Inbound:
    state = "close" if body.get("connected") is False else "open"
    return _event(body, f"connection.{state}", loose.key("u", loose.digest(body)))


def _disconnected(body: Json) -> Inbound:
    return _event(body, "connection.close", loose.key("u", loose.digest(body)))


def _unknown(body: Json) -> Inbound:
    name = text(body.get("type")) or "unknown"
    return _event(body, f"zapi.{name[:60]}", loose.key("u", loose.digest(body)))


def _event(
    body: Json,
    name: str,
    ext: str,
    words: str = "",
    *,
    reply_to: str | None = None,
    ignore: str | None = None,
) -> Inbound:
    shown = ("error", "isBusiness", "viewOnce", "callId", "editMessageId", "profileName")
    return Inbound(
        Kind.EVENT,
        ext,
        chat=who.chat(body),
        contact=who.contact(body),
        message_id=text(body.get("messageId")),
        at=moment(body.get("momment")),
        text=words,
        reply_to=reply_to,
        group=who.group(body),
        by=who.by(body) if body.get("fromMe") is True else "contact",
        event=name,
        detail=loose.scalars(body, *shown),
        ignore=ignore,
    )


def _detail(body: Json) -> Json:
    found = readable.ad(obj(body.get("externalAdReply")))
    if body.get("isStatusReply") is True:
        found["status_reply"] = True
    if edit_id := text(body.get("editMessageId")):
        found["edit_id"] = edit_id
    return found


HANDLERS: dict[str, Callable[[Json], Inbound]] = {
    "receivedcallback": _received,
    "deliverycallback": _delivery,
    "messagestatuscallback": _status,
    "presencechatcallback": _presence,
    "connectedcallback": _connected,
    "disconnectedcallback": _disconnected,
}
