"""An answer while it is being said: pieces in, pieces to show out."""

import time
from dataclasses import replace
from typing import Protocol

import orjson

from hub import ids
from hub.domain import Json, Usage
from hub.engine.output_rules import Guard, Scanner
from hub.llm import react
from hub.llm.finish import CALLS, FILTER, FINAL, LENGTH, STOP
from hub.llm.reading import joined_logprobs, with_beside
from hub.llm.thinking import Splitter
from hub.llm.toolcalls import gather, merged
from hub.llm.types import Delta


class Reader(Protocol):
    """Takes text apart into (answer, thoughts)."""

    def feed(self, text: str) -> tuple[str, str]: ...
    def end(self) -> tuple[str, str]: ...


class Draft:
    """Collects deltas; what must not be shown is taken out before."""

    def __init__(
        self, flags: frozenset[str], longest: int, prefill: str = "", stop: str = "", *, spoken: bool = False,
        held: bool = False, direct: bool = True, guard: Guard | None = None,
    ) -> None:
        """`prefill` and `stop` are said around the answer. `spoken`: the model asks for tools in words.
        `held`: tool calls are not shown, as some may not be the caller's. `direct`: a program reads it; for
        people a refusal is the text of the answer. `guard`: what of it may go out."""
        self._direct = direct
        self._guard = guard
        self._id = ""
        self.held = held
        self.spoken = spoken
        self._react = react.Reader() if spoken else None
        thinking = Splitter() if "ThinkingProcess" in flags else None
        self._readers: list[Reader] = [r for r in (thinking, self._react) if r is not None]
        self._whole = "DiffusingStream" in flags
        self._flags = flags
        self._longest = longest
        self._prefill = prefill
        self._stop = stop
        self._last = ""
        self._text: list[str] = []
        self._size = 0
        self._reasoning: list[str] = []
        self._thoughts: list[str] = []
        self._named = ""
        self._back: Json = {}
        self._calls: dict[int, Json] = {}
        self._finish: str | None = None
        self.details: list[Json] = []
        self.refusal = ""
        self.logprobs: Json | None = None
        self.beside: Json = {}
        self.around: Json = {}
        self.usage: Usage | None = None
        self.served: str | None = None
        self.first: float | None = None
        self.shown = False
        self.heard = False

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        return "".join(self._reasoning)

    @property
    def thoughts(self) -> str:
        """The reasoning that was heard, whether it is shown or not."""
        return "".join(self._thoughts)

    @property
    def back(self) -> Json:
        """What the provider wants back within the turn."""
        told = {self._named: self.thoughts} if self._named and self._thoughts else {}
        return {**told, **self._back, **({"reasoning_details": self.details} if self.details else {})}

    @property
    def empty(self) -> bool:
        """Whether it says nothing to anybody."""
        return not (self.text.strip() or self.refusal or self.beside)

    @property
    def tool_calls(self) -> list[Json]:
        if self.full or self.blocked:
            return []  # the last of them may be cut
        asked = self._react.call if self._react is not None else None
        if asked is not None:
            self._id = self._id or _name()
            function = {"name": asked[0], "arguments": orjson.dumps(asked[1]).decode()}
            return [{"id": self._id, "type": "function", "function": function}]
        return list(self._calls.values())

    @property
    def finish(self) -> str:
        if self.blocked:
            return FILTER
        if self.full:
            return LENGTH
        if self._finish in FINAL:
            return str(self._finish)
        return CALLS if self.tool_calls else STOP

    @property
    def final(self) -> bool:
        """Whether it ended before the model had said all; calls in it may be cut."""
        return self.finish in FINAL

    def drop_calls(self) -> None:
        """None of the calls is made."""
        self._react, self._calls = None, {}

    @property
    def full(self) -> bool:
        """Whether the answer is as long as it may be."""
        return self._size >= self._longest

    @property
    def blocked(self) -> str | None:
        """The rule by which the answer is withheld."""
        return self._guard.blocked if self._guard is not None else None

    def withhold(self, instead: str) -> None:
        """Nothing of it is kept."""
        self._text, self._reasoning, self._thoughts, self._back, self._calls = [instead], [], [], {}, {}
        self.details, self.refusal, self.logprobs, self.beside, self.around = [], "", None, {}, {}

    def take(self, delta: Delta) -> Delta | None:
        """Add a piece; return what of it is to be shown."""
        self.heard = True
        if self._guard is not None:
            delta = self._guarded(self._guard, delta)
        self._finish = delta.finish or self._finish
        self.usage = delta.usage or self.usage
        self.served = delta.served or self.served
        self._named = delta.named or self._named
        self._back = merged(self._back, delta.back)
        details: tuple[Json, ...] = ()
        if "DisableReasoningDetails" not in self._flags:
            hidden = "reasoning.summary" if "DisableReasoningSummary" in self._flags else None
            details = tuple(d for d in delta.details if d.get("type") != hidden)
            self.details += details
        text, reasoning = delta.text, delta.reasoning
        if reasoning:
            self._thoughts.append(reasoning)
        if delta.refusal and not self._direct:
            text += delta.refusal
        if self._whole:
            # Every piece is the whole answer, revised: only the last one is said.
            self._last = text or self._last
            text = ""
        gather(self._calls, delta.tool_calls)
        text, thoughts = self._read(text)
        shown = self._show(text, reasoning + thoughts, () if self.held else delta.tool_calls)
        return self._with(shown, delta, details)

    def _guarded(self, guard: Guard, delta: Delta) -> Delta:
        """What stands beside the text as it may go out; what tells the text in another way does not."""
        refusal = guard.refusal.feed(delta.refusal) if self._direct else delta.refusal
        beside, around = guard.beside(delta.beside), guard.beside(delta.around)
        return replace(delta, refusal=refusal, beside=beside, around=around, logprobs=None, details=())

    def _with(self, shown: Delta | None, delta: Delta, details: tuple[Json, ...]) -> Delta | None:
        """What is shown, with what stands beside the text."""
        self.logprobs = joined_logprobs(self.logprobs, delta.logprobs)
        self.beside = with_beside(self.beside, delta.beside)
        self.around |= delta.around
        refusal = delta.refusal if self._direct else ""
        self.refusal += refusal
        details = details if "ReturnReasoningTokens" in self._flags else ()
        if not (refusal or details or delta.logprobs or delta.beside or delta.around):
            return shown
        self.shown = self.shown or bool(refusal or delta.beside)
        return replace(
            shown or Delta(), refusal=refusal, logprobs=delta.logprobs, beside=delta.beside, around=delta.around,
            details=details,
        )

    def end(self) -> Delta | None:
        """What is said at the end."""
        text, reasoning = self._read(self._last)
        for n, reader in enumerate(self._readers):
            rest, thoughts = reader.end()
            for later in self._readers[n + 1 :]:
                rest, more = later.feed(rest) if rest else (rest, "")
                thoughts += more
            text, reasoning = text + rest, reasoning + thoughts
        if self._stop and self.finish == "stop" and not (self.text + text).endswith(self._stop):
            text += self._stop
        shown = self._show(text, reasoning, (), final=True)
        rest = self._guard.refusal.end() if self._guard is not None else ""
        self.refusal += rest
        return replace(shown or Delta(), refusal=rest) if rest else shown

    def add(self, text: str) -> Delta | None:
        """Words of the hub's own after the model's."""
        return self._show(f"\n\n{text}" if self.text.strip() and text else text, "", ())

    def _read(self, text: str) -> tuple[str, str]:
        thoughts = ""
        for reader in self._readers:
            if text:
                text, more = reader.feed(text)
                thoughts += more
        return text, thoughts

    def _show(self, text: str, reasoning: str, calls: tuple[Json, ...], final: bool = False) -> Delta | None:
        if text and self._prefill:
            text, self._prefill = self._prefill + text, ""
        reasoning = reasoning if "ReturnReasoningTokens" in self._flags else ""
        if self._guard is not None:
            text = self._out(self._guard.words, text, final)
            reasoning = self._out(self._guard.thoughts, reasoning, final)
        text = text[: self._longest - self._size]
        if not (text or reasoning or calls):
            return None
        if self.first is None:
            self.first = time.monotonic()
        self._text.append(text)
        self._size += len(text)
        self._reasoning.append(reasoning)
        self.shown = True
        return Delta(text, reasoning, calls)


    def _out(self, scanner: Scanner, text: str, final: bool) -> str:
        """What of a text may go out now; nothing more as soon as anything withholds the answer."""
        out = scanner.feed(text) + (scanner.end() if final else "")
        return "" if self.blocked else out


def _name() -> str:
    """For a call that its provider gave none."""
    return f"call_{ids.uuid7().hex[-12:]}"
