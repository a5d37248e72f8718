"""An answer in Anthropic's shape: a whole message, and the events of one. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from hub.domain import Json, Usage
from hub.engine.ask import Answer
from hub.errors import HubError
from hub.llm.finish import CALLS, FILTER, LENGTH
from hub.llm.types import Delta

REASONS: Mapping[str, str] = {LENGTH: "max_tokens", FILTER: "refusal", CALLS: "tool_use"}
# The signature of thoughts that were shown.
Sign = Callable[[], str]
# What a provider wants back besides, sealed; None: nothing.
Seal = Callable[[Answer], str | None]
STARTS: Mapping[str, Json] = {
    "text": {"type": "text", "text": ""}, "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}


def usage(used: Usage) -> Json:
    cached = min(used.cached, used.prompt)
    written = min(used.written, used.prompt - cached)
    return {
        "input_tokens": used.prompt - cached - written, "output_tokens": used.completion,
        "cache_creation_input_tokens": written, "cache_read_input_tokens": cached,
    }


def reason(made: Answer) -> str:
    return "refusal" if made.refusal else REASONS.get(made.finish, "end_turn")


def event(kind: str, **fields: Any) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps({"type": kind, **fields}) + b"\n\n"


class Saying:
    """The events of a message. A whole one is told in the same way, and nobody hears it."""

    def __init__(self, name: str, model: Callable[[], str], sign: Sign | None, seal: Seal) -> None:
        """name: its id. sign: None where thoughts are not wanted."""
        self.content: list[Json] = []
        self._name, self._model, self._sign, self._seal = name, model, sign, seal
        self._begun = False
        self._kind = ""
        self._calls: dict[int, Json] = {}
        self._live: int | None = None
        self._later = ""

    def delta(self, said: Delta) -> bytes:
        """A piece of the answer."""
        told = self._begin()
        if said.reasoning and self._sign is not None:
            told += self._within("thinking")
            self.content[-1]["thinking"] += said.reasoning
            told += self._piece({"type": "thinking_delta", "thinking": said.reasoning})
        if (text := said.text + said.refusal) and self._live is not None:
            # Blocks come one after the other, and nobody knows yet whether the call is whole.
            self._later += text
        elif text:
            told += self._within("text")
            self.content[-1]["text"] += text
            told += self._piece({"type": "text_delta", "text": text})
        for n, piece in enumerate(said.tool_calls):
            told += self._called(int(piece.get("index", n)), piece)
        return told

    def end(self, made: Answer) -> bytes:
        told = self._begin() + self._close()
        for index in sorted(self._calls):
            told += self._start(self._calls[index]) + self._close() if index != self._live else b""
        if self._later:
            told += self._start({"type": "text", "text": ""}) + self._piece({"type": "text_delta", "text": self._later})
            self.content[-1]["text"] = self._later
            told += self._close()
        sealed = self._seal(made) if self._sign is not None else None
        if sealed:
            told += self._start({"type": "redacted_thinking", "data": sealed}) + self._close()
        stopped = {"stop_reason": reason(made), "stop_sequence": None}
        return told + event("message_delta", delta=stopped, usage=usage(made.usage)) + event("message_stop")

    def error(self, e: HubError) -> bytes:
        """The stream cannot go on; the status was sent long ago."""
        kind = "rate_limit_error" if e.status == 429 else "overloaded_error" if e.status == 503 else "api_error"
        return event("error", error={"type": kind, "message": str(e)})

    def message(self, made: Answer) -> Json:
        return {
            "id": self._name, "type": "message", "role": "assistant", "model": made.model, "content": self.content,
            "stop_reason": reason(made), "stop_sequence": None, "usage": usage(made.usage),
        }

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        begun: Json = {
            "id": self._name, "type": "message", "role": "assistant", "model": self._model(), "content": [],
            "stop_reason": None, "stop_sequence": None, "usage": usage(Usage()),
        }
        return event("message_start", message=begun) + event("ping")

    def _within(self, kind: str) -> bytes:
        if self._kind == kind:
            return b""
        return self._close() + self._start(dict(STARTS[kind]))

    def _start(self, block: Json) -> bytes:
        self.content.append(block)
        self._kind = block["type"]
        shown = {k: v for k, v in block.items() if k not in ("partial", "held")}
        return event("content_block_start", index=len(self.content) - 1, content_block=shown)

    def _piece(self, delta: Json) -> bytes:
        return event("content_block_delta", index=len(self.content) - 1, delta=delta)

    def _close(self) -> bytes:
        """The end of the block that is being told: blocks come one after the other."""
        if not self._kind:
            return b""
        told, block = b"", self.content[-1]
        if self._kind == "thinking" and self._sign is not None:
            block["signature"] = self._sign()
            told += self._piece({"type": "signature_delta", "signature": block["signature"]})
        if self._kind == "tool_use":
            text = str(block.pop("partial", ""))
            block["input"] = _object(text)
            # Of the call that was told as it came nothing is left.
            told += self._piece({"type": "input_json_delta", "partial_json": text}) if block.pop("held") else b""
        self._kind = ""
        return told + event("content_block_stop", index=len(self.content) - 1)

    def _called(self, index: int, piece: Json) -> bytes:
        """The first call is told as it comes; further ones at the end, as calls may come mixed and blocks may not."""
        function, told = piece.get("function") or {}, b""
        if index not in self._calls:
            extra = {k: v for k, v in piece.items() if k not in ("id", "type", "index", "function")}
            held = self._live is not None
            block = {"type": "tool_use", "id": piece.get("id"), "name": function.get("name"), "input": {}, **extra}
            self._calls[index] = {**block, "partial": "", "held": held}
            if not held:
                told += self._close() + self._start(self._calls[index])
                self._live = index
        text = str(function.get("arguments") or "")
        self._calls[index]["partial"] += text
        if index == self._live and text:
            told += self._piece({"type": "input_json_delta", "partial_json": text})
        return told


def _object(text: str) -> Any:
    """Arguments as an object; a model that was cut has written no whole one."""
    try:
        return orjson.loads(text or "{}")
    except ValueError:
        return {}
