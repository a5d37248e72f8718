"""What providers answer beside the inputs that were reported: neighbours of each kind, streamed and whole."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from hub.domain import Json
from tests.api.door import ASK, Door, door, events, place
from tests.fakes.wire import wired
from tests.llm.odd import (
    PARIS,
    ROME,
    USED,
    call,
    calling,
    counted,
    document,
    http,
    piece,
    refused,
    streamed,
    told,
    whole,
)
from tests.llm.test_inputs import called, joined

__all__ = ["door", "place"]
TOOLS = [{"type": "function", "function": {"name": n, "parameters": {}}} for n in ("get_weather", "get_time")]


async def asked(door: Door, raw: bytes, stream: bool, parameters: Json | None = None, **body: Any) -> tuple[Json, int]:
    """What a caller gets, with its status, and how often the provider was asked."""
    async with wired(raw) as wire:
        sent = {"messages": ASK, "model": await door.gateway(baseAddress=wire.url, **(parameters or {})), **body}
        async with door.post(**sent, stream=stream) as r:
            streamed = r.content_type == "text/event-stream"
            found = joined(await events(r)) if streamed else await r.json(content_type=None)
            return {**found, "status": r.status, "wait": r.headers.get("Retry-After")}, len(wire.sent)


def bare(**call: Any) -> Json:
    return {"tool_calls": [call]}


WEATHER: tuple[str, Json] = ("get_weather", {"city": "Paris"})
TIME: tuple[str, Json] = ("get_time", {})
CALLS: Mapping[str, tuple[bytes, list[tuple[str, Any]]]] = {
    "each piece has an id and the name again": (
        calling(*(call(0, f"r{n}", "get_weather", a) for n, a in enumerate(("", '{"city"', ':"Paris"', "}")))),
        [WEATHER],
    ),
    "each piece repeats what was said before": (
        calling(*(call(0, "a", "get_weather", a) for a in ('{"city"', '{"city":"Par', PARIS))), [WEATHER]
    ),
    "without an object around it": (calling(bare(name="get_weather", arguments={"city": "Paris"})), [WEATHER]),
    "without an object around it, whole": (
        whole({"content": None, "tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]}, "tool_calls"),
        [WEATHER],
    ),
    "arguments called parameters": (
        calling(bare(index=0, id="a", function={"name": "get_weather", "parameters": {"city": "Paris"}})), [WEATHER]
    ),
    "arguments written as JSON twice": (calling(call(0, "a", "get_weather", orjson.dumps(PARIS).decode())), [WEATHER]),
    "an empty list for no arguments": (calling(call(0, "a", "get_time", [])), [TIME]),
    "the same tool twice at one place": (
        calling(call(0, None, "get_weather", PARIS), call(0, None, "get_weather", ROME)),
        [WEATHER, ("get_weather", {"city": "Rome"})],
    ),
    "two ids at one place": (
        calling(call(0, "a", "get_weather", PARIS), call(0, "b", "get_weather", ROME)),
        [WEATHER, ("get_weather", {"city": "Rome"})],
    ),
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", CALLS)
async def test_calls(door: Door, name: str, stream: bool) -> None:
    raw, expected = CALLS[name]
    found, times = await asked(door, raw, stream, tools=TOOLS)
    assert (found["status"], times) == (200, 1) and called(found) == expected
    assert found["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ({"type": "length", "length": 5}, "length"), ({"type": "stop", "matched": 2}, "stop"),
        ("content_filter: PROHIBITED_CONTENT", "content_filter"), ("length: MAX_TOKENS", "length"),
        ("max_tokens_exceeded", "length"), ("token_limit_exceeded", "length"), ("stopped_limit", "length"),
        ("repetition_truncation", "length"), ("DataInspectionFailed", "content_filter"), ("stopped_eos", "stop"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_ends(door: Door, reason: Any, expected: str, stream: bool) -> None:
    found, times = await asked(door, told("Hi", finish=reason), stream)
    assert (found["choices"][0]["finish_reason"], times) == (expected, 1)


@pytest.mark.parametrize(
    "reason", ["function_call_filter: MALFORMED_FUNCTION_CALL", "TOO_MANY_TOOL_CALLS", "server_overloaded"]
)
async def test_ends_that_are_none(door: Door, reason: str) -> None:
    found, times = await asked(door, streamed(piece({}, reason)), True)
    assert (found["status"], found["error"]["code"], times) == (502, "model_cut", 3)


# The status, the code and words of it.
FAILS: Mapping[str, tuple[bytes, int, str | None, str]] = {
    "llama.cpp's field error": (
        streamed('error: {"code":400,"message":"the prompt is odd","type":"invalid_request_error"}\n\n', end=""),
        400, "invalid_request_error", "the prompt is odd",
    ),
    "words alone in an event of errors": (
        streamed("event: error\ndata: model is not loaded\n\n", end=""), 502, None, "model is not loaded"
    ),
    "words behind [ERROR]": (streamed("data: [ERROR] out of memory\n\n", end=""), 502, None, "out of memory"),
    "an error within a choice": (
        whole({"content": ""}, "error", choices=[{"index": 0, "message": {"content": ""}, "finish_reason": "error",
                                                  "error": {"code": 400, "message": "upstream said no"}}]),
        400, None, "upstream said no",
    ),
    "Tencent's": (
        document({"Response": {"Error": {"Code": "InvalidParameter", "Message": "x is wrong"}, "RequestId": "r"}}),
        400, "InvalidParameter", "x is wrong",
    ),
    "Volcengine's": (
        document({"ResponseMetadata": {"Error": {"Code": "InvalidParameter", "Message": "y is wrong"}}}, 400),
        400, "InvalidParameter", "y is wrong",
    ),
    "a list of messages": (document({"errors": {"messages": ["must not be blank"]}}, 400), 400, None, "not be blank"),
    "a type that is an address": (
        document({"type": "about:blank", "title": "Unprocessable", "detail": "foo not permitted"}, 422),
        400, "invalid_request", "foo not permitted",
    ),
    "Moonshot's quota": (
        document({"error": {"message": "You exceeded it", "type": "exceeded_current_quota_error"}}, 429),
        429, "insufficient_quota", "You exceeded it",
    ),
    "Z.ai's balance": (
        document({"error": {"code": "1113", "message": "Insufficient balance. Please recharge."}}, 429),
        429, "insufficient_quota", "recharge",
    ),
    "Anthropic's balance": (refused("Your credit balance is too low to access it."), 502, None, "no credit left"),
    "DashScope's balance": (document({"code": "Arrearage", "message": "Access denied"}, 400), 502, None, "no credit"),
    "DashScope's filter": (refused("It may be improper.", code="data_inspection_failed"), 400, "content_filter", "imp"),
    "xAI's key": (document({"code": "Invalid", "error": "Incorrect API key provided"}, 400), 502, None, "apiKey"),
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", FAILS)
async def test_errors(door: Door, name: str, stream: bool) -> None:
    raw, status, code, words = FAILS[name]
    found, times = await asked(door, raw, stream)
    assert found["status"] == status and words in found["error"]["message"]
    assert code is None or found["error"]["code"] == code
    assert times == 1 or (status == 502 and code is None)


@pytest.mark.parametrize(
    "words",
    [
        "too many tokens: the prompt cannot exceed 4081 - received 5555.",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens",
        "Input validation error: `inputs` must have less than 1024 tokens. Given: 3000",
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        "Range of input length should be [1, 30720]", "Your request exceeded model token limit: 8192 (requested: 9000)",
        "Prompt exceeds max length", "The prompt (length 9000) is longer than the maximum model length of 8192.",
        "prompt token count of 70000 exceeds the limit of 64000", "Current length is 8500 while limit is 8192",
        "Input length 9000 exceeds maximum allowed length 8192",
        "input tokens exceed the configured limit of 272000 tokens",
    ],
)
async def test_too_much_for_the_model(door: Door, words: str) -> None:
    found, _ = await asked(door, refused(words), False)
    assert (found["status"], found["error"]["code"]) == (400, "context_length_exceeded")


@pytest.mark.parametrize(
    "words",
    [
        "max_tokens is too large: 9000. This model supports at most 4096 completion tokens.",
        "tool name too long, maximum 64", "exceeds the maximum number of images",
        "expected a string with maximum length 64 for field user",
    ],
)
async def test_other_limits_are_not_of_the_context(door: Door, words: str) -> None:
    found, _ = await asked(door, refused(words), False)
    assert (found["status"], found["error"]["code"]) == (400, "invalid_request_error")


LIMITED = {"error": {"message": "slow down", "type": "rate_limit_error"}}
WAITS: Mapping[str, tuple[bytes, int]] = {
    "nothing left of the requests": (
        document(LIMITED, 429, **{
            "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s",
            "x-ratelimit-remaining-tokens": "500", "x-ratelimit-reset-tokens": "9m0s",
        }), 360,
    ),
    "a moment": (
        document(LIMITED, 429, **{
            "anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "2099-01-01T00:00:00Z",
        }), 86_400,
    ),
    "milliseconds since 1970": (
        document(LIMITED, 429, **{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4070908800000"}), 86_400
    ),
    "headers within the error": (
        document({"error": {"message": "free-models-per-day", "code": 429, "metadata": {"headers": {
            "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4070908800000"}}}}, 429), 86_400,
    ),
    "in words": (document({"error": {"message": "Please wait 43 seconds before retrying."}}, 429), 43),
}


@pytest.mark.parametrize("name", WAITS)
async def test_waits(door: Door, name: str) -> None:
    raw, seconds = WAITS[name]
    found, times = await asked(door, raw, False)
    assert (found["status"], found["wait"], times) == (429, str(seconds), 1)


async def test_a_limit_with_something_left_is_no_wait(door: Door) -> None:
    headers = {"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "6m0s"}
    found, times = await asked(door, document(LIMITED, 429, **headers), False)
    assert (found["status"], found["wait"], times) == (429, "5", 3)


ALIVE = (
    'event: ping\ndata: {"message": "ping", "code": 0}\n\n', 'event: keepalive\ndata: {"error": "none"}\n\n',
    'data: {"message": "queued", "status": "queued"}\n\n', 'data: {"msg": "Success", "code": 0}\n\n',
)


@pytest.mark.parametrize("alive", ALIVE)
@pytest.mark.parametrize("stream", [True, False])
async def test_signs_of_life_are_no_errors(door: Door, alive: str, stream: bool) -> None:
    found, times = await asked(door, streamed(alive, piece("Hi"), alive, piece({}, "stop"), alive, counted()), stream)
    assert (found["choices"][0]["message"]["content"], times) == ("Hi", 1)


@pytest.mark.parametrize("stream", [True, False])
async def test_blank_lines_before_a_document(door: Door, stream: bool) -> None:
    pretty = orjson.dumps(orjson.loads(whole({"content": "Hi"}).partition(b"\r\n\r\n")[2]), option=orjson.OPT_INDENT_2)
    found, times = await asked(door, http(b"\n" * 200 + pretty), stream)
    assert (found["choices"][0]["message"]["content"], times) == ("Hi", 1)


async def test_a_mark_of_byte_order_before_each_event(door: Door) -> None:
    body = told("Hi").partition(b"\r\n\r\n")[2].decode().replace("data: ", "\ufeffdata: ")
    found, _ = await asked(door, http(body), True)
    assert found["choices"][0]["message"]["content"] == "Hi" and found["usage"]["total_tokens"] == 12


COUNTS: Mapping[str, Json] = {
    "Bedrock": {"usage": {"inputTokens": 7, "outputTokens": 5, "totalTokens": 12}},
    "Gemini": {"usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 5, "totalTokenCount": 12}},
    "Cohere": {"meta": {"billed_units": {"input_tokens": 7, "output_tokens": 5}}},
    "llama.cpp": {"timings": {"prompt_n": 7, "predicted_n": 5}},
    "Ollama": {"done": True, "prompt_eval_count": 7, "eval_count": 5},
    "Groq": {"x_groq": {"id": "r", "usage": USED}},
}


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("stream", [True, False])
async def test_counts(door: Door, name: str, stream: bool) -> None:
    found, _ = await asked(door, streamed(piece("Hi"), piece({}, "stop"), {"choices": [], **COUNTS[name]}), stream)
    assert {n: found["usage"][n] for n in USED} == USED


@pytest.mark.parametrize("raw", [
    told("Hi", usage={"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 112}),
    whole({"content": "Hi"}, usage={"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 112}),
])
@pytest.mark.parametrize("stream", [True, False])
async def test_thoughts_that_are_counted_in_the_sum_alone(door: Door, raw: bytes, stream: bool) -> None:
    found, _ = await asked(door, raw, stream)
    used = found["usage"]
    assert [used[n] for n in USED] == [7, 105, 112]
    assert used["completion_tokens_details"]["reasoning_tokens"] == 100


@pytest.mark.parametrize("stream", [True, False])
async def test_a_refusal_among_parts(door: Door, stream: bool) -> None:
    raw = whole({"content": [{"type": "refusal", "refusal": "This I will not do."}]})
    message = (await asked(door, raw, stream))[0]["choices"][0]["message"]
    assert (message["refusal"], message["content"]) == ("This I will not do.", None)


DATA = "data:image/png;base64,iVBORw0KGgo="


@pytest.mark.parametrize("message", [
    {"content": "", "image": {"url": DATA}}, {"content": "", "images": [DATA]},
    {"content": [{"type": "output_image", "image_url": DATA}]},
])
@pytest.mark.parametrize("stream", [True, False])
async def test_pictures(door: Door, message: Json, stream: bool) -> None:
    found, times = await asked(door, whole(message), stream)
    [shown] = found["choices"][0]["message"]["images"]
    assert (shown["image_url"]["url"], times) == (DATA, 1)


async def test_sources_beside_the_answer(door: Door) -> None:
    cited = {"citations": [{"url": "https://example.org"}]}
    found, _ = await asked(door, whole({"content": "See", "context": cited}, web_search=[{"link": "x"}]), False)
    assert found["choices"][0]["message"]["context"] == cited and found["web_search"] == [{"link": "x"}]


THINKS: Json = {"flags": ["ReturnReasoningTokens", "ThinkingProcess"]}


@pytest.mark.parametrize(("begins", "ends"), [
    ("<thought>", "</thought>"), ("[THINK]", "[/THINK]"), ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    ("\n<seed:think>", "</seed:think>"), ("<reasoning>", "</reasoning>"), ("", "</think>"),
])
@pytest.mark.parametrize("stream", [True, False])
async def test_thoughts_between_tags_of_others(door: Door, begins: str, ends: str, stream: bool) -> None:
    text = f"{begins}abc{ends}\n\nHi, <thought> is a tag."
    raw = streamed(*(piece(text[n : n + 3]) for n in range(0, len(text), 3)), piece({}, "stop"), counted())
    message = (await asked(door, raw, stream, THINKS))[0]["choices"][0]["message"]
    assert (message["reasoning"], message["content"]) == ("abc", "Hi, <thought> is a tag.")


THOUGHT, ANSWER = "<|channel|>analysis<|message|>abc<|end|>", "<|start|>assistant<|channel|>final<|message|>Hi, <|you"
CHANNELS: Mapping[str, tuple[str, str]] = {
    "thoughts and the answer": (f"{THOUGHT}{ANSWER}", "abc"),
    "with its end": (f"{THOUGHT}{ANSWER}<|return|>", "abc"),
    "from the start": (f"<|start|>assistant{THOUGHT}{ANSWER}<|end|>", "abc"),
    "the first tag eaten": (f"analysis<|message|>abc<|end|>{ANSWER}", "abc"),
    "the answer alone": (f"\n{ANSWER}", ""),
    "a call in words": (
        f"{THOUGHT}<|start|>assistant<|channel|>commentary to=functions.x <|constrain|>json<|message|>{{}}<|call|>"
        f"{ANSWER}",
        "abc{}",
    ),
    "of JSON": (f"{THOUGHT}<|channel|>final <|constrain|>JSON<|message|>Hi, <|you", "abc"),
}


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("size", [1, 3, 11, 1000])
@pytest.mark.parametrize("stream", [True, False])
async def test_channels_of_gpt_oss_are_no_words(door: Door, name: str, size: int, stream: bool) -> None:
    text, thoughts = CHANNELS[name]
    pieces = (piece(text[n : n + size]) for n in range(0, len(text), size))
    raw = streamed(piece({"role": "assistant"}), *pieces, piece({}, "stop"), counted())
    message = (await asked(door, raw, stream, {"flags": ["ReturnReasoningTokens"]}))[0]["choices"][0]["message"]
    assert (message.get("reasoning") or "", message["content"]) == (thoughts, "Hi, <|you")
    hidden = (await asked(door, whole({"content": text}), stream))[0]["choices"][0]["message"]
    assert "reasoning" not in hidden and hidden["content"] == "Hi, <|you"


@pytest.mark.parametrize(
    "text", ["analysis of <|channel|>final<|message|>", "final", "<|", " <|channel", "a<|channel|>b"]
)
@pytest.mark.parametrize("stream", [True, False])
async def test_what_only_looks_like_a_channel_stays(door: Door, text: str, stream: bool) -> None:
    raw = streamed(*(piece(sign) for sign in text), piece({}, "stop"), counted())
    assert (await asked(door, raw, stream))[0]["choices"][0]["message"]["content"].strip() == text.strip()


MARKED: Json = {"extra_content": {"google": {"thought": True}}}
GEMINI: Mapping[str, bytes] = {
    "a mark on some": streamed(
        piece({"content": "<thought>ab", "role": "assistant", **MARKED}), piece("c</thou"),
        piece("ght>Hi"), piece(", you"),
        piece({}, "stop"), counted(),
    ),
    "a mark on each": streamed(
        piece({"content": "<thought>ab", **MARKED}), piece({"content": "c", **MARKED}), piece("</thought>Hi, you"),
        piece({}, "stop"), counted(),
    ),
    "no tags": streamed(piece({"content": "abc", **MARKED}), piece("Hi, you"), piece({}, "stop"), counted()),
    "whole": whole({"content": "<thought>abc</thought>Hi, you", **MARKED}),
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", GEMINI)
async def test_thoughts_that_gemini_marks(door: Door, name: str, stream: bool) -> None:
    shown = (await asked(door, GEMINI[name], stream, {"flags": ["ReturnReasoningTokens"]}))[0]["choices"][0]["message"]
    assert (shown["reasoning"], shown["content"]) == ("abc", "Hi, you")
    hidden = (await asked(door, GEMINI[name], stream))[0]["choices"][0]["message"]
    assert "reasoning" not in hidden and hidden["content"] == "Hi, you"
