"""What calls of models take: counted for /metrics, and traced. Customers name models as they like: only known names are
labels."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
from prometheus_client import CollectorRegistry, Counter, Histogram, Metric

from hub.domain import Json, Usage
from hub.llm.prices import FREE, Price, bill, cost
from hub.llm.types import Delta, Failed, Prompt
from hub.tracing import OFF, Span, Tracing

M = TypeVar("M", Counter, Histogram)
OWN = "own"
NAMED, LONGEST = 200, 8000
TOGETHER = 200  # plain answers that are counted at once
FIRST = (0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128)
# Words for what goes wrong; every other is the status or `other`.
KINDS = frozenset((
    "model_timeout", "model_unreadable", "model_cut", "model_paused", "empty_answer", "moderation_failed",
))
CONTENT_IN, CONTENT_OUT = "gen_ai.input.messages", "gen_ai.output.messages"


def kind_of(e: Failed) -> str:
    """One of few words. Pure."""
    if e.kind == 429 or e.kind in (401, 403):
        return str(e.kind)
    if e.kind >= 400:
        return f"{e.kind // 100}xx"
    if e.code in KINDS:
        return e.code
    return "unreachable" if e.down else "other"


@dataclass(frozen=True, slots=True)
class Place:
    """What is told of a model: a label, what it is called at its provider, whose it is, what it costs. turn: how many
    were asked before it."""

    label: str
    name: str
    provider: str
    price: Price
    turn: int = 0


class _Due:
    """Asked before all others when figures are read."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> list[Metric]:
        self._tell()
        return []


@dataclass(slots=True)
class _Lately:
    """Answers of models that cost nothing here, which are counted together."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    hits: int = 0
    seconds: list[float] = field(default_factory=list)


class Figures:
    """Of this process. Labels are bounded: the hub's models, those that the operator names, `own` for all others."""

    def __init__(self, named: Iterable[str] = (), tracing: Tracing = OFF) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Due(self._told))
        self._lately: dict[str, _Lately] = {}
        self.tracing = tracing
        self._named = frozenset(list(named)[:NAMED])
        # As many as there are labels.
        self._known: dict[tuple[Counter | Histogram | str, ...], Any] = {}
        self._requests = self._counter("requests", "Calls of models by outcome", "outcome")
        self._tokens = self._counter("tokens", "Tokens by kind: in, cached, out", "kind")
        self._errors = self._counter("errors", "Calls of models that failed, by kind", "kind")
        self._cost = self._counter("cost_dollars", "What models of the hub cost")
        self._cached = self._counter("cache_hits", "Answers of which the provider had a part of the question already")
        self._fallbacks = self._counter("fallbacks", "Answers in place of a model that failed")
        self._first = Histogram(
            "hub_model_first_token_seconds", "Time to the first word", ["model"], buckets=FIRST, registry=self.registry
        )

        self._guarded = Counter(
            "hub_guard_fired", "How often rules for what goes out did something", ["type", "action"],
            registry=self.registry,
        )

    def guarded(self, what: str, action: str, count: int) -> None:
        self._guarded.labels(what, action).inc(count)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(f"hub_model_{name}", words, ["model", *labels], registry=self.registry)

    def label(self, name: str, ours: bool) -> str:
        """ours: a model of the hub or its catalogue."""
        return name if ours or name in self._named else OWN

    def call(self, place: Place, prompt: Prompt) -> "Call":
        span = self.tracing.start(f"chat {place.name}", "client", _asked(place, prompt) if self.tracing.on else {})
        if self.tracing.content:
            span.set(CONTENT_IN, _shown(prompt.messages))
        return Call(self, place, span)

    def over(self, call: "Call", outcome: str, spent: Usage | None, error: str | None) -> None:
        label = call.place.label
        self._of(self._requests, label, outcome).inc()
        if error is not None:
            self._of(self._errors, label, error).inc()
        if call.first is not None:
            self._of(self._first, label).observe(call.first)
        if spent is not None:
            self._used(label, call.place.price, spent)
        if outcome == "answered" and call.place.turn:
            self._of(self._fallbacks, label).inc()

    def said(self, place: Place, spent: Usage, seconds: float) -> None:
        """A plain answer."""
        if place.price is not FREE:
            self._of(self._requests, place.label, "answered").inc()
            self._of(self._first, place.label).observe(seconds)
            self._used(place.label, place.price, spent)
            return
        lately = self._lately.get(place.label)
        if lately is None:
            lately = self._lately[place.label] = _Lately()
        if spent.cached:
            cached = min(spent.cached, spent.prompt)
            lately.cached += cached
            lately.prompt -= cached
            lately.hits += bool(cached)
        lately.prompt += spent.prompt
        lately.completion += spent.completion
        lately.seconds.append(seconds)
        if len(lately.seconds) >= TOGETHER:
            self._told()

    def _told(self) -> None:
        """Count what was said lately."""
        lately, self._lately = self._lately, {}
        for label, one in lately.items():
            self._of(self._requests, label, "answered").inc(len(one.seconds))
            first = self._of(self._first, label)
            for seconds in one.seconds:
                first.observe(seconds)
            for kind, count in (("in", one.prompt), ("cached", one.cached), ("out", one.completion)):
                if count:
                    self._of(self._tokens, label, kind).inc(count)
            if one.hits:
                self._of(self._cached, label).inc(one.hits)

    def left(self, place: Place) -> None:
        """Nobody waited for an answer any more."""
        self._of(self._requests, place.label, "left").inc()

    def _of(self, metric: M, *labels: str) -> M:
        """One of a metric; looking it up there costs more than counting."""
        found: M | None = self._known.get((metric, *labels))
        if found is None:
            found = self._known[(metric, *labels)] = metric.labels(*labels)
        return found

    def _used(self, label: str, price: Price, used: Usage) -> None:
        cached = min(used.cached, used.prompt)
        for kind, count in (("in", used.prompt - cached), ("cached", cached), ("out", used.completion)):
            if count:
                self._of(self._tokens, label, kind).inc(count)
        if cached:
            self._of(self._cached, label).inc()
        if price != FREE and (dollars := cost(bill(label, used, price))) > 0:
            self._of(self._cost, label).inc(dollars)


class Call:
    """One call of a model, from the question to its end."""

    __slots__ = (
        "_begun", "_figures", "_finish", "_model", "_outcome", "_said", "_span", "_usage", "_wrong", "first", "place",
    )

    def __init__(self, figures: Figures, place: Place, span: Span) -> None:
        self._figures, self._span, self.place = figures, span, place
        self._begun = time.monotonic()
        self._outcome = "left"
        self._wrong: str | None = None
        self._usage: Usage | None = None
        self._finish: str | None = None
        self._model: str | None = None
        self._said: list[str] | None = [] if figures.tracing.content else None
        self.first: float | None = None

    def take(self, delta: Delta) -> None:
        if self.first is None and (delta.says or delta.thinks):
            self.first = time.monotonic() - self._begun
        self._usage = delta.usage or self._usage
        self._finish = delta.finish or self._finish
        self._model = delta.model or self._model
        if self._said is not None:
            self._said.append(delta.text)

    def answered(self) -> None:
        self._outcome = "answered"

    def failed(self, e: Failed) -> None:
        self._outcome, self._wrong = "failed", kind_of(e)
        self._span.failed(self._wrong)

    def end(self) -> None:
        """However it ended."""
        self._figures.over(self, self._outcome, self._usage, self._wrong)
        if self._figures.tracing.on:
            self._told()
        self._span.end()

    def _told(self) -> None:
        span, used = self._span, self._usage
        span.set("gen_ai.response.model", self._model)
        span.set("gen_ai.response.finish_reasons", [self._finish] if self._finish else None)
        span.set("gen_ai.response.time_to_first_chunk", self.first)
        if used is not None:
            span.set("gen_ai.usage.input_tokens", used.prompt)
            span.set("gen_ai.usage.output_tokens", used.completion)
            span.set("gen_ai.usage.cache_read.input_tokens", used.cached)
        if self._said is not None:
            said = {"role": "assistant", "content": "".join(self._said), "finish_reason": self._finish}
            span.set(CONTENT_OUT, _shown([said]))


def _asked(place: Place, prompt: Prompt) -> Json:
    options = prompt.options
    found: dict[str, Any] = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": place.provider, "gen_ai.request.model": place.name,
        "gen_ai.request.max_tokens": options.get("max_completion_tokens") or options.get("max_tokens"),
        "hub.attempt": place.turn + 1 if place.turn else None,
    }
    for name in ("temperature", "top_p", "presence_penalty", "frequency_penalty"):
        found[f"gen_ai.request.{name}"] = options.get(name)
    return found


def _shown(messages: Sequence[Json]) -> str:
    return orjson.dumps(list(messages), default=str).decode(errors="replace")[:LONGEST]
