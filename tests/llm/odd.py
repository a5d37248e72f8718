"""Answers as providers write them, put together from their parts."""

from typing import Any

import orjson

from hub.domain import Json

USED = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
PARIS, ROME = '{"city":"Paris"}', '{"city":"Rome"}'
END = "data: [DONE]\n\n"


def http(body: str | bytes, status: int = 200, kind: str = "text/event-stream", **headers: str) -> bytes:
    more = "".join(f"{n.replace('_', '-')}: {v}\r\n" for n, v in headers.items())
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nConnection: close\r\n{more}\r\n"
    return head.encode() + (body.encode() if isinstance(body, str) else body)


def piece(delta: Json | str | None = None, finish: Any = None, **more: Any) -> Json:
    """A text, or the fields of a delta."""
    said = {"content": delta} if isinstance(delta, str) else delta or {}
    return {
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "fake",
        "choices": [{"index": 0, "delta": said, "finish_reason": finish}], **more,
    }


def counted(**usage: Any) -> Json:
    return {"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": usage or USED}


def streamed(*events: Json | str, end: str = END) -> bytes:
    """Events; a text stands as it is."""
    return http("".join(e if isinstance(e, str) else f"data: {orjson.dumps(e).decode()}\n\n" for e in events) + end)


def told(text: str, *, finish: Any = "stop", usage: Json | None = None) -> bytes:
    """The plainest of streams."""
    return streamed(piece(text), piece({}, finish), counted(**(usage or {})))


def whole(message: Json, finish: Any = "stop", **more: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return document({"id": "c", "object": "chat.completion", "created": 1, "model": "fake", "choices": [choice],
                     "usage": USED, **more})


def document(found: Any, status: int = 200, **headers: str) -> bytes:
    return http(orjson.dumps(found), status, "application/json", **headers)


def refused(text: str, status: int = 400, **error: Any) -> bytes:
    return document({"error": {"message": text, "type": "invalid_request_error", **error}}, status)


def call(index: int | None = 0, id: str | None = None, name: str | None = None, arguments: Any = None) -> Json:
    """A piece of a tool call, without the fields that are None."""
    function = {n: v for n, v in (("name", name), ("arguments", arguments)) if v is not None}
    fields = {n: v for n, v in (("index", index), ("id", id)) if v is not None}
    return {"tool_calls": [{**fields, "function": function}]}


def calling(*pieces: Json) -> bytes:
    return streamed(*(piece(p) for p in pieces), piece({}, "tool_calls"), counted())
