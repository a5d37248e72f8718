"""The Responses API in its documented names."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hub.api.openai.schemas import MESSAGES, BuiltinTools, TimeLimits
from hub.domain import Json
from hub.errors import Invalid

# What can be told besides: of everything else there is nothing here that it could be of.
INCLUDED = ("reasoning.encrypted_content", "message.output_text.logprobs", "message.input_image.image_url")
# What a client may say and what leaves everything as it is.
SAME: Mapping[str, tuple[Any, ...]] = {
    "background": (False,), "service_tier": ("auto", "default"), "context_management": ([],), "moderation": (),
}


class Reasoning(BaseModel):
    """effort goes to the model; with a summary its thoughts are told, if it tells any."""

    model_config = ConfigDict(extra="forbid")

    effort: Annotated[str, Field(max_length=40)] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None

    @property
    def told(self) -> bool:
        return bool(self.summary or self.generate_summary)


class TextFormat(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    type: Literal["text", "json_object", "json_schema"]
    name: Annotated[str, Field(max_length=64)] | None = None
    description: str | None = None
    schema_: Annotated[Json | None, Field(alias="schema")] = None
    strict: bool | None = None

    @model_validator(mode="after")
    def _whole(self) -> "TextFormat":
        if self.type == "json_schema" and self.schema_ is None:
            raise ValueError("of type json_schema needs schema")
        return self

    def chat(self) -> Json | None:
        """As `response_format` of a chat completion."""
        if self.type != "json_schema":
            return {"type": self.type} if self.type != "text" else None
        given = {"name": self.name or "answer", "description": self.description, "strict": self.strict}
        return {
            "type": "json_schema",
            "json_schema": {**{k: v for k, v in given.items() if v is not None}, "schema": self.schema_},
        }


class Text(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: TextFormat | None = None
    verbosity: Annotated[str, Field(max_length=40)] | None = None


class StreamOptions(BaseModel):
    """Pieces are never padded here."""

    model_config = ConfigDict(extra="forbid")

    include_obfuscation: Literal[False] | None = None


class ResponseIn(BaseModel):
    """A question in the form of the Responses API. A field that the hub cannot act on is refused by its name."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Field(min_length=1, max_length=200, description="Gateway id, gateway slug or model name.")]
    input: Annotated[str, Field(min_length=1, max_length=4_000_000)] | Annotated[
        list[Json], Field(min_length=1, max_length=MESSAGES)
    ]
    instructions: Annotated[str, Field(max_length=4_000_000)] | None = None
    previous_response_id: Annotated[str, Field(max_length=80)] | None = None
    store: Annotated[
        bool | None, Field(description="Keep the response, to be gone on from; by default it is, but of public keys.")
    ] = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: Annotated[list[Json], Field(max_length=128)] | None = None
    tool_choice: str | Json | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    reasoning: Reasoning | None = None
    text: Text | None = None
    truncation: Literal["auto", "disabled"] | None = None
    include: list[str] | None = None
    metadata: dict[str, str] | None = None
    client_metadata: Annotated[dict[str, str] | None, Field(description="Noted with metadata.")] = None
    user: Annotated[str, Field(max_length=256, description="External user id.")] | None = None
    prompt_cache_key: Annotated[str, Field(max_length=1000)] | None = None
    safety_identifier: Annotated[str, Field(max_length=1000)] | None = None
    builtin_tools: BuiltinTools | None = None
    time_limits: TimeLimits | None = None

    @property
    def wanted(self) -> frozenset[str]:
        return frozenset(self.include or ())

    def check(self) -> None:
        """Raise Invalid for what the hub cannot do."""
        for name, value in (self.__pydantic_extra__ or {}).items():
            if value is not None and value not in SAME.get(name, ()):
                raise Invalid(
                    f"{name} is nothing that this server can act on; leave it out.", field=name, code="unknown_field"
                )
        for n, one in enumerate(self.include or ()):
            if one not in INCLUDED:
                raise Invalid(
                    f"include.{n}: there is no {one[:100]} here; it may be {', '.join(INCLUDED)}.", field="include"
                )


class ResponseOut(BaseModel):
    """`output`: items of the types reasoning, message, function_call and custom_tool_call. `usage` counts
    cached tokens among `input_tokens`."""

    model_config = ConfigDict(extra="allow")

    id: str
    object: Literal["response"] = "response"
    created_at: float
    completed_at: float | None = None
    status: Literal["completed", "incomplete", "failed", "in_progress"]
    error: Json | None
    incomplete_details: Json | None
    instructions: str | None
    model: str
    output: list[Json]
    previous_response_id: str | None
    store: bool
    metadata: dict[str, str]
    tools: list[Json]
    tool_choice: str | Json
    parallel_tool_calls: bool
    usage: Json | None


class ResponseTokens(BaseModel):
    object: Literal["response.input_tokens"] = "response.input_tokens"
    input_tokens: int


class KeptQuery(BaseModel):
    """How a response that is kept is shown."""

    model_config = ConfigDict(extra="ignore")

    stream: bool = False


class ItemsQuery(BaseModel):
    """The page of a list of items."""

    model_config = ConfigDict(extra="ignore")

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    order: Literal["asc", "desc"] = "desc"
    after: Annotated[str | None, Field(max_length=200, description="Id of the last item of the page before.")] = None
    before: Annotated[str | None, Field(max_length=200, description="Id of the first item of the page after.")] = None
    include: Annotated[str | list[str] | None, Field(description="Everything is shown.")] = None


class ItemList(BaseModel):
    object: Literal["list"] = "list"
    data: list[Json]
    first_id: str | None
    last_id: str | None
    has_more: bool


class ResponseDeleted(BaseModel):
    id: str
    object: Literal["response"] = "response"
    deleted: bool = True
