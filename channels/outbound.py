"""What goes out, in no network's shape: what every adapter sends, and how text must look there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from channels.inbound import Media


@dataclass(frozen=True, slots=True)
class File:
    """A file to send: content, or a public https address the network may fetch itself."""

    media: Media
    mime: str
    name: str
    content: bytes | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A button below a message. `id` comes back when it is pressed; with `url` it opens that instead."""

    id: str
    label: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Spot:
    """A place as the network's own message."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """Somebody to call or write to, as the network's own message. phone: digits with the country code."""

    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Fill:
    """A value of a template. place: header, body or button; kind: text, code, or that of a file, whose address `value`
    is. name: of a named variable; index: of the button."""

    place: str
    value: str
    kind: str = "text"
    name: str = ""
    index: int = 0


@dataclass(frozen=True, slots=True)
class Outbound:
    """One part of an answer, already rendered for the network and within its limit.

    text is in the network's own formatting, plain is the same without any (used when the network
    refuses the formatting). With a file, text is its caption. `key` is our delivery id: sent along
    where the network lets us name or tag a message. `template` sends a WhatsApp template instead.
    choices: at most what the style takes; `menu` is what opens them where they are a list. spot, card: sent instead
    of words. typed: seconds of typing before it, where a network shows that with a message alone.
    rich: the same words as blocks, which a network may refuse. album: files that go with `file` as one message.
    """

    chat: str
    key: str
    text: str = ""
    plain: str = ""
    file: File | None = None
    reply_to: str | None = None
    template: str | None = None
    language: str | None = None  # of the template, BCP 47
    values: tuple[str, ...] = ()  # of the template's variables, in order
    fills: tuple[Fill, ...] = ()  # all values of the template, instead of `values`
    choices: tuple[Choice, ...] = ()
    menu: str = ""
    spot: Spot | None = None
    card: Card | None = None
    typed: int = 0
    rich: tuple[Mapping[str, Any], ...] = ()
    album: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Sought:
    """What a network knows of a message whose sending ended without an answer.

    ids: our messages that it may be, the likeliest first. told: the network can tell, so that where there are none, it
    did not send it.
    """

    told: bool
    ids: tuple[str, ...] = ()


PICTURES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})


@dataclass(frozen=True, slots=True)
class Style:
    """How text must look: "html" (Telegram), "whatsapp" or "plain"; limits in `unit`s.

    entities: most pieces of formatting in one message, 0 for no limit. pictures: types that are shown
    as a picture. documents: types that can be sent as a file, None for all. buttons: what choices can be: "links" too,
    without them "replies" alone, "maybe" where only some accounts deliver them, "" for none. asked: limit of a text
    with choices, 0 for the ordinary one. rich: whether messages can be blocks, such as tables. albums: how many files
    can be shown as one.
    """

    markup: str
    limit: int
    caption: int
    utf16: bool = False
    entities: int = 0
    pictures: frozenset[str] = PICTURES
    documents: frozenset[str] | None = None
    buttons: str = ""
    asked: int = 0
    rich: bool = False
    albums: int = 0
