"""Answers of Anthropic's Messages API to deltas: the events of a stream, or one document. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from hub.domain import Json, Usage
from hub.llm import finish
from hub.llm.anthropic_request import NAME
from hub.llm.counting import count
from hub.llm.reading import tells_error
from hub.llm.sse import Halves, safe, whole
from hub.llm.toolcalls import ToolCalls
from hub.llm.types import Delta


class Reading:
    """One answer while it comes."""

    def __init__(self) -> None:
        self._blocks: dict[int, Json] = {}
        self._calls = ToolCalls()
        self._halves = {name: Halves() for name in ("text", "thinking")}
        self._thoughts: list[Json] = []
        self._counted: Json = {}
        self._model: str | None = None
        self.heard = False
        self.calling = False  # it is told at once
        self.ended = False
        self.over = False
        self.cut: str | None = None
        self.error: Any = None

    def take(self, events: Iterable[Json]) -> Delta | None:
        """What the events of one read say together; None when nothing."""
        made = _Made()
        for event in events:
            if event.get("type") == "error" or (event.get("type") is None and tells_error(event)):
                self.error = event
                break
            try:
                self._event(event, made)
            except (TypeError, AttributeError, ValueError, KeyError):
                continue  # an event of another shape says nothing
        return self._delta(made)

    def end(self) -> Delta | None:
        """What was held back, when the answer is over."""
        made = _Made()
        made.text += self._halves["text"].end()
        made.thoughts += self._halves["thinking"].end()
        made.calls += self._calls.end()
        return self._delta(made)

    def _event(self, event: Json, made: "_Made") -> None:
        match event.get("type"):
            case "message_start":
                self._begin(event["message"], made)
            case "content_block_start":
                self._block(event["index"], event["content_block"], made)
            case "content_block_delta":
                self._piece(event["index"], event["delta"], made)
            case "content_block_stop":
                self._closed(event["index"])
            case "message_delta":
                self._usage(event.get("usage"), made)
                self._finish((event.get("delta") or {}).get("stop_reason"), made)
            case "message_stop":
                self.over = True
            case "message":
                self._begin(event, made)
                self._finish(event.get("stop_reason"), made)
                for n, block in enumerate(event["content"]):
                    self._block(n, block, made)
                    self._closed(n)

    def _begin(self, message: Json, made: "_Made") -> None:
        self.heard = True
        if isinstance(message.get("model"), str):
            self._model = whole(message["model"])
        self._usage(message.get("usage"), made)

    def _block(self, index: int, block: Json, made: "_Made") -> None:
        self.heard = True
        self._blocks[index] = {**block}
        match block.get("type"):
            case "text":
                made.text += self._halves["text"].feed(str(block.get("text") or ""))
                for one in block.get("citations") or ():
                    self._cite(one, made)
            case "thinking":
                made.thoughts += self._halves["thinking"].feed(str(block.get("thinking") or ""))
            case "tool_use":
                given = block.get("input")
                arguments = orjson.dumps(safe(given)).decode() if given else ""
                thoughts, self._thoughts = self._thoughts, []
                fragment: Json = {
                    "index": index, "id": block.get("id"), "function": {"name": block["name"], "arguments": arguments},
                }
                if thoughts:
                    # The provider wants them back before the result of the call.
                    fragment["extra_content"] = {NAME: {"thinking_blocks": thoughts}}
                made.calls += self._calls.take([fragment], last=True)

    def _piece(self, index: int, delta: Json, made: "_Made") -> None:
        block = self._blocks.get(index, {})
        match delta.get("type"):
            case "text_delta":
                made.text += self._halves["text"].feed(delta["text"])
            case "thinking_delta":
                words = self._halves["thinking"].feed(delta["thinking"])
                block["thinking"] = str(block.get("thinking") or "") + words
                made.thoughts += words
            case "signature_delta":
                block["signature"] = str(block.get("signature") or "") + whole(delta["signature"])
            case "input_json_delta" if block.get("type") == "tool_use":
                made.calls += self._calls.take([{"index": index, "function": {"arguments": delta["partial_json"]}}])
            case "citations_delta":
                self._cite(delta["citation"], made)

    def _closed(self, index: int) -> None:
        block = self._blocks.get(index, {})
        if block.get("type") == "thinking":
            # Servers that are not Anthropic's sign nothing, and take it back like that.
            kept = {"thinking": block.get("thinking") or "", "signature": block.get("signature") or ""}
            self._thoughts.append(safe({"type": "thinking", **kept}))
        elif block.get("type") == "redacted_thinking":
            self._thoughts.append(safe({"type": "redacted_thinking", "data": block.get("data") or ""}))

    @staticmethod
    def _cite(one: Json, made: "_Made") -> None:
        """A citation with an address, as OpenAI's clients know it."""
        if one.get("url"):
            cited = {"url": one["url"], "title": one.get("title") or "", "start_index": 0, "end_index": 0}
            made.notes.append(safe({"type": "url_citation", "url_citation": cited}))

    def _finish(self, reason: Any, made: "_Made") -> None:
        found = finish.mapped(reason)
        if found == finish.CUT:
            self.cut = whole(str(reason))[:100]
        elif found is not None:
            made.finish, self.ended = found, True

    def _usage(self, told: Any, made: "_Made") -> None:
        if isinstance(told, dict):
            self._counted |= {k: v for k, v in told.items() if v is not None}
            made.usage = usage_of(self._counted)

    def _delta(self, made: "_Made") -> Delta | None:
        if not any(vars(made).values()):
            return None
        beside = {"annotations": made.notes} if made.notes else {}
        return Delta(
            made.text, made.thoughts, _joined(made.calls), made.finish, made.usage, self._model, beside=beside,
        )


class _Made:
    """What the events of one read add up to."""

    def __init__(self) -> None:
        self.text = self.thoughts = ""
        self.calls: list[Json] = []
        self.notes: list[Json] = []
        self.finish: str | None = None
        self.usage: Usage | None = None


def _joined(pieces: Iterable[Json]) -> tuple[Json, ...]:
    """Pieces of one read with each call once."""
    found: dict[int, Json] = {}
    for piece in pieces:
        before = found.get(piece["index"])
        if before is None:
            found[piece["index"]] = piece
            continue
        words = before.get("function", {}).get("arguments", "") + piece.get("function", {}).get("arguments", "")
        found[piece["index"]] = {**before, **piece, "function": {**before.get("function", {}), "arguments": words}}
    return tuple(found.values())


def usage_of(told: Mapping[str, Any]) -> Usage:
    """All tokens that were read, of which some were remembered, and some are from now on."""
    cached, written = count(told.get("cache_read_input_tokens")), count(told.get("cache_creation_input_tokens"))
    read = count(told.get("input_tokens")) + written + cached
    details = told.get("output_tokens_details")
    thought = details.get("thinking_tokens") if isinstance(details, dict) else None
    counted = {} if thought is None else {"reasoning_tokens": int(count(thought))}
    return Usage(int(read), int(count(told.get("output_tokens"))), int(cached), counted, int(written))
