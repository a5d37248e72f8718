"""One question, one answer: knowledge, prompt, model. Every channel and the API come through here."""

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hub.chat import shape
from hub.chat.draft import Draft
from hub.chat.prompt import build, prefill_of, question
from hub.domain import Gateway, Json, Passage, Usage
from hub.knowledge.search import search
from hub.llm.gateway import Models
from hub.llm.prices import bill
from hub.llm.types import Broken, Delta, Prompt
from hub.runtime import Hub
from hub.store.collections import contexts

Sink = Callable[[Delta], Awaitable[None]]
RESTARTS = 2
LONGEST = 100_000
RESULTS, SCORE, QUERIES = 8, 0.2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question with everything it needs.

    messages: the conversation in the chat format, oldest first. system: texts added to the system
    instruction. options: fields of a chat completion request, which win over the gateway's.
    deadline: time.monotonic. retractable: whether the sink can take back what it was given, when
    the model fails half-way and begins again (it gets a Delta with `restart`). longest: characters
    after which an answer is cut.
    """

    account_id: UUID
    gateway: Gateway
    messages: list[Json]
    deadline: float
    system: tuple[str, ...] = ()
    options: Json = field(default_factory=dict)
    external_user: str | None = None
    origin: str = "Api"
    language: str | None = None
    retractable: bool = True
    longest: int = LONGEST


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said, and what it took. billed: rows for hub.store.usage."""

    text: str
    reasoning: str
    model: str
    finish: str
    usage: Usage
    passages: tuple[Passage, ...]
    tool_calls: list[Json]
    billed: list[Json]
    timings: Json


async def answer(hub: Hub, ask: Ask, sink: Sink | None = None) -> Answer:
    """Answer; `sink` gets the pieces as they come. Raise Upstream when the model fails for good."""
    started = time.monotonic()
    parameters = ask.gateway.parameters
    passages, texts = await _knowledge(hub, ask)
    prompt = build(
        parameters, ask.messages, system=ask.system, contexts=texts, passages=passages, options=ask.options,
        language=ask.language,
    )
    asked = time.monotonic()
    draft = await _said(hub.models, ask, prompt, sink)
    usage = draft.usage or _estimate(prompt, draft)
    return Answer(
        text=draft.text,
        reasoning=draft.reasoning,
        model=prompt.model,
        finish=draft.finish,
        usage=usage,
        passages=prompt.passages,
        tool_calls=draft.tool_calls,
        billed=bill(prompt.model, usage),
        timings={
            "search_ms": _ms(asked - started),
            "first_ms": _ms((draft.first or time.monotonic()) - asked),
            "model_ms": _ms(time.monotonic() - asked),
        },
    )


async def _said(models: Models, ask: Ask, prompt: Prompt, sink: Sink | None) -> Draft:
    """The model's answer; one that broke off is begun again when nobody keeps its beginning."""
    tried = 0
    while True:
        draft = _draft(ask, prompt)
        try:
            async with aclosing(models.stream(ask.gateway, prompt, ask.deadline)) as deltas:
                async for delta in deltas:
                    await _show(sink, draft.take(delta))
                    if draft.full:
                        break
            await _show(sink, draft.end())
            return draft
        except Broken as e:
            tried += 1
            kept = sink is not None and draft.shown and not ask.retractable
            if kept or e.permanent or tried > RESTARTS or time.monotonic() >= ask.deadline:
                raise
            if draft.shown:
                await _show(sink, Delta(restart=True))


async def _show(sink: Sink | None, delta: Delta | None) -> None:
    if sink is not None and delta is not None:
        await sink(delta)


def _draft(ask: Ask, prompt: Prompt) -> Draft:
    parameters = ask.gateway.parameters
    included = bool(parameters.get("includePrefillingInMessages"))
    prefill = prefill_of(parameters, ask.messages) if included else None
    stop = prompt.options.get("stop") if included else None
    return Draft(
        frozenset(parameters.get("flags") or ()), ask.longest, prefill or "", stop if isinstance(stop, str) else ""
    )


async def _knowledge(hub: Hub, ask: Ask) -> tuple[list[Passage], list[str]]:
    """Passages for the question and the texts of the collections; asks nobody without collections."""
    parameters = ask.gateway.parameters
    collections = [UUID(str(c)) for c in parameters.get("knowledgeCollections") or ()]
    if not collections:
        return [], []
    texts = [text for _, text in await contexts(hub.db, ask.account_id, collections)]
    terms = queries(parameters, ask.messages)
    if not terms:
        return [], texts
    found = await search(
        hub.db,
        hub.embedder,
        ask.account_id,
        collections,
        terms,
        top=_or(parameters.get("knowledgeBaseMaximumResults"), RESULTS),
        min_score=_or(parameters.get("knowledgeBaseMinimumScore"), SCORE),
        reranker="rrf",
        references=bool(parameters.get("knowledgeUseReferences")),
    )
    return list(found), texts


def queries(parameters: Mapping[str, Any], messages: list[Json]) -> list[str]:
    """What to search for: the last question, or the last few when the strategy looks back."""
    if not question(messages):
        return []
    said = [t for t in (shape.text_of(m).strip() for m in messages if m.get("role") == "user") if t]
    if parameters.get("queryStrategy") != "Concatenate":
        return said[-1:]
    size = (parameters.get("queryStrategyParameters") or {}).get("concatenateContextSize")
    return ["\n".join(said[-max(1, int(_or(size, QUERIES))) :])]


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _estimate(prompt: Prompt, draft: Draft) -> Usage:
    """Tokens of a provider that counts none."""
    return Usage(sum(shape.tokens(m) for m in prompt.messages), -(-len(draft.text + draft.reasoning) // 4))


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
