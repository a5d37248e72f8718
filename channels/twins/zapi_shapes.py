"""Z-API's callbacks, key by key as its traffic shows them."""

import time
from typing import Any

from channels.twins.people import Person
from channels.twins.said import Said
from channels.twins.state import Message
from channels.twins.whatsapp import BUSINESS, BUSINESS_NAME

Json = dict[str, Any]
PHOTO = "https://pps.whatsapp.net/v/t61.24694-24/twin_n.jpg"


def now() -> int:
    """Milliseconds, in the field that is spelt momment."""
    return int(time.time() * 1000)


def received(instance: str, said: Said, message_id: str) -> Json:
    """ReceivedCallback without content."""
    person, group = said.person, said.group
    body: Json = {
        "isStatusReply": False,
        "chatLid": None if group else person.lid,
        "connectedPhone": BUSINESS,
        "waitingMessage": False,
        "isEdit": False,
        "isGroup": bool(group),
        "isNewsletter": False,
        "instanceId": instance,
        "messageId": message_id,
        "phone": group.id if group else phone(said),
        "fromMe": said.from_me,
        "momment": int(said.at * 1000),
        "status": "SENT" if said.from_me else "RECEIVED",
        "chatName": group.title if group else person.name,
        "senderPhoto": None,
        "senderName": BUSINESS_NAME if said.from_me else person.name,
        "photo": PHOTO,
        "broadcast": False,
        "participantLid": person.lid if group else None,
        "messageExpirationSeconds": 0,
        "forwarded": said.forwarded,
        "type": "ReceivedCallback",
        "fromApi": False,
    }
    if group:
        body["participantPhone"] = person.phone or None
    if said.reply_to:
        body["referenceMessageId"] = said.reply_to
    return body


def phone(said: Said) -> str:
    """The person's address: with lid="only" the number stays hidden."""
    return said.person.lid if said.lid == "only" or not said.person.phone else said.person.phone


def content(said: Said, url: str) -> Json:
    """Exactly one content object."""
    file, kind = said.file, said.kind
    if file is not None:
        return _media(kind, url, file.mime, file.name, file.seconds or 1, said.text)
    match kind:
        case "location":
            place = said.place
            return {
                "location": {
                    "longitude": place["longitude"],
                    "latitude": place["latitude"],
                    "name": place.get("name"),
                    "address": place.get("address", ""),
                    "url": "",
                }
            }
        case "contact":
            card = said.card
            shown = {"displayName": card["name"], "vCard": card["vcard"], "phones": [card["phone"]]}
            return {"contact": shown}
        case "button" if said.button["list"]:
            row = {"message": "", "title": said.button["text"], "selectedRowId": said.button["id"]}
            return {"listResponseMessage": row}
        case "button":
            pressed = {"buttonId": said.button["id"], "message": said.button["text"]}
            return {"buttonsResponseMessage": pressed}
        case "unsupported":
            return {"poll": {"question": said.text or "?", "pollMaxOptions": 0, "options": []}}
    return {"text": {"message": said.text}}


def _media(kind: str, url: str, mime: str, name: str, seconds: int, caption: str) -> Json:
    once = {"viewOnce": False}
    size = {"width": 960, "height": 1280}
    match kind:
        case "image":
            urls = {"imageUrl": url, "thumbnailUrl": url}
            return {"image": {**urls, "caption": caption, "mimeType": mime, **once, **size}}
        case "voice" | "audio":
            sound = {"ptt": kind == "voice", "seconds": seconds, "audioUrl": url}
            return {"audio": {**sound, "mimeType": mime, **once}}
        case "video" | "animation":
            film: Json = {"videoUrl": url, "caption": caption, "mimeType": mime, **size}
            return {"video": {**film, "seconds": seconds, **once, "isGif": kind == "animation"}}
        case "video_note":
            return {"ptv": {"ptvUrl": url, "mimeType": mime, "seconds": seconds, **once}}
        case "sticker":
            return {"sticker": {"stickerUrl": url, "mimeType": mime}}
    title = name.rpartition(".")[0] or name
    paper = {"caption": caption, "documentUrl": url, "mimeType": mime, "title": title}
    return {"document": {**paper, "pageCount": 1, "fileName": name}}


def reaction(said: Said, about: Message) -> Json:
    """A reaction's content; an empty value takes it back."""
    return {
        "reaction": {
            "value": said.emoji,
            "time": int(said.at * 1000),
            "reactionBy": said.person.phone,
            "referencedMessage": {
                "messageId": about.id,
                "fromMe": about.side == "business",
                "phone": said.person.phone,
                "participant": said.person.phone if said.group else None,
            },
        }
    }


def waiting(instance: str, said: Said, message_id: str) -> Json:
    """A message whose content has not come yet."""
    names = ("isGroup", "isNewsletter", "instanceId", "messageId", "momment", "status", "fromMe")
    more = ("phone", "chatName", "senderName", "senderPhoto", "photo", "broadcast")
    base = received(instance, said, message_id) | {"photo": None}
    last: Json = {"participantLid": None, "type": "ReceivedCallback", "waitingMessage": True}
    return {k: base[k] for k in (*names, *more)} | last | {"viewOnce": False}


def revoked(instance: str, said: Said, about: Message) -> Json:
    """A message was deleted for everyone."""
    base = received(instance, said, about.id)
    names = ("isGroup", "isNewsletter", "instanceId", "messageId", "phone", "connectedPhone")
    rest = ("status", "chatName", "senderPhoto", "senderName")
    return {
        **{k: base[k] for k in names},
        "fromMe": said.from_me,
        "momment": base["momment"],
        "expiresAt": None,
        **{k: base[k] for k in rest},
        "photo": None,
        "broadcast": False,
        "participantLid": base["participantLid"],
        "referenceMessageId": None,
        "externalAdReply": None,
        "forwarded": False,
        "type": "ReceivedCallback",
        "notification": "REVOKE",
        "notificationParameters": [],
        "callId": None,
        "code": None,
    }


def status(instance: str, chat: str, name: str, ids: list[str]) -> Json:
    """MessageStatusCallback."""
    return {
        "instanceId": instance,
        "status": name,
        "ids": ids,
        "momment": now(),
        "phoneDevice": 0,
        "phone": chat,
        "type": "MessageStatusCallback",
        "isGroup": chat.endswith("-group"),
    }


def delivery(instance: str, message: Message, error: str = "") -> Json:
    """DeliveryCallback: handed to WhatsApp, or not."""
    body: Json = {
        "phone": message.chat,
        "zaapId": message.raw.get("zaapId"),
        "messageId": message.id,
        "type": "DeliveryCallback",
    }
    if error:
        body |= {"error": error, "errorCode": 400}
    return body | {"instanceId": instance, "momment": now()}


def presence(instance: str, person: Person, name: str) -> Json:
    """PresenceChatCallback."""
    return {
        "type": "PresenceChatCallback",
        "phone": person.phone or person.lid,
        "status": name,
        "lastSeen": None,
        "instanceId": instance,
    }


def connection(instance: str, connected: bool) -> Json:
    """ConnectedCallback or DisconnectedCallback."""
    if connected:
        told = {"type": "ConnectedCallback", "connected": True, "momment": now()}
        return told | {"instanceId": instance, "phone": BUSINESS, "isBusiness": True}
    lost = {"momment": now(), "error": "Device has been disconnected", "disconnected": True}
    return lost | {"type": "DisconnectedCallback", "instanceId": instance}
