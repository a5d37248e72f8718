"""AI gateways (A-56 to A-60)."""

from uuid import uuid4

import pytest

from tests.api.test_gateways import WHOLE
from tests.contract.asking import Contract, Json
from tests.contract.parts import FLAGS, GATEWAY, MULTIMODAL, STRATEGIES

pytestmark = pytest.mark.asyncio(loop_scope="module")
BARE = {"baseAddress": "@integrated", "modelName": "@hub/extractive"}


@pytest.mark.row("A-56", "A-57", "A-59", "A-60")
async def test_a_gateway_with_every_field(api: Contract) -> None:
    assert set(GATEWAY) <= set(WHOLE)
    skill = (await api.good("A-19", sent={"slug": "s", "instructions": "i"}))["data"]["id"]
    collection = (await api.good("A-44", sent={"collectionName": "c"}))["collectionId"]
    given: Json = {**WHOLE, "skills": [skill], "knowledgeCollections": [collection]}
    id = (await api.good("A-56", sent={"name": "Sales", "parameters": given}))["aiGatewayId"]
    found = await api.both_ways("A-59", id)
    plain = set(GATEWAY) - {"apiKey", "protocolFunctions"}  # secrets are masked
    assert {k: found["parameters"][k] for k in plain} == {k: given[k] for k in plain}
    assert found["name"] == "Sales" and given["apiKey"] not in str(found)
    [line] = await api.both_ways("A-57")
    assert line == {
        "id": id, "name": "Sales", "inferenceEndpoint": given["baseAddress"], "modelName": given["modelName"],
        "slug": found["slug"],
    }
    for row in ("A-58", "A-59", "A-60"):
        more: Json = {"sent": {}} if row == "A-58" else {}
        await api.refused(row, 404, id, key=api.foreign, **more)
        await api.refused(row, 404, uuid4(), **more)
    await api.good("A-60", id)
    await api.refused("A-60", 404, id)


@pytest.mark.row("A-56", "A-59")
async def test_a_gateway_of_what_is_needed(api: Contract) -> None:
    id = (await api.good("A-56", sent={"name": "Bare", "parameters": BARE}))["aiGatewayId"]
    found = (await api.both_ways("A-59", id))["parameters"]
    assert (found["apiKey"], found["temperature"], found["tools"], found["sentinelOptions"]) == (None,) * 4
    assert (found["queryStrategy"], found["contextOverflowAction"]) == ("Plain", "Throw")


@pytest.mark.row("A-57")
async def test_the_filter(api: Contract) -> None:
    one = await api.gateway()
    await api.good("A-56", sent={"name": "Other", "parameters": {**BARE, "modelName": "@hub/another"}})
    slug = (await api.good("A-59", one))["slug"]
    for text in ("shop B", "xtractiv", slug, one):
        assert [g["id"] for g in await api.both_ways("A-57", query={"filter": text})] == [one], text
    assert await api.good("A-57", query={"filter": "nothing"}) == []


@pytest.mark.row("A-58", "A-59")
async def test_an_edit_changes_what_is_sent(api: Contract) -> None:
    id = await api.gateway(temperature=0.5, apiKey="sk-upstream-0123456789", flags=["NoTemperature"])
    before = (await api.good("A-59", id))["parameters"]
    for name, values in (
        ("flags", [[flag] for flag in FLAGS]), ("enabledMultimodalFeatures", [[one] for one in MULTIMODAL]),
        ("queryStrategy", STRATEGIES), ("contextOverflowAction", ("Truncate", "Throw")), ("temperature", (0, None)),
    ):
        for value in values:
            await api.good("A-58", id, sent={"parameters": {name: value}})
            before[name] = value
            assert (await api.good("A-59", id))["parameters"] == before
    await api.both_ways("A-58", id, sent={"name": "Renamed", "parameters": {"sentinelOptions": {}}})
    found = await api.both_ways("A-59", id)
    assert found["name"] == "Renamed" and found["parameters"]["sentinelOptions"] == {"enabledFunctions": []}


async def test_what_a_gateway_may_not_be(api: Contract) -> None:
    sent: Json = {"name": "x", "parameters": {"modelName": "m"}}
    body = await api.refused("A-56", 400, sent=sent, said="parameters.baseAddress")
    assert body["details"][0]["field"] == "parameters.baseAddress"
    await api.refused("A-56", 400, sent={"parameters": BARE}, said="name is missing")
    id = await api.gateway()
    for field, value in {
        "flags": ["Preview"], "queryStrategy": "Best", "topP": 2, "moderationParameters": {"violenceThreshold": 11},
        "sentinelOptions": {"enabledFunctions": ["Fly"]}, "mcpSources": [{"name": "m"}], "skills": [str(uuid4())],
        "protocolFunctions": [{"name": "f", "description": "d"}],
        "modelRoutingParameters": {"lowComplexityModelName": "m"},
        "workerScriptSource": "export default {}", "maxCompletionTokens": 2**31,
    }.items():
        place = f"parameters.{field}"
        await api.refused("A-56", 400, sent={"name": "x", "parameters": {**BARE, field: value}}, said=place)
        await api.refused("A-58", 400, id, sent={"parameters": {field: value}}, said=place)
