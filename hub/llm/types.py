"""What is asked of a model and what it says, in no provider's shape."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.domain import Json, Passage, Usage
from hub.errors import Upstream
from hub.llm.begun import Begun

# The base address of the models that come with the hub.
INTEGRATED = "@integrated"
NO_OPTIONS: Mapping[str, Any] = {}
NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds. first: until the first piece of an answer. silence: between two pieces."""

    first: float = 120.0
    silence: float = 120.0


PATIENT = Limits()


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question to a model.

    `messages` are in the chat format every provider accepts (role, content), `options` are the
    request's further fields (temperature, tools, ...). `question` and `passages` repeat the last
    question and what was found for it, for a model that reads no messages. `whole`: every piece of
    the answer is the whole text so far, revised. `free`: names of options that a customer gave for a
    provider of their own. `thinks`: whether thoughts are shown. `limits`: how long the provider may be
    silent. `cached`: whether the provider is asked to remember what stays the same. `whose`: the conversation, where it
    has a name.
    `once`: seconds that an answer in one piece may take, where it is wanted so; 0: it is streamed. `begun`: it was
    asked already.
    """

    model: str
    messages: list[Json]
    options: Mapping[str, Any] = field(default_factory=lambda: NO_OPTIONS)
    question: str = ""
    passages: tuple[Passage, ...] = ()
    language: str | None = None
    whole: bool = False
    free: frozenset[str] = frozenset()
    thinks: bool = False
    limits: Limits = PATIENT
    cached: bool = False
    whose: str = ""
    once: float = 0.0
    begun: Begun | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer.

    `tool_calls` are pieces of calls, each call at most once: `index` says which, the first piece carries id
    and name. `details` are the provider's own reasoning objects. `served` names the model that answers when
    it is not the one asked. `restart` means that all earlier pieces are void: the model failed half-way and
    begins again. `event` tells of a tool that the hub runs: {name, id, contents, state, explanation?}.
    `beside` are fields of the message that callers get as they are (images, audio, annotations), `around`
    those of the whole answer (citations). `back` are fields that the provider wants back within the turn;
    `named` is its name of the thoughts. `passing`: the answer would be another one soon, and is not remembered.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[Json, ...] = ()
    finish: str | None = None
    usage: Usage | None = None
    model: str | None = None
    restart: bool = False
    details: tuple[Json, ...] = ()
    served: str | None = None
    event: Json | None = None
    refusal: str = ""
    logprobs: Json | None = None
    beside: Json = field(default_factory=dict)
    around: Json = field(default_factory=dict)
    back: Json = field(default_factory=dict)
    named: str = ""
    passing: bool = False

    @property
    def says(self) -> bool:
        """Whether it carries a part of the answer itself."""
        return bool(self.text.strip() or self.tool_calls or self.refusal or self.beside)

    @property
    def thinks(self) -> bool:
        """Whether it carries thoughts."""
        return bool(self.reasoning or self.details)


class Failed(Upstream):
    """The model provider failed."""

    def __init__(
        self,
        text: str | None = None,
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        details: Any = None,
        code: str | None = None,
        kind: int = 0,
        down: bool = False,
        param: str | None = None,
    ) -> None:
        """`permanent`: trying again cannot help; `details` are for the operator. `kind`: the status of HTTP
        that says what went wrong, 0 when nothing tells. `down`: the provider could not be reached, was
        silent, or failed by its own word. `param`: the field that the provider names."""
        super().__init__(text, details=details, retry_after=retry_after, code=code)
        self.permanent = permanent
        self.kind = kind
        self.down = down
        self.param = param


class Broken(Failed):
    """The model provider failed in the middle of its answer. `place`: which of the gateway's models it was."""

    def __init__(self, cause: Failed, place: int) -> None:
        super().__init__(
            str(cause), permanent=cause.permanent, retry_after=cause.retry_after, details=cause.details,
            code=cause.code, kind=cause.kind, down=cause.down, param=cause.param,
        )
        self.place = place
