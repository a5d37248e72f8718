"""Answers of local servers that speak Anthropic's and Gemini's own APIs, for `tests/fakes/model.py`."""

from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web

from tests.fakes.model import Act
from tests.fakes.official import told_anthropic, told_gemini

Json = dict[str, Any]
READ = {"input_tokens": 10, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 7, "output_tokens": 1}
THOUGHT: Json = {"type": "thinking", "thinking": "I must look.", "signature": "c2lnbmVk"}
HIDDEN: Json = {"type": "redacted_thinking", "data": "aGlkZGVu"}
COUNTED = {
    "promptTokenCount": 20, "cachedContentTokenCount": 7, "candidatesTokenCount": 5, "thoughtsTokenCount": 4,
    "totalTokenCount": 29,
}


def text(words: str) -> Json:
    return {"type": "text", "text": words, "citations": None}


def use(name: str, given: Json, id: str = "toolu_1") -> Json:
    return {"type": "tool_use", "id": id, "name": name, "input": given, "caller": {"type": "direct"}}


def _message(blocks: Sequence[Json], reason: str | None, used: Json) -> Json:
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-fake", "content": list(blocks),
        "stop_reason": reason, "stop_sequence": None, "usage": used, "container": None,
    }


def _pieces(block: Json, index: int) -> list[Json]:
    """The events of one block, its content in two pieces."""
    match block["type"]:
        case "text":
            empty, name, kind, content = {**block, "text": ""}, "text", "text_delta", block["text"]
        case "thinking":
            empty, name, kind, content = (
                {**block, "thinking": "", "signature": ""}, "thinking", "thinking_delta", block["thinking"])
        case "tool_use":
            empty, name, kind, content = (
                {**block, "input": {}}, "partial_json", "input_json_delta", orjson.dumps(block["input"]).decode())
        case _:
            empty, name, kind, content = block, "", "", ""
    half = len(content) // 2
    deltas: list[Json] = [{"type": kind, name: c} for c in (content[:half], content[half:]) if c]
    if block["type"] == "thinking":
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    deltas += [{"type": "citations_delta", "citation": one} for one in block.get("citations") or ()]
    return [
        {"type": "content_block_start", "index": index, "content_block": {**empty, **_uncited(empty)}},
        *({"type": "content_block_delta", "index": index, "delta": d} for d in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _uncited(block: Json) -> Json:
    return {"citations": None} if block.get("citations") else {}


def claude(*blocks: Json, reason: str = "end_turn", whole: bool = False, used: Json | None = None) -> Act:
    """A message of these blocks, as a stream or (`whole`) as one document."""
    last = {"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}, **(used or {})}

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        if whole:
            return web.json_response(told_anthropic(_message(blocks, reason, {**READ, **last})))
        events: list[Json] = [
            {"type": "message_start", "message": _message((), None, READ)}, {"type": "ping"},
            *(e for n, block in enumerate(blocks) for e in _pieces(block, n)),
            {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": last},
            {"type": "message_stop"},
        ]
        content = b"".join(
            b"event: %s\ndata: %s\n\n" % (e["type"].encode(), orjson.dumps(told_anthropic(e))) for e in events)
        return web.Response(body=content, content_type="text/event-stream")

    return act


def gemini(*parts: Json, reason: str = "STOP", whole: bool = False, **more: Any) -> Act:
    """A candidate of these parts, each an event of its own, or (`whole`) one document."""

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        content = [[p] for p in parts] if not whole else [list(parts)]
        events: list[Json] = [
            {"candidates": [{"content": {"role": "model", "parts": one}, "index": 0}], "modelVersion": "gemini-fake"}
            for one in content
        ]
        ended = events[-1] if whole else {"candidates": [{"content": {"role": "model", "parts": []}, "index": 0}]}
        ended["candidates"][0] |= {"finishReason": reason, **more}
        ended |= {"usageMetadata": COUNTED, "modelVersion": "gemini-fake", "responseId": "r1"}
        if whole:
            return web.json_response(told_gemini(ended))
        lines = b"".join(b"data: " + orjson.dumps(told_gemini(e)) + b"\r\n\r\n" for e in [*events, ended])
        return web.Response(body=lines, content_type="text/event-stream")

    return act
