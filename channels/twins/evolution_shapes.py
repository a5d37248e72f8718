"""Evolution's messages: keys, contents and the encodings of its versions."""

import base64
import hashlib
import time
from typing import Any

from channels.twins.files import File
from channels.twins.people import Person
from channels.twins.said import Said
from channels.twins.whatsapp import BUSINESS

Json = dict[str, Any]
SELF = f"{BUSINESS}@s.whatsapp.net"
TYPES = {
    "image": "imageMessage",
    "voice": "audioMessage",
    "audio": "audioMessage",
    "video": "videoMessage",
    "animation": "videoMessage",
    "video_note": "ptvMessage",
    "document": "documentMessage",
    "sticker": "stickerMessage",
}
LINKED = ("imageMessage", "videoMessage", "ptvMessage")  # kinds that carry a contextInfo


class Encoding:
    """How a version writes bytes and long numbers."""

    def __init__(self, version: str) -> None:
        self._old = version.startswith("2.2") or version in ("2.3.0", "2.3.1", "2.3.2", "2.3.3")

    def blob(self, seed: str, size: int = 32) -> Any:
        """Some bytes that stay the same for the same seed."""
        content = (hashlib.sha256(seed.encode()).digest() * 3)[:size]
        if self._old:
            return base64.b64encode(content).decode()
        return {str(i): b for i, b in enumerate(content)}

    def long(self, value: int, unsigned: bool = False) -> Any:
        """A 64-bit number."""
        if self._old:
            return str(value)
        low = value & 0xFFFFFFFF
        low -= (1 << 32) if low >= 1 << 31 else 0
        return {"low": low, "high": value >> 32, "unsigned": unsigned}

    def context(self) -> Json:
        """messageContextInfo: noise that comes with nearly every message."""
        devices = {
            "senderKeyIndexes": [],
            "recipientKeyIndexes": [],
            "senderKeyHash": self.blob("sender", 10),
            "senderTimestamp": self.long(1_767_000_000, True),
            "recipientKeyHash": self.blob("recipient", 10),
            "recipientTimestamp": self.long(1_767_100_000, True),
        }
        return {
            "deviceListMetadata": devices,
            "deviceListMetadataVersion": 2,
            "messageSecret": self.blob("secret"),
        }


def jid(person: Person) -> str:
    """The person's address: by phone, or by LID where there is none."""
    return f"{person.phone}@s.whatsapp.net" if person.phone else person.lid


def key(said: Said, message_id: str) -> Json:
    """The key, as the versions hide the phone: said.lid is "", only, both, swap, prev or 2.3.7."""
    person = said.person
    if said.group:
        who = {"participant": person.lid, "participantAlt": jid(person), "addressingMode": "lid"}
        return {"remoteJid": said.group.id, "fromMe": said.from_me, "id": message_id, **who}
    tail: Json = {"fromMe": said.from_me, "id": message_id}
    if said.lid == "only" or not person.phone:
        return {"remoteJid": person.lid, **tail, "participant": "", "addressingMode": "lid"}
    pn = jid(person)
    if said.lid == "both":
        mode = {"participant": "", "addressingMode": "lid"}
        return {"remoteJid": person.lid, "remoteJidAlt": pn, **tail, **mode}
    if said.lid == "2.3.7":
        mode = {"participant": "", "addressingMode": "lid"}
        return {"remoteJid": pn, "remoteJidAlt": pn, **tail, **mode}
    if said.lid == "prev":
        return {"remoteJid": pn, **tail, "senderPn": pn, "previousRemoteJid": person.lid}
    mode = {"participant": "", "addressingMode": "pn"}
    return {"remoteJid": pn, "remoteJidAlt": person.lid, **tail, **mode}


def content(said: Said, enc: Encoding) -> tuple[str, Json]:
    """messageType and the message, without its context."""
    if said.file is not None:
        return media(said.kind, said.file, said.text, enc)
    match said.kind:
        case "location":
            place = said.place
            spot: Json = {
                "degreesLatitude": place["latitude"],
                "degreesLongitude": place["longitude"],
            }
            spot |= {k: place[k] for k in ("name", "address") if place.get(k)}
            return "locationMessage", {"locationMessage": spot}
        case "contact":
            shown = {"displayName": said.card["name"], "vcard": said.card["vcard"]}
            return "contactMessage", {"contactMessage": shown}
        case "button" if said.button["list"]:
            row = {"selectedRowId": said.button["id"]}
            answer: Json = {"title": said.button["text"], "listType": 1, "singleSelectReply": row}
            return "listResponseMessage", {"listResponseMessage": answer}
        case "button":
            pressed: Json = {"selectedButtonId": said.button["id"], "type": 1}
            pressed["selectedDisplayText"] = said.button["text"]
            return "buttonsResponseMessage", {"buttonsResponseMessage": pressed}
        case "unsupported":
            poll = {"name": said.text or "?", "options": [], "selectableOptionsCount": 1}
            return "pollCreationMessageV3", {"pollCreationMessageV3": poll}
    return "conversation", {"conversation": said.text}


def media(kind: str, file: File, caption: str, enc: Encoding) -> tuple[str, Json]:
    """A media message; its address leads to encrypted bytes and is of no use alone."""
    name = TYPES[kind]
    body: Json = {
        "url": f"https://mmg.whatsapp.net/v/t62.7118-24/{file.id}_n.enc?ccb=11-4&mms3=true",
        "mimetype": file.mime,
        "fileSha256": enc.blob(file.id),
        "fileLength": enc.long(file.size, True),
        "mediaKey": enc.blob(f"key {file.id}"),
        "fileEncSha256": enc.blob(f"enc {file.id}"),
        "directPath": f"/v/t62.7118-24/{file.id}_n.enc?ccb=11-4",
        "mediaKeyTimestamp": enc.long(int(time.time())),
    }
    if name == "audioMessage":
        body |= {"seconds": file.seconds or 1, "ptt": kind == "voice"}
    if name in ("videoMessage", "ptvMessage"):
        body |= {"seconds": file.seconds or 1, "height": 848, "width": 480}
    if name == "imageMessage":
        body |= {"height": 1280, "width": 960}
    if name == "documentMessage":
        body |= {"title": file.name, "fileName": file.name, "pageCount": 1}
    if name == "stickerMessage":
        body |= {"height": 64, "width": 64, "isAnimated": False}
    if name in (*LINKED, "documentMessage"):
        body["jpegThumbnail"] = enc.blob(f"small {file.id}", 24)
    if kind == "animation":
        body["gifPlayback"] = True
    if caption:
        body["caption"] = caption
    if name in LINKED:
        body["contextInfo"] = {"mentionedJid": [], "groupMentions": []}
    return name, {name: body}


def quote(stanza: str, quoted: Json | None, own: bool, person: Person) -> Json:
    """contextInfo of a reply."""
    return {
        "mentionedJid": [],
        "groupMentions": [],
        "stanzaId": stanza,
        "participant": SELF if own else jid(person),
        "quotedMessage": quoted or {"conversation": ""},
    }


def edited(about_key: Json, text: str, captioned: bool) -> Json:
    """data of messages.edited: plain JSON, without the usual encodings."""
    new: Json = {"imageMessage": {"caption": text}} if captioned else {"conversation": text}
    return {
        "key": {k: about_key[k] for k in ("remoteJid", "fromMe", "id")},
        "type": "MESSAGE_EDIT",
        "editedMessage": new,
        "timestampMs": str(int(time.time() * 1000)),
    }
