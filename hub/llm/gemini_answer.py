"""Answers of Gemini's generateContent API to deltas: each event of a stream is an answer of its own. Pure."""

from collections.abc import Iterable
from typing import Any

import orjson

from hub import ids
from hub.domain import Json, Usage
from hub.llm import finish
from hub.llm.counting import count
from hub.llm.reading import joined_logprobs, tells_error, with_beside
from hub.llm.sse import Halves, safe, whole
from hub.llm.toolcalls import ToolCalls
from hub.llm.types import Delta


class Reading:
    """One answer while it comes."""

    def __init__(self) -> None:
        self._calls = ToolCalls()
        self._halves = {name: Halves() for name in ("text", "thoughts")}
        self._model: str | None = None
        self._number = 0
        self._cited: set[str] = set()
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
            if "candidates" not in event and tells_error(event):
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
        made.thoughts += self._halves["thoughts"].end()
        made.calls += self._calls.end()
        return self._delta(made)

    def _event(self, event: Json, made: "_Made") -> None:
        if isinstance(event.get("modelVersion"), str):
            self._model = self._model or whole(event["modelVersion"])
        made.usage = usage_of(event.get("usageMetadata")) or made.usage
        blocked = (event.get("promptFeedback") or {}).get("blockReason")
        if blocked and not event.get("candidates"):
            self.heard = True
            self._finish(finish.FILTER, made)
        for candidate in event.get("candidates") or ():
            if candidate.get("index", 0) == 0:
                self._candidate(candidate, made)

    def _candidate(self, candidate: Json, made: "_Made") -> None:
        self.heard = True
        # First of all: what is of another shape below does not cost the end.
        self._finish(candidate.get("finishReason"), made)
        for part in (candidate.get("content") or {}).get("parts") or ():
            if isinstance(part, dict):
                self._part(part, made)
        made.logprobs = joined_logprobs(made.logprobs, _logprobs(candidate.get("logprobsResult")))
        for chunk in (candidate.get("groundingMetadata") or {}).get("groundingChunks") or ():
            self._cite(chunk.get("web") or {}, made)

    def _part(self, part: Json, made: "_Made") -> None:
        if isinstance(part.get("text"), str):
            if part.get("thought"):
                made.thoughts += self._halves["thoughts"].feed(part["text"])
            else:
                made.text += self._halves["text"].feed(part["text"])
        elif isinstance(part.get("functionCall"), dict):
            self._call(part, part["functionCall"], made)
        elif isinstance(part.get("inlineData"), dict):
            made.beside = with_beside(made.beside, _inline(part["inlineData"]))
        elif isinstance(part.get("executableCode"), dict):
            code = part["executableCode"]
            made.text += f"\n```{str(code.get('language') or '').lower()}\n{code.get('code') or ''}\n```\n"
        elif isinstance(part.get("codeExecutionResult"), dict):
            made.text += f"\n```\n{part['codeExecutionResult'].get('output') or ''}\n```\n"

    def _call(self, part: Json, call: Json, made: "_Made") -> None:
        """A call comes whole; the signature of the thought that led to it goes back with it."""
        arguments = orjson.dumps(safe(call.get("args") or {})).decode()
        fragment: Json = {
            "index": self._number, "id": call.get("id") or f"call_{ids.uuid7().hex[-12:]}",
            "function": {"name": call["name"], "arguments": arguments},
        }
        self._number += 1
        if isinstance(part.get("thoughtSignature"), str):
            fragment["extra_content"] = {"google": {"thought_signature": part["thoughtSignature"]}}
        made.calls += self._calls.take([fragment], last=True)

    def _cite(self, web: Json, made: "_Made") -> None:
        url = web.get("uri")
        if isinstance(url, str) and url not in self._cited:
            self._cited.add(url)
            cited = {"url": url, "title": web.get("title") or "", "start_index": 0, "end_index": 0}
            made.beside = with_beside(
                made.beside, {"annotations": [safe({"type": "url_citation", "url_citation": cited})]}
            )

    def _finish(self, reason: Any, made: "_Made") -> None:
        found = finish.mapped(reason)
        if found == finish.CUT:
            self.cut = whole(str(reason))[:100]
        elif found is not None:
            made.finish, self.ended = found, True

    def _delta(self, made: "_Made") -> Delta | None:
        if not any(vars(made).values()):
            return None
        return Delta(
            made.text, made.thoughts, tuple(made.calls), made.finish, made.usage, self._model,
            logprobs=made.logprobs, beside=made.beside,
        )


class _Made:
    """What the events of one read add up to."""

    def __init__(self) -> None:
        self.text = self.thoughts = ""
        self.calls: list[Json] = []
        self.finish: str | None = None
        self.usage: Usage | None = None
        self.logprobs: Json | None = None
        self.beside: Json = {}


def _inline(data: Json) -> Json:
    """A picture, or speech, as OpenAI's clients know it."""
    mime, content = str(data.get("mimeType") or ""), str(data.get("data") or "")
    if mime.startswith("audio/"):
        return {"audio": {"data": content, "format": mime.removeprefix("audio/")}}
    url = f"data:{mime or 'image/png'};base64,{content}"
    return {"images": [{"type": "image_url", "image_url": {"url": url}}]}


def _logprobs(told: Any) -> Json | None:
    if not isinstance(told, dict) or not told.get("chosenCandidates"):
        return None
    tops = [one.get("candidates") or () for one in told.get("topCandidates") or ()]
    chosen = [_token(one) for one in told["chosenCandidates"]]
    padded = [*tops, *([()] * len(chosen))]
    return {"content": [{**one, "top_logprobs": [_token(t) for t in padded[n]]} for n, one in enumerate(chosen)]}


def _token(one: Json) -> Json:
    token = str(one.get("token") or "")
    return {"token": token, "logprob": one.get("logProbability") or 0.0, "bytes": list(whole(token).encode())}


def usage_of(told: Any) -> Usage | None:
    """All tokens that were read, of which some were remembered; thoughts are part of the answer's."""
    if not isinstance(told, dict) or told.get("promptTokenCount") is None:
        return None
    thought = count(told.get("thoughtsTokenCount"))
    read = count(told["promptTokenCount"]) + count(told.get("toolUsePromptTokenCount"))
    made = count(told.get("candidatesTokenCount")) + thought
    details = {"reasoning_tokens": int(thought)} if thought else {}
    return Usage(int(read), int(made), int(count(told.get("cachedContentTokenCount"))), details)
