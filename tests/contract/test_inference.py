"""Inference (A-01, A-02)."""

import base64

import orjson
import pytest

from tests.contract.answers import ANSWERS
from tests.contract.asking import Contract, Json, filled
from tests.contract.shape import differences
from tests.fakes.model import says

pytestmark = pytest.mark.asyncio(loop_scope="module")
ASK = [{"role": "user", "content": "Qual a capital da França?"}]
WHOLE: Json = {
    "messages": ASK, "stream": False, "metadata": {"foo": "bar"}, "temperature": 0.5, "top_p": 0.9, "top_k": 40,
    "seed": 7, "stop": ["END"], "max_completion_tokens": 200, "presence_penalty": 0.1, "frequency_penalty": -0.1,
    "reasoning_effort": "low", "verbosity": "low", "user": "ana", "idempotency_key": "k" * 128,
    "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
    "builtin_tools": {
        "tools": ["Calendar"],
        "options": {
            "web_search_mode": "summarized", "web_search_max_results": 5, "include_all_memory_context": True,
            "image_generation_model_name": None, "image_generation_allow_reference_usage": False,
            "image_generation_quality": "low", "image_generation_max_results": 1,
            "image_generation_allow_mature_content": False,
        },
    },
    "multimodal_preprocess": ["Image"], "tool_invocation_explanations": False, "rendering_mode": "textual_blocks",
    "extra_body": {"service": "x"},
}


async def model(api: Contract) -> str:
    return await api.gateway(baseAddress=f"{api.model.url}/v1", modelName="fake-1", apiKey="k-upstream")


@pytest.mark.row("A-01")
async def test_models_and_gateways(api: Contract) -> None:
    gateway = await api.gateway()
    found = await api.both_ways("A-01")
    [ours] = [m for m in found["data"] if m["id"] == gateway]
    assert ours["owned_by"] == "Aurora"
    assert any(m["id"].startswith("@") for m in found["data"])


@pytest.mark.row("A-02")
@pytest.mark.parametrize("sent", [{"messages": ASK, "metadata": {"foo": "bar"}}, WHOLE, {"prompt": "Oi"}])
async def test_a_completion(api: Contract, sent: Json) -> None:
    api.model.default = says("A capital da França ", "é Paris.")
    found = await api.good("A-02", sent={"model": await model(api), **sent})
    [choice] = found["choices"]
    assert "A capital da França é Paris." in choice["message"]["content"]
    assert (choice["index"], choice["finish_reason"], found["model"]) == (0, "stop", "fake-1")
    used = found["usage"]
    assert (used["completion_tokens"], used["total_tokens"]) == (5, 17)
    assert used["prompt_tokens"] + used["prompt_tokens_details"]["cached_tokens"] == 12


@pytest.mark.row("A-02")
async def test_what_was_generated_is_told_by_its_parts(api: Contract) -> None:
    found = await api.good("A-02", sent={"model": "@hub/extractive", "messages": ASK})
    billed = {one["sku"]: one for one in found["generation_context"]["generated_usage"]}
    assert {"inference.chat_completions.in", "inference.chat_completions.out"} <= set(billed)


async def test_a_stream_of_chunks(api: Contract) -> None:
    api.model.default = says("Pa", "ris.")
    sent = {"model": await model(api), "messages": ASK, "stream": True}
    got = await api.row("A-02", sent=sent, headers={"Sse-Stream-Options": "no-ping"})
    assert got.status == 200 and got.headers["Content-Type"].startswith("text/event-stream")
    lines = [line for line in got.body.split("\n") if line]
    assert all(line.startswith("data: ") for line in lines) and lines[-1] == "data: [DONE]"
    chunks = [orjson.loads(line[6:]) for line in lines[:-1]]
    assert {c["object"] for c in chunks} == {"chat.completion.chunk"} and len({c["id"] for c in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks) == "Paris."
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    shape = ANSWERS["A-02"]["usage"]
    assert differences(chunks[-1]["usage"], shape) == [] and all(c["usage"] is None for c in chunks[:-1])


async def test_every_form_of_a_key(api: Contract) -> None:
    basic = base64.b64encode(f"anyone:{api.key}".encode()).decode()
    for header in (f"Bearer {api.key}", f"bearer {api.key}", f"Basic {basic}", api.key):
        assert (await api.row("A-01", key="", headers={"Authorization": header})).status == 200, header


async def test_refusals(api: Contract) -> None:
    id = await model(api)
    body = await api.refused("A-02", 400, sent={"model": id}, said="messages")
    assert body["error"]["type"] == "invalid_request_error" and body["code"] == "invalid_request"
    body = await api.refused("A-02", 400, sent={"model": id, "messages": ASK, "temperature": 9}, said="temperature")
    assert body["error"]["param"] == "temperature"
    await api.refused("A-02", 401, sent={"model": id, "messages": ASK}, key="sk-hub-nothing")
    await api.refused("A-02", 404, sent={"model": "@no/model", "messages": ASK})
    await api.refused("A-02", 403, sent={"model": id, "messages": ASK, "user": "ana"}, key=api.public, said="user")
    await api.refused("A-01", 401, key="")
    seen = await api.good("A-01", key=api.public)
    assert id in {m["id"] for m in seen["data"]} and not any(m["id"].startswith("@") for m in seen["data"])


@pytest.mark.row("A-02")
async def test_the_second_address(api: Contract) -> None:
    sent = {"model": await model(api), "messages": ASK}
    printed = await api.good("A-02", sent=sent)
    again = await api.ok("POST", "/api" + filled("A-02"), sent)
    assert differences(again, ANSWERS["A-02"]) == [] and again["choices"] == printed["choices"]
    got = await api.call("POST", "/api" + filled("A-02"), {})
    assert (got.status, got.body["error"]["type"]) == (400, "invalid_request_error")
