"""Items about messages: received, sent on the phone, delivered, read, failed."""

from typing import Any

from channels import calling, loose, readable
from channels.inbound import Fate, Inbound, Kind
from channels.loose import first, moment, obj, objs, text
from channels.meta.codes import explain, word
from channels.meta.content import read
from channels.meta.who import Who, who
from channels.readable import Said

Json = dict[str, Any]

STATES = frozenset({"sent", "delivered", "read", "played", "failed"})


def received(message: Json, conversation: Json, *, history: bool = False) -> Inbound:
    """What a contact wrote, changed, took back, or reacted with."""
    author = who(message, conversation)
    message_id = text(message.get("id")) or loose.digest(message)
    if history:
        return _event("message.history", message, author, ignore="history")
    match text(message.get("type")):
        case "reaction":
            return _reaction(message, author, message_id)
        case "edit" | "revoke" as kind:
            if target := text(obj(message.get(kind)).get("original_message_id")):
                return _change(kind, message, author, target)
        case "system":
            name = text(obj(message.get("system")).get("type")) or "unknown"
            return _event(f"system.{name[:60]}", message, author)
    return _message(Kind.MESSAGE, loose.key("m", message_id), message, author)


def sent(message: Json, conversation: Json) -> Inbound:
    """What a human sent from the business's own WhatsApp app."""
    author = who(message, conversation)
    ext = loose.key("o", text(message.get("id")))
    if text(message.get("type")) in ("reaction", "edit", "revoke", "system"):
        return _event(f"own.{message['type']}", message, author)
    human = obj(message.get("kapso")).get("origin") == "business_app"
    return _message(Kind.OWN, ext, message, author, by="human" if human else "api")


def reported(message: Json, conversation: Json, state: str) -> Inbound:
    """The fate of a message that we sent; the newest of its recorded states."""
    kapso = obj(message.get("kapso"))
    message_id = text(message.get("id")) or ""
    entries = [s for s in objs(kapso.get("statuses")) if s.get("status") == state]
    entry = entries[-1] if entries else {}
    callback = first(
        *(s.get("biz_opaque_callback_data") for s in objs(kapso.get("statuses"))),
        message.get("biz_opaque_callback_data"),
    )
    return fate(
        {"timestamp": message.get("timestamp"), **entry, "id": message_id, "status": state},
        who({**message, "kapso": {**kapso, "direction": "outbound"}}, conversation),
        callback,
    )


def fate(status: Json, about: Who, callback: str | None = None) -> Inbound:
    """One of Meta's statuses."""
    state = text(status.get("status")) or "unknown"
    message_id = text(status.get("id")) or ""
    ext = loose.key("s", message_id, state)
    if state not in STATES:
        return _event(f"status.{state[:60]}", status, about, ext=ext)
    error = next(iter(objs(status.get("errors"))), {})
    code = loose.number(error.get("code"))
    failed = state == "failed"
    return Inbound(
        Kind.STATUS,
        ext,
        chat=about.chat,
        contact=about.contact,
        message_id=message_id,
        at=moment(status.get("timestamp")),
        group=about.group,
        fate=Fate(
            state,
            (message_id,),
            callback=callback or text(status.get("biz_opaque_callback_data")),
            code=word(code) if failed else None,
            text=explain(code) if failed else None,
        ),
        detail=loose.scalars(error, "code", "title", "details"),
    )


def foreign(number: str, item: Json, message: Json) -> Inbound:
    """An item about another number of the same project."""
    found = text(message.get("id")) or loose.digest(item)
    return Inbound(
        Kind.EVENT,
        loose.key("f", number, found),
        event="number.other",
        detail={"phone_number_id": number},
        ignore="another phone number",
    )


def _message(kind: Kind, ext: str, message: Json, author: Who, by: str = "contact") -> Inbound:
    said = read(message)
    if said.event or said.empty or not author.chat:
        return _event(said.event or "message.empty", message, author, ext=ext)
    context = obj(message.get("context"))
    forwarded = any(context.get(n) is True for n in ("forwarded", "frequently_forwarded"))
    return Inbound(
        kind,
        ext,
        chat=author.chat,
        contact=author.contact,
        message_id=text(message.get("id")),
        at=moment(message.get("timestamp")),
        text=said.text,
        attachments=said.attachments,
        reply_to=text(context.get("id")),
        quote=_product(obj(context.get("referred_product"))),
        forwarded=forwarded,
        button=said.button,
        group=author.group,
        named=calling.written(said.text) if author.group else (),
        answers=calling.ids([text(context.get("from"))]) if author.group else (),
        by=by,
        detail=readable.ad(obj(message.get("referral"))),
    )


def _product(referred: Json) -> str | None:
    """What somebody asks about from its page in the catalogue, which no message of ours shows."""
    catalogue = text(referred.get("catalog_id"))
    return readable.labelled(
        "Product", referred.get("product_retailer_id"), f"catalogue {catalogue}" if catalogue else None
    ) or None


def _reaction(message: Json, author: Who, message_id: str) -> Inbound:
    reaction = obj(message.get("reaction"))
    return Inbound(
        Kind.REACTION,
        loose.key("r", message_id),
        chat=author.chat,
        contact=author.contact,
        message_id=message_id,
        at=moment(message.get("timestamp")),
        text=text(reaction.get("emoji")) or "",
        reply_to=text(reaction.get("message_id")),
        group=author.group,
    )


def _change(kind: str, message: Json, author: Who, target: str) -> Inbound:
    """An edit or a revocation: it has an id of its own and names the original."""
    said = read(obj(obj(message.get("edit")).get("message"))) if kind == "edit" else Said()
    if kind == "edit" and (said.event or said.empty):
        return _event("message.edit_unknown", message, author)
    return Inbound(
        Kind.EDIT if kind == "edit" else Kind.REVOKE,
        loose.key("e" if kind == "edit" else "x", text(message.get("id"))),
        chat=author.chat,
        contact=author.contact,
        message_id=target,
        original=loose.key("m", target),
        at=moment(message.get("timestamp")),
        text=said.text,
        attachments=said.attachments,
        group=author.group,
    )


def _event(
    name: str, message: Json, author: Who, *, ext: str | None = None, ignore: str | None = None
) -> Inbound:
    error = next(iter(objs(message.get("errors"))), {})
    return Inbound(
        Kind.EVENT,
        ext or loose.key("n", name, text(message.get("id")) or loose.digest(message)),
        chat=author.chat,
        contact=author.contact,
        message_id=text(message.get("id")),
        at=moment(message.get("timestamp")),
        group=author.group,
        event=name,
        detail={
            **loose.scalars(error, "code", "title"),
            **loose.scalars(obj(message.get("system")), "body", "wa_id"),
        },
        ignore=ignore,
    )
