"""What a person does on the phone, in no network's shape: read from a control call."""

import base64
import binascii
import time
from dataclasses import dataclass, field
from typing import Any

from channels.twins.files import File
from channels.twins.people import Group, Person
from channels.twins.state import State

Json = dict[str, Any]
MEDIA = ("image", "voice", "audio", "video", "video_note", "animation", "document", "sticker")
KINDS = (
    *("text", "location", "contact", "button", "reaction", "edit", "delete", "typing"),
    *("block", "unblock", "unsupported", "waiting", *MEDIA),
)
# A picture of one dot, a second of silence: enough to be a file.
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
MIMES = {
    "image": "image/jpeg",
    "voice": "audio/ogg; codecs=opus",
    "audio": "audio/mpeg",
    "video": "video/mp4",
    "video_note": "video/mp4",
    "animation": "video/mp4",
    "document": "application/pdf",
    "sticker": "image/webp",
}
NAMES = {
    "image": "photo.jpg",
    "voice": "voice.ogg",
    "audio": "song.mp3",
    "video": "video.mp4",
    "video_note": "note.mp4",
    "animation": "gif.mp4",
    "document": "document.pdf",
    "sticker": "sticker.webp",
}


@dataclass(frozen=True, slots=True)
class Said:
    """One act. `target` is the message that an edit, deletion, reaction or button is about."""

    account: str
    person: Person
    group: Group | None
    kind: str
    text: str
    at: float
    file: File | None = None
    place: Json = field(default_factory=dict)
    card: Json = field(default_factory=dict)
    button: Json = field(default_factory=dict)
    reply_to: str | None = None
    target: str = ""
    emoji: str = ""
    album: str | None = None
    id: str | None = None
    lid: str = ""  # how a WhatsApp network hides the phone: "", "only", "both", "swap", ...
    mention: bool = False
    forwarded: bool = False
    from_me: bool = False

    @property
    def chat(self) -> str:
        """The chat's key."""
        return self.group.id if self.group else self.person.id


def parse(state: State, network: str, account: str, given: Json) -> Said:
    """Read one act; raise ValueError with words for who wrote the test."""
    kind = str(given.get("kind") or ("text" if "text" in given else "image"))
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}")
    target = str(given.get("message_id") or "")
    if kind in ("edit", "delete", "reaction") and not target:
        raise ValueError(f"{kind} needs message_id")
    return Said(
        account=account,
        person=state.person(network, given.get("person") or ""),
        group=_group(given.get("group")),
        kind=kind,
        text=str(given.get("text") or ""),
        at=float(given.get("at") or time.time()),
        file=_file(state, kind, given.get("file") or {}) if kind in MEDIA else None,
        place=_place(given) if kind == "location" else {},
        card=_card(given.get("contact") or {}) if kind == "contact" else {},
        button=_button(given.get("button") or {}) if kind == "button" else {},
        reply_to=str(given["reply_to"]) if given.get("reply_to") else None,
        target=target,
        emoji=str(given.get("emoji") or ""),
        album=str(given["album"]) if given.get("album") else None,
        id=str(given["id"]) if given.get("id") else None,
        lid=str(given.get("lid") or ""),
        mention=bool(given.get("mention")),
        forwarded=bool(given.get("forwarded")),
        from_me=bool(given.get("from_me")),
    )


def _group(given: Any) -> Group | None:
    if not given:
        return None
    if isinstance(given, dict):
        return Group(str(given["id"]), str(given.get("title") or "Group"))
    return Group(str(given), "Group")


def _file(state: State, kind: str, given: Json) -> File:
    if file_id := given.get("id"):
        known = state.files.get(str(file_id))
        if known is None:
            raise ValueError("file.id is not known")
        return known
    try:
        content = base64.b64decode(given["base64"]) if "base64" in given else DOT
    except (binascii.Error, TypeError) as e:
        raise ValueError("file.base64 is not base64") from e
    mime = str(given.get("mime") or MIMES[kind])
    seconds = given.get("seconds") or (3 if kind in ("voice", "audio", "video") else None)
    size = given.get("size")
    name = str(given.get("name") or NAMES[kind])
    return state.files.put(content, mime, name, size=size, seconds=seconds)


def _place(given: Json) -> Json:
    found = {k: given[k] for k in ("name", "address") if given.get(k)}
    latitude, longitude = given.get("latitude", -23.561414), given.get("longitude", -46.655881)
    return {"latitude": float(latitude), "longitude": float(longitude), **found}


def _card(given: Json) -> Json:
    name = str(given.get("name") or "Carlos Lima")
    phone = str(given.get("phone") or "5511999990009")
    lines = ("BEGIN:VCARD", "VERSION:3.0", f"FN:{name}", f"TEL;waid={phone}:+{phone}", "END:VCARD")
    return {"name": name, "phone": phone, "vcard": "\n".join(lines)}


def _button(given: Json | str) -> Json:
    if isinstance(given, str):
        return {"id": given, "text": given}
    found = {"id": str(given.get("id") or ""), "text": str(given.get("text") or "")}
    if not found["id"]:
        raise ValueError("button needs an id")
    return found | {"list": bool(given.get("list"))}
