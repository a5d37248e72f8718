"""What crosses module borders: plain frozen records, no behaviour that needs a database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """Of one key. models: what it may ask, gateways by id or slug, the hub's models by name; none: all.
    requests, tokens: a minute; None: no limit. budget: whether it may spend only so much."""

    models: tuple[str, ...] = ()
    requests: int | None = None
    tokens: int | None = None
    budget: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes an API request. kind: private | public. role: owner | admin | member | viewer. plan: the
    account's. origins, models: pages that may use a public key, gateways it may use; none: any.
    limits: of the key itself."""

    account_id: UUID
    key_id: UUID
    kind: str
    role: str = "owner"
    plan: str = "pro"
    origins: tuple[str, ...] = ()
    models: tuple[UUID, ...] = ()
    limits: KeyLimits | None = None

    @property
    def trusted(self) -> bool:
        """Whether the caller may see what opens something: salts, keys of sessions, addresses with secrets."""
        return self.role in ("owner", "admin")


@dataclass(frozen=True, slots=True)
class User:
    """An end user of an account, signed in. registered: they made themselves a user."""

    account_id: UUID
    id: UUID
    email: str
    name: str
    registered: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """salt: as it is stored (`hub.accounts.salts` opens it)."""

    id: UUID
    name: str
    salt: str
    parameters: Json
    plan: str
    balance: float
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Gateway:
    """`parameters` are the documented ones without `apiKey`, which is opened from its seal."""

    id: UUID
    account_id: UUID
    name: str
    slug: str
    parameters: Json
    api_key: str | None = None


@dataclass(frozen=True, slots=True)
class Skill:
    """`options`: `instructionSources`, their headers opened from the seal, and `allowedToolsNames`."""

    id: UUID
    slug: str
    description: str | None
    instructions: str
    options: Json
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Client:
    """A chat client; `limits` and `parameters` hold every documented field, defaults filled in."""

    id: UUID
    account_id: UUID
    name: str
    gateway_id: UUID | None
    limits: Json
    parameters: Json


@dataclass(frozen=True, slots=True)
class Integration:
    """`secrets` is opened: provider keys and `webhookSecret`."""

    id: UUID
    account_id: UUID
    client_id: UUID
    channel: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]
    mode: str
    handle: str | None
    state: str
    state_text: str | None
    connection: str | None
    session_seconds: int
    groups: str
    when_unknown: str = "operator"
    presence: str = "all"
    own_ids: tuple[str, ...] = ()
    greeted: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of knowledge found for a question; score 0..1.

    heading: those above it in its document. place: where it stands there. since, until, replaced: from when and until
    when the document says it holds, and whether it says that another one took its place.
    """

    document_id: UUID
    collection_id: UUID
    name: str
    content: str
    score: float
    reference: str | None = None
    metadata: Json = field(default_factory=dict)
    references: tuple["Passage", ...] = ()
    heading: str = ""
    place: str = ""
    since: date | None = None
    until: date | None = None
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens. cached, written: of the prompt, what its provider had remembered, and what it remembers from now on.
    details: of the completion, as its provider counts them (reasoning_tokens, ...)."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    details: Mapping[str, int] = field(default_factory=dict)
    written: int = 0

    @property
    def total(self) -> int:
        return self.prompt + self.completion

    def plus(self, other: "Usage") -> "Usage":
        names = [*self.details, *(n for n in other.details if n not in self.details)]
        details = {n: self.details.get(n, 0) + other.details.get(n, 0) for n in names}
        return Usage(
            self.prompt + other.prompt, self.completion + other.completion, self.cached + other.cached, details,
            self.written + other.written,
        )
