"""Chat completion events to deltas: the events of one read become one delta. Pure."""

from collections.abc import Iterable
from typing import Any

import orjson

from hub.domain import Json, Usage
from hub.llm.types import Delta

DONE = b"[DONE]"
LINE_SIZE = 8_000_000
MOST = 100_000_000


class Events:
    """Parses a stream of `chat.completion.chunk` events, fed as it arrives."""

    def __init__(self, whole: bool = False) -> None:
        """`whole`: each event holds the whole text so far; the last one of a read counts."""
        self._whole = whole
        self._rest = b""
        self._finish: str | None = None
        self._model: str | None = None
        self.done = False
        self.error: Any = None

    @property
    def complete(self) -> bool:
        """Whether the answer ended; a closed connection alone is not an end."""
        return self.done or self._finish is not None

    def feed(self, chunk: bytes) -> Delta | None:
        """What the events that are whole now say together; None when nothing. Raise ValueError."""
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LINE_SIZE:
            raise ValueError("an event without end")
        found: list[Json] = []
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == DONE:
                self.done = True
                break
            event = orjson.loads(data)
            if isinstance(event, dict):
                found.append(event)
        try:
            return self._join(found)
        except (TypeError, AttributeError):
            raise ValueError("an event of another shape") from None

    def _join(self, events: Iterable[Json]) -> Delta | None:
        text, reasoning = "", ""
        calls: list[Json] = []
        details: list[Json] = []
        finish: str | None = None
        usage: Usage | None = None
        for event in events:
            if event.get("error"):
                self.error = event
                return None
            self._model = self._model or event.get("model")
            usage = usage_of(event.get("usage")) or usage
            for choice in (event.get("choices") or ())[:1]:
                piece = choice.get("delta") or {}
                words, thoughts = said(piece)
                text = words or text if self._whole else text + words
                reasoning += thoughts
                calls += fragments(piece.get("tool_calls"))
                details += piece.get("reasoning_details") or ()
                finish = choice.get("finish_reason") or finish
        self._finish = finish or self._finish
        if not (text or reasoning or calls or finish or usage or details):
            return None
        return Delta(text, reasoning, tuple(calls), finish, usage, self._model, details=tuple(details))


def of_completion(body: Json) -> Delta:
    """A whole `chat.completion` as one delta. Raise ValueError when it is something else."""
    try:
        choice = body["choices"][0]
        message = choice.get("message") or {}
        text, reasoning = said(message)
        calls = tuple({"index": i, **c} for i, c in enumerate(fragments(message.get("tool_calls"))))
        finish = choice.get("finish_reason") or "stop"
        details = tuple(message.get("reasoning_details") or ())
        return Delta(text, reasoning, calls, finish, usage_of(body.get("usage")), body.get("model"), details=details)
    except (LookupError, TypeError, AttributeError):
        raise ValueError("an answer of another shape") from None


def fragments(given: Any) -> list[Json]:
    """Pieces of tool calls. Raise TypeError for what is none."""
    found = list(given or ())
    if not all(isinstance(c, dict) and isinstance(c.get("function") or {}, dict) for c in found):
        raise TypeError
    return found


def said(message: Json) -> tuple[str, str]:
    """Text and reasoning of a message or of a piece of one, in the spellings providers use."""
    content = message.get("content")
    reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    if isinstance(content, list):
        text = "".join(str(p.get("text") or "") for p in content if p.get("type") == "text")
        return text, reasoning if isinstance(reasoning, str) else ""
    return content if isinstance(content, str) else "", reasoning if isinstance(reasoning, str) else ""


def usage_of(body: Any) -> Usage | None:
    if not isinstance(body, dict):
        return None
    details = body.get("prompt_tokens_details") or {}
    counts = (body.get("prompt_tokens"), body.get("completion_tokens"), details.get("cached_tokens"))
    # What a provider counts is believed within what a column holds.
    return Usage(*(int(min(max(float(n or 0), 0), MOST)) for n in counts))
