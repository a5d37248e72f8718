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
        self._calls: dict[int, Json] = {}
        # By the place of a call: the id its provider gave it. By a provider's index: the place.
        self._given: dict[int, str] = {}
        self._places: dict[int, int] = {}
        self._finish: str | None = None
        self.details: list[Json] = []
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
    def tool_calls(self) -> list[Json]:
        if self.full:
            return []  # the last of them may be cut
        asked = self._react.call if self._react is not None else None
        if asked is not None:
            self._id = self._id or _name()
            function = {"name": asked[0], "arguments": orjson.dumps(asked[1]).decode()}
            return [{"id": self._id, "type": "function", "function": function}]
        return list(self._calls.values())

    @property
    def finish(self) -> str:
        if self.full:
            return "length"
        if self.tool_calls:
            return "tool_calls"
        return "stop" if self._finish in (None, "tool_calls") else str(self._finish)

    def drop_calls(self) -> None:
        """None of the calls is made."""
        self._react, self._calls = None, {}

    @property
    def full(self) -> bool:
        """Whether the answer is as long as it may be."""
        return self._size >= self._longest

    def take(self, delta: Delta) -> Delta | None:
        """Add a piece; return what of it is to be shown."""
        self.heard = True
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
        calls = tuple(self._call(call) for call in delta.tool_calls)
        text, thoughts = self._read(text)
        return self._show(text, reasoning + thoughts, () if self.held else calls)

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

    def _call(self, fragment: Json) -> Json:
        """Fragments of one tool call become one; their arguments are joined. Returns the fragment with the
        place and the id that hold here: some providers name neither, or one of them twice."""
        function = fragment.get("function") or {}
        place = self._place(fragment, bool(function.get("name")))
        new = place not in self._calls
        if new:
            given = str(fragment.get("id") or "")
            known = given in (*self._given.values(), "")
            self._given[place] = given
            id = _name() if known else given
            self._calls[place] = {"id": id, "type": "function", "function": {"name": "", "arguments": ""}}
        call, arguments = self._calls[place], function.get("arguments") or ""
        call["function"]["name"] = str(function.get("name") or call["function"]["name"])
        call["function"]["arguments"] += arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
        return fragment | {"index": place} | ({"id": call["id"]} if new else {})

    def _place(self, fragment: Json, named: bool) -> int:
        """Which call a fragment belongs to."""
        index, given, last = fragment.get("index"), str(fragment.get("id") or ""), len(self._calls)
        if not isinstance(index, int):
            if given or named:
                return next((p for p, id in self._given.items() if id == given != ""), last)
            return max(last - 1, 0)
        place = self._places.get(index, last)
        if named and given and self._given.get(place, given) != given:
            place = last
        self._places[index] = place
        return place


def _name() -> str:
    """For a call that its provider gave none."""
    return f"call_{ids.uuid7().hex[-12:]}"
