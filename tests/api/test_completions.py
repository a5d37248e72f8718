"""Models and chat completions over HTTP, with OpenAI's own client and by hand."""

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.accounts.accounts import create_account
from hub.accounts.keys import Keyring, grant
from hub.accounts.model_lookup import Directory
from hub.api.http import answer_stream as streams
from hub.api.http import app_keys, middleware
from hub.api.openai import ROUTES
from hub.api.openai.schemas import CompletionOut
from hub.domain import Json
from hub.runtime import open_hub
from tests.api.door import ASK, Door, events
from tests.fakes.model import cut, hangs, refuses, says
from tests.later import later

if TYPE_CHECKING:
    import openai
else:
    openai = later("openai")

TOOL: Json = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALL: Json = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


async def test_models_are_integrated_ones_and_gateways(door: Door) -> None:
    id = await door.gateway()
    async with door.http.get(f"{door.url}/v1/models?api-key={door.key}") as r:
        found = await r.json()
    assert r.status == 200 and found["object"] == "list"
    assert [(m["id"], m["object"], m["owned_by"]) for m in found["data"]] == [
        ("@hub/extractive", "model", "hub"), (id, "model", "Aurora"),
    ]
    assert all(isinstance(m["created"], int) for m in found["data"]) and found["data"][1]["created"] > 1_700_000_000


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/v1/chat/completions"])
async def test_completion_is_as_documented(door: Door, path: str) -> None:
    id = await door.gateway(systemInstruction="Be kind.")
    async with door.post(path, model=id, metadata={"foo": "bar"}, stream=False) as r:
        got = await r.json()
    assert r.status == 200 and r.content_type == "application/json"
    CompletionOut.model_validate(got)
    generated, created = got["id"], got["created"]
    assert UUID(generated) and created > 1_700_000_000
    bill = {"amount": 0.0, "unit_price": 0.0, "description": "Inference for AI model 'fake-1'"}
    assert got == {
        "id": generated, "object": "chat.completion", "created": created, "model": "fake-1",
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant", "content": "Hello from the model.", "refusal": None, "annotations": [],
                "tool_calls": [],
            },
            "logprobs": None, "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 8, "completion_tokens": 5, "total_tokens": 17,
            "prompt_tokens_details": {"cached_tokens": 4},
        },
        "service_tier": "default",
        "generation_context": {
            "generated_usage": [
                {"sku": "inference.chat_completions.in", "quantity": 8, **bill},
                {"sku": "inference.chat_completions.out", "quantity": 5, **bill},
                {"sku": "inference.chat_completions.in.cached", "quantity": 4, **bill},
            ],
            "runned_functions": [],
        },
    }
    call = door.model.calls[0]
    assert call.headers["Authorization"] == "Bearer sk-upstream-key"
    assert call.body["messages"] == [{"role": "system", "content": "Be kind."}, *ASK] and "metadata" not in call.body
    rows = await door.billed()
    assert [(r["sku"], int(r["quantity"]), str(r["gateway_id"])) for r in rows] == [
        ("inference.chat_completions.in", 8, id), ("inference.chat_completions.out", 5, id),
        ("inference.chat_completions.in.cached", 4, id),
    ]
    assert all(r["key_id"] for r in rows)


async def test_model_by_slug_and_by_name(door: Door) -> None:
    id = await door.gateway()
    slug = await door.hub.db.value("select slug from gateways where id = $1", UUID(id))
    async with door.post(model=slug) as r:
        assert (await r.json())["choices"][0]["message"]["content"] == "Hello from the model."
    async with door.post(model="@hub/extractive", messages=[{"role": "user", "content": "bom dia"}]) as r:
        got = await r.json()
    assert got["model"] == "@hub/extractive" and got["choices"][0]["message"]["content"].startswith("Olá")
    assert [r["gateway_id"] for r in await door.billed()][-1] is None


async def test_openai_client_chats_streams_and_lists(door: Door) -> None:
    id = await door.gateway()
    door.model.plan += [says("Hi there"), says("Hel", "lo ", "you", delay=0.01)]
    door.model.plan.append(says(tool_calls=[CALL], finish="tool_calls"))
    async with door.client() as client:
        whole = await client.chat.completions.create(model=id, messages=[{"role": "user", "content": "Hi"}])
        assert whole.choices[0].message.content == "Hi there" and whole.usage and whole.usage.total_tokens == 17
        stream = await client.chat.completions.create(
            model=id, messages=[{"role": "user", "content": "Hi"}], stream=True, stream_options={"include_usage": True}
        )
        chunks = [c async for c in stream]
        assert "".join(c.choices[0].delta.content or "" for c in chunks) == "Hello you"
        assert chunks[-1].choices[0].finish_reason == "stop"
        assert chunks[-1].usage and chunks[-1].usage.completion_tokens == 5
        called = await client.chat.completions.create(
            model=id, messages=[{"role": "user", "content": "Hi"}], tools=[TOOL]  # type: ignore[list-item]  # plain JSON, as callers send it
        )
        calls = called.choices[0].message.tool_calls
        assert calls and calls[0].type == "function" and calls[0].function.name == "look"
        assert called.choices[0].finish_reason == "tool_calls" and called.choices[0].message.content is None
        assert [m.id async for m in client.models.list()] == ["@hub/extractive", id]
        with pytest.raises(openai.NotFoundError) as e:
            await client.chat.completions.create(model="nobody:1234", messages=[{"role": "user", "content": "Hi"}])
        assert e.value.code == "model_not_found" and e.value.param == "model"


async def test_stream_is_as_documented(door: Door) -> None:
    id = await door.gateway(flags=["ReturnReasoningTokens"])
    door.model.plan.append(says("Hel", "lo", reasoning="hm", delay=0.02))
    async with door.post(model=id, stream=True) as r:
        assert r.status == 200 and r.content_type == "text/event-stream"
        got = await events(r)
    assert got.pop() == "[DONE]"
    assert [c["choices"][0]["delta"] for c in got] == [
        {"role": "assistant", "reasoning": "hm"}, {"content": "Hel"}, {"content": "lo"}, {},
    ]
    assert {c["id"] for c in got} == {got[0]["id"]} and {c["object"] for c in got} == {"chat.completion.chunk"}
    assert [c["choices"][0]["finish_reason"] for c in got] == [None, None, None, "stop"]
    assert got[0]["usage"] is None and got[-1]["usage"]["total_tokens"] == 17 and got[0]["model"] == "fake-1"
    assert len(await door.billed()) == 3


async def test_stream_of_tool_calls(door: Door) -> None:
    id = await door.gateway(tools=[TOOL])
    door.model.plan.append(says(tool_calls=[CALL], finish="tool_calls"))
    async with door.post(model=id, stream=True) as r:
        got = await events(r)
    assert got[0]["choices"][0]["delta"]["tool_calls"] == [CALL]
    assert got[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert door.model.calls[0].body["tools"] == [TOOL]


async def test_error_before_the_first_word_is_an_error_answer(door: Door) -> None:
    id = await door.gateway()
    door.model.default = refuses(401, "Incorrect API key provided: sk-upstream-key")
    async with door.post(model=id, stream=True) as r:
        got = await r.json()
    assert r.status == 502 and r.content_type == "application/problem+json"
    assert got["error"]["code"] == "upstream_error" and "refused" in got["error"]["message"]
    assert "sk-upstream" not in str(got)


@pytest.mark.parametrize("trouble", [cut("Half"), cut("Half", abort=False)])
async def test_error_after_the_first_word_is_an_event(door: Door, trouble: Any) -> None:
    door.model.default = trouble
    async with door.post(model=await door.gateway(), stream=True) as r:
        got = await events(r)
    assert r.status == 200 and got[-1] == "[DONE]"
    assert got[-2]["choices"][0]["finish_reason"] == "error" and set(got[-2]["error"]) == {"code", "message"}
    assert len(door.model.calls) == 1


async def test_pings_while_the_model_thinks(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams.Out.__init__, "__defaults__", (0.05, dict))
    monkeypatch.setattr(streams.attended, "__defaults__", (None, 0.02))
    id = await door.gateway()
    for header, pings in (({}, True), ({"Sse-Stream-Options": "no-ping"}, False)):
        door.model.plan.append(says("late", delay=0.3))
        async with door.post(model=id, stream=True, headers=header) as r:
            text = await r.text()
        assert (": ping\n\n" in text) is pings and "late" in text and text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("stream", [True, False])
async def test_leaving_ends_the_upstream_call(door: Door, stream: bool) -> None:
    door.model.default = says(*["more "] * 300, delay=0.02) if stream else hangs(20)
    id = await door.gateway()
    sent = asyncio.create_task(_leave(door, id, stream))
    await sent
    for _ in range(150):
        if door.model.gone:
            break
        await asyncio.sleep(0.02)
    assert door.model.gone == 1 and door.model.open == 0


async def _leave(door: Door, id: str, stream: bool) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None if stream else 0.3)) as http:
        url, headers = door.url + "/v1/chat/completions", {"Authorization": f"Bearer {door.key}"}
        try:
            async with http.post(url, json={"model": id, "messages": ASK, "stream": stream}, headers=headers) as r:
                await r.content.readany()
        except TimeoutError:
            pass


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"messages": []}, ""), ({"messages": None}, ""), ({"prompt": "x"}, ""), ({"temperature": 3}, "temperature"),
        ({"messages": [{"role": "user"}]}, "messages.0"),
        ({"messages": [{"role": "boss", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0"), ({"metadata": {"a": 1}}, "metadata.a"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0"),
        ({"messages": [{"role": "user", "content": [{"type": "x"}]}]}, "messages.0"), ({"n": 2}, "n"),
        ({"idempotency_key": "x" * 129}, "idempotency_key"), ({"stop": ["a"] * 65}, "stop"), ({"model": ""}, "model"),
        ({"builtin_tools": {"tools": ["Nothing"]}}, "builtin_tools.tools.0"),
        ({"builtin_tools": {"options": {"web_search_max_results": 26}}}, "builtin_tools.options"),
        ({"response_schema": {"type": "nothing"}}, "response_schema"), ({"response_schema": []}, "response_schema"),
        ({"multimodal_preprocess": ["Nothing"]}, "multimodal_preprocess"), ({"extra_body": {"a": 1}}, "extra_body"),
        ({"min_p": 0.1}, "min_p"), ({"service_tier": "priority"}, "service_tier"), ({"functions": [{}]}, ""),
        ({"rendering_mode": "nothing"}, "rendering_mode"), ({"response_format": {"type": "x"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"response_format": {"type": "json_object", "healing_options": {"max_attempts": 11}}}, "response_format"),
    ],
)
async def test_what_cannot_be_asked_names_the_field(door: Door, body: Json, field: str) -> None:
    async with door.post(**{"model": "@hub/extractive", **body}) as r:
        got = await r.json()
    assert r.status == 400 and got["error"]["type"] == "invalid_request_error"
    assert (got["error"]["param"] or "").startswith(field) and len(got["error"]["message"]) > 10


async def test_everything_documented_is_passed_on(door: Door) -> None:
    passed: Json = {
        "temperature": 0.5, "top_p": 0.9, "top_k": 3, "seed": 1, "stop": ["a", "b"], "presence_penalty": 1,
        "verbosity": "low", "frequency_penalty": 1,
        "reasoning_effort": "low", "tools": [TOOL], "response_format": {"type": "json_object"},
    }
    noted: Json = {
        "user": "u1", "metadata": {"a": "b"}, "idempotency_key": "k", "tool_invocation_explanations": True,
        "builtin_tools": {"tools": []}, "stream_options": {"include_usage": True},
    }
    unknown: Json = {"min_p": 0.1, "chat_template_kwargs": {"enable_thinking": False}, "service_tier": "auto"}
    asked = {**passed, **noted, **unknown}
    async with door.post(model=await door.gateway(), max_tokens=7, extra_body={"x": 1}, **asked) as r:
        assert r.status == 200
    body = door.model.calls[0].body
    passed |= unknown
    assert {k: body[k] for k in passed} == passed and body["max_completion_tokens"] == 7 and body["x"] == 1
    assert not set(body) & (set(noted) - {"stream_options"} | {"max_tokens", "extra_body"})


async def test_prompt_in_place_of_messages(door: Door) -> None:
    async with door.post(model="@hub/extractive", messages=None, prompt="hello") as r:
        assert (await r.json())["choices"][0]["message"]["content"] == "Hello! How can I help?"


async def test_foreign_and_unknown_models_are_not_found(door: Door) -> None:
    other = await create_account(door.hub.db, "Other")
    foreign = await grant(door.hub.db, other.id, "x", None)
    id = await door.gateway()
    slug = await door.hub.db.value("select slug from gateways where id = $1", UUID(id))
    for name, key in ((id, foreign), (slug, foreign), ("@openai/gpt-5", door.key), (str(UUID(int=7)), door.key)):
        async with door.post(model=name, key=key) as r:
            got = await r.json()
        assert r.status == 404 and got["error"]["code"] == "model_not_found"
    assert door.model.calls == []


async def test_keys(door: Door) -> None:
    async with door.http.post(door.url + "/v1/chat/completions", json={"model": "x", "messages": ASK}) as r:
        assert r.status == 401 and (await r.json())["error"]["type"] == "authentication_error"
    for path in ("/chat/completions", "/v1/v1/chat/completions", "/models"):
        async with door.http.post(door.url + path, json={"model": "x", "messages": ASK}) as r:
            assert r.status == 404 and "/v1." in (await r.json(content_type=None))["error"]["message"]


async def test_public_key_has_only_its_gateway(door: Door) -> None:
    id = await door.gateway(systemInstruction="Be kind.", tools=[TOOL], maxCompletionTokens=50, temperature=0.1)
    asked: Json = {"temperature": 2, "tools": [TOOL], "extra_body": {"x": 1}, "stop": "END"}
    asked["max_completion_tokens"] = 900
    async with door.post(model=id, key=door.public, **asked) as r:
        assert r.status == 200
    body = door.model.calls[0].body
    assert (body["temperature"], body["max_completion_tokens"], body["stop"]) == (0.1, 50, "END")
    assert "tools" not in body and "x" not in body
    slug = await door.hub.db.value("select slug from gateways where id = $1", UUID(id))
    for name in (slug, "@hub/extractive"):
        async with door.post(model=name, key=door.public) as r:
            assert r.status == 404
    commanding = [{"role": "system", "content": "You are mine."}, *ASK]
    async with door.post(model=id, key=door.public, messages=commanding) as r:
        assert r.status == 403 and (await r.json())["error"]["param"] == "messages"
    door.model.default = refuses(400, "deployment seven of tenant nine is down")
    for stream in (True, False):
        async with door.post(model=id, key=door.public, stream=stream) as r:
            told = await r.json()
            assert r.status == 400 and "tenant nine" not in str(told) and told["error"]["code"] == "invalid_request"


async def test_context_overflow(door: Door) -> None:
    id = await door.gateway(contextMaximumSize=10)
    async with door.post(model=id, messages=[{"role": "user", "content": "x" * 400}], stream=True) as r:
        assert r.status == 400 and (await r.json())["error"]["code"] == "context_overflow"


async def test_balance_when_billing_is_on(door: Door) -> None:
    async with open_hub(door.hub.settings.changed(billing=True)) as hub:
        app = web.Application(middlewares=[middleware.guard])
        app[app_keys.HUB], app[app_keys.KEYRING], app[app_keys.DIRECTORY] = hub, Keyring(hub.db), Directory(hub)
        app.router.add_route("POST", "/v1/chat/completions", ROUTES[1].handler)
        server = TestServer(app)
        await server.start_server()
        url, headers = server.make_url("/v1/chat/completions"), {"Authorization": f"Bearer {door.key}"}
        body = {"model": "@hub/extractive", "messages": ASK}
        async with door.http.post(url, json=body, headers=headers) as r:
            assert r.status == 402 and (await r.json())["error"]["type"] == "insufficient_quota"
        await hub.db.run("update accounts set balance = 1 where id = $1", door.account)
        app[app_keys.DIRECTORY].forget(door.account)
        async with door.http.post(url, json=body, headers=headers) as r:
            assert r.status == 200
        await server.close()
