"""What a Cloud API message says: one reader for each type."""

from collections.abc import Callable, Iterator
from typing import Any

from channels import readable
from channels.inbound import Attachment, Media
from channels.loose import first, number, obj, objs, text
from channels.readable import Said

Json = dict[str, Any]

UNAVAILABLE = 131060
# Of what is unsupported: what changes a message or marks it.
NOTHING_SAID = frozenset({"edit", "revoke", "delete", "pin", "keep", "reaction", "poll_update", "protocol", "system"})
SILENT = NOTHING_SAID | {"unsupported", "request_welcome", "errors", "call_permission_reply"}
MEDIA = {
    "image": Media.IMAGE,
    "video": Media.VIDEO,
    "audio": Media.AUDIO,
    "voice": Media.VOICE,
    "document": Media.DOCUMENT,
    "sticker": Media.STICKER,
}


def read(message: Json) -> Said:
    """The content of a message in Meta's shape, with or without Kapso's additions."""
    kind = text(message.get("type")) or "text"
    if kind in MEDIA:
        return _file(MEDIA[kind], message, obj(message.get(kind)))
    if kind == "text":
        # Kapso's own rendering is all there is in some payloads.
        words = text(obj(message.get("text")).get("body"))
        return Said(words or text(obj(message.get("kapso")).get("content")) or "")
    if kind == "contacts":
        cards = objs(message.get("contacts"))
        return Said(attachments=tuple(_card(c) for c in cards))
    if reader := READERS.get(kind):
        return reader(obj(message.get(kind)))
    if kind == "unsupported" and (notice := _notice(message)):
        return Said(notice)
    return _unread(f"message.{kind[:60]}", kind, message)


def _unread(event: str, kind: str, held: Json) -> Said:
    """What a person said of a kind that came up lately is told."""
    said = readable.unread({kind: held.get(kind)}) if kind not in SILENT else Said()
    return Said(said.text) if said.text else Said(event=event)


def _notice(message: Json) -> str | None:
    """What a person did say, and WhatsApp keeps to itself: whoever answers can ask for it in another way.

    131060: the first message after a number was connected, often from an advertisement.
    """
    kind = text(obj(message.get("unsupported")).get("type"))
    if kind in NOTHING_SAID:
        return None
    if any(number(e.get("code")) == UNAVAILABLE for e in objs(message.get("errors"))):
        return "[message: WhatsApp could not hand it on; it can be sent again]"
    # Without a kind it may be that something was taken back.
    return f"[{kind.replace('_', ' ')}: WhatsApp does not hand on messages of this kind]" if kind else None


def _file(media: Media, message: Json, value: Json) -> Said:
    kapso = obj(message.get("kapso"))
    stored = obj(kapso.get("media_data"))
    extra = obj(kapso.get("message_type_data"))
    if media is Media.AUDIO and value.get("voice") is True:
        media = Media.VOICE
    found = Attachment(
        media,
        ref=text(value.get("id")),
        url=first(kapso.get("media_url"), stored.get("url"), value.get("link")),
        mime=first(value.get("mime_type"), stored.get("content_type")),
        name=first(value.get("filename"), stored.get("filename")),
        size=number(stored.get("byte_size")),
        text=text(obj(kapso.get("transcript")).get("text")) or "",
    )
    # kapso.content is no caption: it describes the file and holds its address.
    return Said(first(value.get("caption"), extra.get("caption")) or "", (found,))


def _card(value: Json) -> Attachment:
    names = obj(value.get("name"))
    name = first(names.get("formatted_name"), names.get("first_name"))
    phones = (first(p.get("phone"), p.get("wa_id")) for p in objs(value.get("phones")))
    return readable.card(name, phones, _beside(value))


def _beside(value: Json) -> Iterator[str]:
    """How somebody is reached besides by phone."""
    yield from (m for e in objs(value.get("emails")) if (m := text(e.get("email"))))
    if company := text(obj(value.get("org")).get("company")):
        yield company
    for place in objs(value.get("addresses")):
        yield ", ".join(t for n in ("street", "city", "state", "zip", "country") if (t := text(place.get(n))))
    yield from (u for e in objs(value.get("urls")) if (u := text(e.get("url"))))


def _interactive(value: Json) -> Said:
    for kind in ("button_reply", "list_reply"):
        if reply := obj(value.get(kind)):
            chosen = text(reply.get("id"))
            return Said(text(reply.get("title")) or chosen or "", button=chosen)
    if flow := obj(value.get("nfm_reply")):
        words = readable.lines(flow.get("body"), flow.get("response_json"))
        return Said(words, button=text(flow.get("name")))
    if asked := text(obj(value.get("body")).get("text")):
        return Said(asked)  # buttons or a list that the business sent
    kind = text(value.get("type")) or "unknown"
    return _unread(f"interactive.{kind[:60]}", kind, value)


def _button(value: Json) -> Said:
    chosen = text(value.get("payload"))
    return Said(text(value.get("text")) or chosen or "", button=chosen)


def _order(value: Json) -> Said:
    products = readable.goods(value.get("product_items"))
    return Said(readable.labelled("Order", *products, value.get("text")))


READERS: dict[str, Callable[[Json], Said]] = {
    "interactive": _interactive,
    "button": _button,
    "location": readable.place,
    "order": _order,
}
