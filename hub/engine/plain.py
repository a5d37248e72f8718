"""The short road of a question that wants nothing of the hub: no tools, knowledge, moderation, memory or rules.

What the gateway decides is worked out once; the loop, the models and all that may go wrong are those of every other
question."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.config import Settings
from hub.domain import Gateway, Json
from hub.engine.ask import Answer, Ask, Sink
from hub.engine.context import AnswerContext, effective
from hub.engine.gather import context_of
from hub.engine.limits import limits_of
from hub.engine.loop import Loop
from hub.engine.prompt import NEVER, build, options_of
from hub.engine.tool_calls import Calls
from hub.llm import thinking
from hub.llm.candidates import SOURCE, address_of
from hub.llm.gateway import Models
from hub.llm.straight import Straight
from hub.llm.types import INTEGRATED, Limits, Prompt
from hub.runtime import Hub

# Seconds of silence that have to be allowed where nothing is heard of an answer before it is whole.
UNHEARD = 60.0
# Parameters that decide how the provider is asked, which `build` and the models see to.
ASKED = frozenset((
    "baseAddress", "modelName", "temperature", "topP", "presencePenalty", "frequencyPenalty", "stop",
    "maxCompletionTokens", "contextMaximumSize", "contextOverflowAction", "systemInstruction", "reasoningEffort",
    "verbosity", "flags", "toolContextCount", "additionalSettings", "timeLimits", "transportInterface",
    "providerHeaders", "loadBalancing", "tries", "promptCache",
))
# Those that do nothing alone: what they belong to is wanted elsewhere.
IDLE = frozenset((
    "hideToolsWithoutSkill", "alwaysVisibleTools", "bashOptions", "knowledgeBaseMaximumResults",
    "knowledgeBaseMinimumScore", "knowledgeUseReferences", "knowledgeUseMetaDescriptions", "queryStrategy",
    "queryStrategyParameters", "includePrefillingInMessages", "toolInvocationExplanations", "answerCacheSeconds",
    "transcriptionModel", "outputBlockedText",
))
# Those that want something where they hold anything that is on.
SWITCHES = ("moderationParameters", "sentinelOptions")
BUILTIN, MEMORIES = "builtinFunctionsOptions", "includeAllMemoryContext"
KEEP = "PreserveThinkingTokens"
FLAGS = frozenset((*NEVER, "UseMaxTokens", "NoAssistantPrefilling", KEEP))


@dataclass(frozen=True, slots=True)
class Plan:
    """How a gateway is asked. system: its instruction. seconds: for all of an answer. once: for one in one piece.
    options: those of the gateway alone. straight: the shortest way to its model, where one may be taken."""

    gateway: Gateway
    parameters: Json
    system: tuple[str, ...]
    limits: Limits
    seconds: float
    once: float
    options: Json
    straight: Straight | None

    @property
    def model(self) -> str:
        return str(self.parameters["modelName"])


def plan_of(models: Models, settings: Settings, gateway: Gateway, most: float | None) -> Plan | None:
    """None for a gateway that wants more. most: seconds that the account allows."""
    p = gateway.parameters
    if address_of(gateway) == INTEGRATED or p.get("transportInterface") not in (None, SOURCE) or not _simple(p):
        return None
    parameters = effective(models, gateway)
    instruction = parameters.get("systemInstruction")
    limits, seconds = limits_of(settings, p, {}, most)
    patient = min(limits.first, limits.silence) >= UNHEARD
    once = min(limits.first + limits.silence, seconds) if patient else 0.0
    # Where the conversation has to be measured, or its beginning named, `build` does it.
    alone = once and not p.get("contextMaximumSize") and not p.get("promptCache")
    return Plan(
        gateway, {**parameters, "systemInstruction": None}, (instruction,) if instruction else (), limits, seconds,
        once, options_of(parameters, {}), models.straight(gateway, str(p["modelName"])) if alone else None,
    )


def _simple(p: Mapping[str, Any]) -> bool:
    """Whether every parameter that is there is one of those above, or wants nothing. One that nobody has thought of
    here wants something."""
    return FLAGS.issuperset(p.get("flags") or ()) and not any(_wants(name, value) for name, value in p.items())


def _wants(name: str, value: Any) -> bool:
    if not value or name in ASKED or name in IDLE:
        return False
    if name == BUILTIN:
        return bool(value.get(MEMORIES))  # the others are of functions that would be wanted by their names
    if name == "knownToolHandlerName":
        return bool(value != "native")
    return name not in SWITCHES or any(value.values())


def prompt_of(plan: Plan, talk: list[Json], options: Json, whole: bool) -> Prompt:
    """The question. Raise BadRequest when it does not fit."""
    return build(
        plan.parameters, talk, system=plan.system, options=options, limits=plan.limits,
        once=plan.once if whole else 0.0,
    )


def question(plan: Plan, talk: list[Json], options: Json) -> tuple[list[Json], Json]:
    """The messages and the options of the same question, where the short way may be taken: nothing in such a
    conversation is anything but text."""
    texts, at = [t.strip() for t in plan.system if t.strip()], 0
    while at < len(talk) and talk[at]["role"] == "system":
        texts.append(talk[at]["content"])
        at += 1
    head = [{"role": "system", "content": "\n\n".join(texts)}] if texts else []
    rest = talk[at:]
    if any(m["role"] == "assistant" for m in rest):
        rest = [m for m in (_said(plan, m) for m in rest) if m["content"] or m["role"] != "assistant"]
    return [*head, *rest], options_of(plan.parameters, options) if options else plan.options


def _said(plan: Plan, message: Json) -> Json:
    """A message without thoughts."""
    words = message["content"]
    if message["role"] != "assistant" or "<" not in words or KEEP in (plan.parameters.get("flags") or ()):
        return message
    return {"role": "assistant", "content": thinking.strip(words)}


@dataclass(slots=True)
class Given(Loop):
    """The loop of a question that is put together already."""

    given: Prompt | None = None

    async def _prompt(self) -> Prompt:
        assert self.given is not None
        return self.given


async def answer(hub: Hub, plan: Plan, prompt: Prompt, ask: Ask, sink: Sink | None) -> Answer:
    """As `hub.engine.answer` does."""
    started = time.monotonic()
    ctx = AnswerContext(ask, context_of(hub, ask), plan.parameters, ask.messages, list(plan.system))
    loop = Given(hub, ctx, sink, Calls(hub, ctx, sink), given=prompt)
    await loop.run()
    return loop.answer(started, started)
