"""Protocol functions of a gateway, looked at when they are saved."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import GATEWAY, Api

Json = dict[str, Any]
QUERY = "aivax://query-collection?collection-id={}"


def function(**more: Any) -> Json:
    url = "https://shop.example.com/call"
    return {"name": "find_order", "description": "Finds it.", "callbackUrl": url, "contentFormat": None} | more


def sent(**parameters: Any) -> Json:
    return {**GATEWAY, "parameters": {**GATEWAY["parameters"], **parameters}}


@pytest.mark.parametrize(
    ("parameters", "field", "words"),
    [
        ({"protocolFunctions": [function(name="a")]}, "0.name", "2 to 64"),
        ({"protocolFunctions": [function(), function(name="1st")]}, "1.name", "not begin with a digit"),
        ({"protocolFunctions": [function(name="get-order")]}, "0.name", "letters, digits and _"),
        ({"protocolFunctions": [function(name="delete")]}, "0.name", "JavaScript"),
        ({"protocolFunctions": [function(name="read_skill")]}, "0.name", "a tool of the hub"),
        (
            {"protocolFunctions": [function(name="web_search")],
             "sentinelOptions": {"enabledFunctions": ["WebSearch"]}},
            "0.name", "built-in",
        ),
        (
            {"protocolFunctions": [function()], "tools": [{"type": "function", "function": {"name": "find_order"}}]},
            "0.name", "`tools`",
        ),
        ({"protocolFunctions": [function(contentFormat="id")]}, "0.contentFormat", "must be a JSON Schema"),
        ({"protocolFunctions": [function(contentFormat={"type": "array"})]}, "0.contentFormat", "object"),
        (
            {"protocolFunctions": [function(contentFormat={"properties": {"a": {"type": "thing"}}})]},
            "0.contentFormat", "at properties.a.type",
        ),
        ({"protocolFunctions": [function(callbackUrl="aivax://other")]}, "0.callbackUrl", "aivax://query-collection?"),
        ({"protocolFunctions": [function(callbackUrl=QUERY.format("x"))]}, "0.callbackUrl", "by its id"),
        ({"protocolFunctions": [function(callbackUrl=QUERY.format(uuid4()) + "&top=0")]}, "0.callbackUrl", "in top"),
        ({"protocolFunctions": [function(callbackUrl=QUERY.format(uuid4()) + "&min=2")]}, "0.callbackUrl", "in min"),
        ({"protocolFunctions": [function(callbackUrl=QUERY.format(uuid4()) + "&x=2")]}, "0.callbackUrl", "'x'"),
        ({"protocolFunctions": [function(callbackUrl=QUERY.format(uuid4()))]}, "0.callbackUrl", "no collection"),
        ({"protocolFunctions": [function(callbackUrl="http://169.254.169.254/")]}, "0.callbackUrl", "private"),
    ],
)
async def test_a_function_that_cannot_be_used_is_refused(api: Api, parameters: Json, field: str, words: str) -> None:
    got = await api.call("POST", "/api/v1/ai-gateways", sent(**parameters))
    assert got.status == 400 and words in got.said
    assert f"parameters.protocolFunctions.{field}" in got.said


async def test_the_scheme_of_collections_is_taken_by_functions_alone(api: Api) -> None:
    url = QUERY.format(uuid4())
    for parameters in (
        {"protocolFunctionSources": [url]},
        {"workerScriptSource": url},
        {"mcpSources": [{"name": "a", "url": url}]},
        {"systemInstructionsSources": [{"name": "a", "url": url}]},
        {"baseAddress": url},
    ):
        got = await api.call("POST", "/api/v1/ai-gateways", sent(**parameters))
        assert got.status == 400 and "http" in got.said


async def test_a_collection_query_is_kept_and_later_changes_go_on(api: Api) -> None:
    created = await api.ok("POST", "/api/v1/collections", {"collectionName": "Policies"})
    collection = created.get("collectionId") or created["id"]
    url = QUERY.format(collection) + "&top=3&min=0.5&refs"
    id = await api.gateway(protocolFunctions=[function(callbackUrl=url)])
    path = f"/api/v1/ai-gateways/{id}"
    assert (await api.ok("GET", path))["parameters"]["protocolFunctions"][0]["callbackUrl"] == url
    await api.ok("DELETE", f"/api/v1/collections/{collection}")
    await api.ok("PATCH", path, {"name": "Shop", "parameters": {"temperature": 0.5}})
    got = await api.call("PATCH", path, {"parameters": {"protocolFunctions": [function(name="a", callbackUrl=url)]}})
    assert got.status == 400 and "0.name" in got.said
    foreign = await api.call("POST", "/api/v1/collections", {"collectionName": "Theirs"}, key=api.foreign)
    theirs = foreign.body.get("collectionId") or foreign.body["id"]
    got = await api.call(
        "POST", "/api/v1/ai-gateways", sent(protocolFunctions=[function(callbackUrl=QUERY.format(theirs))])
    )
    assert got.status == 400 and "no collection of this account" in got.said
