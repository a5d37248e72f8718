"""Kapso's payloads: its own message envelope, and Meta's for webhooks of that kind."""

import base64
import secrets
import time
import uuid
from typing import Any

from channels.twins.files import File
from channels.twins.kapso_number import Number, moment
from channels.twins.people import Person
from channels.twins.said import Said
from channels.twins.state import Chat, Message
from channels.twins.whatsapp import BUSINESS

Json = dict[str, Any]
TYPES = {
    "image": "image",
    "voice": "audio",
    "audio": "audio",
    "video": "video",
    "animation": "video",
    "video_note": "video",
    "document": "document",
    "sticker": "sticker",
}
PRICING = {
    "billable": False,
    "pricing_model": "PMP",
    "category": "service",
    "type": "free_customer_service",
}


def wamid(chat: str) -> str:
    """A message id as Meta makes them."""
    inner = b"\x1d\x18\x0d" + chat.encode()[:20] + secrets.token_bytes(12)
    return f"wamid.{base64.b64encode(inner).decode()}"


def message(said: Said, message_id: str, media_url: str) -> Json:
    """A message of a person, or of the business's own app."""
    person = said.person
    body: Json = {"id": message_id, "timestamp": str(int(said.at)), "type": "text"}
    hidden = said.lid in ("only", "bsuid") or not person.phone
    if hidden:
        body |= {"from_user_id": person.bsuid, "from_parent_user_id": None}
        body["username"] = person.username or None
    elif said.lid not in ("no_from", "content_only"):
        body["from"] = BUSINESS if said.from_me else person.phone
    if said.group:
        body["group_id"] = said.group.id
    if said.reply_to or said.kind == "button":
        body["context"] = {"from": BUSINESS, "id": said.reply_to or said.target}
    if said.forwarded:
        body["context"] = {"forwarded": True}
    kind, content, shown = _content(said, media_url)
    body |= {"type": kind, **content}
    body["kapso"] = {
        "direction": "outbound" if said.from_me else "inbound",
        "status": "sent" if said.from_me else "received",
        "processing_status": "completed" if said.from_me else "pending",
        "origin": _origin(said),
        "has_media": said.file is not None,
        **shown,
    }
    if said.lid == "content_only":
        body.pop("text", None)
        talk = conversation(said.account, said.chat)
        body["kapso"] |= {"whatsapp_conversation_id": talk, "contact_name": person.name}
    return body


def conversation(number: str, key: str) -> str:
    """A conversation's id, the same for the same two."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"twin/{number}/{key}"))


def _origin(said: Said) -> str:
    if said.lid == "history":
        return "history_sync"
    return "business_app" if said.from_me else "cloud_api"


def _content(said: Said, url: str) -> tuple[str, Json, Json]:
    """Type, content, and what Kapso adds about it."""
    if said.file is not None:
        return _media(said, said.file, url)
    match said.kind:
        case "location":
            return "location", {"location": dict(said.place)}, {"content": "Location shared"}
        case "contact":
            return "contacts", {"contacts": [_card(said.card)]}, {"content": said.card["name"]}
        case "button":
            name = "list_reply" if said.button["list"] else "button_reply"
            pressed = {"id": said.button["id"], "title": said.button["text"]}
            content: Json = {"interactive": {"type": name, name: pressed}}
            return "interactive", content, {"content": said.button["text"]}
        case "reaction":
            about: Json = {"message_id": said.target}
            about |= {"emoji": said.emoji} if said.emoji else {}
            return "reaction", {"reaction": about}, {"content": said.emoji}
        case "edit":
            new = {"type": "text", "text": {"body": said.text}}
            content = {"edit": {"original_message_id": said.target, "message": new}}
            return "edit", content, {"content": said.text}
        case "delete":
            return "revoke", {"revoke": {"original_message_id": said.target}}, {"content": ""}
        case "unsupported":
            words = {"code": 131051, "title": "Message type unknown"}
            details = {"details": "Message type is currently not supported."}
            error = words | {"message": words["title"], "error_data": details}
            content = {"errors": [error], "unsupported": {"type": "poll_creation"}}
            return "unsupported", content, {"content": ""}
    return "text", {"text": {"body": said.text}}, {"content": said.text}


def _media(said: Said, file: File, url: str) -> tuple[str, Json, Json]:
    kind = TYPES[said.kind]
    inner: Json = {"caption": said.text} if said.text and kind not in ("audio", "sticker") else {}
    if kind == "document":
        inner["filename"] = file.name
    inner |= {"mime_type": file.mime, "sha256": "VFdJTg==", "id": str(int(file.id, 16))}
    if said.kind == "voice":
        inner["voice"] = True
    if kind == "sticker":
        inner["animated"] = False
    bare = file.mime.partition(";")[0]
    size = f"[Size: {max(1, file.size // 1024)} KB | Type: {bare}] URL: {url}"
    name = "[Audio attached]" if kind == "audio" else f"{kind.capitalize()} attached"
    words = f"{said.text} {name} ({file.name}) {size}".strip()
    data = {"url": url, "filename": file.name, "content_type": bare, "byte_size": file.size}
    shown: Json = {"content": words, "media_url": url, "media_data": data}
    if said.text and said.kind == "voice":
        shown["content"] = f"{words}\nTranscript: {said.text}"
        shown["transcript"] = {"text": said.text}
    elif said.text:
        shown["message_type_data"] = {"caption": said.text}
    return kind, {kind: inner}, shown


def _card(card: Json) -> Json:
    first, _, last = card["name"].partition(" ")
    name = {"first_name": first, "last_name": last, "formatted_name": card["name"]}
    phone = {"phone": f"+{card['phone']}", "wa_id": card["phone"], "type": "CELL"}
    return {"name": name, "phones": [phone]}


def sent(message: Message, state: str) -> Json:
    """A message of ours with the statuses so far."""
    raw = message.raw
    return {
        "id": message.id,
        "timestamp": str(int(time.time())),
        "type": raw["type"],
        raw["type"]: raw["content"],
        "kapso": {
            "direction": "outbound",
            "status": state,
            "processing_status": "completed",
            "origin": "cloud_api",
            "has_media": message.file is not None,
            "statuses": list(raw["statuses"]),
        },
    }


def status(message: Message, state: str, error: Json | None = None) -> Json:
    """One status as Meta gives it; our callback data comes back."""
    found: Json = {
        "id": message.id,
        "status": state,
        "timestamp": str(int(time.time())),
        "recipient_id": message.chat,
    }
    found |= {"errors": [error]} if error else {"pricing": dict(PRICING)}
    if message.callback:
        found["biz_opaque_callback_data"] = message.callback
    return found


def event(
    number: Number, person: Person | None, key: str, chat: Chat, body: Json, *, hidden: bool
) -> Json:
    """The envelope around a message."""
    now = moment()
    new = key not in number.created
    created = number.created.setdefault(key, now)
    text = str(body["kapso"].get("content") or "")
    outbound = body["kapso"]["direction"] == "outbound"
    seen = [m for m in chat.messages.values() if m.side == "business"]
    talk: Json = {
        "id": conversation(number.id, key),
        "phone_number": f"+{person.phone}" if person and person.phone and not hidden else None,
        "status": "active",
        "last_active_at": now,
        "created_at": created,
        "updated_at": now,
        "metadata": {},
        "phone_number_id": number.id,
        "kapso": {
            "contact_name": person.name if person else key,
            "messages_count": len(chat.messages),
            "last_message_id": body["id"],
            "last_message_type": body["type"],
            "last_message_timestamp": now,
            "last_message_text": text,
            "last_inbound_at": moment(chat.last_inbound) if chat.last_inbound else None,
            "last_outbound_at": moment(seen[-1].at) if seen else None,
        },
    }
    if hidden and person:
        talk |= {
            "business_scoped_user_id": person.bsuid,
            "username": person.username or None,
        }
        talk["parent_business_scoped_user_id"] = None
    return {
        "message": body,
        "conversation": talk,
        "is_new_conversation": new and not outbound,
        "phone_number_id": number.id,
    }


def meta(number: Number, person: Person | None, body: Json) -> Json:
    """The same in Meta's own envelope."""
    inner = {k: v for k, v in body.items() if k != "kapso"}
    value: Json = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": BUSINESS, "phone_number_id": number.id},
    }
    if person:
        who = {"profile": {"name": person.name}, "wa_id": person.phone, "user_id": person.bsuid}
        value["contacts"] = [who]
    statuses = body["kapso"].get("statuses")
    if statuses:
        value["statuses"] = [statuses[-1]]
    else:
        value["messages"] = [inner]
    field = "messages"
    if body["kapso"]["origin"] == "business_app" and number.network == "cloud":
        value.pop("contacts", None)
        about = {"from": BUSINESS, "to": person.phone if person else None}
        value["message_echoes"] = [value.pop("messages")[0] | about]
        field = "smb_message_echoes"
    change = {"value": value, "field": field}
    entry = {"id": "200000000000001", "changes": [change]}
    return {"object": "whatsapp_business_account", "entry": [entry]}
