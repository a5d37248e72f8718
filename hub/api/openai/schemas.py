"""The OpenAI part of the API in its documented names."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hub.domain import Json

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
MESSAGES, TEXT = 2000, 4_000_000
# Fields that go to the model as they are.
OPTIONS = (
    "temperature", "top_p", "top_k", "seed", "stop", "max_completion_tokens", "presence_penalty",
    "frequency_penalty", "reasoning_effort", "verbosity", "tools", "tool_choice", "parallel_tool_calls",
    "response_format", "extra_body",
)


class Model(BaseModel):
    """A model or an AI gateway."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]


class Part(BaseModel):
    """A piece of a message."""

    model_config = ConfigDict(extra="allow")

    type: Literal["text", "image_url", "video_url", "input_audio", "file", "refusal"]
    text: Annotated[str, Field(max_length=TEXT)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Part":
        extra = self.__pydantic_extra__ or {}
        if self.type == "text" and self.text is None:
            raise ValueError("a part of type text needs the field text")
        if self.type not in ("text", "refusal") and not isinstance(extra.get(self.type), dict):
            raise ValueError(f"a part of type {self.type} needs the object {self.type}")
        return self


class Message(BaseModel):
    model_config = ConfigDict(extra="allow")

    role: Role
    content: Annotated[str, Field(max_length=TEXT)] | list[Part] | None = None
    tool_calls: list[Json] | None = None
    tool_call_id: str | None = None

    @model_validator(mode="after")
    def _says(self) -> "Message":
        if self.content is None and self.role not in ("assistant", "function"):
            raise ValueError(f"a message of role {self.role} needs content")
        if self.role == "tool" and not self.tool_call_id:
            raise ValueError("a message of role tool needs tool_call_id")
        return self


class BuiltinTools(BaseModel):
    tools: list[str] = []
    options: Json = {}


class CompletionIn(BaseModel):
    """A chat completion request; unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore")

    model: Annotated[str, Field(min_length=1, max_length=200, description="Gateway id, gateway slug or model name.")]
    messages: Annotated[list[Message], Field(max_length=MESSAGES)] | None = None
    prompt: Annotated[str, Field(min_length=1, max_length=TEXT, description="In place of messages.")] | None = None
    stream: bool | None = False
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0)] | None = None
    seed: int | None = None
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    reasoning_effort: Annotated[str, Field(max_length=40)] | None = None
    verbosity: Annotated[str, Field(max_length=40)] | None = None
    tools: Annotated[list[Json], Field(max_length=128)] | None = None
    tool_choice: str | Json | None = None
    parallel_tool_calls: bool | None = None
    user: Annotated[str, Field(max_length=256, description="External user id.")] | None = None
    metadata: dict[str, str] | None = None
    idempotency_key: Annotated[str, Field(max_length=128)] | None = None
    response_format: Json | None = None
    extra_body: Annotated[Json, Field(description="Merged into the request to a provider of your own.")] | None = None
    response_schema: Json | None = None
    json_only: bool | None = None
    builtin_tools: BuiltinTools | None = None
    multimodal_preprocess: list[str] | bool | None = None
    tool_invocation_explanations: bool | None = None
    rendering_mode: str | None = None

    @model_validator(mode="after")
    def _asks(self) -> "CompletionIn":
        if not self.messages and self.prompt is None:
            raise ValueError("send messages (at least one) or prompt")
        if self.messages and self.prompt is not None:
            raise ValueError("send messages or prompt, not both")
        return self

    def talk(self) -> list[Json]:
        """The conversation in the chat format."""
        if self.prompt is not None:
            return [{"role": "user", "content": self.prompt}]
        return [m.model_dump(exclude_unset=True) for m in self.messages or ()]

    def options(self) -> Json:
        """What goes to the model beside the conversation."""
        found: Json = {name: getattr(self, name) for name in OPTIONS if getattr(self, name) is not None}
        if self.max_tokens is not None:
            found.setdefault("max_completion_tokens", self.max_tokens)
        return found

    def unsupported(self) -> str | None:
        """The first field asked for that this version cannot do."""
        asked: dict[str, Any] = {
            "response_schema": self.response_schema,
            "json_only": self.json_only,
            "builtin_tools": self.builtin_tools and self.builtin_tools.tools,
            "multimodal_preprocess": self.multimodal_preprocess,
            "rendering_mode": self.rendering_mode,
            "response_format.healing_options": _healing(self.response_format),
        }
        return next((name for name, value in asked.items() if value), None)


def _healing(response_format: Json | None) -> Any:
    asked = response_format or {}
    schema = asked.get("json_schema")
    inside = schema.get("healing_options") if isinstance(schema, dict) else None
    return asked.get("healing_options") or inside


class AssistantMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None = None
    annotations: list[Json] = []
    tool_calls: list[Json] = []
    reasoning: str | None = None


class Choice(BaseModel):
    index: int = 0
    message: AssistantMessage
    logprobs: Json | None = None
    finish_reason: str


class CachedTokens(BaseModel):
    cached_tokens: int


class UsageOut(BaseModel):
    """`prompt_tokens` without the cached ones, `total_tokens` with them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: CachedTokens


class GeneratedUsage(BaseModel):
    sku: str
    amount: float
    unit_price: float
    quantity: float
    description: str


class GenerationContext(BaseModel):
    generated_usage: list[GeneratedUsage]
    runned_functions: list[Json] = []


class CompletionOut(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: UsageOut
    service_tier: Literal["default"] = "default"
    generation_context: GenerationContext
