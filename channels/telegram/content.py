"""What a Telegram message carries: its words and attachments."""

from collections.abc import Callable, Mapping
from typing import Any

from channels import readable
from channels.inbound import Attachment, Media
from channels.telegram import rich
from channels.telegram.fields import (
    Json,
    child,
    decimal,
    flag,
    identifier,
    many,
    moment,
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
# Currencies without hundredths.
UNDIVIDED = frozenset({"XTR", "CLP", "JPY", "KRW", "PYG", "UGX", "VND"})
STORY = "[story: Telegram does not show it to bots]"
PAID = "[paid media: Telegram does not show it to bots]"


def words(message: Json) -> str:
    """Text or caption with the addresses behind its words, and what stands for what else is said."""
    if said := text(message, "text"):
        return _previewed(_around(message, said, "entities"), message.get("link_preview_options"))
    if said := text(message, "caption"):
        said = _around(message, said, "caption_entities")
    found = (read(value) for key, read in SPOKEN.items() if (value := child(message, key)) is not None)
    return "\n".join(part for part in (said, *found) if part)


def _around(message: Json, said: str, entities: str) -> str:
    return _buttoned(_linked(said, message.get(entities)), message.get("reply_markup"))


def _previewed(said: str, options: Any) -> str:
    """A preview may be of an address that stands nowhere in the text."""
    url = options.get("url") if isinstance(options, dict) and options.get("is_disabled") is not True else None
    if not isinstance(url, str) or not url:
        return said
    bare = url.replace("\0", "").rpartition("://")[2].rstrip("/")
    return said if bare.casefold() in said.casefold() else f"{said}\n{url}".replace("\0", "")


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
    """What is shown. Most messages hold one thing, whatever they repeat for older bots."""
    if message.get("photo") is not None:
        return _photo(many(message, "photo"))
    for key, read in READERS.items():
        if (value := child(message, key)) is not None:
            return read(value)
    if message.get("text") is None:
        for key, value in message.items():
            # A file of a kind that came up lately.
            if key not in ABOUT and isinstance(value, dict) and isinstance(value.get("file_id"), str):
                return _file(Media.DOCUMENT, None)(value)
    return ()


def service(message: Json) -> str:
    """The name of what a message without words and files reports."""
    for key in message:
        if key not in ABOUT and key not in CONTENT and message[key] is not None:
            return f"service.{key[:64].replace(chr(0), '')}"
    return "service.empty"


def reported(message: Json) -> str:
    """The words of a person that a service message repeats."""
    for key in ("gift", "unique_gift"):
        if (given := child(message, key)) is not None:
            return text(given, "text") or ""
    if (added := child(message, "checklist_tasks_added")) is not None:
        return _tasks(added)
    return text(child(message, "poll_option_added") or {}, "option_text") or ""


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
    asked = readable.poll(text(value, "question"), options, several=flag(value, "allows_multiple_answers"))
    return readable.lines(text(value, "description"), asked)


def _poll_files(value: Json) -> tuple[Attachment, ...]:
    """What the question and each of its answers show."""
    media = (child(one, "media") for one in (value, *many(value, "options")))
    return tuple(one for held in media if held is not None for one in attachments(held))


def _checklist(value: Json) -> str:
    return "\n".join(filter(None, (text(value, "title"), _tasks(value))))


def _tasks(value: Json) -> str:
    return "\n".join(
        f"- {text(task, 'text') or ''}{' (done)' if number(task, 'completion_date') else ''}"
        for task in many(value, "tasks")
    )


def _dice(value: Json) -> str:
    return f"{text(value, 'emoji') or ''} {identifier(value, 'value')}"


def _paid(value: Json) -> str:
    """Before it is paid for, only its size is told."""
    listed = many(value, "paid_media")
    return PAID if not listed or any(not attachments(one) for one in listed) else ""


def _paid_files(value: Json) -> tuple[Attachment, ...]:
    return tuple(one for held in many(value, "paid_media") for one in attachments(held))


def _rich_files(value: Json) -> tuple[Attachment, ...]:
    found: list[Attachment] = []
    for block in rich.shown(value):
        if (field := SHOWN.get(kind := text(block, "type") or "")) is not None:
            found += attachments({field: block.get(kind, block.get(field))})
    return tuple(found)


def _game(value: Json) -> str:
    return readable.labelled("Game", text(value, "title"), text(value, "description"), text(value, "text"))


def _invoice(value: Json) -> str:
    currency = text(value, "currency")
    amount = readable.money(number(value, "total_amount"), currency, 1 if currency in UNDIVIDED else 100)
    return readable.labelled("Invoice", text(value, "title"), text(value, "description"), amount)


def _giveaway(value: Json) -> str:
    count, until = number(value, "winner_count"), moment(value, "winners_selection_date")
    told = (f"winners: {count}" if count is not None else None, until and until.strftime("%Y-%m-%d"))
    return readable.labelled("Giveaway", text(value, "prize_description"), *told) or "Giveaway"


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
    "paid_media": _paid_files,
    "poll": _poll_files,
    "rich_message": _rich_files,
    "game": lambda value: _photo(many(value, "photo")),
}
SPOKEN: Mapping[str, Callable[[Json], str]] = {
    "poll": _poll,
    "checklist": _checklist,
    "dice": _dice,
    "rich_message": rich.words,
    "story": lambda _: STORY,
    "paid_media": _paid,
    "game": _game,
    "invoice": _invoice,
    "giveaway": _giveaway,
    "giveaway_winners": _giveaway,
}
# Blocks of rich messages, and the fields of a message that hold the same.
SHOWN: Mapping[str, str] = {
    **{k: k for k in ("photo", "video", "animation", "audio", "document")}, "voice_note": "voice", "map": "location",
}
CONTENT = frozenset({"text", "caption", "photo", *READERS, *SPOKEN})
