"""Verify and parse Kapso's webhooks: single, batched, the older shape, and Meta's raw bodies."""

from dataclasses import replace
from typing import Any

from channels import calling, loose
from channels.base import Hook, Link, Unreadable
from channels.inbound import Inbound, Kind
from channels.kapso.verify import verify
from channels.loose import first, obj, objs, text
from channels.meta import receive as meta
from channels.meta.messages import foreign, received, reported, sent
from channels.meta.who import who

Json = dict[str, Any]

FATES = {
    "whatsapp.message.delivered": "delivered",
    "whatsapp.message.read": "read",
    "whatsapp.message.played": "played",
    "whatsapp.message.failed": "failed",
}
# Headers that say what a call is about.
HEADERS = ("x-webhook-event", "x-webhook-batch")
INBOUND = "whatsapp.message.received"
OUTBOUND = "whatsapp.message.sent"


def receive(link: Link, hook: Hook) -> list[Inbound]:
    """The items of a call."""
    if not hook.proved:
        verify(link, hook)
    body = loose.load(hook.body)
    if isinstance(body, list):
        body = {"data": body}
    if not isinstance(body, dict):
        raise Unreadable("the body is not an object")
    if isinstance(body.get("entry"), list):
        return meta.receive(link, body)
    event = first(hook.headers.get("x-webhook-event"), body.get("event"), body.get("type")) or ""
    # A failed batch comes again item by item, so the items count and not the call's own key.
    batched = body.get("batch") is True or hook.headers.get("x-webhook-batch") == "true"
    if isinstance(body.get("data"), list):
        items = objs(body["data"])
    elif isinstance(body.get("data"), dict) and (batched or "message" not in body):
        items = [body["data"]]
    else:
        items = [body]
    if not event and not any("message" in i for i in items):
        raise Unreadable("the body is not what Kapso sends")
    return [calling.called(found, link.ours) for item in items for found in _items(link, event, item)]


def _items(link: Link, event: str, item: Json) -> list[Inbound]:
    """Usually one; what the API sent is also a message, which somebody else may have written: in Kapso's
    own inbox, in a workflow."""
    found = _item(link, event, item)
    message = obj(item.get("message"))
    if found.kind is not Kind.STATUS or event != OUTBOUND or found.fate is None or found.fate.state != "sent":
        return [found]
    conversation = obj(item.get("conversation")) or obj(item.get("whatsapp_conversation"))
    said = sent(_outbound(_modern(message)), conversation)
    return [found, replace(said, sent_key=found.fate.callback)] if said.kind is Kind.OWN else [found]


def _outbound(message: Json) -> Json:
    return {**message, "kapso": {**obj(message.get("kapso")), "direction": "outbound"}}


def _item(link: Link, event: str, item: Json) -> Inbound:
    message = obj(item.get("message"))
    conversation = obj(item.get("conversation")) or obj(item.get("whatsapp_conversation"))
    if number := _elsewhere(link, item, message, conversation):
        return foreign(number, item, message)
    if not text(message.get("id")) and not text(message.get("whatsapp_message_id")):
        return _event(event, item, conversation)
    message = _modern(message)
    kapso = obj(message.get("kapso"))
    if kapso.get("origin") == "history_sync":
        return received(message, conversation, history=True)
    outbound = kapso.get("direction") == "outbound"
    if event in FATES:
        return reported(message, conversation, FATES[event])
    if event == OUTBOUND or (outbound and event != INBOUND):
        if kapso.get("origin") == "business_app":
            return sent(message, conversation)
        return reported(message, conversation, text(kapso.get("status")) or "sent")
    if outbound:
        return sent(message, conversation)
    return received(message, conversation)


def _elsewhere(link: Link, item: Json, message: Json, conversation: Json) -> str | None:
    """The number the item is about, when it is not ours."""
    number = first(
        item.get("phone_number_id"),
        obj(message.get("kapso")).get("phone_number_id"),
        conversation.get("phone_number_id"),
        obj(item.get("whatsapp_config")).get("phone_number_id"),
    )
    return None if number in (None, link.settings.get("phoneNumberId")) else number


def _modern(message: Json) -> Json:
    """The older shape, which has the content flat, in the newer one."""
    if "message_type" not in message and "kapso" in message:
        return message
    kapso = obj(message.get("kapso"))
    flat = {
        "direction": message.get("direction"),
        "status": message.get("status"),
        "origin": message.get("origin"),
        "content": first(message.get("content"), message.get("body")),
        "media_url": message.get("media_url"),
        "media_data": message.get("media_data"),
        "transcript": message.get("transcript"),
        "message_type_data": message.get("message_type_data"),
        "contact_name": message.get("contact_name"),
    }
    kind = first(message.get("type"), message.get("message_type")) or "text"
    return {
        **message,
        "id": first(message.get("whatsapp_message_id"), message.get("id")),
        "type": kind,
        "timestamp": first(message.get("timestamp"), message.get("created_at")),
        "kapso": {**{k: v for k, v in flat.items() if v is not None}, **kapso},
    }


def _event(event: str, item: Json, conversation: Json) -> Inbound:
    handoff = obj(item.get("handoff"))
    detail = {
        **loose.scalars(item, "status", "workflow_id", "whatsapp_conversation_id"),
        **loose.scalars(handoff, "reason", "source"),
        **loose.scalars(obj(item.get("inactivity")), "minutes"),
        **({"conversation": c} if (c := text(conversation.get("id"))) else {}),
    }
    about = who({}, conversation)
    return Inbound(
        Kind.EVENT,
        loose.key("u", loose.digest([event, item])),
        chat=about.chat,
        contact=about.contact,
        at=loose.moment(first(item.get("occurred_at"), conversation.get("updated_at"))),
        event=event.removeprefix("whatsapp.")[:120] or "unknown",
        detail=detail,
    )
