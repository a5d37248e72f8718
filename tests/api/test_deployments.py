"""One model at several places and with several keys, who steps in for what, and what is sent along to whom."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from hub import ids
from hub.accounts import gateways
from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.accounts.parameters import GatewayParameters
from hub.domain import Json
from hub.processes.embedded import Server
from tests.api.door import Door, events, opened
from tests.conftest import cloned, small
from tests.fakes.model import Act, FakeModel, cut, event, raw, refuses, says, serve

pytestmark = pytest.mark.asyncio(loop_scope="module")
LONG = "This model's maximum context length is 8192 tokens."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Door]:
    async with cloned(servers[0]) as dsn:
        async with opened(small(dsn, servers[1].url, sealing_key, tmp_path_factory.mktemp("hub"))) as one:
            yield one


@pytest_asyncio.fixture(loop_scope="module")
async def door(place: Door) -> Door:
    place.model.default = None
    place.model.plan.clear()
    place.model.calls.clear()
    return place


@pytest_asyncio.fixture(loop_scope="module")
async def west() -> AsyncIterator[FakeModel]:
    """Another place of the same model."""
    async with serve() as model:
        model.default = says("From the west.")
        yield model


def deployed(west: FakeModel, **more: Any) -> Json:
    """Two places of one model; the keys are new in each test."""
    there = {"baseAddress": f"{west.url}/v1", "apiKey": f"sk-west-{ids.uuid7()}", **more}
    return {"apiKey": f"sk-own-{ids.uuid7()}", "deployments": [there]}


async def said(door: Door, id: str, key: str | None = None, **body: Any) -> tuple[int, str]:
    async with door.post(model=id, key=key, **body) as r:
        got = await r.json(content_type=None)
        message = got["choices"][0]["message"] if r.status == 200 else None
        return r.status, (message["content"] or message["refusal"]) if message else got["error"]["code"]


async def foreign(door: Door, given: Json) -> tuple[str, str]:
    """A gateway of another account, and its key."""
    other = await create_account(door.hub.db, "Other")
    parameters = GatewayParameters.model_validate(
        {"baseAddress": f"{door.model.url}/v1", "modelName": "fake-1", **given})
    hub = door.hub
    id = await gateways.add(hub.db, hub.sealer, hub.outbound.guard, other.id, "Theirs", parameters)
    return str(id), await grant(hub.db, other.id, "x", None)


LIMITED = refuses(429, headers={"Retry-After": "30"})


@pytest.mark.parametrize("trouble", [refuses(503), refuses(429), LIMITED, refuses(401)])
async def test_one_broken_place_is_nobodys_trouble(door: Door, west: FakeModel, trouble: Act) -> None:
    """Two accounts with two places each, one of one's broken: all are answered, four at once."""
    mine = deployed(west)

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        broken = request.headers["Authorization"] == f"Bearer {mine['apiKey']}"
        return await (trouble if broken else says("From here."))(request, body)

    door.model.default = act
    id = await door.gateway(**mine)
    theirs, key = await foreign(door, deployed(west))
    found: Counter[str] = Counter()
    for _ in range(6):
        both = await asyncio.gather(said(door, id), said(door, theirs, key), said(door, id), said(door, theirs, key))
        assert {s for s, _ in both} == {200}
        assert {words for _, words in both[::2]} == {"From the west."}
        found.update(words for _, words in both[1::2])
    assert set(found) == {"From here.", "From the west."}, "the other account uses both"


async def test_who_limits_requests_rests(door: Door, west: FakeModel) -> None:
    own = deployed(west)
    id = await door.gateway(**own, loadBalancing={"strategy": "Weighted", "weight": 1000})
    door.model.default = refuses(429)
    for _ in range(8):
        assert await said(door, id) == (200, "From the west.")
    asked = [c for c in door.model.calls if c.headers["Authorization"] == f"Bearer {own['apiKey']}"]
    assert len(asked) == 1, "it was asked once, and rests since"
    west.default = refuses(429)
    assert (await said(door, id))[0] == 429, "when all do it is told"


async def test_two_keys_at_one_place(door: Door) -> None:
    keys = [f"sk-{ids.uuid7()}" for _ in range(2)]
    id = await door.gateway(apiKey=keys[0], deployments=[{"apiKey": keys[1]}])
    for _ in range(30):
        await said(door, id)
    used = {c.headers["Authorization"] for c in door.model.calls}
    assert used == {f"Bearer {k}" for k in keys}


async def test_a_deployment_has_its_own_name_and_price_stays(door: Door, west: FakeModel) -> None:
    own = deployed(west, modelName="my-deployment", weight=1000)
    id = await door.gateway(**own, loadBalancing={"weight": 0})
    got = await door.asked(model=id)
    assert west.calls[0].body["model"] == "my-deployment" and got["model"] == "fake-1"


async def test_what_the_same_model_would_refuse_elsewhere_is_told(door: Door, west: FakeModel) -> None:
    door.model.default = refuses(400, "bad field")
    id = await door.gateway(**deployed(west, weight=0))
    assert await said(door, id) == (400, "invalid_request") and not west.calls


async def test_the_fastest_is_asked(door: Door, west: FakeModel) -> None:
    door.model.default, west.default = says("Slow.", delay=0.5), says("Fast.")
    id = await door.gateway(**deployed(west), loadBalancing={"strategy": "LeastLatency"})
    for _ in range(2):
        await said(door, id)
    assert len(door.model.calls) == len(west.calls) == 1, "each was tried"
    assert [await said(door, id) for _ in range(3)] == [(200, "Fast.")] * 3


def streamed(*pieces: Json, finish: str = "stop") -> Act:
    return raw(b"".join(event(p) for p in pieces) + event({}, finish) + b"data: [DONE]\n\n")


REFUSAL = streamed({"refusal": "I would "}, {"refusal": "rather not."})


@pytest.mark.parametrize(("trouble", "conditions", "expected"), [
    (refuses(503), {"statuses": [503]}, (200, "Second.")),
    (refuses(503), {"statuses": [429]}, (502, "upstream_error")),
    (refuses(429), {"statuses": [429]}, (200, "Second.")),
    (refuses(400, LONG), {"contextWindow": True}, (200, "Second.")),
    (refuses(400, "bad field"), {"contextWindow": True}, (400, "invalid_request")),
    (refuses(400, "no", code="content_filter"), {"refusal": True}, (200, "Second.")),
    (streamed(finish="content_filter"), {"refusal": True}, (200, "Second.")),
    (REFUSAL, {"refusal": True}, (200, "Second.")),
    (REFUSAL, {"statuses": [503]}, (200, "I would rather not.")),
    (REFUSAL, None, (200, "I would rather not.")),
    (refuses(503), None, (200, "Second.")),
])  # fmt: skip
async def test_who_steps_in_for_what(
    door: Door, west: FakeModel, trouble: Act, conditions: Json | None, expected: tuple[int, str]
) -> None:
    door.model.default, west.default = trouble, says("Second.")
    second = {"modelName": "second", "baseAddress": f"{west.url}/v1", "apiKey": "k", "conditions": conditions}
    id = await door.gateway(apiKey=f"sk-{ids.uuid7()}", tries=1, fallbackModels=[second])
    assert await said(door, id) == expected
    assert bool(west.calls) == (expected[1] == "Second.")
    async with door.post(model=id, stream=True) as r:
        told = await events(r) if r.status == 200 else []
    words = "".join(str(c["choices"][0]["delta"].get(n, "")) for c in told[:-1] for n in ("content", "refusal"))
    assert (r.status, words) == (expected if expected[0] == 200 else (expected[0], ""))


async def test_the_second_fallback_stands_in_for_what_the_first_does_not(door: Door, west: FakeModel) -> None:
    door.model.default, west.default = refuses(503), says("Third.")
    id = await door.gateway(apiKey=f"sk-{ids.uuid7()}", tries=1, fallbackModels=[
        {"modelName": "second", "conditions": {"contextWindow": True}},
        {"modelName": "third", "baseAddress": f"{west.url}/v1", "conditions": {"statuses": [503]}},
    ])  # fmt: skip
    assert await said(door, id) == (200, "Third.")
    assert [c.body["model"] for c in door.model.calls] == ["fake-1"]


@pytest.mark.parametrize(("statuses", "expected"), [([503], (200, "Second.")), ([429], (502, "model_cut"))])
async def test_who_steps_in_for_one_that_breaks_off(
    door: Door, west: FakeModel, statuses: list[int], expected: tuple[int, str]
) -> None:
    """It is begun again by itself first, also the fallback when that breaks off."""
    door.model.default, west.default = cut("Half"), says("Second.")
    west.plan.append(cut("Ha"))
    second = {"modelName": "second", "baseAddress": f"{west.url}/v1", "conditions": {"statuses": statuses}}
    id = await door.gateway(apiKey=f"sk-{ids.uuid7()}", fallbackModels=[second])
    found = await said(door, id)
    assert found[0] == expected[0] and (found[1] == expected[1] or expected[0] == 502)
    assert len(door.model.calls) == 3 and len(west.calls) == (2 if expected[0] == 200 else 0)


@pytest.mark.parametrize("tries", [1, 2, 3])
async def test_tries(door: Door, tries: int) -> None:
    door.model.default = refuses(503)
    assert (await said(door, await door.gateway(apiKey=f"sk-{ids.uuid7()}", tries=tries)))[0] == 502
    assert len(door.model.calls) == tries


async def test_own_headers_go_to_their_address_alone(door: Door, west: FakeModel) -> None:
    headers = {"X-Team": "blue", "HTTP-Referer": "https://shop.example"}
    given = deployed(west, weight=0)
    id = await door.gateway(**given, tries=1, providerHeaders=headers, fallbackModels=[
        {"modelName": "near"}, {"modelName": "far", "baseAddress": f"{west.url}/v1", "apiKey": "sk-f"},
    ])  # fmt: skip
    door.model.default = west.default = refuses(503)
    await said(door, id)
    assert [c.body["model"] for c in door.model.calls] == ["fake-1", "near"]
    assert all(c.headers["X-Team"] == "blue" and c.headers["HTTP-Referer"] for c in door.model.calls)
    assert [c.body["model"] for c in west.calls] == ["fake-1", "far"]
    assert all("X-Team" not in c.headers and given["apiKey"] not in str(c.headers) for c in west.calls)


@pytest.mark.parametrize("given", [
    {"providerHeaders": {"authorization": "Bearer x"}}, {"providerHeaders": {"X-API-Key": "x"}},
    {"providerHeaders": {"Content-Type": "text/plain"}}, {"providerHeaders": {"Host": "x"}},
    {"deployments": [{"baseAddress": "@integrated"}]}, {"tries": 0}, {"transportInterface": "Ollama"},
    {"baseAddress": "@integrated", "modelName": "extractive", "deployments": [{"apiKey": "k"}]},
])  # fmt: skip
async def test_what_cannot_be(door: Door, given: Json) -> None:
    with pytest.raises(ValueError):
        GatewayParameters.model_validate({"baseAddress": "https://x.example", "modelName": "m", **given})
