"""An answer while it is being said: pieces in, pieces to show out."""

import time

from hub.domain import Json, Usage
from hub.llm.thinking import Splitter
from hub.llm.types import Delta


class Draft:
    """Collects deltas; what must not be shown is taken out before."""

    def __init__(self, flags: frozenset[str], longest: int, prefill: str = "", stop: str = "") -> None:
        """`prefill` and `stop` are said around the answer."""
        self._thinking = Splitter() if "ThinkingProcess" in flags else None
        self._reasons = "ReturnReasoningTokens" in flags
        self._longest = longest
        self._prefill = prefill
        self._stop = stop
        self._text: list[str] = []
        self._size = 0
        self._reasoning: list[str] = []
        self._calls: dict[int, Json] = {}
        self._finish: str | None = None
        self.usage: Usage | None = None
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
        return list(self._calls.values())

    @property
    def finish(self) -> str:
        if self.full:
            return "length"
        return self._finish or ("tool_calls" if self._calls else "stop")

    @property
    def full(self) -> bool:
        """Whether the answer is as long as it may be."""
        return self._size >= self._longest

    def take(self, delta: Delta) -> Delta | None:
        """Add a piece; return what of it is to be shown."""
        self._finish = delta.finish or self._finish
        self.usage = delta.usage or self.usage
        text, reasoning = delta.text, delta.reasoning
        if self._thinking is not None and text:
            text, thoughts = self._thinking.feed(text)
            reasoning += thoughts
        for call in delta.tool_calls:
            self._call(call)
        return self._show(text, reasoning, delta.tool_calls)

    def end(self) -> Delta | None:
        """What is said at the end."""
        text, reasoning = self._thinking.end() if self._thinking is not None else ("", "")
        if self._stop and self.finish == "stop" and not (self.text + text).endswith(self._stop):
            text += self._stop
        return self._show(text, reasoning, ())

    def _show(self, text: str, reasoning: str, calls: tuple[Json, ...]) -> Delta | None:
        if text and self._prefill:
            text, self._prefill = self._prefill + text, ""
        text = text[: self._longest - self._size]
        reasoning = reasoning if self._reasons else ""
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
