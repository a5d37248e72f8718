"""What a tool is, and what it is told about the turn it runs in."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from hub.domain import Gateway, Json
from hub.errors import HubError
from hub.runtime import Hub

Source = Literal[
    "WebChatClient", "ChatCompletionsApi", "FunctionsApi", "IntegrationBot", "OpenWebUiClient", "McpClient",
    "ValidationApi",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """For whom a tool runs, in which conversation, and until when.

    external_user: what the business calls the person (a session's tag, or `user` of a request). person: owner of
    memories, reminders and workspaces, where the conversation tells who it is.
    conversation: the session's id, or `idempotency_key` of a request. session_id, client_id: None
    outside of chat clients. zone: IANA name. deadline: time.monotonic. step: name of this call that
    stays the same when the turn is run again (sent as Idempotency-Key); None outside of sessions.
    """

    hub: Hub
    account_id: UUID
    gateway: Gateway
    deadline: float
    external_user: str | None = None
    person: UUID | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    source: Source = "ChatCompletionsApi"
    conversation: str | None = None
    session_id: UUID | None = None
    client_id: UUID | None = None
    language: str | None = None
    zone: str = "UTC"
    step: str | None = None

    @property
    def left(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, self.deadline - time.monotonic())


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool gives back.

    text: read by the model. messages: further messages for the model (images of an MCP server).
    files: stored attachments for the person, in the shape of a message's `attachments`. billed: rows
    of usage in the shape of `hub.llm.prices.bill`. choices: what the person may answer, {"label", "text"?, "url"?}.
    """

    text: str
    messages: tuple[Json, ...] = ()
    files: tuple[Json, ...] = ()
    billed: tuple[Json, ...] = ()
    choices: tuple[Json, ...] = ()


class ToolFailed(HubError):
    """The tool could not do it; the text is for the model."""

    code, status = "tool_failed", 422


Run = Callable[[Context, Json], Awaitable[Result]]


def schema(required: Sequence[str], /, **properties: Json) -> Json:
    """JSON Schema of a tool's arguments; names that are not in `required` may be left out."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call. `schema` is the JSON Schema (an object) of its arguments, which
    are checked before `run`. reserved: never hidden by skills and never moved into the shell. effect:
    running it twice may do something twice, so a turn that is run again does not run it again."""

    name: str
    description: str
    schema: Json
    run: Run
    reserved: bool = False
    effect: bool = True

    @property
    def function(self) -> Json:
        """As it is offered to a model."""
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.description, "parameters": self.schema},
        }
