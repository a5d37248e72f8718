"""What is asked of a model and what it says, in no provider's shape."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.domain import Json, Passage, Usage
from hub.errors import Upstream

# The base address of the models that come with the hub.
INTEGRATED = "@integrated"
NO_OPTIONS: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question to a model.

    `messages` are in the chat format every provider accepts (role, content), `options` are the
    request's further fields (temperature, tools, ...). `question` and `passages` repeat the last
    question and what was found for it, for a model that reads no messages. `whole`: every piece of
    the answer is the whole text so far, revised. `free`: names of options that a customer gave for a
    provider of their own.
    """

    model: str
    messages: list[Json]
    options: Mapping[str, Any] = field(default_factory=lambda: NO_OPTIONS)
    question: str = ""
    passages: tuple[Passage, ...] = ()
    language: str | None = None
    whole: bool = False
    free: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer.

    `tool_calls` are fragments: `index` says which call they belong to. `details` are the provider's
    own reasoning objects. `served` names the model that answers when it is not the one asked.
    `restart` means that all earlier pieces are void: the model failed half-way and begins again.
    `event` tells of a tool that the hub runs: {name, id, contents, state, explanation?}.
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

    @property
    def says(self) -> bool:
        """Whether it carries a part of the answer itself."""
        return bool(self.text or self.tool_calls)


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
    ) -> None:
        """`permanent`: trying again cannot help; `details` are for the operator."""
        super().__init__(text, details=details, retry_after=retry_after, code=code)
        self.permanent = permanent


class Broken(Failed):
    """The model provider failed in the middle of its answer."""
