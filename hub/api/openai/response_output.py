"""A response as it is shown: its items, its usage, and its pieces while it is made. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from hub.api.http.completion_chunks import cited
from hub.api.openai.response_schemas import ResponseIn
from hub.api.openai.response_tools import Tools, text_of
from hub.domain import Json, Usage
from hub.engine.ask import Answer
from hub.engine.responses import numbered
from hub.errors import HubError
from hub.llm.finish import FILTER, LENGTH
from hub.llm.reading import with_beside
from hub.llm.types import Delta

REASONS: Mapping[str, str] = {LENGTH: "max_output_tokens", FILTER: "content_filter"}
# Codes of errors that the documented list has.
CODES: Mapping[int, str] = {429: "rate_limit_exceeded", 400: "invalid_prompt"}
# Seals what a provider wants back; None: nobody asked for it, or there is nothing.
Seal = Callable[[Answer], str | None]


@dataclass(slots=True)
class Shown:
    """What is told of a response beside its answer. kept: whether it can be gone on from."""

    body: ResponseIn
    tools: Tools
    uid: UUID
    name: str
    created: int
    kept: bool
    model: str
    seal: Seal

    def response(self, output: list[Json], status: str = "in_progress", **more: Any) -> Json:
        body = self.body
        text = body.text.model_dump(by_alias=True, exclude_none=True) if body.text else {}
        return {
            "id": self.name, "object": "response", "created_at": self.created, "status": status, "background": False,
            "error": None, "incomplete_details": None, "instructions": body.instructions,
            "max_output_tokens": body.max_output_tokens, "max_tool_calls": None, "model": self.model,
            "output": output, "parallel_tool_calls": body.parallel_tool_calls is not False,
            "previous_response_id": body.previous_response_id,
            "reasoning": {
                "effort": body.reasoning.effort if body.reasoning else None,
                "summary": body.reasoning.summary or body.reasoning.generate_summary if body.reasoning else None,
            },
            "service_tier": "default", "store": self.kept, "temperature": body.temperature,
            "text": {**text, "format": text.get("format") or {"type": "text"}},
            "tool_choice": body.tool_choice or "auto", "tools": self.tools.shown,
            "top_logprobs": body.top_logprobs or 0, "top_p": body.top_p, "truncation": body.truncation or "disabled",
            "usage": None, "user": body.user, "metadata": body.metadata or {},
            "prompt_cache_key": body.prompt_cache_key, "safety_identifier": body.safety_identifier,
        } | more

    def done(self, output: list[Json], made: Answer, now: int) -> Json:
        reason = REASONS.get(made.finish)
        self.model = made.model
        return self.response(
            output, "incomplete" if reason else "completed", completed_at=None if reason else now,
            incomplete_details={"reason": reason} if reason else None, usage=usage(made.usage),
        )

    def id(self, prefix: str, number: int) -> str:
        return numbered(prefix, self.uid, number)


def usage(used: Usage) -> Json:
    return {
        "input_tokens": used.prompt,
        "input_tokens_details": {"cached_tokens": min(used.cached, used.prompt), "cache_write_tokens": 0},
        "output_tokens": used.completion,
        "output_tokens_details": {"reasoning_tokens": used.details.get("reasoning_tokens", 0)},
        "total_tokens": used.total,
    }


def event(kind: str, number: int, **fields: Any) -> bytes:
    body = {"type": kind, "sequence_number": number, **fields}
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(body) + b"\n\n"


def text_part(text: str, logprobs: list[Json], annotations: list[Json]) -> Json:
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": logprobs}


def flat(annotations: Any) -> list[Json]:
    """Annotations of a chat completion, whose facts stand in an object of their own, as those of a response."""
    found = []
    for one in annotations if isinstance(annotations, list) else ():
        inner = one.get(one.get("type")) if isinstance(one, dict) else None
        found.append({"type": one["type"], **inner} if isinstance(inner, dict) else one)
    return [a for a in found if isinstance(a, dict)]


@dataclass(slots=True)
class _Open:
    """An item that is being told. text: what it says so far."""

    place: int
    item: Json
    kind: str
    text: str = ""
    logprobs: list[Json] = field(default_factory=list)


class Making:
    """The events of a response. A whole one is told in the same way, and nobody hears it."""

    def __init__(self, shown: Shown, now: Callable[[], float], begun: Callable[[], str]) -> None:
        """begun: the model that answers, as far as it is known."""
        self.shown = shown
        self.output: list[Json] = []
        self.last: Json | None = None
        self._now, self._model = now, begun
        self._number = -1
        self._open: _Open | None = None
        self._calls: dict[int, _Open] = {}
        self._beside: Json = {}
        self._sealed: int | None = None

    def delta(self, said: Delta) -> bytes:
        """A piece of the answer."""
        told = self._begin()
        if said.reasoning:
            told += self._said("reasoning", said.reasoning)
        if said.text:
            told += self._said("text", said.text, (said.logprobs or {}).get("content"))
        if said.refusal:
            told += self._said("refusal", said.refusal)
        for n, piece in enumerate(said.tool_calls):
            told += self._called(n, piece)
        self._beside = with_beside(self._beside, said.beside)
        return told

    def end(self, made: Answer) -> bytes:
        told = self._begin() + self._annotated(made)
        for n in sorted(self._calls):
            told += self._end_call(self._calls[n])
        told += self._sealing(made)
        self.last = self.shown.done(self.output, made, int(self._now()))
        kind = "response.incomplete" if self.last["status"] == "incomplete" else "response.completed"
        return told + self._event(kind, response=self.last)

    def error(self, e: HubError) -> bytes:
        """The stream cannot go on; the status was sent long ago."""
        code = CODES.get(e.status, "server_error")
        told = self._begin() + self._event("error", code=e.code, message=str(e), param=e.field)
        failed = self.shown.response(self.output, "failed", error={"code": code, "message": str(e)})
        return told + self._event("response.failed", response=failed)

    def _event(self, kind: str, **fields: Any) -> bytes:
        self._number += 1
        return event(kind, self._number, **fields)

    def _begin(self) -> bytes:
        if self._number >= 0:
            return b""
        self.shown.model = self._model()
        begun = self.shown.response([])
        return self._event("response.created", response=begun) + self._event("response.in_progress", response=begun)

    def _add(self, prefix: str, item: Json, kind: str) -> tuple[_Open, bytes]:
        place = len(self.output)
        whole = {"id": self.shown.id(prefix, place), **item}
        self.output.append(whole)
        return _Open(place, whole, kind), self._event("response.output_item.added", output_index=place, item=whole)

    def _said(self, kind: str, text: str, logprobs: Any = None) -> bytes:
        told = b""
        if self._open is None or self._open.kind != kind:
            told += self._close() + self._opened(kind)
        now = self._open
        assert now is not None
        now.text += text
        at = {"item_id": now.item["id"], "output_index": now.place}
        if kind == "reasoning":
            return told + self._event("response.reasoning_summary_text.delta", **at, summary_index=0, delta=text)
        if kind == "refusal":
            return told + self._event("response.refusal.delta", **at, content_index=0, delta=text)
        seen = logprobs if isinstance(logprobs, list) else []
        now.logprobs += seen
        return told + self._event("response.output_text.delta", **at, content_index=0, delta=text, logprobs=seen)

    def _opened(self, kind: str) -> bytes:
        if kind == "reasoning":
            self._open, told = self._add("rs", {"type": "reasoning", "summary": []}, kind)
            at = {"item_id": self._open.item["id"], "output_index": self._open.place}
            part = {"type": "summary_text", "text": ""}
            return told + self._event("response.reasoning_summary_part.added", **at, summary_index=0, part=part)
        item = {"type": "message", "role": "assistant", "status": "in_progress", "content": []}
        self._open, told = self._add("msg", item, kind)
        at = {"item_id": self._open.item["id"], "output_index": self._open.place}
        part = text_part("", [], []) if kind == "text" else {"type": "refusal", "refusal": ""}
        return told + self._event("response.content_part.added", **at, content_index=0, part=part)

    def _close(self) -> bytes:
        """End the item that is being told, with what stands beside it."""
        now, self._open = self._open, None
        if now is None:
            return b""
        at = {"item_id": now.item["id"], "output_index": now.place}
        if now.kind == "reasoning":
            part: Json = {"type": "summary_text", "text": now.text}
            self.output[now.place] = {**now.item, "summary": [part]}
            return (
                self._event("response.reasoning_summary_text.done", **at, summary_index=0, text=now.text)
                + self._event("response.reasoning_summary_part.done", **at, summary_index=0, part=part)
                + (b"" if self._waits(now.place) else self._done(now.place))
            )
        told, annotations = b"", flat(self._beside.pop("annotations", None)) if now.kind == "text" else []
        for n, one in enumerate(annotations):
            told += self._event(
                "response.output_text.annotation.added", **at, content_index=0, annotation_index=n, annotation=one
            )
        if now.kind == "text":
            part = text_part(now.text, now.logprobs, annotations)
            told += self._event(
                "response.output_text.done", **at, content_index=0, text=now.text, logprobs=now.logprobs
            )
        else:
            part = {"type": "refusal", "refusal": now.text}
            told += self._event("response.refusal.done", **at, content_index=0, refusal=now.text)
        told += self._event("response.content_part.done", **at, content_index=0, part=part)
        self.output[now.place] = {**now.item, "status": "completed", "content": [part], **self._beside}
        self._beside = {}
        return told + self._done(now.place)

    def _done(self, place: int) -> bytes:
        return self._event("response.output_item.done", output_index=place, item=self.output[place])

    def _waits(self, place: int) -> bool:
        """What a provider wants back is known at the end, so an item that carries it ends there."""
        if "reasoning.encrypted_content" not in self.shown.body.wanted:
            return False
        if self._sealed is not None:
            return False
        self._sealed = place
        return True

    def _sealing(self, made: Answer) -> bytes:
        sealed = self.shown.seal(made)
        if self._sealed is None and sealed:
            opened, told = self._add("rs", {"type": "reasoning", "summary": []}, "reasoning")
            self.output[opened.place]["encrypted_content"] = sealed
            return told + self._done(opened.place)
        if self._sealed is None:
            return b""
        self.output[self._sealed] = {**self.output[self._sealed], "encrypted_content": sealed}
        return self._done(self._sealed)

    def _annotated(self, made: Answer) -> bytes:
        """The end of what was said."""
        self._beside = with_beside(self._beside, {"annotations": found} if (found := cited(made)) else {})
        told = b""
        if self._open is None and (self._beside or not (self.output or made.tool_calls)):
            # What is not said is told beside a text without words.
            told += self._opened("text")
        return told + self._close()

    def _called(self, n: int, piece: Json) -> bytes:
        index = int(piece.get("index", n))
        function = piece.get("function") or {}
        told = b""
        if index not in self._calls:
            told += self._close()
            call = {**{k: v for k, v in piece.items() if k != "index"}, "function": {**function, "arguments": ""}}
            item = {**self.shown.tools.item(call), "status": "in_progress"}
            prefix = "ctc" if item["type"] == "custom_tool_call" else "fc"
            self._calls[index], more = self._add(prefix, item, item["type"])
            told += more
        now = self._calls[index]
        text = str(function.get("arguments") or "")
        now.text += text
        if text and now.kind == "function_call":
            at = {"item_id": now.item["id"], "output_index": now.place}
            told += self._event("response.function_call_arguments.delta", **at, delta=text)
        return told

    def _end_call(self, now: _Open) -> bytes:
        at = {"item_id": now.item["id"], "output_index": now.place}
        if now.kind == "custom_tool_call":
            text = text_of(now.text)
            told = self._event("response.custom_tool_call_input.delta", **at, delta=text)
            told += self._event("response.custom_tool_call_input.done", **at, input=text)
            self.output[now.place] = {**now.item, "input": text, "status": "completed"}
        else:
            told = self._event(
                "response.function_call_arguments.done", **at, name=now.item["name"], arguments=now.text
            )
            self.output[now.place] = {**now.item, "arguments": now.text, "status": "completed"}
        return told + self._done(now.place)
