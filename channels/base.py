"""What every network adapter takes and gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable


class ChannelError(Exception):
    """A network refused or did not answer; says whether trying again can help.

    permanent: the same call will never succeed. retry_after: seconds the network asked us to wait.
    ambiguous: the request may have been carried out (timeout after writing, reset, 502, 504).
    code: the network's own code or a short word ("window_closed", "blocked"). The text is plain
    words an operator can read and never holds a token or an address with one.
    """

    def __init__(
        self,
        text: str,
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        ambiguous: bool = False,
        code: str | None = None,
    ) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.retry_after = retry_after
        self.ambiguous = ambiguous
        self.code = code


class BadSignature(Exception):
    """The webhook call does not prove that it comes from the network."""


class Unreadable(Exception):
    """The webhook body is not what this network sends; it is quarantined."""


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


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook call: header names in lower case, body as received (gzip already inflated)."""

    headers: Mapping[str, str]
    body: bytes
    proved: bool = False  # `vouch` was asked when it came: nothing is to be verified again


@dataclass(frozen=True, slots=True)
class Link:
    """A business's account at a network: what an adapter needs to verify and to call.

    settings by network - telegram: botToken; zapi: instanceId, instanceToken, clientToken?;
    evolution: endpointUrl, instanceName, apiKey; kapso: apiKey, phoneNumberId, webhookSecretKey?,
    continuedMessagesTemplateId?. `secret` is the random secret of the webhook path, `header_secret`
    the other one that the adapter registers as header secret or signing key where the network
    supports one ("": it is the path's, as older versions registered it). `old_secrets` are header
    secrets that a webhook registered earlier may still show. `handle` is what `register` returned
    last (Kapso's webhook id). `ours` are ids of the account itself, as they were learned from what
    came in.
    """

    id: str
    settings: Mapping[str, str]
    secret: str
    webhook_url: str
    handle: str | None = None
    ours: tuple[str, ...] = ()
    header_secret: str = ""
    old_secrets: tuple[str, ...] = ()

    @property
    def proof(self) -> str:
        """What is registered as header secret."""
        return self.header_secret or self.secret

    @property
    def proofs(self) -> tuple[str, ...]:
        """Header secrets that prove a call."""
        return (self.proof, *self.old_secrets)


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


@dataclass(frozen=True, slots=True)
class Pairing:
    """How a phone is joined to an account: the text of the QR code to scan now, or the code to type."""

    connected: bool
    qr: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Download:
    content: bytes
    mime: str
    name: str | None = None


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


@dataclass(frozen=True, slots=True)
class Setting:
    """Something that a network asks a business for. secret: shown masked. identity: names the account there, with
    another one the old webhook is somebody else's. pattern: what its text must match as a whole."""

    name: str
    label: str
    hint: str = ""
    secret: bool = False
    optional: bool = False
    identity: bool = False
    pattern: str = ""


class Fetch(Protocol):
    """GET of an address that came from outside, through the guarded client."""

    async def __call__(self, url: str, headers: Mapping[str, str], limit: int) -> Download:
        """Raise ChannelError; `limit` is the largest size in bytes."""
        ...


class Channel(Protocol):
    """A network. `receive` is pure; everything else may raise ChannelError."""

    name: str
    style: Style
    mode: str  # default sending mode: placeholder_edit | reconcile | at_most_once | at_least_once
    echoes: bool  # whether the webhook is told of what was sent through the API
    renew: float  # seconds after which `typing` is shown anew
    typing_reads: bool  # whether it shows typing only with what it marks as read

    def prove(self, link: Link, headers: Mapping[str, str]) -> None:
        """Check what the headers of a webhook call prove, before its body is read. Raise BadSignature."""
        ...

    def vouch(self, link: Link, hook: Hook) -> Sequence[str] | None:
        """Check all that proves a call, without reading what it says: in a crowd it is read later, with the headers of
        these names alone. None: it must be read at once. Raise BadSignature."""
        ...

    def receive(self, link: Link, hook: Hook) -> list[Inbound]:
        """Verify (unless that was done: `hook.proved`) and parse one webhook call. Raise BadSignature or Unreadable."""
        ...

    async def send(self, link: Link, out: Outbound) -> str:
        """Send one part; return the network's message id ("" when it gives none)."""
        ...

    async def find(self, link: Link, out: Outbound, since: datetime) -> Sought:
        """Look for a part that was sent after `since` and never answered. A file needs no content."""
        ...

    async def edit(self, link: Link, out: Outbound, message_id: str) -> None:
        """Replace the text of a message that we sent. "Not modified" is success."""
        ...

    async def delete(self, link: Link, chat: str, message_id: str) -> None:
        """Remove a message that we sent."""
        ...

    async def typing(self, link: Link, chat: str, message_id: str | None) -> None:
        """Show for a few seconds that an answer is being made; with an id, mark that message as read as well."""
        ...

    async def seen(self, link: Link, chat: str, message_id: str) -> None:
        """Mark a contact's message as read, and show nothing else."""
        ...

    async def acknowledge(self, link: Link, callback: str) -> None:
        """Stop the spinner of a pressed button, where the network has one."""
        ...

    async def register(self, link: Link) -> str | None:
        """Point the network's webhook at link.webhook_url; return a handle to keep, or None."""
        ...

    async def unregister(self, link: Link) -> None:
        """Take our webhook away. Already gone is success."""
        ...

    async def alive(self, link: Link) -> bool:
        """Whether the network answers and the account is connected, so that a call which fails again
        and again fails because of what it carries. Never raises."""
        ...

    async def check(self, link: Link) -> str:
        """One sentence about credentials and webhook for an operator; raise ChannelError if bad."""
        ...

    async def fetch_media(self, link: Link, attachment: Attachment, message_id: str | None) -> Download:
        """The bytes of an attachment, at most 20 MB."""
        ...

    async def close(self) -> None:
        """Release what the adapter opened."""
        ...


@runtime_checkable
class Probes(Protocol):
    """A network that numbers its messages and tells which of them are ours."""

    async def words(
        self, link: Link, chat: str, message_id: str, buttons: Mapping[str, Sequence[Choice]]
    ) -> str | None:
        """What a message of the account's own says, "" where that cannot be told; None where it is not in the chat, or
        another's. What it says stays as it is. buttons: of messages that say this; where they are not known they go."""
        ...

    async def delete(self, link: Link, chat: str, message_id: str) -> None:
        """As in Channel."""
        ...


@runtime_checkable
class Streams(Protocol):
    """A network that shows an answer while it is written."""

    def drafts(self, chat: str) -> bool:
        """Whether it does in this chat."""
        ...

    async def draft(
        self, link: Link, chat: str, number: int, text: str, plain: str, rich: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Show what is written so far in place of what the same number showed; no text: that somebody thinks. It goes
        by itself, and with every message that is sent. rich: the same as blocks. Raise ChannelError, code "no_method"
        where it cannot at all."""
        ...


@runtime_checkable
class Reacts(Protocol):
    """A network on which a message can be answered with a sign."""

    async def react(self, link: Link, chat: str, message_id: str, emoji: str) -> None:
        """Our reaction to a contact's message, in place of an earlier one; "" takes it away. The same again changes
        nothing."""
        ...


@runtime_checkable
class Greets(Protocol):
    """A network that shows something before a first message."""

    async def greet(
        self, link: Link, openers: Sequence[str], commands: Sequence[Sequence[str]], *, again: bool
    ) -> bool:
        """Show these words to tap and these commands (name, description) in place of what was shown; nothing: take them
        away. again: what is there was set from here; else what the business has set itself stays, where there is
        nothing better. Return whether something of ours is shown now. Safe to repeat."""
        ...


@runtime_checkable
class Challenged(Protocol):
    """A network that asks a webhook's address, with a GET, whether it expects calls."""

    def challenge(self, link: Link, query: Mapping[str, str]) -> str | None:
        """What is to be answered, None when it is not the network that asks."""
        ...


class Described(Protocol):
    """What a class of adapters says of itself, so that nothing else needs to know its network.

    name: of the network, as in addresses. title: for people. kind: documented name of its integrations. target: of
    messages that nobody just asked for. note: a sentence on where the settings come from. window: WhatsApp's 24 hours.
    """

    name: str
    title: str
    kind: str
    target: str
    note: str
    asks: tuple[Setting, ...]
    window: bool


@runtime_checkable
class Pairs(Protocol):
    """A network whose accounts are joined by scanning a code with a phone."""

    async def pairing(self, link: Link) -> Pairing:
        """The code to scan now; every call may make a new one."""
        ...
