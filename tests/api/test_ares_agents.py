"""ARES agents: chosen, resolved to gateways, working together; knowledge and money."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from hub.knowledge.index import index_document
from tests.api.alone import api, provider
from tests.api.conftest import Api, Json, Provider, serving
from tests.fakes.model import FakeModel, event, refuses, says, serve

__all__ = ["api", "provider"]

HI = {"message": "What does it cost?"}


@pytest.fixture
async def model() -> AsyncIterator[FakeModel]:
    async with serve() as found:
        yield found


async def modelled(api: Api, model: FakeModel, name: str = "fake-1", **more: Any) -> str:
    return await api.gateway(baseAddress=f"{model.url}/v1", modelName=name, **more)


async def user(api: Api) -> str:
    given = {"email": "ana@example.com", "password": "correct horse"}
    await api.call("POST", "/api/v1/ares/users", given)
    return str((await api.ok("POST", "/api/auth/login", given, key=""))["access_token"])


async def chat(api: Api, token: str, message: str, **more: Any) -> Json:
    found: Json = await api.ok("POST", "/api/chat", {"message": message, **more}, key=token)
    return found


def asked(model: FakeModel, n: int = -1) -> str:
    return str(model.calls[n].body["messages"])


async def test_the_router_asks_a_model(api: Api, model: FakeModel) -> None:
    await modelled(api, model)
    token = await user(api)
    model.plan.extend([says("**Invoice**."), says("It is due on Monday.")])
    said = await chat(api, token, "When is it due?", agent_type="router")
    assert (said["agent"], said["response"]) == ("invoice", "It is due on Monday.")
    assert "- hr:" in asked(model, 0) and "When is it due?" in asked(model, 0)
    model.plan.extend([says("Sales, I think"), says("Yes.")])
    said = await chat(api, token, "Discount?", context_id=said["context_id"])
    assert said["agent"] == "sales" and "It is due on Monday." in asked(model, 2)
    rows = await api.hub.db.fetch("select sku from usage where account_id = $1", api.account)
    skus = {r["sku"] for r in rows}
    assert {"inference.resolving.agent_routing.in", "inference.chat_completions.in"} <= skus


async def test_without_a_model_words_choose(api: Api) -> None:
    await api.gateway(modelName="@hub/extractive")
    token = await user(api)
    first = await chat(api, token, "Qual é o preço do plano?")
    assert first["agent"] == "product"
    # What speaks for nobody goes on with who answered before.
    assert (await chat(api, token, "E então?", context_id=first["context_id"]))["agent"] == "product"
    assert (await chat(api, token, "¿Cuántas vacaciones tengo?"))["agent"] == "hr"
    assert (await chat(api, token, "Blue!"))["agent"] == "orchestrator"


async def test_several_agents_in_order_and_one_answer(api: Api, model: FakeModel) -> None:
    await modelled(api, model)
    token = await user(api)
    plan = '```json\n[{"agent": "product", "task": "List the plans"}, {"agent": "nobody", "task": "x"},'
    model.plan.extend([
        says(plan + ' {"agent": "Sales", "task": "Quote Pro"}]\n```'), says("Basic and Pro."), says("Pro costs 20."),
        says("There are two plans; ", "Pro costs 20."),
    ])
    got = await api.call("POST", "/api/chat", {**HI, "agent_type": "orchestrator"}, key=token)
    assert (got.body["agent"], got.body["response"]) == ("orchestrator", "There are two plans; Pro costs 20.")
    assert "You are the product specialist" in asked(model, 1) and "List the plans" in asked(model, 1)
    assert "You are the sales specialist" in asked(model, 2) and "Basic and Pro." in asked(model, 2)
    last = asked(model, 3)
    assert "Basic and Pro." in last and "Pro costs 20." in last and HI["message"] in last
    assert (got.headers["x-input-tokens"], got.headers["x-output-tokens"]) == ("36", "15")
    kept = await api.ok("GET", f"/api/conversations/{got.body['context_id']}", key=token)
    assert [m["content"] for m in kept["messages"]] == [HI["message"], got.body["response"]]


async def test_without_a_model_the_sentences_are_shared_out(api: Api) -> None:
    id = await knowledge(api, plans="The Pro plan costs 20 dollars a month.", leave="Staff have 30 days of holiday.")
    await api.gateway(modelName="@hub/extractive", knowledgeCollections=[id], knowledgeBaseMinimumScore=0.3)
    token = await user(api)
    both = "What does the Pro plan cost? How many days of holiday do employees have?"
    said = await chat(api, token, both, agent_type="orchestrator")
    assert "20 dollars" in said["response"] and "30 days" in said["response"]
    assert {s["title"] for s in said["sources"]} == {"plans", "leave"}
    got = await api.call(
        "POST", "/api/chat/stream", {"message": "Which plans? Which holiday?", "agent_type": "orchestrator"}, key=token
    )
    assert "20 dollars" in got.body and "30 days" in got.body


async def test_an_account_s_own_agents_come_first(api: Api, model: FakeModel) -> None:
    usual, own = await modelled(api, model), await modelled(api, model, "garden-1")
    token = await user(api)
    path = "/api/v1/ares/agents/"
    garden = {"gateway": own, "description": "Plants, soil, seeds.", "instructions": "Talk like a gardener."}
    made = await api.ok("PUT", path + "garden", garden)
    assert made["own"] and made["gateway_id"] == own and made["gateway"] == "Shop bot"
    await api.ok("PUT", path + "product", {"gateway": own})
    for name, told in (("garden", "Talk like a gardener."), ("product", None)):
        assert (await chat(api, token, "Hi", agent_type=name))["agent"] == name
        assert model.calls[-1].body["model"] == "garden-1"
        assert told is None or told in asked(model)
    assert {"name": "garden", "description": "Plants, soil, seeds."} in await api.ok("GET", "/api/agents", key=token)
    public = [a["name"] for a in await api.ok("GET", "/api/agents", key="")]
    assert "research" in public and "garden" not in public
    assert (await api.call("GET", "/api/agents", key=api.key)).status == 401
    await chat(api, token, "Hi", agent_type="sales")
    assert model.calls[-1].body["model"] == "fake-1"
    assert await api.ok("GET", "/api/v1/ares/settings") == {"gateway": None}
    await api.ok("PUT", "/api/v1/ares/settings", {"gateway": own})
    await chat(api, token, "Hi", agent_type="sales")
    assert model.calls[-1].body["model"] == "garden-1"
    assert await api.ok("GET", "/api/v1/ares/settings") == {"gateway": own}
    await api.ok("PUT", "/api/v1/ares/settings", {"gateway": None})
    assert (await api.call("DELETE", path + "product")).status == 204
    await chat(api, token, "Hi", agent_type="product")
    assert model.calls[-1].body["model"] == "fake-1"
    await api.ok("DELETE", f"/api/v1/ai-gateways/{own}")
    got = await api.call("POST", "/api/chat", {"message": "Hi", "agent_type": "garden"}, key=token)
    assert (got.status, got.body["code"]) == (404, "NOT_FOUND")
    await api.ok("DELETE", f"/api/v1/ai-gateways/{usual}")
    assert (await chat(api, token, "Hello", agent_type="hr"))["response"] == "Hello! How can I help?"


async def test_agents_that_cannot_be(api: Api) -> None:
    gateway = await api.gateway()
    for name, sent, status in (
        ("router", {"gateway": gateway}, 400), ("orchestrator", {"gateway": gateway}, 400),
        ("Big One", {"gateway": gateway}, 400), ("x", {}, 400), ("x", {"gateway": "zz"}, 400),
    ):
        assert (await api.call("PUT", f"/api/v1/ares/agents/{name}", sent)).status == status, name
    for method, path in (("PUT", "agents/x"), ("PUT", "settings"), ("DELETE", "agents/x")):
        body = {"gateway": gateway} if method == "PUT" else None
        assert (await api.call(method, f"/api/v1/ares/{path}", body, key=api.foreign)).status == 404, path


async def knowledge(api: Api, **texts: str) -> str:
    id = str((await api.ok("POST", "/api/v1/collections", {"collectionName": "Shop"}))["collectionId"])
    for name, contents in texts.items():
        sent = {"name": name, "contents": contents, "reference": f"https://shop.example/{name}"}
        saved = await api.ok("PUT", f"/api/v1/collections/{id}/documents", sent)
        await index_document(api.hub.db, api.hub.embedder, UUID(saved["documentId"]))
    return id


async def test_knowledge_is_named(api: Api, model: FakeModel) -> None:
    id = await knowledge(api, hours="We open at nine on Mondays.")
    await modelled(api, model, knowledgeCollections=[id], knowledgeBaseMinimumScore=0.1)
    token = await user(api)
    [source] = (await chat(api, token, "When do you open on Mondays?", agent_type="product"))["sources"]
    assert (source["title"], source["url"]) == ("hours", "https://shop.example/hours")
    assert 0 < source["relevance_score"] <= 1


async def test_what_is_known_of_a_user_reaches_the_agents(api: Api, model: FakeModel) -> None:
    await modelled(api, model)
    token = await user(api)
    id = (await api.ok("GET", "/api/memory", key=token))["user_id"]
    for n in range(25):
        await api.hub.db.run(
            "insert into ares_preferences values ($1, $2, 'output', $3, 'v', $4)", api.account, UUID(id), f"p{n}",
            0.4 if n == 0 else 0.5 + n / 100,
        )
        await api.hub.db.run(
            "insert into ares_facts (id, account_id, user_id, category, fact_key, fact_value, confidence)"
            " values (gen_random_uuid(), $1, $2, 'work', $3, E'one\\ntwo', 0.9)", api.account, UUID(id), f"f{n}",
        )
    await chat(api, token, "Hi", agent_type="hr")
    system = model.calls[-1].body["messages"][0]["content"]
    liked, known = system.split("User Preferences:\n")[1].split("\n\nKnown Facts about User:\n")
    assert liked.split("\n") == [f"- output/p{n}: v" for n in range(24, 14, -1)]
    lines = known.split("\n")
    assert len(lines) == 20 and all(line.startswith("- work/f") and line.endswith(": one two") for line in lines)


async def test_a_model_that_fails_while_choosing(api: Api, model: FakeModel) -> None:
    await modelled(api, model)
    token = await user(api)
    model.plan.append(refuses(401, "bad key"))
    said = await chat(api, token, "What does the plan cost in the catalogue?")
    assert (said["agent"], said["response"]) == ("product", "Hello from the model.")


async def test_a_gateway_that_is_set_up_wrongly(api: Api) -> None:
    await api.gateway(modelName="@nobody/nothing")
    token = await user(api)
    got = await api.call("POST", "/api/chat", {**HI, "agent_type": "hr"}, key=token)
    assert got.body["code"] == "CONFIGURATION_ERROR"


async def test_without_balance_nothing_is_asked(
    api: Api, model: FakeModel, settings: Any, provider: Provider
) -> None:
    await modelled(api, model)
    token = await user(api)
    async with serving(settings.changed(billing=True), provider) as (hub, url):
        poor = Api(hub, url, api.account, api.key, api.public, api.foreign, api.http)
        for path in ("/api/chat", "/api/chat/stream"):
            got = await poor.call("POST", path, HI, key=token)
            assert (got.status, got.body["code"]) == (402, "INSUFFICIENT_BALANCE")
        assert model.calls == []


async def test_a_user_who_asks_too_often(api: Api, settings: Any, provider: Provider) -> None:
    token = await user(api)
    async with serving(settings.changed(ares_per_minute=2, queue=settings.queue + "r"), provider) as (hub, url):
        fast = Api(hub, url, api.account, api.key, api.public, api.foreign, api.http)
        got = [await fast.call("GET", "/api/memory", key=token) for _ in range(3)]
        assert [g.status for g in got] == [200, 200, 429] and got[-1].body["code"] == "RATE_LIMITED"
        assert int(got[-1].headers["Retry-After"]) >= 1 and got[-1].headers["X-RateLimit-Remaining"] == "0"


async def test_an_answer_that_nobody_waits_for_is_not_kept(api: Api, model: FakeModel) -> None:
    await modelled(api, model)
    token = await user(api)

    async def endless(request: web.Request, body: Json) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        await out.write(event({"content": "One "}))
        await asyncio.sleep(600)
        return out

    model.default = endless
    sent = {"message": "Count", "agent_type": "hr", "context_id": "c"}
    headers = {"Authorization": f"Bearer {token}"}
    async with api.http.post(api.url + "/api/chat/stream", json=sent, headers=headers) as got:
        assert (await got.content.readany()).startswith(b"data: One")
        got.close()
    while model.open:
        await asyncio.sleep(0.02)
    assert model.gone == 1 and await api.ok("GET", "/api/conversations", key=token) == []


