"""What a Telegram message carries: its words and attachments."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from channels import readable
from channels.inbound import Attachment, Media
from channels.telegram.fields import (
    Json,
    child,
    decimal,
    flag,
    identifier,
    many,
    name,
    need,
    number,
    text,
)

# Fields that say something about a message; whatever else it has is its content.
_ABOUT = """
    message_id date edit_date chat from sender_chat sender_boost_count sender_business_bot
    sender_tag business_connection_id guest_query_id guest_bot_caller_user guest_bot_caller_chat
    message_thread_id is_topic_message direct_messages_topic reply_to_message external_reply quote
    reply_to_story reply_to_checklist_task_id reply_to_poll_option_id via_bot forward_origin
    forward_date forward_from forward_from_chat forward_from_message_id forward_sender_name
    forward_signature is_automatic_forward has_protected_content is_from_offline is_paid_post
    media_group_id author_signature paid_star_count entities link_preview_options
    suggested_post_info effect_id caption_entities show_caption_above_media has_media_spoiler
    reply_markup receiver_user ephemeral_message_id
"""
ABOUT = frozenset(_ABOUT.split())
# Said by a contact, but with nothing in it that can be read or answered.
UNSUPPORTED = frozenset({"game", "giveaway", "giveaway_winners", "invoice"})


def words(message: Json) -> str:
    """Text or caption with the addresses behind its words, or what stands for them."""
    for key, entities in (("text", "entities"), ("caption", "caption_entities")):
        if said := text(message, key):
            return _buttoned(_linked(said, message.get(entities)), message.get("reply_markup"))
    for key, read in SPOKEN.items():
        if (value := child(message, key)) is not None:
            return read(value)
    return ""


def _linked(said: str, entities: Any) -> str:
    """The text with each hidden address behind the words that hide it."""
    found = [
        (e["offset"] + e["length"], e["offset"], e["url"])
        for e in (entities if isinstance(entities, list) else ())
        if isinstance(e, dict) and e.get("type") == "text_link" and isinstance(e.get("url"), str)
        and type(e.get("offset")) is int and type(e.get("length")) is int
    ]
    if not found:
        return said
    raw = said.encode("utf-16-le", "replace")  # offsets count UTF-16 units
    for end, start, url in sorted(found, reverse=True):
        if not 0 <= 2 * start < 2 * end <= len(raw):
            continue
        shown = raw[2 * start : 2 * end].decode("utf-16-le", "replace")
        if url.removesuffix("/") not in (shown, shown.removesuffix("/")):
            raw = raw[: 2 * end] + f" ({url})".encode("utf-16-le", "replace") + raw[2 * end :]
    return raw.decode("utf-16-le", "replace").replace("\0", "")


def _buttoned(said: str, markup: Any) -> str:
    """A forwarded message may have buttons that open addresses."""
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    keys = [k for row in (rows if isinstance(rows, list) else ()) if isinstance(row, list) for k in row]
    opening = ((k.get("text"), k.get("url")) for k in keys if isinstance(k, dict))
    return "\n".join([said, *readable.links(opening)])


def attachments(message: Json) -> tuple[Attachment, ...]:
    """At most one: a Telegram message holds one thing, whatever it repeats for older bots."""
    if message.get("photo") is not None:
        return _photo(many(message, "photo"))
    for key, read in READERS.items():
        if (value := child(message, key)) is not None:
            return read(value)
    return ()


def service(message: Json) -> str:
    """The name of what a message without words and files reports."""
    for key in message:
        if key not in ABOUT and key not in CONTENT and message[key] is not None:
            group = "unsupported" if key in UNSUPPORTED else "service"
            return f"{group}.{key[:64].replace(chr(0), '')}"
    return "service.empty"


def card_phone(message: Json, user_id: int) -> str | None:
    """The number of someone who shared their own card; Telegram vouches for `user_id`."""
    card = child(message, "contact")
    if card is None or number(card, "user_id") != user_id:
        return None
    return _digits(text(card, "phone_number") or "") or None


def _file(media: Media, default: str | None) -> Callable[[Json], tuple[Attachment, ...]]:
    def read(value: Json) -> tuple[Attachment, ...]:
        return (
            Attachment(
                media,
                ref=name(value, "file_id"),
                mime=text(value, "mime_type") or default,
                name=text(value, "file_name"),
                size=number(value, "file_size"),
                seconds=number(value, "duration"),
                text=_title(value) if media is Media.AUDIO else "",
            ),
        )

    return read


def _title(audio: Json) -> str:
    parts = text(audio, "performer"), text(audio, "title")
    return " - ".join(p for p in parts if p)


def _photo(sizes: list[Json]) -> tuple[Attachment, ...]:
    if not sizes:
        return ()
    best = max(sizes, key=lambda s: (number(s, "width") or 0) * (number(s, "height") or 0))
    size = number(best, "file_size")
    return (Attachment(Media.IMAGE, name(best, "file_id"), mime="image/jpeg", size=size),)


def _live_photo(value: Json) -> tuple[Attachment, ...]:
    return _photo(many(value, "photo")) or _file(Media.VIDEO, "video/mp4")(value)


def _sticker(value: Json) -> tuple[Attachment, ...]:
    mime = "image/webp"
    if flag(value, "is_animated"):
        mime = "application/x-tgsticker"
    elif flag(value, "is_video"):
        mime = "video/webm"
    ref, size = name(value, "file_id"), number(value, "file_size")
    emoji = text(value, "emoji") or ""
    return (Attachment(Media.STICKER, ref, mime=mime, size=size, text=emoji),)


def _location(value: Json) -> tuple[Attachment, ...]:
    live = " (live)" if number(value, "live_period") else ""
    return (Attachment(Media.LOCATION, text=_point(value) + live),)


def _venue(value: Json) -> tuple[Attachment, ...]:
    parts = text(value, "title"), text(value, "address"), _point(need(value, "location"))
    return (Attachment(Media.LOCATION, text=", ".join(p for p in parts if p)),)


def _point(value: Json) -> str:
    return f"{decimal(value, 'latitude'):.6f}, {decimal(value, 'longitude'):.6f}"


def _card(value: Json) -> tuple[Attachment, ...]:
    person = " ".join(p for p in (text(value, "first_name"), text(value, "last_name")) if p)
    first = text(value, "phone_number")
    # Further numbers stand in the card alone.
    more = [p for p in readable.phones(text(value, "vcard")) if _digits(p) != _digits(first or "")]
    words = (person, first, *more, *readable.beside(text(value, "vcard")))
    return (Attachment(Media.CONTACT, text=", ".join(p for p in words if p)),)


def _digits(phone: str) -> str:
    return "".join(c for c in phone if c.isdecimal())


def _poll(value: Json) -> str:
    options = [text(option, "text") for option in many(value, "options")]
    return readable.poll(text(value, "question"), options, several=flag(value, "allows_multiple_answers"))


def _checklist(value: Json) -> str:
    tasks = [
        f"- {text(task, 'text') or ''}{' (done)' if number(task, 'completion_date') else ''}"
        for task in many(value, "tasks")
    ]
    return "\n".join([text(value, "title") or "", *tasks])


def _dice(value: Json) -> str:
    return f"{text(value, 'emoji') or ''} {identifier(value, 'value')}"


def _rich(value: Json) -> str:
    return "\n".join("".join(_strings(block)) for block in many(value, "blocks"))


def _strings(block: Json) -> Iterator[str]:
    # Without recursion: the nesting is the sender's choice.
    stack: list[Any] = [block]
    while stack:
        match stack.pop():
            case str() as part:
                yield part.replace("\0", "")
            case list() as parts:
                stack.extend(reversed(parts))
            case dict() as part:
                inner = [part.get(k) for k in ("text", "caption", "blocks", "items", "cells")]
                stack.extend(reversed([i for i in inner if i is not None]))


# In this order: an animation repeats itself as a document, a venue as a location.
READERS: Mapping[str, Callable[[Json], tuple[Attachment, ...]]] = {
    "animation": _file(Media.VIDEO, "video/mp4"),
    "audio": _file(Media.AUDIO, "audio/mpeg"),
    "document": _file(Media.DOCUMENT, None),
    "live_photo": _live_photo,
    "sticker": _sticker,
    "video": _file(Media.VIDEO, "video/mp4"),
    "video_note": _file(Media.VIDEO, "video/mp4"),
    "voice": _file(Media.VOICE, "audio/ogg"),
    "contact": _card,
    "venue": _venue,
    "location": _location,
}
SPOKEN: Mapping[str, Callable[[Json], str]] = {
    "poll": _poll,
    "checklist": _checklist,
    "dice": _dice,
    "rich_message": _rich,
    "story": lambda _: "[story: Telegram does not show it to bots]",
    "paid_media": lambda _: "[paid media: Telegram does not show it to bots]",
}
CONTENT = frozenset({"text", "caption", "photo", *READERS, *SPOKEN})
