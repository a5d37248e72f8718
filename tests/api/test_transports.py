"""Providers that speak Anthropic's and Gemini's own APIs: what they are asked, by their SDKs' types."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub import ids
from hub.domain import Json
from hub.processes.embedded import Server
from tests.api.chatting import PNG
from tests.api.door import ASK, Door, events, opened
from tests.api.test_tools_in_answers import function
from tests.conftest import cloned, small
from tests.fakes.model import Act, raw, refuses
from tests.fakes.natives import HIDDEN, THOUGHT, claude, gemini, text, use
from tests.fakes.official import asked_anthropic, asked_gemini, sdks
from tests.tools.conftest import Far

__all__ = ["sdks"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
NUMBER: Json = {"type": "object", "properties": {"a": {"type": "integer"}}}
TOOL: Json = {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": NUMBER}}
SCHEMA: Json = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
DATA = "data:image/png;base64," + base64.b64encode(PNG).decode()
PDF = "data:application/pdf;base64," + base64.b64encode(b"%PDF-1.4").decode()
NOTE = "data:text/plain;base64," + base64.b64encode("olá".encode()).decode()
MEDIA: list[Json] = [
    {"type": "text", "text": "See"}, {"type": "image_url", "image_url": {"url": DATA}},
    {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
    {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}},
    {"type": "file", "file": {"filename": "a.txt", "file_data": NOTE}},
    {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
]
THOUGHTS = {"flags": ["ReturnReasoningTokens"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Door]:
    async with cloned(servers[0]) as dsn:
        async with opened(small(dsn, servers[1].url, sealing_key, tmp_path_factory.mktemp("hub"))) as one:
            yield one


@pytest_asyncio.fixture(loop_scope="module")
async def door(place: Door) -> AsyncIterator[Door]:
    """Every body that a test made it send is one, whatever the test is about."""
    place.model.default = None
    place.model.plan.clear()
    place.model.calls.clear()
    yield place
    for call in place.model.calls:
        if call.path.endswith("/messages"):
            asked_anthropic(call.body)
        elif "GenerateContent" in call.path:
            asked_gemini(call.body)


@pytest_asyncio.fixture(loop_scope="module")
async def far() -> AsyncIterator[Far]:
    found = Far()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    async with TestServer(app) as server:
        found.url = str(server.make_url("")).rstrip("/")
        yield found


def speaking(door: Door, kind: str, **parameters: Any) -> Json:
    model = {"Anthropic": "claude-sonnet-4-5", "Gemini": "gemini-3-pro"}[kind]
    key = f"sk-{ids.uuid7()}"
    return {
        "baseAddress": door.model.url, "transportInterface": kind, "modelName": model, "apiKey": key, **parameters,
    }


KINDS = ("Anthropic", "Gemini")


def answers(kind: str, words: str, whole: bool = False) -> Act:
    return claude(text(words), whole=whole) if kind == "Anthropic" else gemini({"text": words}, whole=whole)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("whole", [False, True])
async def test_whole_and_streamed(door: Door, kind: str, whole: bool) -> None:
    door.model.default = answers(kind, "Olá, tudo bem?", whole)
    id = await door.gateway(**speaking(door, kind, apiKey="sk-upstream-key"))
    got = await door.asked(model=id)
    assert got["choices"][0]["message"]["content"] == "Olá, tudo bem?" and got["choices"][0]["finish_reason"] == "stop"
    assert got["usage"]["prompt_tokens_details"] == {"cached_tokens": 7} and got["usage"]["prompt_tokens"] == 13
    assert got["usage"]["completion_tokens"] == 9
    assert got["usage"]["completion_tokens_details"] == {"reasoning_tokens": 4}
    async with door.post(model=id, stream=True) as r:
        told = await events(r)
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in told[:-1]) == "Olá, tudo bem?"
    assert told[-2]["choices"][0]["finish_reason"] == "stop" and told[-2]["usage"] == got["usage"]
    call = door.model.calls[-1]
    if kind == "Anthropic":
        assert call.path == "/v1/messages" and call.headers["x-api-key"] == "sk-upstream-key"
        assert call.body["model"] == "claude-sonnet-4-5" and call.headers["anthropic-version"] == "2023-06-01"
    else:
        assert call.path == "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse"
        assert call.headers["x-goog-api-key"] == "sk-upstream-key" and "Authorization" not in call.headers


@pytest.mark.parametrize("kind", KINDS)
async def test_everything_that_can_be_asked(door: Door, kind: str) -> None:
    door.model.default = answers(kind, "ok")
    told: list[Json] = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": MEDIA},
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "call.1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}},
            {"id": "call_2", "type": "function", "function": {"name": "look", "arguments": ""}},
        ]},
        {"role": "tool", "tool_call_id": "call.1", "content": "seven"},
        {"role": "tool", "tool_call_id": "call_2", "content": '{"n": 8}'},
        {"role": "assistant", "content": None, "refusal": "I would rather not."},
        {"role": "user", "content": "And now?"},
    ]
    await door.asked(model=await door.gateway(**speaking(door, kind, systemInstruction="You sell.")), messages=told,
                     tools=[TOOL], tool_choice={"type": "function", "function": {"name": "look"}}, temperature=1.5,
                     top_k=9, stop=["END", "STOP"], max_tokens=300, seed=4, parallel_tool_calls=False)
    sent = door.sent
    if kind == "Anthropic":
        assert sent["system"] == [{"type": "text", "text": "You sell.\n\nBe kind."}]
        assert [m["role"] for m in sent["messages"]] == ["user", "assistant", "user", "assistant", "user"]
        kinds = [b["type"] for b in sent["messages"][0]["content"]]
        assert kinds == ["text", "image", "image", "document", "document", "text"]
        document = sent["messages"][0]["content"][4]
        assert document["source"] == {"type": "text", "media_type": "text/plain", "data": "olá"}
        uses, results = sent["messages"][1]["content"], sent["messages"][2]["content"]
        assert [u["input"] for u in uses] == [{"a": 1}, {}]
        assert [u["id"] for u in uses] == [r["tool_use_id"] for r in results] == ["call_1", "call_2"]
        assert sent["tool_choice"] == {"type": "tool", "name": "look", "disable_parallel_tool_use": True}
        assert (sent["max_tokens"], sent["temperature"], sent["top_k"]) == (300, 1.0, 9)
        assert sent["stop_sequences"] == ["END", "STOP"] and "seed" not in sent
        return
    assert sent["systemInstruction"] == {"parts": [{"text": "You sell.\n\nBe kind."}]}
    assert [c["role"] for c in sent["contents"]] == ["user", "model", "user", "model", "user"]
    parts = sent["contents"][0]["parts"]
    assert parts[2] == {"fileData": {"fileUri": "https://x.example/a.png", "mimeType": "image/png"}}
    assert [p.get("inlineData", {}).get("mimeType") for p in parts] == [
        None, "image/png", None, "application/pdf", None, "audio/wav"]
    calls, results = sent["contents"][1]["parts"], sent["contents"][2]["parts"]
    assert calls[0]["functionCall"] == {"name": "look", "args": {"a": 1}} and calls[0]["thoughtSignature"]
    assert [r["functionResponse"]["response"] for r in results] == [{"result": "seven"}, {"n": 8}]
    assert sent["toolConfig"]["functionCallingConfig"] == {"mode": "ANY", "allowedFunctionNames": ["look"]}
    config = {"temperature": 1.5, "topK": 9, "seed": 4, "maxOutputTokens": 300, "stopSequences": ["END", "STOP"]}
    assert sent["generationConfig"] == config


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", [False, True])
async def test_thoughts_and_their_signatures_come_back_within_the_turn(
    door: Door, far: Far, kind: str, stream: bool
) -> None:
    signed = {"functionCall": {"name": "order", "args": {"a": 4}}, "thoughtSignature": "c2lnbmVk"}
    thought = {"text": "I must look.", "thought": True}
    if kind == "Anthropic":
        first = claude(THOUGHT, HIDDEN, text("One moment."), use("order", {"a": 4}), reason="tool_use")
    else:
        first = gemini(thought, {"text": "One moment."}, signed)
    door.model.plan += [first, answers(kind, "It is on its way.")]
    far.says("/fn", {"state": "sent"})
    id = await door.gateway(**speaking(door, kind, reasoningEffort="high", **THOUGHTS, protocolFunctions=[
        function(far, "order")]))
    async with door.post(model=id, stream=stream) as r:
        got = await events(r) if stream else await r.json()
    assert "I must look." in str(got) and "on its way" in str(got)
    second = door.model.calls[1].body
    if kind == "Anthropic":
        assert second["messages"][1]["content"] == [
            THOUGHT, HIDDEN, {"type": "text", "text": "One moment."},
            {"type": "tool_use", "id": "toolu_1", "name": "order", "input": {"a": 4}},
        ]
        assert second["thinking"] == {"type": "enabled", "budget_tokens": 16_000} and "temperature" not in second
        assert second["messages"][2]["content"][0]["tool_use_id"] == "toolu_1"
    else:
        assert second["contents"][1]["parts"][-1] == signed
        assert second["contents"][1]["parts"][0] == {"text": "One moment."}, "thoughts are no words"
        assert second["generationConfig"]["thinkingConfig"] == {"includeThoughts": True, "thinkingLevel": "HIGH"}


async def test_thoughts_go_through_a_callers_own_loop(door: Door) -> None:
    """Who runs the tools sends the answer back as it came; without its thoughts the turn goes on without any."""
    door.model.plan.append(claude(THOUGHT, use("look", {"a": 1}), reason="tool_use"))
    door.model.default = answers("Anthropic", "Seven.")
    id = await door.gateway(**speaking(door, "Anthropic", reasoningEffort="low"))
    said = (await door.asked(model=id, tools=[TOOL]))["choices"][0]
    assert said["finish_reason"] == "tool_calls" and said["message"]["tool_calls"][0]["function"]["name"] == "look"
    result = {"role": "tool", "tool_call_id": "toolu_1", "content": "7"}
    await door.asked(model=id, tools=[TOOL], messages=[*ASK, said["message"], result])
    assert door.sent["messages"][1]["content"][0] == THOUGHT and door.sent["thinking"]["type"] == "enabled"
    bare = {**said["message"]["tool_calls"][0]}
    bare.pop("extra_content")
    await door.asked(model=id, tools=[TOOL], messages=[*ASK, {**said["message"], "tool_calls": [bare]}, result])
    assert "thinking" not in door.sent and door.sent["messages"][1]["content"][0]["type"] == "tool_use"
    other = await door.gateway(modelName="gpt")
    door.model.default = None
    await door.asked(model=other, tools=[TOOL], messages=[*ASK, said["message"], result])
    assert "extra_content" not in str(door.sent), "it is nothing for others"


@pytest.mark.parametrize(("kind", "model", "expected"), [
    ("Anthropic", "claude-sonnet-4-5", "output_config"), ("Anthropic", "claude-3-haiku-20240307", "words"),
    ("Gemini", "gemini-2.5-flash", "config"),
])  # fmt: skip
async def test_answers_by_a_schema(door: Door, kind: str, model: str, expected: str) -> None:
    door.model.default = answers(kind, '{"city": "Recife"}')
    id = await door.gateway(**speaking(door, kind, modelName=model))
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    got = await door.asked(model=id, response_format=form)
    assert orjson.loads(got["choices"][0]["message"]["content"]) == {"city": "Recife"}
    if expected == "output_config":
        schema = {**SCHEMA, "additionalProperties": False}
        assert door.sent["output_config"] == {"format": {"type": "json_schema", "schema": schema}}
    elif expected == "words":
        assert "city" in door.sent["system"][0]["text"] and door.sent["max_tokens"] == 4096
    else:
        assert door.sent["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
        await door.asked(model=id, response_format=form, tools=[TOOL])
        assert "city" in str(door.sent["systemInstruction"]) and "generationConfig" not in door.sent


@pytest.mark.parametrize(("act", "finish"), [
    (claude(text("Half"), reason="max_tokens"), "length"), (claude(text("x"), reason="stop_sequence"), "stop"),
    (claude(reason="refusal"), "content_filter"), (claude(text("x"), reason="pause_turn"), "stop"),
    (claude(text("x"), reason="model_context_window_exceeded"), "length"),
    (gemini({"text": "Half"}, reason="MAX_TOKENS"), "length"),
    (gemini({"text": "x"}, reason="SAFETY"), "content_filter"),
    (gemini({"text": "x"}, reason="OTHER"), "stop"),
    (raw(b'data: {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}\n\n'), "content_filter"),
])  # fmt: skip
async def test_reasons_for_the_end(door: Door, act: Act, finish: str) -> None:
    door.model.default = act
    kind = "Gemini" if "gemini" in act.__qualname__ or "raw" in act.__qualname__ else "Anthropic"
    got = await door.asked(parameters=speaking(door, kind))
    assert got["choices"][0]["finish_reason"] == finish and len(door.model.calls) == 1


def anthropics(kind: str, words: str) -> bytes:
    return orjson.dumps({"type": "error", "error": {"type": kind, "message": words}, "request_id": "r"})


def googles(code: int, status: str, words: str, **more: Any) -> bytes:
    return orjson.dumps({"error": {"code": code, "status": status, "message": words, **more}})


LATER = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}]
KEY = "API key not valid. Please pass a valid API key."
LONG = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."


@pytest.mark.parametrize(("kind", "status", "body", "expected", "code", "words"), [
    ("Anthropic", 400, anthropics("invalid_request_error", "messages: bad"), 400, "invalid_request_error", "messages"),
    ("Anthropic", 400, anthropics("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), 400,
     "context_length_exceeded", "210000"),
    ("Anthropic", 401, anthropics("authentication_error", "invalid x-api-key"), 502, "upstream_error", "apiKey"),
    ("Anthropic", 404, anthropics("not_found_error", "model: claude-x"), 404, "not_found_error", "claude-x"),
    ("Anthropic", 429, anthropics("rate_limit_error", "slow down"), 429, "rate_limit_error", "slow down"),
    ("Anthropic", 529, anthropics("overloaded_error", "Overloaded"), 502, "upstream_error", "Overloaded"),
    ("Gemini", 400, googles(400, "INVALID_ARGUMENT", "bad field"), 400, "INVALID_ARGUMENT", "bad field"),
    ("Gemini", 400, googles(400, "INVALID_ARGUMENT", KEY), 502, "upstream_error", "apiKey"),
    ("Gemini", 400, googles(400, "INVALID_ARGUMENT", LONG), 400, "context_length_exceeded", "1200000"),
    ("Gemini", 404, googles(404, "NOT_FOUND", "models/x is not found"), 404, "NOT_FOUND", "models/x"),
    ("Gemini", 429, googles(429, "RESOURCE_EXHAUSTED", "quota", details=LATER), 429, "RESOURCE_EXHAUSTED", "quota"),
    ("Gemini", 503, googles(503, "UNAVAILABLE", "overloaded"), 502, "upstream_error", "overloaded"),
])  # fmt: skip
@pytest.mark.parametrize("inside", [False, True])
async def test_errors(
    door: Door, kind: str, status: int, body: bytes, expected: int, code: str, words: str, inside: bool
) -> None:
    """As an answer of that status, and in the place of a stream's first event."""
    event = b"event: error\ndata: " + body + b"\n\n"
    door.model.default = raw(event) if inside else raw(body, "application/json", status)
    async with door.post(model=await door.gateway(**speaking(door, kind, tries=1))) as r:
        got = await r.json(content_type=None)
        assert (r.status, got["error"]["code"]) == (expected, code) and words in got["error"]["message"]
        if expected == 429 and kind == "Gemini":
            assert r.headers["Retry-After"] == "34"
    assert len(door.model.calls) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_key_in_a_providers_words_is_masked(door: Door, kind: str) -> None:
    key = "odd key with 16 letters 42"
    door.model.default = raw(anthropics("invalid_request_error", f"no: {key}"), "application/json", 400)
    async with door.post(model=await door.gateway(**speaking(door, kind, apiKey=key))) as r:
        assert key not in await r.text() and r.status == 400


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stream_that_breaks_off_is_begun_again(door: Door, kind: str) -> None:
    halves = {
        "Anthropic": b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hal"}}\n\n',
        "Gemini": b'data: {"candidates":[{"content":{"parts":[{"text":"Hal"}]}}]}\n\n',
    }
    door.model.plan.append(raw(halves[kind]))
    door.model.default = answers(kind, "Whole.")
    got = await door.asked(parameters=speaking(door, kind))
    assert got["choices"][0]["message"]["content"] == "Whole."


async def test_what_a_model_refuses_is_learned(door: Door) -> None:
    """Nothing of it was computed, so it is asked again without; and the next time at once."""
    refused = "`temperature` is deprecated for this model."
    door.model.plan.append(raw(anthropics("invalid_request_error", refused), "application/json", 400))
    door.model.default = answers("Anthropic", "ok")
    id = await door.gateway(**speaking(door, "Anthropic", temperature=0.5))
    await door.asked(model=id)
    await door.asked(model=id)
    assert ["temperature" in c.body for c in door.model.calls] == [True, False, False]
    most = "max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens"
    door.model.plan.append(raw(anthropics("invalid_request_error", most), "application/json", 400))
    await door.asked(parameters=speaking(door, "Anthropic", modelName="claude-sonnet-4-1"))
    assert door.sent["max_tokens"] == 8192
    door.model.plan.append(raw(googles(400, "INVALID_ARGUMENT", "Thinking is not enabled."), "application/json", 400))
    door.model.default = answers("Gemini", "ok")
    await door.asked(parameters=speaking(door, "Gemini", reasoningEffort="low"))
    assert "generationConfig" not in door.sent


async def test_thoughts_leave_room_for_words(door: Door) -> None:
    door.model.default = answers("Anthropic", "ok")
    id = await door.gateway(**speaking(door, "Anthropic", reasoningEffort="high"))
    for most, expected in ((4000, {"type": "enabled", "budget_tokens": 2000}), (1000, None)):
        await door.asked(model=id, max_tokens=most)
        assert door.sent.get("thinking") == expected
    forced = {"type": "function", "function": {"name": "look"}}
    await door.asked(model=id, tools=[TOOL], tool_choice=forced)
    assert "thinking" not in door.sent, "the API refuses both"


async def test_what_is_counted_is_no_first_word(door: Door) -> None:
    """A provider that counts the question and then is silent has not begun."""
    async def counts(request: web.Request, body: Json) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        message = {"role": "assistant", "usage": {"input_tokens": 1}}
        await out.write(b"data: " + orjson.dumps({"type": "message_start", "message": message}) + b"\n\n")
        await asyncio.sleep(20)
        return out

    door.model.default = counts
    limits = {"firstToken": 0.5, "silence": 30}
    async with door.post(model=await door.gateway(**speaking(door, "Anthropic", timeLimits=limits))) as r:
        assert r.status == 502 and (await r.json())["error"]["code"] == "model_timeout"


async def test_newer_models_are_not_sent_what_they_refuse(door: Door) -> None:
    door.model.default = answers("Anthropic", "ok")
    id = await door.gateway(**speaking(door, "Anthropic", modelName="claude-opus-4-8", temperature=0.5))
    await door.asked(model=id, reasoning_effort="high")
    assert "temperature" not in door.sent and door.sent["thinking"] == {"type": "adaptive"}
    assert door.sent["output_config"] == {"effort": "high"}


async def test_hints_for_the_providers_cache(door: Door) -> None:
    """From a parameter of the gateway, or as a caller marks them."""
    mark = {"cache_control": {"type": "ephemeral"}}
    door.model.default = answers("Anthropic", "ok")
    parameters = speaking(door, "Anthropic", systemInstruction="Long.", tools=[TOOL], promptCache=True)
    id = await door.gateway(**parameters)
    await door.asked(model=id)
    assert door.sent["system"][-1]["cache_control"] == door.sent["tools"][-1]["cache_control"] == {"type": "ephemeral"}
    plain = await door.gateway(**{**parameters, "promptCache": False})
    await door.asked(model=plain)
    assert "cache_control" not in str(door.sent)
    await door.asked(model=plain, prompt_cache_key="k")
    assert "cache_control" in str(door.sent["system"])
    told: list[Json] = [{"role": "system", "content": [{"type": "text", "text": "S", **mark}]},
                        {"role": "user", "content": [{"type": "text", "text": "U", **mark}]}]
    await door.asked(model=plain, messages=told, tools=[{**TOOL, **mark}])
    sent = door.sent
    assert [sent["system"][-1], sent["messages"][0]["content"][0], sent["tools"][-1]] == [
        {"type": "text", "text": "Long.\n\nS", **mark}, {"type": "text", "text": "U", **mark},
        {**sent["tools"][-1], **mark},
    ]
    door.model.default = None
    ours = await door.gateway(promptCache=True, systemInstruction="Long.")
    await door.asked(model=ours)
    first = door.sent["prompt_cache_key"]
    await door.asked(model=ours, messages=[{"role": "user", "content": "Else"}])
    assert door.sent["prompt_cache_key"] == first, "what stays the same has the same name"
    await door.asked(model=ours, prompt_cache_key="mine")
    assert door.sent["prompt_cache_key"] == "mine"
    door.model.plan.append(refuses(400, "Unknown parameter: prompt_cache_key"))
    await door.asked(model=ours)
    assert "prompt_cache_key" not in door.sent, "a hint changes no answer"


async def test_pictures_citations_and_code(door: Door) -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}}
    found: Json = {"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}]}}
    door.model.default = gemini({"text": "Here."}, picture, **found)
    said = (await door.asked(parameters=speaking(door, "Gemini")))["choices"][0]["message"]
    assert said["images"] == [{"type": "image_url", "image_url": {"url": DATA}}]
    assert said["annotations"][0]["url_citation"]["url"] == "https://a.example"
    cited = {
        "type": "web_search_result_location", "url": "https://b.example", "title": "B", "cited_text": "b",
        "encrypted_index": "x",
    }
    door.model.default = claude({"type": "text", "text": "There.", "citations": [cited]})
    said = (await door.asked(parameters=speaking(door, "Anthropic")))["choices"][0]["message"]
    assert said["content"] == "There." and said["annotations"][0]["url_citation"]["url"] == "https://b.example"


async def test_fallbacks_speak_what_they_speak(door: Door) -> None:
    door.model.plan += [refuses(503), refuses(503)]
    door.model.default = answers("Anthropic", "From Claude.")
    there = {"modelName": "claude-haiku-4-5", "baseAddress": f"{door.model.url}/anthropic", "apiKey": "sk-a",
             "transportInterface": "Anthropic"}
    got = await door.asked(parameters={"fallbackModels": [there], "tries": 2})
    assert got["choices"][0]["message"]["content"] == "From Claude." and got["model"] == "claude-haiku-4-5"
    assert [c.path for c in door.model.calls] == [*["/v1/chat/completions"] * 2, "/anthropic/v1/messages"]


@pytest.mark.parametrize("kind", KINDS)
async def test_own_fields_go_through(door: Door, kind: str) -> None:
    door.model.default = answers(kind, "ok")
    if kind == "Anthropic":
        await door.asked(parameters=speaking(door, kind, additionalSettings={"service_tier": "standard_only"}))
        assert door.sent["service_tier"] == "standard_only"
    else:
        safety = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
        extra = {"safetySettings": safety, "generationConfig": {"mediaResolution": "MEDIA_RESOLUTION_LOW"}}
        await door.asked(parameters=speaking(door, kind), temperature=0.2, extra_body=extra)
        assert door.sent["safetySettings"] == safety
        assert door.sent["generationConfig"] == {"temperature": 0.2, "mediaResolution": "MEDIA_RESOLUTION_LOW"}


async def test_an_answer_to_a_prefilled_beginning(door: Door) -> None:
    door.model.default = answers("Anthropic", "Sol")
    await door.asked(parameters=speaking(door, "Anthropic", assistantPrefill="The sun is "))
    assert door.sent["messages"][-1] == {"role": "assistant", "content": [{"type": "text", "text": "The sun is"}]}
