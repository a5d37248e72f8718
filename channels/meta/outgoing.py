"""Bodies of outgoing Cloud API messages."""

from typing import Any

import aiohttp

from channels import jid, media
from channels.base import ChannelError
from channels.inbound import Media
from channels.meta.who import BSUID, GROUP
from channels.outbound import File, Fill, Outbound

Json = dict[str, Any]

KINDS = {
    Media.IMAGE: "image",
    Media.VIDEO: "video",
    Media.AUDIO: "audio",
    Media.VOICE: "audio",
    Media.DOCUMENT: "document",
    Media.STICKER: "sticker",
}
# What the Cloud API takes; anything else it refuses when the message is long accepted (131053).
PICTURES = frozenset({"image/jpeg", "image/png"})
DOCUMENTS = frozenset({
    "text/plain", "application/pdf", "application/msword", "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
})
BUTTONS, LABEL = 3, 20  # of a message with buttons
CAPTIONED = frozenset({"image", "video", "document"})
LANGUAGE = "pt_BR"  # of a template, when the caller names none


def message(out: Outbound, file_id: str | None) -> Json:
    """The whole body; `file_id` is what the upload of the file's content returned."""
    body: Json = {"messaging_product": "whatsapp", **_receiver(out.chat), **_content(out, file_id)}
    if out.reply_to:
        body["context"] = {"message_id": out.reply_to}
    if out.key:
        # Comes back in every status, also when the answer to this call is lost.
        body["biz_opaque_callback_data"] = out.key
    return body


def _receiver(chat: str) -> Json:
    if chat.startswith(GROUP):
        return {"recipient_type": "group", "to": chat}
    if BSUID.fullmatch(chat):
        return {"recipient_type": "individual", "recipient": chat}
    number = jid.phone(chat)
    if number is None:
        raise ChannelError(
            "This person has neither a phone number nor an id to write to.",
            permanent=True,
            code="no_address",
        )
    return {"recipient_type": "individual", "to": number}


def _content(out: Outbound, file_id: str | None) -> Json:
    if out.template:
        language = (out.language or LANGUAGE).replace("-", "_")
        template: Json = {"name": out.template, "language": {"code": language}}
        if components := _components(out):
            template["components"] = components
        return {"type": "template", "template": template}
    if out.choices:
        return {"type": "interactive", "interactive": _interactive(out)}
    if out.spot is not None:
        spot = {"latitude": out.spot.latitude, "longitude": out.spot.longitude}
        named = {k: v for k, v in (("name", out.spot.name), ("address", out.spot.address)) if v}
        return {"type": "location", "location": spot | named}
    if out.card is not None:
        phone = {"phone": f"+{out.card.phone}", "wa_id": out.card.phone, "type": "WORK"}
        name = {"formatted_name": out.card.name, "first_name": out.card.name}
        return {"type": "contacts", "contacts": [{"name": name, "phones": [phone]}]}
    if out.file is None:
        return {"type": "text", "text": {"body": out.text, "preview_url": False}}
    return _file(out.file, out.text, file_id)


def _components(out: Outbound) -> list[Json]:
    """The values where they belong: all of the body together, each button by itself."""
    fills = out.fills or tuple(Fill("body", value) for value in out.values)
    found: list[Json] = [
        {"type": place, "parameters": [_value(f) for f in fills if f.place == place]}
        for place in ("header", "body") if any(f.place == place for f in fills)
    ]
    for f in fills:
        if f.place == "button":
            kind = "copy_code" if f.kind == "code" else "url"
            found.append({"type": "button", "sub_type": kind, "index": str(f.index), "parameters": [_value(f)]})
    return found


def _value(fill: Fill) -> Json:
    if fill.kind == "code":
        return {"type": "coupon_code", "coupon_code": fill.value}
    if fill.kind != "text":
        return {"type": fill.kind, fill.kind: {"link": fill.value}}
    # Meta refuses lines, tabs and rows of spaces inside a value.
    named = {"parameter_name": fill.name} if fill.name else {}
    return {"type": "text", **named, "text": " ".join(fill.value.split())}


def _interactive(out: Outbound) -> Json:
    """Up to three short choices are buttons, others a list; a link alone is a button that opens it."""
    body, first = {"text": out.text}, out.choices[0]
    if first.url:
        opened = {"display_text": first.label[:LABEL], "url": first.url}
        return {"type": "cta_url", "body": body, "action": {"name": "cta_url", "parameters": opened}}
    if len(out.choices) <= BUTTONS and all(len(c.label) <= LABEL for c in out.choices):
        buttons = [{"type": "reply", "reply": {"id": c.id, "title": c.label}} for c in out.choices]
        return {"type": "button", "body": body, "action": {"buttons": buttons}}
    rows = [{"id": c.id, **media.row(c.label)} for c in out.choices]
    menu = (out.menu or rows[0]["title"])[:LABEL]
    return {"type": "list", "body": body, "action": {"button": menu, "sections": [{"rows": rows}]}}


def _file(file: File, caption: str, file_id: str | None) -> Json:
    kind = KINDS.get(file.media)
    if kind is None:
        raise ChannelError(
            f"A {file.media.value} is not a file to send.", permanent=True, code="unsupported"
        )
    value: Json = {"id": file_id} if file_id else {"link": media.address(file)}
    if kind == "document":
        value["filename"] = file.name
    if file.media is Media.VOICE and media.bare(file.mime) == "audio/ogg":
        value["voice"] = True  # any other format would be refused as a voice note
    if caption and kind in CAPTIONED:
        value["caption"] = caption
    return {"type": kind, kind: value}


def read(message_id: str, *, typing: bool = True) -> Json:
    """Marks a message as read and shows typing, which lasts 25 s or until a message is sent."""
    marked: Json = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
    return marked | ({"typing_indicator": {"type": "text"}} if typing else {})


def reaction(chat: str, message_id: str, emoji: str) -> Json:
    """A sign on a message; an empty one takes it away."""
    sign = {"message_id": message_id, "emoji": emoji}
    return {"messaging_product": "whatsapp", **_receiver(chat), "type": "reaction", "reaction": sign}


def upload(file: File, content: bytes) -> aiohttp.FormData:
    """A file for a message; Meta looks at the part's own type and refuses the default one."""
    mime = media.bare(file.mime)
    form = aiohttp.FormData()
    form.add_field("messaging_product", "whatsapp")
    form.add_field("type", mime)
    form.add_field("file", content, filename=file.name, content_type=mime)
    return form
