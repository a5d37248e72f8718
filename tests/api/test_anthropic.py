"""Anthropic's Messages API, by hand: translated both ways, told in its order, refused in its shape.
Anthropic's own clients: tests/clients."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio

from hub.domain import Json
from hub.processes.embedded import Server
from tests.api.door import Door, shared
from tests.fakes.model import cut, refuses, says, whole

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/v1/messages"
HELLO = "Hello from the model."
LOOK: Json = {"name": "look", "description": "Looks.", "input_schema": {"type": "object", "properties": {"q": {}}}}
CALL: Json = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"q":"x"}'}}
PNG = base64.b64encode(b"\x89PNG").decode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door_(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Door]:
    async with shared(servers, sealing_key, tmp_path_factory.mktemp("hub")) as one:
        yield one


@pytest.fixture
def door(door_: Door) -> Door:
    door_.model.default = None
    door_.model.plan.clear()
    return door_


def posted(door: Door, path: str = PATH, headers: Json | None = None, **sent: Any) -> Any:
    headers = {"x-api-key": door.key, "anthropic-version": "2023-06-01"} if headers is None else headers
    body = {"max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}], **sent}
    if path != PATH:
        body.pop("max_tokens")
    return door.http.post(door.url + path, json=body, headers=headers)


async def ask(door: Door, **sent: Any) -> Json:
    sent.setdefault("model", await door.gateway())
    async with posted(door, **sent) as r:
        found: Json = await r.json()
        assert r.status == 200, found
        assert r.headers["request-id"] == r.headers["X-Request-Id"]
        return found


async def stream(door: Door, **sent: Any) -> list[Json]:
    sent.setdefault("model", await door.gateway())
    async with posted(door, stream=True, **sent) as r:
        assert r.status == 200 and r.content_type == "text/event-stream", await r.text()
        text = (await r.read()).decode()
    found = []
    for block in text.strip().split("\n\n"):
        if block.startswith(":"):
            continue
        name, data = block.split("\n")
        one = orjson.loads(data.removeprefix("data: "))
        assert name == f"event: {one['type']}"
        found.append(one)
    return found


async def test_a_message_is_translated_both_ways(door: Door) -> None:
    document = {"type": "base64", "media_type": "application/pdf", "data": "AA=="}
    text = {"type": "text", "media_type": "text/plain", "data": "We open at nine."}
    found = await ask(
        door, system=[{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
        stop_sequences=["END"], temperature=0.5, top_p=0.5, top_k=3, max_tokens=9, metadata={"user_id": "ana"},
        tools=[LOOK], tool_choice={"type": "any", "disable_parallel_tool_use": True},
        messages=[
            {"role": "user", "content": [
                {"type": "text", "text": "See"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}},
                {"type": "document", "source": document, "title": "a.pdf"},
                {"type": "document", "source": text, "title": "hours", "cache_control": {"type": "ephemeral"}},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Of another server.", "signature": "x"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": "x"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": [
                    {"type": "text", "text": "no light"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                ]},
                {"type": "text", "text": "And?"},
            ]},
            {"role": "system", "content": "Be brief."},
        ],
    )
    assert found == {
        "id": found["id"], "type": "message", "role": "assistant", "model": "fake-1", "stop_reason": "end_turn",
        "stop_sequence": None, "content": [{"type": "text", "text": HELLO}], "usage": {
            "input_tokens": 8, "output_tokens": 5, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 4,
        },
    }
    sent = door.sent
    assert [m["role"] for m in sent["messages"]] == ["system", "user", "assistant", "tool", "user", "system"]
    assert sent["messages"][0]["content"] == "Be kind."
    kinds = [p["type"] for p in sent["messages"][1]["content"]]
    assert kinds == ["text", "image_url", "image_url", "file", "text"]
    assert "We open at nine." in sent["messages"][1]["content"][4]["text"]
    said = sent["messages"][2]
    assert said["content"] == "I look." and "reasoning_content" not in said
    assert said["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"q":"x"}'}
    assert sent["messages"][3]["content"] == "Error: no light"
    assert [p["type"] for p in sent["messages"][4]["content"]] == ["image_url", "text"]
    assert (sent["stop"], sent["top_k"], sent["max_completion_tokens"]) == (["END"], 3, 9)
    assert (sent["tool_choice"], sent["parallel_tool_calls"]) == ("required", False)


@pytest.mark.parametrize(("finish", "reason"), [
    ("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"),
])
async def test_how_it_ended(door: Door, finish: str, reason: str) -> None:
    door.model.plan += [says("One", finish=finish)] * 2
    assert (await ask(door))["stop_reason"] == reason
    assert (await stream(door))[-2]["delta"]["stop_reason"] == reason
    door.model.plan.append(whole("", content=None, refusal="I will not."))
    found = await ask(door)
    assert (found["stop_reason"], found["content"][0]["text"]) == ("refusal", "I will not.")


async def test_a_stream_tells_one_block_after_the_other(door: Door) -> None:
    pieces = [
        {"index": 0, "id": "call_1", "function": {"name": "look", "arguments": '{"q":'}},
        {"index": 1, "id": "call_2", "function": {"name": "look", "arguments": '{"q":'}},
        {"index": 0, "function": {"arguments": '"x"}'}}, {"index": 1, "function": {"arguments": '"y"}'}},
    ]
    door.model.plan.append(says("One ", "two", reasoning="Hm.", tool_calls=pieces, finish="tool_calls"))
    found = await stream(door, tools=[LOOK], thinking={"type": "enabled", "budget_tokens": 2000})
    assert door.sent["reasoning_effort"] == "low"
    assert [e["type"] for e in found[:2]] == ["message_start", "ping"] and found[-1]["type"] == "message_stop"
    open_now: list[int] = []
    blocks: dict[int, Json] = {}
    texts: dict[int, str] = {}
    for one in found:
        if one["type"] == "content_block_start":
            assert not open_now and one["index"] == len(blocks)
            open_now.append(one["index"])
            blocks[one["index"]] = one["content_block"]
        elif one["type"] == "content_block_delta":
            assert open_now == [one["index"]]
            kind = one["delta"]["type"].removesuffix("_delta")
            field = "partial_json" if kind == "input_json" else kind
            texts[one["index"]] = texts.get(one["index"], "") + (one["delta"][field] if kind != "signature" else "")
        elif one["type"] == "content_block_stop":
            assert open_now == [one["index"]]
            open_now.clear()
    assert [b["type"] for b in blocks.values()] == ["thinking", "text", "tool_use", "tool_use"]
    assert list(texts.values()) == ["Hm.", "One two", '{"q":"x"}', '{"q":"y"}']
    assert found[-2]["delta"]["stop_reason"] == "tool_use" and found[-2]["usage"]["output_tokens"] == 5


async def test_thoughts_come_back_to_the_gateway_that_had_them(door: Door) -> None:
    id = await door.gateway()
    details = [{"type": "reasoning.encrypted", "data": "secret-of-the-provider"}]
    thinking = {"type": "adaptive"}
    for act, back in (
        (says(reasoning="Deep.", tool_calls=[CALL], finish="tool_calls"), "reasoning_content"),
        (whole("", content=None, tool_calls=[CALL], reasoning_details=details), "reasoning_details"),
    ):
        door.model.plan.append(act)
        asked = await ask(door, model=id, tools=[LOOK], thinking=thinking)
        assert "secret-of-the-provider" not in str(asked)
        messages = [
            {"role": "user", "content": "Hi"}, {"role": "assistant", "content": asked["content"]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "ok"}]},
        ]
        await ask(door, model=id, tools=[LOOK], thinking=thinking, messages=messages)
        assert door.sent["messages"][1][back] == ("Deep." if back == "reasoning_content" else details)
        await ask(door, tools=[LOOK], thinking=thinking, messages=messages)
        assert back not in door.sent["messages"][1]
    # Who does not ask for thoughts is told none.
    door.model.plan.append(says("One", reasoning="Hm."))
    assert [b["type"] for b in (await ask(door, model=id))["content"]] == ["text"]


@pytest.mark.parametrize("sent", [
    {"container": "c"}, {"mcp_servers": [{"name": "x"}]}, {"nonsense": 1}, {"speed": "fast"},
    {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    {"tools": [{"type": "bash_20250124", "name": "bash"}]}, {"tools": [{**LOOK, "defer_loading": True}]},
    {"tools": [{"input_schema": {}}]}, {"tool_choice": {"type": "loud"}, "tools": [LOOK]},
    {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "url", "url": "x"}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "container_upload"}]}]},
    {"messages": [{"role": "robot", "content": "x"}]}, {"messages": [{"role": "user", "content": 5}]},
    {"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, {"messages": []}, {"messages": "x"},
    {"messages": [{"role": "assistant", "content": [{"type": "server_tool_use"}]}]},
    {"max_tokens": 0}, {"temperature": 1.5}, {"system": [{"type": "image"}]}, {"thinking": {"type": "loud"}},
    {"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}},
], ids=str)
async def test_what_cannot_be_done_is_refused_by_its_name(door: Door, sent: Json) -> None:
    before = len(door.model.calls)
    async with posted(door, **{"model": await door.gateway(), **sent}) as r:
        found = await r.json()
        assert (r.status, r.content_type, found["type"]) == (400, "application/json", "error"), found
    error = found["error"]
    assert error["type"] == "invalid_request_error" and error["message"] and found["request_id"]
    assert error["param"].split(".")[0] in sent and len(door.model.calls) == before


async def test_refusals_have_its_shape(door: Door) -> None:
    id = await door.gateway()
    for headers, model, status, kind in (
        ({}, id, 401, "authentication_error"), ({"x-api-key": "sk-hub-wrong"}, id, 401, "authentication_error"),
        (None, "claude-nothing", 404, "not_found_error"),
    ):
        async with posted(door, model=model, headers=headers) as r:
            assert (r.status, (await r.json())["error"]["type"]) == (status, kind)
    for act, status, kind in (
        (refuses(429, headers={"Retry-After": "30"}), 429, "rate_limit_error"), (refuses(401), 502, "api_error"),
        (refuses(400, "too long"), 400, "invalid_request_error"),
    ):
        door.model.default = act
        async with posted(door, model=await door.gateway(modelName=f"of-{status}")) as r:
            assert (r.status, (await r.json())["error"]["type"]) == (status, kind)
            assert status != 429 or r.headers["Retry-After"] == "30"
    door.model.default = cut("One")
    found = await stream(door)
    assert (found[-1]["type"], found[-1]["error"]["type"]) == ("error", "api_error")
    async with door.http.post(f"{door.url}/v1/v1/messages", json={}, headers={"x-api-key": door.key}) as r:
        assert r.status == 404 and "base_url" in (await r.json())["error"]["message"]


async def test_either_header_carries_the_key_and_nothing_else_does(door: Door) -> None:
    id = await door.gateway()
    for headers in ({"x-api-key": door.key}, {"Authorization": f"Bearer {door.key}"}):
        async with posted(door, model=id, headers=headers) as r:
            assert r.status == 200
    for headers in ({"x-api-key": ""}, {"x-api-key": "x" * 5000}, {"api-key": door.key}):
        async with posted(door, model=id, headers=headers) as r:
            assert r.status == 401
    async with door.http.get(f"{door.url}/v1/models", headers={"x-api-key": door.key}) as r:
        found = await r.json()
    assert r.status == 200 and found["has_more"] is False and found["data"][-1]["type"] == "model"


async def test_tokens_are_counted_without_asking_anybody(door: Door) -> None:
    id, before = await door.gateway(), len(door.model.calls)

    async def counted(**sent: Any) -> int:
        async with posted(door, f"{PATH}/count_tokens", model=id, **sent) as r:
            assert r.status == 200, await r.text()
            return int((await r.json())["input_tokens"])

    few = await counted()
    assert few < await counted(system="Be kind. " * 20) < await counted(system="Be kind. " * 20, tools=[LOOK])
    assert len(door.model.calls) == before
    async with posted(door, f"{PATH}/count_tokens", model="nothing") as r:
        assert r.status == 404


async def test_a_gateway_answers_to_its_slug(door: Door) -> None:
    await door.gateway("Claude Sonnet")
    slug = await door.hub.db.value("select slug from gateways where name = 'Claude Sonnet'")
    assert (await ask(door, model=slug))["content"][0]["text"] == HELLO
