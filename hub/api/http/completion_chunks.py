"""Answers in the shape of chat completions: a whole one, and the events of a stream. Pure."""

from collections.abc import Sequence
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
    found: Json = {
        "prompt_tokens": used.prompt - cached,
        "completion_tokens": used.completion,
        "total_tokens": used.total,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    return found | {"completion_tokens_details": dict(used.details)} if used.details else found


def cited(made: Answer) -> list[Json]:
    """Citations as annotations, of a provider that gives only a list of addresses."""
    if made.beside.get("annotations"):
        return []
    given = made.around.get("citations")
    urls = [c if isinstance(c, str) else c.get("url") for c in given if isinstance(c, str | dict)] if isinstance(
        given, list) else []
    return [
        {"type": "url_citation", "url_citation": {"url": u, "title": "", "start_index": 0, "end_index": 0}}
        for u in urls if isinstance(u, str)
    ]


def completion(id: str, created: int, made: Answer, *, legacy: bool = False) -> Json:
    """legacy: for a caller that knows functions, not tools."""
    spoken = made.text or not (made.tool_calls or made.refusal)
    message: Json = {
        "role": "assistant",
        "content": made.text if spoken else None,
        "refusal": made.refusal,
        "annotations": cited(made),
        **made.beside,
        "tool_calls": made.tool_calls,
    }
    if made.reasoning:
        message["reasoning"] = made.reasoning
    if made.details:
        message["reasoning_details"] = made.details
    if legacy and made.tool_calls:
        message["function_call"] = made.tool_calls[0]["function"]
    choice = {"index": 0, "message": message, "logprobs": made.logprobs, "finish_reason": _finish(made, legacy)}
    context = {"generated_usage": made.billed, "runned_functions": made.ran, **ruled(made)}
    return _whole(id, created, made.model, choice, made.usage, made.around, context)


def words_alone(
    id: str, created: int, model: str, text: str, finish: str, used: Usage, billed: list[Json], around: Json
) -> Json:
    """The same of an answer that is nothing but words."""
    message: Json = {"role": "assistant", "content": text, "refusal": None, "annotations": [], "tool_calls": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return _whole(id, created, model, choice, used, around, {"generated_usage": billed, "runned_functions": []})


def _whole(id: str, created: int, model: str, choice: Json, used: Usage, around: Json, context: Json) -> Json:
    return {
        "id": id, "object": "chat.completion", "created": created, "model": model, "choices": [choice],
        "usage": usage(used), "service_tier": "default", **around, "generation_context": context,
    }


def ruled(made: Answer) -> Json:
    """What the gateway's rules for what goes out did, where they did something."""
    return {"output_rules": dict(made.fired)} if made.fired else {}


def _finish(made: Answer, legacy: bool) -> str:
    return "function_call" if legacy and made.finish == "tool_calls" else made.finish


@dataclass(slots=True)
class Chunks:
    """The events of one stream; the first carries the role. more: fields of every event beside the usual.
    legacy: for a caller that knows functions, not tools."""

    id: str
    created: int
    model: str
    begun: bool = False
    more: Json = field(default_factory=dict)
    legacy: bool = False

    def delta(self, said: Delta) -> bytes:
        """A piece of the answer; nothing when it is empty."""
        if said.event is not None:
            return self._tool(said.event)
        piece: Json = {}
        if said.text:
            piece["content"] = said.text
        if said.reasoning:
            piece["reasoning"] = said.reasoning
        if said.details:
            piece["reasoning_details"] = list(said.details)
        if said.refusal:
            piece["refusal"] = said.refusal
        if said.tool_calls:
            piece["tool_calls"] = [{"index": n, **call} for n, call in enumerate(said.tool_calls)]
            if self.legacy:
                piece |= _function_call(said.tool_calls)
        piece |= said.beside
        if not (piece or said.logprobs or said.around):
            return b""
        return self._chunk(self._role() | piece, None, said.logprobs, **said.around)

    def end(self, made: Answer) -> bytes:
        annotations = cited(made)
        told = self._chunk(self._role() | {"annotations": annotations}, None) if annotations else b""
        return told + self.finish(_finish(made, self.legacy), usage(made.usage), **ruled(made))

    def finish(self, reason: str, used: Json, **more: Any) -> bytes:
        return self._chunk(self._role(), reason, usage=used, **more) + DONE

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

    def _chunk(self, delta: Json, finish: str | None, logprobs: Json | None = None, **more: Any) -> bytes:
        body: Json = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}],
            "usage": None,
        }
        return b"data: " + orjson.dumps(body | self.more | more) + b"\n\n"


def _function_call(calls: Sequence[Json]) -> Json:
    """The first call, as it was said before there were tools."""
    first = next((c for n, c in enumerate(calls) if c.get("index", n) == 0 and c.get("function")), None)
    return {"function_call": first["function"]} if first else {}
