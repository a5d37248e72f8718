"""ARES: messages to agents, streams, conversations, memory (R-01 to R-07)."""

import asyncio
import re

import aiohttp
import pytest
from aiohttp import web

from hub.api.http import answer_stream, sse
from hub.studio.ares import learning
from tests.contract.asking import Contract, Json
from tests.fakes.model import cut, refuses, says

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLOSED = "AUTHENTICATION_FAILED"


def pieces(raw: str) -> list[str]:
    """Data of each event, lines of one event joined as the standard says."""
    return ["\n".join(line[6:] for line in e.split("\n") if line.startswith("data: ")) for e in raw.split("\n\n") if e]


@pytest.mark.row("R-01")
async def test_a_message_and_one_that_goes_on(api: Contract) -> None:
    await api.modelled()
    token = await api.user()
    sent = {"message": "What pricing plans do you offer?", "agent_type": "product"}
    got = await api.row("R-01", sent=sent, key=token)
    assert got.status == 200 and got.body["response"] == "Hello from the model."
    assert (got.body["agent"], got.body["sources"]) == ("product", None)
    assert re.fullmatch(r"ctx_[0-9a-f]{8}", got.body["context_id"])
    assert got.headers["x-input-tokens"] == "12" and got.headers["x-output-tokens"] == "5"
    assert (got.headers["X-Context-Id"], got.headers["X-Agent"]) == (got.body["context_id"], "product")
    more = {"message": "How does the Pro plan compare?", "agent_type": "sales", "context_id": got.body["context_id"]}
    again = await api.good("R-01", sent=more, key=token)
    assert (again["context_id"], again["agent"]) == (got.body["context_id"], "sales")
    asked = api.model.calls[-1].body["messages"]
    assert [m["content"] for m in asked[1:]] == [sent["message"], "Hello from the model.", more["message"]]
    assert asked[0]["content"].startswith("You are the sales specialist")


async def test_a_context_of_ones_own_and_all_that_was_said_in_it(api: Contract) -> None:
    await api.modelled()
    token = await api.user()
    for n in range(7):
        sent = {"message": f"Message {n}", "agent_type": "hr", "context_id": "my context/1"}
        assert (await api.good("R-01", sent=sent, key=token))["context_id"] == "my context/1"
    asked = [m["content"] for m in api.model.calls[-1].body["messages"] if m["role"] == "user"]
    assert asked == [f"Message {n}" for n in range(7)]


@pytest.mark.row("R-02")
async def test_a_stream_of_text(api: Contract) -> None:
    await api.modelled()
    token = await api.user()
    api.model.plan.append(says("Here's", " what I\nfound\r\n", "about\n\n  it"))
    sent = {"message": "Explain quantum computing", "agent_type": "research"}
    got = await api.row("R-02", sent=sent, key=token, headers={"Accept": "text/event-stream"})
    assert got.headers["Content-Type"].startswith("text/event-stream") and got.headers["X-Agent"] == "research"
    said = pieces(got.body)
    assert "".join(said) == "Here's what I\nfound\nabout\n\n  it"
    assert [p for p in said if "\n" in p[:-1]] == []
    kept = await api.good("R-04", got.headers["X-Context-Id"], key=token)
    assert [m["role"] for m in kept["messages"]] == ["user", "assistant"]


@pytest.mark.parametrize("way", ["query", "header"])
async def test_a_stream_of_events(api: Contract, way: str) -> None:
    await api.modelled()
    token = await api.user()
    sent = {"message": "Hi", "agent_type": "sales"}
    accept = {"Accept": "text/event-stream; format=json"} if way == "header" else {}
    query = {"format": "json"} if way == "query" else None
    got = await api.row("R-02", sent=sent, key=token, headers=accept, query=query)
    events = got.events()
    assert [e["event"] for e in events] == ["start", *["token"] * (len(events) - 2), "done"]
    assert "".join(e["content"] for e in events[1:-1]) == "Hello from the model."
    for e in (events[0], events[-1]):
        assert (e["agent"], e["context_id"]) == ("sales", got.headers["X-Context-Id"])
    assert (events[-1]["input_tokens"], events[-1]["output_tokens"], events[-1]["sources"]) == (12, 5, None)


async def test_a_comment_while_the_model_thinks(api: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fifteen seconds; here sooner. What fails after one can only break off, or be told in an event."""
    assert sse.PING_SECONDS == 15
    monkeypatch.setattr(answer_stream.Out.__init__, "__defaults__", (0.05, dict))
    monkeypatch.setattr(answer_stream.attended, "__defaults__", (None, 0.02))
    await api.modelled()
    token, sent = await api.user(), {"message": "Hi", "agent_type": "hr"}
    api.model.plan.append(says("late", delay=0.8))
    got = await api.row("R-02", sent=sent, key=token)
    assert got.body.startswith(": ping\n\n") and got.body.replace(": ping\n\n", "") == "data: late\n\n"

    async def refused_late(request: web.Request, body: Json) -> web.StreamResponse:
        await asyncio.sleep(0.8)
        return await refuses(400)(request, body)

    api.model.plan.extend([refused_late, refused_late])
    events = (await api.row("R-02", sent=sent, key=token, query={"format": "json"})).events()
    assert [e["event"] for e in events] == ["start", "error"]
    with pytest.raises(aiohttp.ClientPayloadError):
        await api.row("R-02", sent=sent, key=token)


async def test_what_fails_before_and_in_the_middle_of_a_stream(api: Contract) -> None:
    await api.modelled()
    token = await api.user()
    api.model.default = refuses(400, "no such model")
    for row in ("R-01", "R-02"):
        body = await api.refused(row, 502, sent={"message": "Hi", "agent_type": "hr"}, key=token)
        assert body["code"] == "LLM_ERROR"
    assert await api.good("R-03", key=token) == []
    api.model.default = cut("Half an", " answer")
    sent = {"message": "Hi", "agent_type": "hr"}
    got = await api.row("R-02", sent=sent, key=token, query={"format": "json"})
    events = got.events()
    assert events[-1]["event"] == "error" and events[-1]["code"] == "LLM_ERROR"
    with pytest.raises(aiohttp.ClientPayloadError):
        await api.row("R-02", sent=sent, key=token)


@pytest.mark.row("R-03", "R-04", "R-05", "R-06")
async def test_conversations(api: Contract) -> None:
    await api.modelled()
    token = await api.user()
    ids = [
        (await api.good("R-01", sent={"message": text, "agent_type": "hr"}, key=token))["context_id"]
        for text in ("First of all", "Another thing")
    ]
    await api.good("R-01", sent={"message": "More", "agent_type": "hr", "context_id": ids[0]}, key=token)
    listed = await api.good("R-03", key=token)
    assert [c["id"] for c in listed] == ids and [c["message_count"] for c in listed] == [4, 2]
    assert listed[0]["title"] == "First of all"
    shown = await api.good("R-04", ids[0], key=token)
    assert [m["content"] for m in shown["messages"]] == ["First of all", "Hello from the model."] + [
        "More", "Hello from the model."
    ]
    assert await api.good("R-05", ids[0], sent={"title": "Pricing discussion"}, key=token) == {"success": True}
    assert (await api.good("R-04", ids[0], key=token))["title"] == "Pricing discussion"
    await api.good("R-05", ids[0], sent={"title": None}, key=token)
    await api.good("R-01", sent={"message": "Again", "agent_type": "hr", "context_id": ids[0]}, key=token)
    assert (await api.good("R-04", ids[0], key=token))["title"] is None
    assert (await api.row("R-06", ids[0], key=token)).body == ""
    for row in ("R-04", "R-06"):
        assert (await api.refused(row, 404, ids[0], key=token))["code"] == "NOT_FOUND"
    await api.refused("R-05", 404, ids[0], sent={"title": "x"}, key=token)
    await api.refused("R-05", 400, ids[1], sent={}, key=token, said="title")


async def test_other_users_have_other_conversations(api: Contract) -> None:
    await api.modelled()
    ana, bob = await api.user(), await api.user("bob")
    sent = {"message": "Mine", "agent_type": "hr"}
    id = (await api.good("R-01", sent=sent, key=ana))["context_id"]
    asked = len(api.model.calls)
    for row in ("R-01", "R-02"):
        body = await api.refused(row, 404, sent={**sent, "context_id": id}, key=bob)
        assert body["code"] == "NOT_FOUND"
    assert len(api.model.calls) == asked
    assert await api.good("R-03", key=bob) == []
    for row in ("R-04", "R-06"):
        await api.refused(row, 404, id, key=bob)
    await api.refused("R-05", 404, id, sent={"title": "x"}, key=bob)
    assert len((await api.good("R-04", id, key=ana))["messages"]) == 2


@pytest.mark.row("R-07")
async def test_memory_is_learned_used_and_forgotten(api: Contract) -> None:
    await api.gateway(modelName="@hub/extractive")
    token, other = await api.user(), await api.user()
    empty = await api.good("R-07", key=token)
    assert empty["preferences"] == empty["facts"] == []
    sent = {"message": "Meu nome é Ana Souza. Responda em inglês, respostas curtas.", "agent_type": "hr"}
    await api.good("R-01", sent=sent, key=token)
    await learning.run(api.hub)
    found = await api.good("R-07", key=token)
    assert {(p["category"], p["key"], p["value"]) for p in found["preferences"]} == {
        ("communication", "language", "English"), ("output", "length", "short"),
    }
    [fact] = found["facts"]
    assert (fact["fact_key"], fact["fact_value"], fact["user_id"]) == ("name", "Ana Souza", found["user_id"])
    assert await api.good("R-07", key=other) | {"user_id": ""} == {"user_id": "", "preferences": [], "facts": []}
    assert (await api.call("DELETE", f"/api/memory/facts/{fact['id']}", key=other)).status == 404
    assert (await api.call("DELETE", "/api/memory/preferences/output/length", key=other)).status == 404
    for path in (f"facts/{fact['id']}", "preferences/output/length"):
        assert (await api.call("DELETE", f"/api/memory/{path}", key=token)).status == 204
    left = await api.good("R-07", key=token)
    assert (left["facts"], [p["key"] for p in left["preferences"]]) == ([], ["language"])
    assert (await api.call("DELETE", "/api/memory", key=token)).status == 204
    assert (await api.good("R-07", key=token))["preferences"] == []


@pytest.mark.parametrize("id", [f"R-{n:02}" for n in range(1, 8)])
async def test_only_an_access_token_opens_a_row(api: Contract, id: str) -> None:
    variables = ["ctx_1"] if id in ("R-04", "R-05", "R-06") else []
    sent = {"message": "x", "title": "x"} if id in ("R-01", "R-02", "R-05") else None
    for key in ("", api.key, api.public, "eyJhbGciOiJIUzI1NiJ9.e30.x"):
        body = await api.refused(id, 401, *variables, key=key, sent=sent)
        assert (body["error"], body["code"]) == ("Unauthorized", CLOSED)
    token = await api.user()
    got = await api.row(id, *variables, key="", sent=sent, headers={"Authorization": f"bearer {token}"})
    assert got.status != 401 and int(got.headers["X-RateLimit-Limit"]) == 120


async def test_what_a_message_may_not_be(api: Contract) -> None:
    token = await api.user()
    for row in ("R-01", "R-02"):
        await api.refused(row, 400, sent={}, key=token, said="message is missing")
        await api.refused(row, 400, sent={"message": "  "}, key=token, said="message")
        await api.refused(row, 400, sent={"message": 7}, key=token, said="message")
        await api.refused(row, 400, sent={"message": "x", "context_id": ""}, key=token, said="context_id")
        body = await api.refused(row, 404, sent={"message": "x", "agent_type": "astrologer"}, key=token, said="agent")
        assert body["code"] == "NOT_FOUND"
