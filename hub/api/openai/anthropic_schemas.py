"""Anthropic's Messages API in its documented names."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hub.api.openai.schemas import MESSAGES
from hub.domain import Json
from hub.errors import Invalid

# What a client may say and what leaves everything as it is.
SAME: Mapping[str, tuple[Any, ...]] = {
    "service_tier": ("auto", "standard_only"), "speed": ("standard",), "mcp_servers": ([],),
}
# The hub sends thoughts back within the turn alone, so there is nothing of them to clear.
EDITS = ("clear_thinking_20251015",)
# Up to so many tokens of thoughts the effort is called so.
EFFORTS = ((4096, "low"), (16_384, "medium"))


class Thinking(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["enabled", "adaptive", "disabled"]
    budget_tokens: Annotated[int, Field(ge=1)] | None = None
    display: Literal["summarized", "omitted"] | None = None

    @property
    def effort(self) -> str | None:
        if self.type != "enabled" or self.budget_tokens is None:
            return None
        return next((name for most, name in EFFORTS if self.budget_tokens <= most), "high")


class OutputFormat(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    type: Literal["json_schema"]
    schema_: Annotated[Json, Field(alias="schema")]


class OutputConfig(BaseModel):
    model_config = ConfigDict(extra="forbid")

    effort: Annotated[str, Field(max_length=40)] | None = None
    format: OutputFormat | None = None


class Metadata(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user_id: Annotated[str, Field(max_length=1000, description="External user id.")] | None = None


class ContextManagement(BaseModel):
    model_config = ConfigDict(extra="forbid")

    edits: list[Json] = []


class CountIn(BaseModel):
    """What tokens are counted of. A field that the hub cannot act on is refused by its name; `cache_control` is
    accepted, and providers cache as they do."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Field(min_length=1, max_length=200, description="Gateway id, gateway slug or model name.")]
    messages: Annotated[list[Json], Field(min_length=1, max_length=MESSAGES)]
    system: str | list[Json] | None = None
    tools: Annotated[list[Json], Field(max_length=256)] | None = None
    tool_choice: Json | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None
    context_management: ContextManagement | None = None
    cache_control: Json | None = None

    def check(self) -> None:
        """Raise Invalid for what the hub cannot do."""
        for name, value in (self.__pydantic_extra__ or {}).items():
            if value is not None and value not in SAME.get(name, ()):
                raise Invalid(
                    f"{name} is nothing that this server can act on; leave it out.", field=name, code="unknown_field"
                )
        for n, edit in enumerate(self.context_management.edits if self.context_management else ()):
            if edit.get("type") not in EDITS:
                place = f"context_management.edits.{n}.type"
                raise Invalid(f"{place}: {str(edit.get('type'))[:60]} is nothing that this server does.", field=place)

    @property
    def form(self) -> Json | None:
        """As `response_format` of a chat completion."""
        wanted = (self.output_config.format if self.output_config else None) or self.output_format
        if wanted is None:
            return None
        return {"type": "json_schema", "json_schema": {"name": "answer", "schema": wanted.schema_}}

    @property
    def effort(self) -> str | None:
        given = self.output_config.effort if self.output_config else None
        return given or (self.thinking.effort if self.thinking else None)

    @property
    def thinks(self) -> bool:
        return self.thinking is not None and self.thinking.type != "disabled"


class MessagesIn(CountIn):
    """A question in the form of the Messages API."""

    max_tokens: Annotated[int, Field(ge=1)]
    stream: bool | None = None
    stop_sequences: Annotated[list[str], Field(max_length=64)] | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0)] | None = None
    metadata: Metadata | None = None


class AnthropicUsage(BaseModel):
    """`input_tokens` without those that were read from a cache."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int


class MessageOut(BaseModel):
    """`content`: blocks of the types thinking, redacted_thinking, text and tool_use."""

    id: str
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    model: str
    content: list[Json]
    stop_reason: str
    stop_sequence: str | None
    usage: AnthropicUsage


class CountOut(BaseModel):
    input_tokens: int
