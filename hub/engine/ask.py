"""A question with everything it needs, and its answer."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from hub.domain import Gateway, Json, Passage, Usage
from hub.engine.ledger import Ledger
from hub.errors import Conflict
from hub.llm.types import Delta, Limits
from hub.tools.base import Result, Source

Sink = Callable[[Delta], Awaitable[None]]
LONGEST = 100_000
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Wish:
    """How an answer may be remembered. rights: what the caller may see and do. fresh: only kept, not looked up."""

    seconds: float
    rights: str
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Structured:
    """An answer that must be JSON. schema: JSON Schema; None: any JSON. attempts: how often the model may
    try. heals: validated and repaired here; else the provider alone is responsible."""

    schema: Json | None
    attempts: int = ATTEMPTS
    heals: bool = True
    name: str = "answer"


class Lost(Conflict):
    """Another process has taken this conversation over."""


class Steps(Protocol):
    """What is remembered of a turn's tool calls, so that a turn that is run again does not do it again."""

    async def begin(self, name: str, arguments: Json) -> tuple[str, Result | None]:
        """A name for the call that stays the same when the turn is run again, and the result to use in
        place of running it: that of an earlier run, or that its outcome is not known. Raise Lost."""
        ...

    async def end(self, step: str, result: Result) -> None:
        """Remember what came of it. Raise Lost."""
        ...


@dataclass(slots=True)
class Trace:
    """What is known on the way, of use before the answer is whole and when it never will be.

    complexity: of the request, when it was routed. model: that answers now. made: messages that the
    answer has added to the conversation. ledger: what it has consumed. cache: hit, miss or off, where it was wished
    for. fired: how often each rule for what goes out did something. worded: whether documents were searched by their
    words alone, their embedder being away.
    """

    complexity: str | None = None
    model: str | None = None
    made: list[Json] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    cache: str | None = None
    fired: Counter[str] = field(default_factory=Counter)
    worded: bool = False

    def by_words(self) -> None:
        self.worded = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question with everything it needs.

    messages: the conversation in the chat format, oldest first. system: texts added to the system
    instruction. options: fields of a chat completion request, which win over the gateway's.
    deadline: time.monotonic. retractable: whether the sink can take back what it was given, when
    the model fails half-way and begins again (it gets a Delta with `restart`). longest: characters
    after which an answer is cut. conversation: session id or the caller's own key of it. schedules:
    whether the model may plan messages. preprocess: kinds of media turned into text beforehand,
    beside the gateway's. explain: whether tool calls give their reason. thread_id: what keeps the exchange.
    direct: whether the answer goes to a program as the model gave it: one without words is an answer then, and so
    is a call of a tool that nobody offered. limits: how long a provider may be silent; None: what the gateway says.
    patience: seconds that may be waited without a word when a provider says so. cache: how the answer may be
    remembered; None: not.
    """

    account_id: UUID
    gateway: Gateway
    messages: list[Json]
    deadline: float
    system: tuple[str, ...] = ()
    options: Json = field(default_factory=dict)
    external_user: str | None = None
    person: UUID | None = None
    origin: Source = "ChatCompletionsApi"
    metadata: Mapping[str, str] = field(default_factory=dict)
    conversation: str | None = None
    session_id: UUID | None = None
    thread_id: UUID | None = None
    client_id: UUID | None = None
    schedules: bool = False
    zone: str = "UTC"
    language: str | None = None
    retractable: bool = True
    longest: int = LONGEST
    structured: Structured | None = None
    preprocess: tuple[str, ...] = ()
    explain: bool = False
    direct: bool = False
    limits: Limits | None = None
    patience: float = 5.0
    cache: Wish | None = None
    steps: Steps | None = None
    trace: Trace = field(default_factory=Trace)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said, and what it took.

    text: the last message of the assistant. messages: all that this answer adds to the conversation,
    tool calls and their results too. tool_calls: those the caller has to run. ran: tools that the hub
    ran: {name, id, state, milliseconds}. files: stored attachments for the person. choices: what the
    person may answer. billed: rows for
    hub.store.usage. value: the JSON of a structured answer. refusal: what the model said in place of an
    answer. beside, around: fields of the message and of the completion that the provider sent besides. fired: how often
    each rule for what goes out did. withheld: the rule by which the answer was.
    """

    text: str
    reasoning: str
    model: str
    finish: str
    usage: Usage
    passages: tuple[Passage, ...]
    tool_calls: list[Json]
    billed: list[Json]
    timings: Json
    messages: list[Json] = field(default_factory=list)
    ran: list[Json] = field(default_factory=list)
    files: list[Json] = field(default_factory=list)
    choices: list[Json] = field(default_factory=list)
    complexity: str | None = None
    blocked: tuple[str, ...] = ()
    value: Any = None
    refusal: str | None = None
    details: list[Json] = field(default_factory=list)
    logprobs: Json | None = None
    beside: Json = field(default_factory=dict)
    around: Json = field(default_factory=dict)
    fired: Mapping[str, int] = field(default_factory=dict)
    withheld: str | None = None
