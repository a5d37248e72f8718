"""All that a model is asked with, while it is put together."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from hub.domain import Gateway, Json, Passage, Skill
from hub.engine.ask import Ask
from hub.engine.ledger import Ledger
from hub.engine.messages import MEDIA
from hub.engine.prompt import REACT
from hub.llm.gateway import Models
from hub.llm.helper import HelperTask, needed
from hub.runtime import Hub
from hub.tools.base import Context, Result, Tool

Invoke = Callable[[Tool, Json], Awaitable[Result]]


@dataclass(slots=True)
class AnswerContext:
    """parameters: the gateway's, as they hold for this answer. tools: run by the hub; theirs: by the caller.
    visible: those of the tools that the model was shown last. moved: tools that are commands of the
    shell. invoke: runs a tool with everything that stands around it."""

    ask: Ask
    context: Context
    parameters: Json
    messages: list[Json]
    system: list[str]
    contexts: list[str] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)
    theirs: list[Json] = field(default_factory=list)
    visible: list[Tool] = field(default_factory=list)
    moved: list[Tool] = field(default_factory=list)
    invoke: Invoke | None = None
    skills: list[Skill] = field(default_factory=list)
    memories: str | None = None
    blocked: tuple[str, ...] = ()

    @property
    def ledger(self) -> Ledger:
        return self.ask.trace.ledger

    @property
    def flags(self) -> frozenset[str]:
        return frozenset(self.parameters.get("flags") or ())

    @property
    def model(self) -> str:
        return str(self.parameters.get("modelName") or "")


async def consult(hub: Hub, ctx: AnswerContext, question: HelperTask) -> str:
    """A small question beside the answer; what it took is added to the answer's ledger. Raise Failed."""
    helper = needed(hub.models, hub.settings.helper_model, ctx.ask.gateway)
    text = await helper.ask(question, ctx.ask.deadline)
    ctx.ledger.rows.extend(helper.rows)
    return text


def effective(models: Models, gateway: Gateway) -> Json:
    """The gateway's parameters with what the catalogue knows of its model."""
    parameters = dict(gateway.parameters)
    return with_model(models, gateway, parameters, str(parameters.get("modelName") or ""))


def with_model(models: Models, gateway: Gateway, parameters: Mapping[str, object], model: str) -> Json:
    """The parameters for another model of the same gateway."""
    found: Json = {**parameters, "modelName": model}
    entry = models.entry(gateway, model)
    if entry is not None:
        found["flags"] = sorted({*(gateway.parameters.get("flags") or ()), *entry.flags})
        found["contextMaximumSize"] = gateway.parameters.get("contextMaximumSize") or entry.context or None
        found["unseen"] = [kind for kind in MEDIA.values() if kind not in entry.modes]
        handler = gateway.parameters.get("knownToolHandlerName")
        found["knownToolHandlerName"] = handler or (None if "tools" in entry.modes else REACT)
    return found
