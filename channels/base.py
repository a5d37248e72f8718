"""What every network adapter is: what it is asked to do, and what it may say went wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from channels.inbound import Attachment, Inbound
from channels.outbound import Choice, Outbound, Sought, Style


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
