"""Every documented parameter of an AI gateway, with its default and its limits."""

import operator
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, field_validator, model_validator

from hub.accounts.functions import ProtocolFunction
from hub.accounts.value_types import (
    EFFORTS,
    INT32,
    RUNTIME_NAMES,
    VERBOSITIES,
    Address,
    BuiltinFunction,
    Effort,
    Flag,
    Headers,
    Multimodal,
    Name,
    QueryStrategy,
    Verbosity,
    address,
)
from hub.llm import patterns
from hub.llm.personal_data import Kind as PersonalData
from hub.pydantic_base import Camel, Defaults

INTEGRATED = "@integrated"
BASE = "`@integrated` or the base address of a provider."
HANDLERS = ("native", "react.v1.selfcall")
# Documented as InferenceClientTransportInterface, which had the first alone.
Transport = Literal["OpenAiCompatible", "Anthropic", "Gemini"]
KEYS = frozenset(("authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"))
OURS = frozenset(("content-type", "accept", "accept-encoding"))
LONG = 200_000
Text = Annotated[str, Field(max_length=LONG)]
Short = Annotated[str, Field(max_length=200)]
Threshold = Annotated[int, Field(ge=0, le=10)]
Size = Annotated[int, Field(ge=0, le=INT32)]


def _base(value: str) -> str:
    if value == INTEGRATED:
        return value
    if not value.startswith(("http://", "https://")):
        raise ValueError(f"must be {INTEGRATED} or an OpenAI-compatible address (https://...)")
    return address(value).rstrip("/")


def _other_base(value: str | None) -> str | None:
    return _base(value) if value else None


def _no_keys(value: dict[str, str]) -> dict[str, str]:
    """What tells the key has a field of its own; what the hub says of its request is the hub's."""
    for name in value:
        if name.lower() in KEYS:
            raise ValueError(f"holds '{name}': give the provider's key as apiKey")
        if name.lower() in OURS:
            raise ValueError(f"holds '{name}', which the hub sets; leave it out")
    return value


class BashOptions(Defaults):
    allow_data_persistence: bool = False
    tool_list: Annotated[list[Name], Field(max_length=500)] = []
    tool_exclusion_mode: Literal["WhiteList", "BlackList"] = "WhiteList"


class QueryStrategyParameters(Defaults):
    rewrite_context_size: Annotated[int, Field(ge=0, le=100)] = 3
    concatenate_context_size: Annotated[int, Field(ge=0, le=100)] = 3


class Source(Defaults):
    """An address that gives tools (MCP) or instructions."""

    name: Name
    description: Text | None = None
    url: Address
    headers: Headers = {}
    cache_duration: Annotated[int, Field(ge=0, le=2_592_000, description="Seconds.")] = 600


class McpSource(Source):
    """A server whose tools a model may call."""

    require_approval: Annotated[
        bool,
        Field(description="What is new or differs in its list of tools waits for approval.", exclude_if=operator.not_),
    ] = False


class SkillOptions(Defaults):
    """What a skill brings besides its instructions."""

    instruction_sources: Annotated[list[Source], Field(max_length=50)] = []
    allowed_tools_names: Annotated[list[Name], Field(max_length=500, description="Shown while it is active.")] = []


class SentinelOptions(Defaults):
    enabled_functions: list[BuiltinFunction] = []


class BuiltinFunctionsOptions(Defaults):
    web_search_mode: Literal["Full", "Summarized"] = "Full"
    web_search_max_results: Annotated[int, Field(ge=1, le=25)] = 10
    image_generation_max_results: Annotated[int, Field(ge=1, le=4)] = 1
    image_generation_quality: Literal["Low", "Medium", "High", "Highest"] = "Low"
    image_generation_allow_mature_content: bool = False
    image_generation_allow_reference_usage: bool = False
    image_generation_model_name: Short | None = None
    include_all_memory_context: bool = False


class ModerationParameters(Defaults):
    """0 is off, 10 the strictest."""

    violence_threshold: Threshold = 0
    sexual_explicit_threshold: Threshold = 0
    political_threshold: Threshold = 0
    dangerous_content_threshold: Threshold = 0
    jailbreak_threshold: Threshold = 0


class ModelRoutingParameters(Camel):
    low_complexity_model_name: Name
    low_complexity_model_reasoning_effort: Effort | None = None
    medium_complexity_model_name: Name
    medium_complexity_model_reasoning_effort: Effort | None = None
    high_complexity_model_name: Name
    high_complexity_model_reasoning_effort: Effort | None = None


class TimeLimits(Defaults):
    """Seconds; null is the hub's own setting. After a silence that long the provider is not asked again."""

    first_token: Annotated[float | None, Field(gt=0, le=3600)] = None
    silence: Annotated[float | None, Field(gt=0, le=3600)] = None
    whole: Annotated[float | None, Field(gt=0, le=3600)] = None


class OutputRule(Camel):
    """What must not go out as it is, on channels, in web chats and over the API, in streams too. `block` withholds the
    answer, `mask` replaces what was found, `mark` only counts it. How often each rule fired stands with the answer."""

    name: Annotated[
        str | None, Field(min_length=1, max_length=60, description="In figures; its place without one.")
    ] = None
    type: Literal["regex", "words", "personalData"]
    action: Literal["block", "mask", "mark"]
    pattern: Annotated[
        str | None,
        Field(max_length=2000, description="Of `regex`. One that takes longer than 20 ms on an answer withholds it."),
    ] = None
    words: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]],
        Field(max_length=200, description="Of `words`: words and phrases, however cased, accented and spaced."),
    ] = []
    kinds: Annotated[list[PersonalData], Field(description="Of `personalData`; none: all.")] = []
    replacement: Annotated[
        str | None, Field(max_length=200, description="Of `mask`; *** or [EMAIL] without one.")
    ] = None

    @model_validator(mode="after")
    def _whole(self) -> "OutputRule":
        if self.type == "regex":
            wrong = patterns.complaint(self.pattern) if self.pattern else "is missing"
            if wrong:
                raise ValueError(f"has a pattern that {wrong}")
        if self.type == "words" and not patterns.joined(self.words):
            raise ValueError("has no words; a rule of the type words needs some")
        return self


class ProviderMasking(Defaults):
    """What the provider gets placeholders for, `[EMAIL_K7Q2M4PA]`, the same in a whole conversation. In the answer, and
    before a tool runs, the values stand again. Pictures and files are not read."""

    kinds: list[PersonalData] = []
    words: Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=200)] = []


class FallbackConditions(Defaults):
    """Failures that a fallback stands in for; any of them. Unreachable counts as 503, a silence as 504."""

    statuses: Annotated[list[Annotated[int, Field(ge=400, le=599)]], Field(max_length=50)] = []
    context_window: bool = False
    refusal: Annotated[bool, Field(description="A refusal in words too, which is not shown then.")] = False


class Place(Camel):
    """Where a model is asked. Without an address it is where the gateway's is."""

    base_address: Annotated[str | None, Field(max_length=2000), AfterValidator(_other_base)] = None
    api_key: Annotated[str | None, Field(max_length=4000, description="Shown masked.")] = None
    transport_interface: Annotated[
        Transport | None, Field(description="What is spoken there.", exclude_if=lambda v: v is None)
    ] = None


class FallbackModel(Place):
    """A model that answers when the ones before it fail. Without an address it is asked where the first is."""

    model_name: Name
    conditions: Annotated[
        FallbackConditions | None, Field(description="null: every failure.", exclude_if=lambda v: v is None)
    ] = None


class Deployment(Place):
    """The gateway's model at another place, or with another key."""

    model_name: Annotated[Name | None, Field(description="What it is called there.")] = None
    weight: Annotated[int, Field(ge=0, le=1000, description="0: only when the others cannot.")] = 1


class LoadBalancing(Defaults):
    """How the deployments share the requests. One that limits requests, or is down, rests and is asked last."""

    strategy: Literal["Weighted", "LeastLatency"] = "Weighted"
    weight: Annotated[int, Field(ge=0, le=1000, description="Of the gateway's own place.")] = 1


class GatewayParameters(Defaults):
    """`apiKey` is sealed where it is stored, and masked where it is shown."""

    base_address: Annotated[str, Field(max_length=2000, description=BASE), AfterValidator(_base)]
    skills: Annotated[list[UUID], Field(max_length=500)] = []
    hide_tools_without_skill: bool = False
    always_visible_tools: Annotated[list[Name], Field(max_length=500)] = []
    enable_bash: bool = False
    bash_options: BashOptions = BashOptions()
    knowledge_collections: Annotated[list[UUID], Field(max_length=100)] = []
    knowledge_base_maximum_results: Annotated[int, Field(ge=0, le=100)] = 8
    knowledge_base_minimum_score: Annotated[float, Field(ge=0, le=1)] = 0.2
    knowledge_use_references: bool = False
    knowledge_use_meta_descriptions: bool = False
    query_strategy: QueryStrategy = "Plain"
    query_strategy_parameters: QueryStrategyParameters = QueryStrategyParameters()
    api_key: Annotated[str | None, Field(max_length=4000, description="The provider's key; shown masked.")] = None
    model_name: Name
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(ge=0, le=1)] = None
    presence_penalty: Annotated[float | None, Field(ge=-2, le=2)] = None
    frequency_penalty: Annotated[float | None, Field(ge=-2, le=2)] = None
    stop: Annotated[str | None, Field(max_length=1000)] = None
    max_completion_tokens: Annotated[int | None, Field(ge=1, le=INT32)] = None
    context_maximum_size: Size | None = None
    context_overflow_action: Literal["Throw", "Truncate"] = "Throw"
    system_instruction: Text | None = None
    worker_script_source: Annotated[Address | None, Field(description="Address of the worker.")] = None
    user_prompt_template: Annotated[Text | None, Field(description="`{prompt}` is the user's message.")] = None
    assistant_prefill: Text | None = None
    include_prefilling_in_messages: bool = False
    reasoning_effort: Effort | None = None
    verbosity: Verbosity | None = None
    flags: list[Flag] = []
    tools: Annotated[list[Any] | None, Field(max_length=500, description="Tools that the caller runs.")] = None
    protocol_functions: Annotated[list[ProtocolFunction], Field(max_length=200)] = []
    protocol_function_sources: Annotated[list[Address], Field(max_length=50)] = []
    mcp_sources: Annotated[list[McpSource], Field(max_length=50)] = []
    system_instructions_sources: Annotated[list[Source], Field(max_length=50)] = []
    enabled_multimodal_features: list[Multimodal] = []
    tool_context_count: Size | None = None
    sentinel_options: SentinelOptions | None = None
    builtin_functions_options: BuiltinFunctionsOptions = BuiltinFunctionsOptions()
    moderation_parameters: ModerationParameters = ModerationParameters()
    known_tool_handler_name: Annotated[str | None, Field(description="native or react.v1.selfcall.")] = None
    tool_invocation_explanations: bool = False
    model_routing_parameters: ModelRoutingParameters | None = None
    additional_settings: dict[str, Any] | None = None
    fallback_models: Annotated[
        list[FallbackModel], Field(max_length=5, description="Asked in order when the model fails at once.")
    ] = []
    time_limits: TimeLimits = TimeLimits()
    transport_interface: Annotated[Transport, Field(description="What the provider speaks.")] = "OpenAiCompatible"
    provider_headers: Annotated[
        Headers, AfterValidator(_no_keys), Field(description="Sent to `baseAddress` and nowhere else; shown masked.")
    ] = {}
    deployments: Annotated[list[Deployment], Field(max_length=20)] = []
    load_balancing: LoadBalancing = LoadBalancing()
    tries: Annotated[int, Field(ge=1, le=5, description="Of one model, when it fails before it said anything.")] = 3
    prompt_cache: Annotated[
        bool, Field(description="The provider is asked to remember instructions and tools.")
    ] = False
    answer_cache_seconds: Annotated[
        int, Field(ge=0, le=86_400, description="How long an answer is given again to requests with `x-hub-cache`.")
    ] = 0
    transcription_model: Annotated[
        str | None,
        Field(
            max_length=200, exclude_if=operator.not_,
            description="Of `baseAddress`'s `/audio/transcriptions`: writes voice messages down.",
        ),
    ] = None
    output_rules: Annotated[list[OutputRule], Field(max_length=20, exclude_if=operator.not_)] = []
    output_blocked_text: Annotated[
        str | None,
        Field(max_length=2000, description="In place of an answer that is withheld.", exclude_if=operator.not_),
    ] = None
    provider_masking: Annotated[ProviderMasking | None, Field(exclude_if=operator.not_)] = None

    @field_validator("known_tool_handler_name")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and value not in HANDLERS:
            raise ValueError("must be one of " + ", ".join(HANDLERS) + ", or null")
        return value

    @field_validator("protocol_functions")
    @classmethod
    def _named_once(cls, value: list[ProtocolFunction]) -> list[ProtocolFunction]:
        seen: set[str] = set()
        for one in value:
            if one.name in seen:
                raise ValueError(f"has two functions called '{one.name}'; rename one")
            seen.add(one.name)
        return value

    @model_validator(mode="after")
    def _deployed(self) -> "GatewayParameters":
        if self.base_address == INTEGRATED and (self.deployments or self.provider_headers):
            raise ValueError(f"has deployments or providerHeaders, which the models of {INTEGRATED} do not take")
        if self.base_address == INTEGRATED and self.transcription_model:
            raise ValueError(f"has transcriptionModel, which needs a provider of your own: {INTEGRATED} has none")
        if any(d.base_address == INTEGRATED for d in self.deployments):
            raise ValueError(f"has a deployment at {INTEGRATED}; name it as a fallback model")
        return self

    @model_validator(mode="after")
    def _each_once(self) -> "GatewayParameters":
        for name in ("skills", "knowledge_collections", "flags", "enabled_multimodal_features", "always_visible_tools"):
            setattr(self, name, list(dict.fromkeys(getattr(self, name))))
        return self

    def unknown(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Words for how much to think or to say that nobody knows, by their field, and those that are known."""
        asked: list[tuple[str, str | None, tuple[str, ...]]] = [
            ("reasoningEffort", self.reasoning_effort, EFFORTS), ("verbosity", self.verbosity, VERBOSITIES),
        ]
        if (routing := self.model_routing_parameters) is not None:
            of = (("low", routing.low_complexity_model_reasoning_effort),
                  ("medium", routing.medium_complexity_model_reasoning_effort),
                  ("high", routing.high_complexity_model_reasoning_effort))
            asked += [(f"modelRoutingParameters.{n}ComplexityModelReasoningEffort", v, EFFORTS) for n, v in of]
        return {field: (value, known) for field, value, known in asked if value and value not in known}

    def named(self) -> dict[str, str]:
        """Names of tools that functions may not have, and what has them: built-in ones, the caller's."""
        enabled = self.sentinel_options.enabled_functions if self.sentinel_options else ()
        taken = {name: "a built-in function that is on" for one in enabled for name in RUNTIME_NAMES[one]}
        for tool in self.tools or ():
            function = tool.get("function") if isinstance(tool, dict) else None
            if isinstance(function, dict) and isinstance(function.get("name"), str):
                taken[function["name"]] = "one of `tools`"
        return taken

    def addresses(self) -> list[tuple[str, str | None]]:
        """Every address that will be called, with the field that names it."""
        found: list[tuple[str, str | None]] = []
        if self.base_address != INTEGRATED:
            found.append(("baseAddress", self.base_address))
        if self.worker_script_source:
            found.append(("workerScriptSource", self.worker_script_source))
        found += [
            (f"fallbackModels.{n}.baseAddress", f.base_address) for n, f in enumerate(self.fallback_models)
            if f.base_address not in (None, INTEGRATED)
        ]
        found += [(f"deployments.{n}.baseAddress", d.base_address) for n, d in enumerate(self.deployments)]
        functions = [(n, f) for n, f in enumerate(self.protocol_functions) if f.query is None]
        found += [(f"protocolFunctions.{n}.callbackUrl", f.callback_url) for n, f in functions]
        found += [(f"protocolFunctionSources.{n}", url) for n, url in enumerate(self.protocol_function_sources)]
        found += [(f"mcpSources.{n}.url", s.url) for n, s in enumerate(self.mcp_sources)]
        found += [(f"systemInstructionsSources.{n}.url", s.url) for n, s in enumerate(self.system_instructions_sources)]
        return found

    def collections(self) -> list[tuple[str, UUID]]:
        """Every collection that is searched, with the field that names it."""
        found = [("knowledgeCollections", c) for c in self.knowledge_collections]
        for n, one in enumerate(self.protocol_functions):
            if one.query is not None:
                found.append((f"protocolFunctions.{n}.callbackUrl", one.query.collection))
        return found
