"""An answer while it is being said: pieces in, pieces to show out."""

import time
from typing import Protocol

import orjson

from hub import ids
from hub.domain import Json, Usage
from hub.llm import react
from hub.llm.thinking import Splitter
from hub.llm.types import Delta


class Reader(Protocol):
    """Takes text apart into (answer, thoughts)."""

    def feed(self, text: str) -> tuple[str, str]: ...
    def end(self) -> tuple[str, str]: ...


class Draft:
    """Collects deltas; what must not be shown is taken out before."""

    def __init__(
        self, flags: frozenset[str], longest: int, prefill: str = "", stop: str = "", *, spoken: bool = False,
        held: bool = False,
    ) -> None:
        """`prefill` and `stop` are said around the answer. `spoken`: the model asks for tools in words.
        `held`: tool calls are not shown, as some may not be the caller's."""
        self._id = f"call_{ids.uuid7().hex[-12:]}"
        self._held = held
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
        self._calls: dict[int, Json] = {}
        self._finish: str | None = None
        self.details: list[Json] = []
        self.usage: Usage | None = None
        self.served: str | None = None
        self.first: float | None = None
        self.shown = False

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        return "".join(self._reasoning)

    @property
    def tool_calls(self) -> list[Json]:
        asked = self._react.call if self._react is not None else None
        if asked is not None:
            function = {"name": asked[0], "arguments": orjson.dumps(asked[1]).decode()}
            return [{"id": self._id, "type": "function", "function": function}]
        return list(self._calls.values())

    @property
    def finish(self) -> str:
        if self.full:
            return "length"
        return "tool_calls" if self.tool_calls else self._finish or "stop"

    @property
    def full(self) -> bool:
        """Whether the answer is as long as it may be."""
        return self._size >= self._longest

    def take(self, delta: Delta) -> Delta | None:
        """Add a piece; return what of it is to be shown."""
        self._finish = delta.finish or self._finish
        self.usage = delta.usage or self.usage
        self.served = delta.served or self.served
        if "DisableReasoningDetails" not in self._flags:
            hidden = "reasoning.summary" if "DisableReasoningSummary" in self._flags else None
            self.details += [d for d in delta.details if d.get("type") != hidden]
        text, reasoning = delta.text, delta.reasoning
        if self._whole:
            # Every piece is the whole answer, revised: only the last one is said.
            self._last = text or self._last
            text = ""
        for call in delta.tool_calls:
            self._call(call)
        text, thoughts = self._read(text)
        return self._show(text, reasoning + thoughts, () if self._held else delta.tool_calls)

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
        return self._show(text, reasoning, ())

    def _read(self, text: str) -> tuple[str, str]:
        thoughts = ""
        for reader in self._readers:
            if text:
                text, more = reader.feed(text)
                thoughts += more
        return text, thoughts

    def _show(self, text: str, reasoning: str, calls: tuple[Json, ...]) -> Delta | None:
        if text and self._prefill:
            text, self._prefill = self._prefill + text, ""
        text = text[: self._longest - self._size]
        reasoning = reasoning if "ReturnReasoningTokens" in self._flags else ""
        if not (text or reasoning or calls):
            return None
        if self.first is None:
            self.first = time.monotonic()
        self._text.append(text)
        self._size += len(text)
        self._reasoning.append(reasoning)
        self.shown = True
        return Delta(text, reasoning, calls)

    def _call(self, fragment: Json) -> None:
        """Fragments of one tool call become one; their arguments are joined."""
        place = fragment.get("index")
        place = place if isinstance(place, int) else len(self._calls)
        function = fragment.get("function") or {}
        call = self._calls.setdefault(place, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
        call["id"] = fragment.get("id") or call["id"]
        call["function"]["name"] = function.get("name") or call["function"]["name"]
        call["function"]["arguments"] += function.get("arguments") or ""
