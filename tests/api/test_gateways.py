"""AI gateways (A-56 to A-60)."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from hub.accounts import gateways
from hub.accounts.parameters import GatewayParameters
from hub.ids import uuid7
from tests.api.conftest import GATEWAY, Api

BASE = "/api/v1/ai-gateways"
WHOLE: dict[str, Any] = {
    "baseAddress": "https://api.example.com/v1",
    "modelName": "gpt-x",
    "apiKey": "sk-upstream-0123456789-tail",
    "hideToolsWithoutSkill": True,
    "alwaysVisibleTools": ["shell"],
    "enableBash": True,
    "skills": [],
    "bashOptions": {"allowDataPersistence": True, "toolList": ["ls"], "toolExclusionMode": "BlackList"},
    "knowledgeBaseMaximumResults": 16,
    "knowledgeBaseMinimumScore": 0.55,
    "knowledgeUseReferences": True,
    "knowledgeUseMetaDescriptions": True,
    "queryStrategy": "FullRewrite",
    "knowledgeCollections": [],
    "queryStrategyParameters": {"rewriteContextSize": 5, "concatenateContextSize": 2},
    "temperature": 0.5,
    "topP": 0.9,
    "presencePenalty": -1.5,
    "frequencyPenalty": 1,
    "stop": "END",
    "maxCompletionTokens": 500,
    "contextMaximumSize": 8000,
    "contextOverflowAction": "Truncate",
    "systemInstruction": "Be kind.",
    "workerScriptSource": "https://worker.example.com/w",
    "userPromptTemplate": "Q: {prompt}",
    "assistantPrefill": "A:",
    "includePrefillingInMessages": True,
    "reasoningEffort": "low",
    "verbosity": "high",
    "flags": ["NoTemperature", "ThinkingProcess"],
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "protocolFunctions": [
        {
            "name": "stock",
            "description": "Looks up stock.",
            "headers": {"X-Key": "1"},
            "callbackUrl": "https://shop.example.com/stock",
            "contentFormat": {"type": "object"},
        }
    ],
    "protocolFunctionSources": ["https://shop.example.com/functions"],
    "mcpSources": [
        {"name": "m", "description": "d", "url": "https://mcp.example.com", "headers": {}, "cacheDuration": 60}
    ],
    "systemInstructionsSources": [
        {"name": "s", "description": None, "url": "https://i.example.com", "headers": {}, "cacheDuration": 600}
    ],
    "enabledMultimodalFeatures": ["Image", "All"],
    "toolContextCount": 4,
    "sentinelOptions": {"enabledFunctions": ["WebSearch", "Calendar"]},
    "builtinFunctionsOptions": {
        "webSearchMode": "Summarized",
        "webSearchMaxResults": 25,
        "imageGenerationMaxResults": 4,
        "imageGenerationQuality": "Highest",
        "imageGenerationAllowMatureContent": True,
        "imageGenerationAllowReferenceUsage": True,
        "imageGenerationModelName": "img",
        "includeAllMemoryContext": True,
    },
    "moderationParameters": {
        "violenceThreshold": 1,
        "sexualExplicitThreshold": 2,
        "politicalThreshold": 3,
        "dangerousContentThreshold": 4,
        "jailbreakThreshold": 10,
    },
    "knownToolHandlerName": "react.v1.selfcall",
    "toolInvocationExplanations": True,
    "modelRoutingParameters": {
        "lowComplexityModelName": "s",
        "lowComplexityModelReasoningEffort": None,
        "mediumComplexityModelName": "m",
        "mediumComplexityModelReasoningEffort": "low",
        "highComplexityModelName": "l",
        "highComplexityModelReasoningEffort": "high",
    },
    "additionalSettings": {"seed": 1},
    "fallbackModels": [
        {
            "modelName": "other", "baseAddress": "https://other.example/v1", "apiKey": "sk-upstream-of-another-tail",
            "transportInterface": "Anthropic",
            "conditions": {"statuses": [429, 503], "contextWindow": True, "refusal": True},
        }
    ],
    "timeLimits": {"firstToken": 9.5, "silence": 20.0, "whole": 100.0},
    "transportInterface": "Gemini",
    "providerHeaders": {"X-Team": "the-team-of-ours-tail"},
    "deployments": [{
        "baseAddress": "https://west.example/v1", "apiKey": "sk-upstream-of-the-west-tail", "modelName": "west",
        "transportInterface": "OpenAiCompatible", "weight": 3,
    }],
    "loadBalancing": {"strategy": "LeastLatency", "weight": 2},
    "tries": 2,
    "promptCache": True,
    "answerCacheSeconds": 600,
    "transcriptionModel": "whisper-1",
    "outputRules": [
        {
            "name": "cards", "type": "personalData", "action": "mask", "pattern": None, "words": [], "kinds": ["Card"],
            "replacement": "(card)",
        }
    ],
    "outputBlockedText": "I may not say that.",
    "providerMasking": {"kinds": ["Email"], "words": ["Aurora"]},
}
OTHERS = [{**WHOLE["fallbackModels"][0], "apiKey": "***tail"}]
PLACES = [{**WHOLE["deployments"][0], "apiKey": "***tail"}]
FUNCTIONS = [{**WHOLE["protocolFunctions"][0], "headers": {"X-Key": "***"}}]
SHOWN: dict[str, Any] = {
    **WHOLE, "apiKey": "***tail", "fallbackModels": OTHERS, "protocolFunctions": FUNCTIONS, "deployments": PLACES,
    "providerHeaders": {"X-Team": "***tail"},
}


async def test_every_parameter_comes_back(api: Api) -> None:
    id = await api.gateway(**WHOLE)
    shown = await api.ok("GET", f"{BASE}/{id}")
    assert shown["name"] == "Shop bot"
    assert shown["slug"].startswith("shop-bot:")
    assert shown["parameters"] == SHOWN
    assert {f.alias for f in GatewayParameters.model_fields.values()} == set(WHOLE)


async def test_defaults(api: Api) -> None:
    got = (await api.ok("GET", f"{BASE}/{await api.gateway()}"))["parameters"]
    assert (got["queryStrategy"], got["contextOverflowAction"]) == ("Plain", "Throw")
    assert (got["knowledgeBaseMaximumResults"], got["knowledgeBaseMinimumScore"]) == (8, 0.2)
    for name in ("apiKey", "temperature", "tools", "sentinelOptions", "modelRoutingParameters", "stop"):
        assert got[name] is None, name
    assert (got["flags"], got["mcpSources"]) == ([], [])
    assert got["bashOptions"]["toolExclusionMode"] == "WhiteList"
    assert got["builtinFunctionsOptions"]["webSearchMaxResults"] == 10


async def test_both_cases_and_null_for_the_default(api: Api) -> None:
    sent = {"base_address": "@integrated", "model_name": "m", "temperature": 1, "skills": None, "bashOptions": None}
    id = (await api.ok("POST", BASE, {"name": "x", "parameters": sent}))["aiGatewayId"]
    got = (await api.ok("GET", f"{BASE}/{id}"))["parameters"]
    assert (got["modelName"], got["skills"], got["temperature"]) == ("m", [], 1)
    await api.ok("PATCH", f"{BASE}/{id}", {"parameters": {"model_name": "n"}})
    assert (await api.ok("GET", f"{BASE}/{id}"))["parameters"] == {**got, "modelName": "n"}


async def test_patch_merges_shallowly_and_keeps_the_key(api: Api) -> None:
    id = await api.gateway(**WHOLE)
    await api.ok("PATCH", f"{BASE}/{id}", {"parameters": {"flags": ["NoSystemInstruct"], "apiKey": "***tail"}})
    got = await api.ok("GET", f"{BASE}/{id}")
    assert got["parameters"] == {**SHOWN, "flags": ["NoSystemInstruct"]}
    assert await _key(api, id) == WHOLE["apiKey"]
    names = ("fallbackModels", "deployments", "providerHeaders")
    await api.ok("PATCH", f"{BASE}/{id}", {"parameters": {name: got["parameters"][name] for name in names}})
    kept = await gateways.load(api.hub.db, api.hub.sealer, api.account, UUID(id))
    assert all(kept.parameters[name] == WHOLE[name] for name in names)
    await api.ok("PATCH", f"{BASE}/{id}", {"name": "Other", "parameters": {"apiKey": "sk-new"}})
    assert await _key(api, id) == "sk-new"
    got = await api.ok("GET", f"{BASE}/{id}")
    assert (got["name"], got["parameters"]["apiKey"]) == ("Other", "***")
    await api.ok("PATCH", f"{BASE}/{id}", {"parameters": {"apiKey": None}})
    assert await _key(api, id) is None
    refused = await api.call("PATCH", f"{BASE}/{id}", {"parameters": {"apiKey": "***nope"}})
    assert (refused.status, refused.body["details"]) == (400, None)
    assert "mask" in refused.said


async def _key(api: Api, id: str) -> str | None:
    return (await gateways.load(api.hub.db, api.hub.sealer, api.account, UUID(id))).api_key


async def test_the_key_is_sealed(api: Api) -> None:
    await api.gateway(**WHOLE)
    assert "upstream" not in str([dict(r) for r in await api.hub.db.fetch("select * from gateways")])


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("baseAddress", "api.example.com"),
        ("baseAddress", "ftp://x"),
        ("baseAddress", "https://u:p@x.example"),
        ("baseAddress", "http://10.0.0.1/v1"),
        ("baseAddress", "https://x.example:port"),
        ("modelName", ""),
        ("temperature", 2.1),
        ("temperature", "warm"),
        ("topP", -0.1),
        ("queryStrategy", "Best"),
        ("flags", ["New"]),
        ("knownToolHandlerName", "other"),
        ("workerScriptSource", "nowhere"),
        ("knowledgeBaseMinimumScore", 2),
        ("knowledgeCollections", ["x"]),
        ("knowledgeCollections", [str(uuid4())]),
        ("enabledMultimodalFeatures", ["Smell"]),
        ("contextOverflowAction", "Compact"),
        ("maxCompletionTokens", 0),
        ("mcpSources", [{"name": "m"}]),
        ("mcpSources", [{"name": "m", "url": "http://169.254.169.254/"}]),
        ("mcpSources", [{"name": "m", "url": "https://x.example", "headers": {"X": "a\r\nB: c"}}]),
        ("mcpSources", [{"name": "m", "url": "https://x.example", "headers": {"Host": "y"}}]),
        ("protocolFunctions", [WHOLE["protocolFunctions"][0]] * 2),
        ("protocolFunctionSources", ["x"]),
        ("builtinFunctionsOptions", {"webSearchMaxResults": 26}),
        ("moderationParameters", {"violenceThreshold": 11}),
        ("modelRoutingParameters", {"lowComplexityModelName": "a"}),
        ("additionalSettings", []),
    ],
)
async def test_what_cannot_be_is_refused_by_name(api: Api, field: str, wrong: Any) -> None:
    made = await api.call("POST", BASE, {**GATEWAY, "parameters": {**GATEWAY["parameters"], field: wrong}})
    id = await api.gateway()
    edited = await api.call("PATCH", f"{BASE}/{id}", {"parameters": {field: wrong}})
    for got in (made, edited):
        assert got.status == 400, got.body
        assert got.body["error"].startswith(f"parameters.{field}"), got.body
        assert got.body["error"].endswith((".", ")."))


async def test_a_collection_must_be_the_account_s(api: Api) -> None:
    mine, theirs = uuid7(), uuid7()
    other = (await api.ok("GET", "/api/v1/accounts", key=api.foreign))["id"]
    for id, account in ((mine, api.account), (theirs, other)):
        await api.hub.db.run("insert into collections (id, account_id, name) values ($1, $2, 'c')", id, account)
    gateway = await api.gateway(knowledgeCollections=[str(mine)])
    refused = await api.call("PATCH", f"{BASE}/{gateway}", {"parameters": {"knowledgeCollections": [str(theirs)]}})
    assert (refused.status, str(theirs) in refused.said) == (400, True)
    await api.hub.db.run("delete from collections where id = $1", mine)
    await api.ok("PATCH", f"{BASE}/{gateway}", {"parameters": {"temperature": 1}})


async def test_list_and_filter(api: Api) -> None:
    a, b = await api.gateway(modelName="gpt_x"), await api.gateway(modelName="llama%")
    await api.ok("PATCH", f"{BASE}/{b}", {"name": "Support"})
    slug = (await api.ok("GET", f"{BASE}/{a}"))["slug"]
    for filter, expected in (
        ("", [a, b]),
        ("gpt_", [a]),
        ("LLAMA%", [b]),
        ("upp", [b]),
        (slug, [a]),
        (b, [b]),
        ("no such gateway", []),
    ):
        rows = await api.ok("GET", BASE, params={"filter": filter})
        assert [r["id"] for r in rows] == expected, filter
    [row] = await api.ok("GET", BASE, params={"filter": a})
    assert row == {
        "id": a,
        "name": "Shop bot",
        "inferenceEndpoint": "@integrated",
        "modelName": "gpt_x",
        "slug": slug,
    }


async def test_deleting_unlinks_the_clients(api: Api) -> None:
    id = await api.gateway()
    client = await api.client(aiGatewayId=id)
    await api.ok("DELETE", f"{BASE}/{id}")
    assert (await api.call("GET", f"{BASE}/{id}")).status == 404
    assert (await api.ok("GET", f"/api/v1/web-chat-client/{client}"))["aiGateway"] is None


async def test_headers_of_functions_and_sources_are_sealed_and_come_back(api: Api) -> None:
    function = {
        "name": "order",
        "description": "Order",
        "callbackUrl": "https://shop.example/f",
        "contentFormat": {},
        "headers": {"X-Key": "planted-1"},
    }
    source = {
        "name": "tools",
        "url": "https://mcp.example/mcp",
        "headers": {"Authorization": "planted-2"},
        "cacheDuration": 600,
    }
    id = await api.gateway(protocolFunctions=[function], mcpSources=[source], apiKey="planted-3")
    stored = await api.hub.db.value("select g::text from gateways g where id = $1", UUID(id))
    assert "planted" not in stored
    await api.ok("PATCH", f"/api/v1/ai-gateways/{id}", {"name": "Other"})
    shown = (await api.ok("GET", f"/api/v1/ai-gateways/{id}"))["parameters"]
    assert shown["protocolFunctions"][0]["headers"] == {"X-Key": "***"}
    assert shown["mcpSources"][0]["headers"] == {"Authorization": "***"}
    await api.ok("PATCH", f"/api/v1/ai-gateways/{id}", {"parameters": shown})
    kept = (await gateways.load(api.hub.db, api.hub.sealer, api.account, UUID(id))).parameters
    assert kept["protocolFunctions"][0]["headers"] == {"X-Key": "planted-1"}
    assert kept["mcpSources"][0]["headers"] == {"Authorization": "planted-2"}


@pytest.mark.parametrize(
    "given",
    [{"reasoningEffort": "a lot"}, {"verbosity": "chatty"}, {"modelRoutingParameters": {
        "lowComplexityModelName": "a", "mediumComplexityModelName": "b", "highComplexityModelName": "c",
        "highComplexityModelReasoningEffort": "very",
    }}],
)
async def test_efforts_that_nobody_knows_are_refused(api: Api, given: dict[str, Any]) -> None:
    sent = {**GATEWAY, "parameters": {**GATEWAY["parameters"], **given}}
    got = await api.call("POST", BASE, sent)
    assert got.status == 400 and "must be one of" in str(got.body) and "high" in str(got.body)


async def test_efforts_are_written_as_providers_know_them(api: Api) -> None:
    id = await api.gateway(reasoningEffort="High", verbosity=" low")
    shown = (await api.ok("GET", f"{BASE}/{id}"))["parameters"]
    assert (shown["reasoningEffort"], shown["verbosity"]) == ("high", "low")


async def test_words_that_were_stored_before_they_were_refused_are_in_nobodys_way(api: Api) -> None:
    id = await api.gateway()
    routing = {
        "lowComplexityModelName": "a", "mediumComplexityModelName": "b", "highComplexityModelName": "c",
        "highComplexityModelReasoningEffort": "very",
    }
    old = {"reasoningEffort": "Ultra", "verbosity": "chatty", "modelRoutingParameters": routing}
    await api.hub.db.run("update gateways set parameters = parameters || $1 where id = $2", old, UUID(id))
    seen = (await api.ok("GET", f"{BASE}/{id}"))["parameters"]
    assert {n: seen[n] for n in ("reasoningEffort", "verbosity")} == {"reasoningEffort": "Ultra", "verbosity": "chatty"}
    await api.ok("PATCH", f"{BASE}/{id}", {"parameters": {"temperature": 0.5}})
    await api.ok("PATCH", f"{BASE}/{id}", {"parameters": {**old, "temperature": 0.6}})
    for given in ({"reasoningEffort": "hyper"}, {"verbosity": "Ultra"}, {"modelRoutingParameters": {
        **routing, "highComplexityModelReasoningEffort": "much",
    }}):
        got = await api.call("PATCH", f"{BASE}/{id}", {"parameters": given})
        assert got.status == 400 and "must be one of" in str(got.body)
    await api.ok("PATCH", f"{BASE}/{id}", {"parameters": {"reasoningEffort": "low"}})
    assert (await api.ok("GET", f"{BASE}/{id}"))["parameters"]["reasoningEffort"] == "low"
    assert (await api.call("PATCH", f"{BASE}/{id}", {"parameters": {"reasoningEffort": "Ultra"}})).status == 400
