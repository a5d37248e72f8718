"""Answers in the shape of chat completions: a whole one, and the events of a stream. Pure."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from hub.domain import Json, Usage
from hub.engine.ask import Answer
from hub.errors import HubError
from hub.llm.types import Delta

DONE = b"data: [DONE]\n\n"
PING = b": ping\n\n"


def usage(used: Usage) -> Json:
    cached = min(used.cached, used.prompt)
    return {
        "prompt_tokens": used.prompt - cached,
        "completion_tokens": used.completion,
        "total_tokens": used.total,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def completion(id: str, created: int, made: Answer) -> Json:
    message: Json = {
        "role": "assistant",
        "content": made.text if made.text or not made.tool_calls else None,
        "refusal": None,
        "annotations": [],
        "tool_calls": made.tool_calls,
    }
    if made.reasoning:
        message["reasoning"] = made.reasoning
    return {
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": made.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": made.finish}],
        "usage": usage(made.usage),
        "service_tier": "default",
        "generation_context": {"generated_usage": made.billed, "runned_functions": made.ran},
    }


@dataclass(slots=True)
class Chunks:
    """The events of one stream; the first carries the role. more: fields of every event beside the usual."""

    id: str
    created: int
    model: str
    begun: bool = False
    more: Json = field(default_factory=dict)

    def delta(self, said: Delta) -> bytes:
        """A piece of the answer; nothing when it is empty."""
        if said.event is not None:
            return self._tool(said.event)
        piece: Json = {}
        if said.text:
            piece["content"] = said.text
        if said.reasoning:
            piece["reasoning"] = said.reasoning
        if said.tool_calls:
            piece["tool_calls"] = [{"index": n, **call} for n, call in enumerate(said.tool_calls)]
        return self._chunk(self._role() | piece, None) if piece else b""

    def end(self, made: Answer) -> bytes:
        return self.finish(made.finish, usage(made.usage))

    def finish(self, reason: str, used: Json) -> bytes:
        return self._chunk(self._role(), reason, usage=used) + DONE

    def error(self, e: HubError) -> bytes:
        """The stream cannot go on; the status was sent long ago."""
        return self._chunk(self._role(), "error", error={"code": e.code, "message": str(e)}) + DONE

    def _tool(self, event: Json) -> bytes:
        """What a tool that the hub runs is doing."""
        head = b"" if self.begun else self._chunk(self._role(), None)
        body = {
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
            "choices": [], "servertool": event, "usage": None,
        }
        return head + b"data: " + orjson.dumps(body) + b"\n\n"

    def _role(self) -> Json:
        begun, self.begun = self.begun, True
        return {} if begun else {"role": "assistant"}

    def _chunk(self, delta: Json, finish: str | None, **more: Any) -> bytes:
        body: Json = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
            "usage": None,
        }
        return b"data: " + orjson.dumps(body | self.more | more) + b"\n\n"
