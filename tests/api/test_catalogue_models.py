"""Models of the catalogue: reached with the operator's key, priced, and asked no more than they can."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from hub.config import Settings
from hub.domain import Json
from tests.api.door import Door, opened
from tests.fakes.model import FakeModel, refuses, says, serve
from tests.fakes.natives import claude
from tests.fakes.official import sdks

__all__ = ["sdks"]

FILE = """
[providers]
acme = {{ address = "{url}/acme/v1" }}
[models."@acme/big"]
provider = "acme"
name = "big-2026"
context = 1000
in = 2.0
out = 10.0
cached = 0.5
modes = ["image", "tools", "json", "reasoning"]
flags = ["NoTemperature"]
badges = ["New"]
[models."@acme/plain"]
provider = "acme"
name = "plain"
badges = ["Discounted"]
"""
LOOK: Json = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
async def upstream() -> AsyncIterator[FakeModel]:
    async with serve() as model:
        yield model


@pytest.fixture
async def door(settings: Settings, upstream: FakeModel, tmp_path: Path) -> AsyncIterator[Door]:
    path = tmp_path / "models.toml"
    path.write_text(FILE.format(url=upstream.url))
    more = {"catalogue": str(path), "model_keys": SecretStr("acme=sk-of-the-operator"), "outbound_allow": ""}
    async with opened(settings.changed(**more)) as one:
        yield one


async def test_a_model_by_its_name(door: Door, upstream: FakeModel) -> None:
    got = await door.asked(model="@acme/big", temperature=0.5, reasoning_effort="low")
    assert got["model"] == "@acme/big" and got["choices"][0]["message"]["content"] == "Hello from the model."
    [call] = upstream.calls
    assert call.path == "/acme/v1/chat/completions" and call.headers["Authorization"] == "Bearer sk-of-the-operator"
    assert (
        call.body["model"] == "big-2026" and "temperature" not in call.body and call.body["reasoning_effort"] == "low"
    )
    used = {u["sku"]: u for u in got["generation_context"]["generated_usage"]}
    assert used["inference.chat_completions.in"]["amount"] == pytest.approx(8 * 2e-6)
    assert used["inference.chat_completions.out"]["amount"] == pytest.approx(5 * 1e-5)
    assert used["inference.chat_completions.in.cached"]["amount"] == pytest.approx(4 * 5e-7)
    assert used["inference.chat_completions.in"]["description"] == "Inference for AI model '@acme/big'"
    async with door.http.get(f"{door.url}/v1/models?api-key={door.key}") as r:
        listed = {m["id"]: m for m in (await r.json())["data"]}
    assert listed["@acme/big"]["owned_by"] == "acme" and listed["@acme/big"]["badges"] == ["New"]


async def test_what_it_costs_is_taken_off(door: Door, upstream: FakeModel) -> None:
    await door.hub.db.run("update accounts set balance = 1 where id = $1", door.account)
    await door.asked(model="@acme/big")
    left = await door.hub.db.value("select balance::float8 from accounts where id = $1", door.account)
    assert left == pytest.approx(1 - (8 * 2e-6 + 5 * 1e-5 + 4 * 5e-7))


async def test_a_turn_may_cost_so_much(settings: Settings, door: Door, upstream: FakeModel) -> None:
    changed = door.hub.settings.changed(turn_cost=0.00001)
    async with opened(changed) as poor:
        call = {"index": 0, "id": "c", "type": "function", "function": {"name": "memory_save", "arguments": "{}"}}
        upstream.plan.extend([says(tool_calls=[call]), says("Done.")])
        got = await poor.asked(model="@acme/big", builtin_tools={"tools": ["Remember"]}, user="ana")
        assert got["choices"][0]["message"]["content"] == "Done."
        assert "tools" in upstream.calls[0].body and "tools" not in upstream.calls[1].body


async def test_a_model_is_asked_what_it_can(door: Door, upstream: FakeModel) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    talk = [{"role": "user", "content": [{"type": "text", "text": "See"}, image]}]
    await door.asked(model="@acme/big", messages=talk, tools=[LOOK])
    assert upstream.calls[-1].body["messages"] == talk and upstream.calls[-1].body["tools"] == [LOOK]
    await door.asked(model="@acme/plain", messages=talk, tools=[LOOK], reasoning_effort="low")
    body = upstream.calls[-1].body
    assert "image_url" not in str(body) and "cannot see it" in str(body["messages"])
    assert "tools" not in body and "reasoning_effort" not in body and "Action Input" in body["messages"][0]["content"]


async def test_its_context_is_known(door: Door, upstream: FakeModel) -> None:
    long = [{"role": "user", "content": "x" * 5000}]
    async with door.post(model="@acme/big", messages=long) as r:
        assert r.status == 400 and (await r.json())["code"] == "context_overflow"
    await door.asked(model="@acme/plain", messages=long)


async def test_a_gateway_of_an_integrated_model_and_routes_to_it(door: Door, upstream: FakeModel) -> None:
    routes = {
        f"{level}ComplexityModelName": f"@acme/{name}"
        for level, name in (("low", "plain"), ("medium", "big"), ("high", "big"))
    }
    upstream.plan.extend([says("low"), says("Ok.")])
    got = await door.asked(
        parameters={"baseAddress": "@integrated", "modelName": "@acme/big", "modelRoutingParameters": routes}
    )
    assert got["model"] == "@acme/plain" and upstream.calls[-1].body["model"] == "plain"
    assert upstream.calls[0].body["model"] == "big-2026", "the gateway's own model classifies"
    async with door.post(model="@acme/nothing") as r:
        assert r.status == 404


async def test_the_helper_has_a_model_of_its_own(door: Door, upstream: FakeModel) -> None:
    async with opened(door.hub.settings.changed(helper_model="@acme/plain")) as one:
        upstream.plan.extend([says("high"), says("Ok.")])
        routes = {f"{level}ComplexityModelName": "@acme/big" for level in ("low", "medium", "high")}
        await one.asked(
            parameters={"baseAddress": "@integrated", "modelName": "@acme/big", "modelRoutingParameters": routes}
        )
        assert [c.body["model"] for c in upstream.calls] == ["plain", "big-2026"]


async def test_discounted_models_have_a_smaller_share(door: Door, upstream: FakeModel) -> None:
    async with opened(door.hub.settings.changed(requests_per_minute=4)) as one:
        statuses = []
        for _ in range(3):
            async with one.post(model="@acme/plain") as r:
                statuses.append(r.status)
        assert statuses == [200, 200, 429]
        await one.asked(model="@acme/big")


async def test_a_fallback_of_the_hubs_own_is_charged_and_takes_no_settings(
    settings: Settings, upstream: FakeModel, tmp_path: Path
) -> None:
    path = tmp_path / "models.toml"
    path.write_text(FILE.format(url=upstream.url))
    key = SecretStr("acme=sk-of-the-operator")
    async with opened(settings.changed(catalogue=str(path), model_keys=key)) as door:
        door.model.default = refuses(400)
        got = await door.asked(parameters={
            "additionalSettings": {"service_tier": "priority"}, "temperature": 0.5,
            "fallbackModels": [
                {"modelName": "other", "apiKey": "sk-second-key"},
                {"modelName": "@acme/big", "baseAddress": "@integrated"},
            ],
        })  # fmt: skip
        assert got["model"] == "@acme/big" and [c.headers["Authorization"] for c in door.model.calls] == [
            "Bearer sk-upstream-key", "Bearer sk-second-key"
        ]
        assert door.sent["service_tier"] == "priority" and "service_tier" not in upstream.calls[0].body
        assert sum(u["amount"] for u in got["generation_context"]["generated_usage"]) > 0


async def test_a_provider_that_speaks_otherwise(settings: Settings, upstream: FakeModel, tmp_path: Path) -> None:
    """Its models are asked as it says, and charged with what was remembered apart."""
    path = tmp_path / "models.toml"
    path.write_text(FILE.replace('/acme/v1"', '/acme/v1", transport = "Anthropic"').format(url=upstream.url))
    upstream.default = claude({"type": "text", "text": "Hi there.", "citations": None})
    key = SecretStr("acme=sk-of-the-operator")
    async with opened(settings.changed(catalogue=str(path), model_keys=key)) as door:
        got = await door.asked(model="@acme/big")
        [call] = upstream.calls
        assert call.path == "/acme/v1/messages" and call.headers["x-api-key"] == "sk-of-the-operator"
        rows = {u["sku"]: u["quantity"] for u in got["generation_context"]["generated_usage"]}
        assert rows["inference.chat_completions.in"] == 10 and rows["inference.chat_completions.in.cached"] == 7
        # What it is to remember costs more than what it only reads.
        assert rows["inference.chat_completions.in.written"] == 3
        paid = {u["sku"].rpartition(".")[2]: u["unit_price"] for u in got["generation_context"]["generated_usage"]}
        assert paid["written"] == pytest.approx(paid["in"] * 1.25)
        assert got["choices"][0]["message"]["content"] == "Hi there."
