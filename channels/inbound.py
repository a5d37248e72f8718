"""What comes in, in no network's shape: what every adapter makes of a webhook call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What an arriving item is."""

    MESSAGE = "message"  # a contact said something: the only kind that is answered
    EDIT = "edit"  # a contact changed an earlier message (`message_id` names the original)
    REVOKE = "revoke"  # a contact deleted an earlier message (`message_id` names it)
    REACTION = "reaction"  # text is the emoji, "" when removed; `reply_to` names the message
    OWN = "own"  # sent from our side: by the API (echo) or by a human on the phone
    STATUS = "status"  # a fate of a message that we sent
    EVENT = "event"  # connection, membership, presence, call ...: recorded, never answered


# Events by which a contact tells the network, not us, that we may not write on our own, or may again.
STOPPED, RESUMED = "preference.stopped", "preference.resumed"


class Media(StrEnum):
    """Kinds of attachment."""

    IMAGE = "image"
    VOICE = "voice"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACT = "contact"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file, place or contact card that came with a message.

    One of ref (the network's file id), url (a plain address) or data (base64 text) leads to the
    bytes; LOCATION and CONTACT have none of them and carry their content in `text`.
    """

    media: Media
    ref: str | None = None
    url: str | None = None
    data: str | None = None
    mime: str | None = None
    name: str | None = None
    size: int | None = None
    seconds: int | None = None
    text: str = ""  # a place, a card, a sticker's emoji or a network's own transcript, for people
    error: str | None = None  # why the network could not give the file


@dataclass(frozen=True, slots=True)
class Contact:
    """Who wrote. `ids` are all stable identifiers of this person, best first.

    An identifier is prefixed with its kind: "tg:700000001", "phone:5511999990000",
    "lid:181234567890123", "bsuid:BR.1234". Two items that share one are the same contact.
    """

    ids: tuple[str, ...]
    name: str | None = None
    phone: str | None = None
    username: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a message that we sent (Kind.STATUS)."""

    state: str  # queued | sent | delivered | read | played | failed
    message_ids: tuple[str, ...] = ()
    callback: str | None = None  # our own delivery id, where the network echoes it
    code: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Inbound:
    """One item of a webhook call, in no network's shape."""

    kind: Kind
    ext: str  # dedupe key, unique within one integration
    chat: str = ""  # where an answer goes: chat id, phone, jid
    contact: Contact | None = None  # None when the item has no author (status, connection)
    message_id: str | None = None
    at: datetime | None = None  # the network's clock, UTC
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    reply_to: str | None = None
    quote: str | None = None
    forwarded: bool = False
    button: str | None = None  # payload of the pressed button or chosen row; text is its label
    album: str | None = None
    group: str | None = None  # title or id of the group; None in a private chat
    mentioned: bool = False  # in a group: the bot was named or answered to
    named: tuple[str, ...] = ()  # in a group: ids of who is called, as far as the network tells
    answers: tuple[str, ...] = ()  # in a group: ids of whom it answers to
    ours: tuple[str, ...] = ()  # ids of the account itself that the item teaches
    by: str = "contact"  # OWN: "api" (sent through the API) or "human" (typed on the phone)
    sent_key: str | None = None  # OWN: our own delivery id, where the network echoes it
    fate: Fate | None = None
    event: str | None = None  # EVENT: its name, dotted, e.g. "connection.open"
    detail: Mapping[str, Any] = field(default_factory=dict)
    callback: str | None = None  # Telegram callback query to be answered
    age_matters: bool = False  # the network may replay history: drop when very old
    ignore: str | None = None  # a rule of the adapter that forbids an answer, in a few words
    original: str | None = None  # EDIT, REVOKE: `ext` of what is changed, where the network may tell of it later
