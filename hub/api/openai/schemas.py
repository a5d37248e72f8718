"""The OpenAI part of the API in its documented names."""

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, AliasGenerator, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

from hub.accounts.value_types import BuiltinFunction, Multimodal
from hub.api.openai.messages import TEXT, Message, tools_of, with_tools
from hub.domain import Json
from hub.engine.ask import ATTEMPTS

MESSAGES = 2000
# Fields of OpenAI's SDKs that any model may be sent; others go to a provider of the customer's own alone.
STANDARD = ("logprobs", "top_logprobs", "logit_bias", "modalities", "prompt_cache_key", "safety_identifier")
# Fields that go to the model as they are.
OPTIONS = (
    "temperature", "top_p", "top_k", "seed", "stop", "max_completion_tokens", "presence_penalty",
    "frequency_penalty", "reasoning_effort", "verbosity", "parallel_tool_calls", *STANDARD,
)


class Model(BaseModel):
    """A model or an AI gateway. `display_name`: for people; `slug`: a gateway's other name for programs. `type` and
    `created_at` are what Anthropic's clients read."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    badges: list[str] = []
    display_name: str
    slug: str | None = None
    type: Literal["model"] = "model"
    created_at: str


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]
    first_id: str | None = None
    last_id: str | None = None
    has_more: bool = False


class BuiltinOptions(BaseModel):
    """Options of the built-in functions; in the gateway's spelling as well."""

    model_config = ConfigDict(
        extra="ignore",
        alias_generator=AliasGenerator(
            validation_alias=lambda name: AliasChoices(name, to_camel(name)), serialization_alias=to_camel
        ),
    )

    web_search_mode: Literal["Full", "Summarized"] | None = None
    web_search_max_results: Annotated[int, Field(ge=1, le=25)] | None = None
    include_all_memory_context: bool | None = None
    image_generation_model_name: Annotated[str, Field(max_length=200)] | None = None
    image_generation_allow_reference_usage: bool | None = None
    image_generation_quality: Literal["Low", "Medium", "High", "Highest"] | None = None
    image_generation_max_results: Annotated[int, Field(ge=1, le=4)] | None = None
    image_generation_allow_mature_content: bool | None = None

    @field_validator("web_search_mode", "image_generation_quality", mode="before")
    @classmethod
    def _spelled(cls, value: Any) -> Any:
        return value.capitalize() if isinstance(value, str) else value


class BuiltinTools(BaseModel):
    tools: Annotated[list[BuiltinFunction], Field(max_length=50)] = []
    options: BuiltinOptions = BuiltinOptions()

    def stored(self) -> Json:
        """The names, and the options that were given, as a gateway stores them."""
        return {"tools": list(self.tools), "options": self.options.model_dump(by_alias=True, exclude_none=True)}


class HealingOptions(BaseModel):
    max_attempts: Annotated[int, Field(ge=1, le=10)] = ATTEMPTS


class JsonSchema(BaseModel):
    model_config = ConfigDict(extra="allow", populate_by_name=True)

    name: Annotated[str, Field(max_length=64)] | None = None
    schema_: Annotated[Json | None, Field(alias="schema")] = None
    healing_options: HealingOptions | None = None


class ResponseFormat(BaseModel):
    model_config = ConfigDict(extra="allow")

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None
    healing_options: HealingOptions | None = None

    @model_validator(mode="after")
    def _whole(self) -> "ResponseFormat":
        if self.type == "json_schema" and (self.json_schema is None or self.json_schema.schema_ is None):
            raise ValueError("of type json_schema needs json_schema.schema")
        return self

    @property
    def healing(self) -> HealingOptions | None:
        return self.healing_options or (self.json_schema.healing_options if self.json_schema else None)

    def sent(self) -> Json:
        """As a provider gets it."""
        found = self.model_dump(by_alias=True, exclude_unset=True, exclude={"healing_options"})
        if isinstance(found.get("json_schema"), dict):
            found["json_schema"].pop("healing_options", None)
        return found


class TimeLimits(BaseModel):
    """Seconds, within those of the account. After a silence that long the request is not sent again."""

    model_config = ConfigDict(extra="forbid")

    first_token: Annotated[float | None, Field(gt=0, le=3600)] = None
    silence: Annotated[float | None, Field(gt=0, le=3600)] = None
    whole: Annotated[float | None, Field(gt=0, le=3600)] = None


class CompletionIn(BaseModel):
    """A chat completion request. Fields that are not listed go to a provider of your own as they are; the hub's
    own models refuse them by name."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Field(min_length=1, max_length=200, description="Gateway id, gateway slug or model name.")]
    messages: Annotated[list[Message], Field(max_length=MESSAGES)] | None = None
    prompt: Annotated[str, Field(min_length=1, max_length=TEXT, description="In place of messages.")] | None = None
    stream: bool | None = False
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0)] | None = None
    seed: int | None = None
    stop: str | Annotated[list[str], Field(max_length=64)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    reasoning_effort: Annotated[str, Field(max_length=40)] | None = None
    verbosity: Annotated[str, Field(max_length=40)] | None = None
    tools: Annotated[list[Json], Field(max_length=128)] | None = None
    tool_choice: str | Json | None = None
    parallel_tool_calls: bool | None = None
    functions: Annotated[list[Json], Field(max_length=128, description="The older form of tools.")] | None = None
    function_call: str | Json | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    logit_bias: Json | None = None
    modalities: list[str] | None = None
    prompt_cache_key: Annotated[str, Field(max_length=1000)] | None = None
    safety_identifier: Annotated[str, Field(max_length=1000)] | None = None
    service_tier: Annotated[str, Field(max_length=40)] | None = None
    stream_options: Json | None = None
    time_limits: TimeLimits | None = None
    user: Annotated[str, Field(max_length=256, description="External user id.")] | None = None
    metadata: dict[str, str] | None = None
    voice_id: Annotated[str, Field(max_length=64, description="Brand voice of the answer.")] | None = None
    thread_id: Annotated[
        str, Field(min_length=1, max_length=128, description="Thread to go on with; a name of your own begins one.")
    ] | None = None
    store: Annotated[bool | None, Field(description="Keep the conversation as a thread.")] = None
    idempotency_key: Annotated[str, Field(max_length=128)] | None = None
    response_format: ResponseFormat | None = None
    extra_body: Annotated[Json, Field(description="Merged into the request to a provider of your own.")] | None = None
    response_schema: Json | None = None
    json_only: bool | None = None
    builtin_tools: BuiltinTools | None = None
    multimodal_preprocess: Multimodal | list[Multimodal] | bool | None = None
    tool_invocation_explanations: bool | None = None
    rendering_mode: Literal["default", "textual_blocks"] | None = None

    @field_validator("max_completion_tokens", "max_tokens", "top_k", mode="before")
    @classmethod
    def _unlimited(cls, value: Any) -> Any:
        """-1 is how some servers write that there is no limit."""
        return None if value == -1 and not isinstance(value, bool) else value

    @field_validator("tools")
    @classmethod
    def _named(cls, value: list[Json] | None) -> list[Json] | None:
        """A function that nobody can call would be left out in silence."""
        for n, tool in enumerate(value or ()):
            function = tool.get("function")
            if (tool.get("type") == "function" or "function" in tool) and not (
                isinstance(function, dict) and isinstance(function.get("name"), str) and function["name"].strip()
            ):
                raise ValueError(f"has a function without a name at {n}; send it as function.name")
        return value

    @model_validator(mode="after")
    def _asks(self) -> "CompletionIn":
        if not self.messages and self.prompt is None:
            raise ValueError("needs messages (at least one) or prompt")
        if self.messages and self.prompt is not None:
            raise ValueError("takes messages or prompt, not both")
        if any(not isinstance(f.get("name"), str) for f in self.functions or ()):
            raise ValueError("needs a name in each of functions")
        return self

    @property
    def limits(self) -> Json:
        """Limits of time by the gateway's names."""
        given = self.time_limits.model_dump(exclude_none=True) if self.time_limits else {}
        return {to_camel(name): value for name, value in given.items()}

    @property
    def legacy(self) -> bool:
        """Whether it is asked in the form that knew functions and no tools."""
        return bool(self.functions) and not self.tools

    @property
    def unknown(self) -> Json:
        """Fields that the hub does not know."""
        found = {k: v for k, v in (self.__pydantic_extra__ or {}).items() if v is not None}
        if self.service_tier not in (None, "auto", "default"):
            found["service_tier"] = self.service_tier
        return found

    def talk(self) -> list[Json]:
        """The conversation in the chat format."""
        if self.prompt is not None:
            return [{"role": "user", "content": self.prompt}]
        return with_tools([m.model_dump(exclude_unset=True) for m in self.messages or ()])

    def options(self) -> Json:
        """What goes to the model beside the conversation."""
        found: Json = {name: getattr(self, name) for name in OPTIONS if getattr(self, name) is not None}
        tools, choice = tools_of(self.tools, self.tool_choice, self.functions, self.function_call)
        found |= {n: v for n, v in (("tools", tools), ("tool_choice", choice)) if v is not None}
        beside = {**self.unknown, **(self.extra_body or {})}
        if self.service_tier is not None:
            beside.setdefault("service_tier", self.service_tier)
        if beside:
            found["extra_body"] = beside
        if self.response_format is not None:
            found["response_format"] = self.response_format.sent()
        if self.max_tokens is not None:
            found.setdefault("max_completion_tokens", self.max_tokens)
        return found


class AssistantMessage(BaseModel):
    """`images` and `files`: what tools made, or the model; `refusal` stands in place of `content`."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None = None
    annotations: list[Json] = []
    tool_calls: list[Json] = []
    function_call: Json | None = None
    reasoning: str | None = None
    reasoning_details: list[Json] | None = None
    images: list[Json] | None = None
    audio: Json | None = None
    files: list[Json] | None = None


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
    completion_tokens_details: dict[str, int] | None = None


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
    """`thread_id`: only of a completion that is kept."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: UsageOut
    service_tier: Literal["default"] = "default"
    citations: list[str | Json] | None = None
    generation_context: GenerationContext
    thread_id: str | None = None
