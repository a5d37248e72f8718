"""The customer's worker: asked before the model and before each tool; what it does not allow does not happen."""

import logging
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from hub.accounts import nonce
from hub.accounts.functions import ProtocolFunction
from hub.accounts.parameters import Source
from hub.domain import Json
from hub.engine.context import AnswerContext
from hub.errors import BadRequest, HubError
from hub.guarded_http import Reply
from hub.runtime import Hub
from hub.tools.call_context import moment

log = logging.getLogger(__name__)

ACTION = "application/json+worker-action"
SECONDS, LARGEST = 10.0, 2_000_000
Clear = Literal["messages", "meta", "system", "tools", "skills", "all"]


class Rejected(BadRequest):
    """The worker of this gateway did not allow the message."""

    code = "worker_rejected"


class _Function(BaseModel):
    model_config = ConfigDict(extra="allow")

    name: str
    arguments: str | Json | None = None


class _Call(BaseModel):
    model_config = ConfigDict(extra="allow")

    function: _Function


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow")

    type: str
    text: str | None = None


class _Message(BaseModel):
    """A message as the chat format knows them: what follows reads it without asking again."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_Part] | None = None
    tool_calls: list[_Call] | None = None


def _message(value: Any) -> Any:
    return _Message.model_validate(value).model_dump(exclude_unset=True) if isinstance(value, dict) else value


Message = Annotated[Json, BeforeValidator(_message)]


class Rewrite(BaseModel):
    """One change of the context; which fields it needs depends on its type."""

    model_config = ConfigDict(extra="ignore")

    type: Literal[
        "clear", "add-message", "remove-message", "add-system", "add-tool", "add-protocol-tool", "add-mcp-source"
    ]
    argument: Clear | None = None
    message: Message | str | None = None
    index: Annotated[int | None, Field(ge=0)] = None
    tool: Json | None = None
    source: Json | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Rewrite":
        needed = {"add-message": "message", "remove-message": "index", "add-system": "message", "add-tool": "tool",
                  "add-protocol-tool": "tool", "add-mcp-source": "source"}.get(self.type)
        if needed and getattr(self, needed) is None:
            raise ValueError(f"{self.type} needs {needed}")
        if self.type == "add-message" and not isinstance(self.message, dict):
            raise ValueError("add-message needs a message with a role")
        return self

    @property
    def function(self) -> ProtocolFunction:
        """The protocol function of add-protocol-tool, checked. Raise ValidationError."""
        return ProtocolFunction.model_validate(self.tool)

    @property
    def mcp(self) -> Json:
        """The source of add-mcp-source, checked; its name may be left out. Raise ValidationError."""
        return Source.model_validate({"name": "worker", **(self.source or {})}).stored()


class _Rewrites(BaseModel):
    rewrites: list[Rewrite] = []


class _MessageAction(BaseModel):
    type: Literal["message.received.response"]
    data: _Rewrites = _Rewrites()


class Replacement(BaseModel):
    """What a worker gives in place of a tool's own result."""

    result: str | None = None
    messages: list[Message] = []


class _ToolAction(BaseModel):
    type: Literal["tool.called.response"]
    data: Replacement


@dataclass(frozen=True, slots=True)
class Said:
    """allowed: go on. action: the JSON of a worker action."""

    allowed: bool
    action: bytes | None = None


async def message_received(hub: Hub, ctx: AnswerContext, messages: list[Json]) -> list[Rewrite]:
    """What the worker wants changed. Raise Rejected when it stops the message, or cannot be asked."""
    if not ctx.parameters.get("workerScriptSource"):
        return []
    told = await _tell(hub, ctx, "message.received", {"messages": messages})
    if not told.allowed:
        raise Rejected
    if told.action is None:
        return []
    try:
        found = _MessageAction.model_validate_json(told.action).data.rewrites
        for one in found:
            # Read now, so that a wrong one stops the message before anything is done.
            _ = one.function if one.type == "add-protocol-tool" else one.mcp if one.type == "add-mcp-source" else None
    except ValidationError as e:
        raise _unreadable(ctx, e) from None
    return found


async def tool_called(hub: Hub, ctx: AnswerContext, name: str, arguments: Json) -> Replacement | None:
    """What the worker gives in place of the tool's result; None: run it. Raise Rejected."""
    if not ctx.parameters.get("workerScriptSource"):
        return None
    told = await _tell(hub, ctx, "tool.called", {"toolName": name, "toolArguments": arguments})
    if not told.allowed:
        raise Rejected("The worker of this gateway did not allow this tool call.")
    if told.action is None:
        return None
    try:
        return _ToolAction.model_validate_json(told.action).data
    except ValidationError as e:
        raise _unreadable(ctx, e) from None


def _unreadable(ctx: AnswerContext, e: ValidationError) -> Rejected:
    log.warning("the worker of gateway %s answered something else: %s", ctx.ask.gateway.id, e.errors()[0]["msg"])
    return Rejected("The worker of this gateway gave an answer that cannot be read.")


async def _tell(hub: Hub, ctx: AnswerContext, event: str, data: Json) -> Said:
    ask = ctx.ask
    body = {
        "gatewayId": str(ask.gateway.id),
        "moment": moment(),
        "event": {
            "name": event,
            "data": data | {
                "origin": ask.origin, "externalUserId": ask.external_user, "metadata": dict(ctx.context.metadata),
            },
        },
    }
    headers = {"Content-Type": "application/json", **await nonce.headers(hub, ask.account_id)}
    try:
        reply = await hub.outbound.request(
            "POST", str(ctx.parameters["workerScriptSource"]), headers=headers, body=orjson.dumps(body),
            seconds=min(SECONDS, ctx.context.left), limit=LARGEST,
        )
    except HubError as e:
        log.warning("the worker of gateway %s was not reached, %s is stopped: %s", ask.gateway.id, event, e)
        return Said(False)
    return _read(reply)


def _read(reply: Reply) -> Said:
    kind = reply.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if kind == ACTION:
        return Said(True, reply.body)
    return Said(200 <= reply.status < 300)


