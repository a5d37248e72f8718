"""Bodies of Anthropic's and Gemini's answers, cut anywhere."""

import asyncio
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import orjson
import pytest

from hub.domain import Json
from hub.llm import anthropic_answer, gemini_answer
from hub.llm.addresses import joined_headers
from hub.llm.body import Body
from hub.llm.toolcalls import gather
from hub.llm.types import Delta
from tests.fakes.model import Act
from tests.fakes.natives import HIDDEN, THOUGHT, claude, gemini, text, use
from tests.fakes.official import sdks

__all__ = ["sdks"]

CALLED = claude(
    THOUGHT, HIDDEN, text("Olá, “tudo” bem? \U0001f600"), use("look", {"city": "São Paulo"}),
    use("other", {}, "toolu_2"), reason="tool_use",
)  # fmt: skip
SIGNED: Json = {"functionCall": {"name": "look", "args": {"city": "São Paulo"}}, "thoughtSignature": "c2lnbmVk"}
ASKED = gemini({"text": "I must look.", "thought": True}, {"text": "Olá \U0001f600"}, SIGNED, {
    "functionCall": {"name": "other", "args": {}}})  # fmt: skip


def content(act: Act) -> bytes:
    found: Any = asyncio.run(act(None, {}))  # type: ignore[arg-type]  # it answers everybody the same
    return bytes(found.body)


def heard(reading: Any, chunks: Iterable[bytes]) -> Json:
    """What an answer adds up to."""
    body, found = Body(reading), list[Delta]()
    for chunk in chunks:
        delta = body.feed(chunk)
        found += [delta] if delta else []
        if body.over:
            break
    found += body.end()
    assert body.complete and body.error is None and body.cut is None
    calls: dict[int, Json] = {}
    for delta in found:
        assert len({c["index"] for c in delta.tool_calls}) == len(delta.tool_calls), "each call once"
        gather(calls, delta.tool_calls)
    whole: Json = {n: "".join(getattr(d, n) for d in found) for n in ("text", "reasoning", "refusal")}
    whole["calls"] = [{k: v for k, v in c.items() if k != "id"} for c in calls.values()]
    whole["usage"] = asdict([d.usage for d in found if d.usage][-1])
    return whole | {"finish": next(d.finish for d in reversed(found) if d.finish)}


@pytest.mark.parametrize(("act", "kind"), [(CALLED, anthropic_answer.Reading), (ASKED, gemini_answer.Reading)])
def test_a_stream_cut_at_any_byte_says_the_same(act: Act, kind: type) -> None:
    raw = content(act)
    expected = heard(kind(), [raw])
    assert expected["text"].startswith("Olá") and expected["reasoning"] == "I must look."
    names = [(c["function"]["name"], orjson.loads(c["function"]["arguments"])) for c in expected["calls"]]
    assert names == [("look", {"city": "São Paulo"}), ("other", {})] and expected["calls"][0]["extra_content"]
    for cut in range(1, len(raw), 3):
        assert heard(kind(), [raw[:cut], raw[cut:]]) == expected
    assert heard(kind(), [raw[n : n + 1] for n in range(len(raw))]) == expected
    assert heard(kind(), [raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")]) == expected


@pytest.mark.parametrize(("raw", "kind"), [
    (b'[{"candidates": [{"content": {"parts": [{"text": "Hi"}]}}]},\n{"candidates": [{"finishReason": "STOP"}]}]',
     gemini_answer.Reading),
    (b'data: {"candidates": "no"}\n\ndata: {"candidates": [{"content": {"parts": [{"text": "Hi"}, 3, {"x": 1}]},'
     b' "finishReason": "STOP"}]}\n\n', gemini_answer.Reading),
    (b'data: {"type": "message_start"}\n\ndata: {"type": "new_kind", "x": 1}\n\ndata: {"type": "content_block_delta",'
     b' "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}\n\ndata: {"type": "message_delta", "delta":'
     b' {"stop_reason": "end_turn"}}\n\n', anthropic_answer.Reading),
    (b'{"type": "message", "content": [{"type": "text", "text": "Hi"}, {"type": "odd"}]}', anthropic_answer.Reading),
])  # fmt: skip
def test_what_is_of_another_shape_costs_itself_alone(raw: bytes, kind: type) -> None:
    body = Body(kind())
    deltas = [d for d in (body.feed(raw), *body.end()) if d]
    assert "".join(d.text for d in deltas) == "Hi" and body.complete


def test_headers_are_joined_however_they_are_spelled() -> None:
    own = {"Anthropic-Version": "2", "ACCEPT": "x", "X-A": "1"}
    found = joined_headers(own, {"Accept": "y"}, {"anthropic-version": "1"})
    assert found == {"Anthropic-Version": "2", "Accept": "y", "X-A": "1"}
