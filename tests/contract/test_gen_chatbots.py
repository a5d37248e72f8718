"""AresGen: chatbots, their conversations, and the chat on websites (G-10 to G-12)."""

from typing import Any
from uuid import uuid4

import pytest

from hub.knowledge.index import index_document
from tests.api.chatting import events
from tests.contract.asking import Contract
from tests.contract.working import until, working
from tests.fakes.model import says, whole

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
NOBODY = f"bot_{'0' * 26}"
SAMPLE = "We bake bread with care, and we love what we do. " * 40
CALL = {"id": "c1", "type": "function", "function": {"name": "ask_for_human", "arguments": '{"reason": "Upset."}'}}


async def knowledge(api: Contract) -> str:
    base = (await api.good("A-44", sent={"collectionName": "Shop"}))["collectionId"]
    sent = {"name": "Hours", "contents": "The bakery opens at seven in the morning."}
    document = await api.good("A-53", base, sent=sent)
    await index_document(api.hub.db, api.hub.embedder, document["documentId"])
    return str(base)


async def model(api: Contract) -> str:
    return await api.gateway(baseAddress=f"{api.model.url}/v1", modelName="fake-1", apiKey="k-upstream")


@pytest.mark.row("G-10", "G-11", "G-12")
async def test_a_chatbot_answers_from_its_knowledge(api: Contract) -> None:
    base = await knowledge(api)
    made = await api.good("G-10", sent={"name": "Baker", "knowledge_base_id": base, "model": "@hub/extractive"})
    id = made["id"]
    assert made["embed_key"].startswith("emb_") and made["embed_url"].endswith("/embed/" + made["embed_key"])
    got = await api.good("G-11", id, sent={"message": "When does the bakery open?", "user_id": "ana"})
    assert "seven in the morning" in got["message"]["content"] and got["message"]["role"] == "assistant"
    assert (got["intent"], got["escalated"]) == ("opening_hours", False)
    again = {"message": "I want to talk to a human", "conversation_id": got["conversation_id"]}
    assert (await api.good("G-11", id, sent=again))["escalated"] is True
    other = await api.good("G-11", id, sent={"message": "Hello"})
    assert other["conversation_id"] != got["conversation_id"] and other["intent"] == "greeting"
    path = f"/v1/chatbots/{id}/conversations"
    rated = await api.call("POST", f"{path}/{got['conversation_id']}/csat", {"score": 4, "comment": "Fine"})
    assert (rated.status, rated.body["csat"], rated.body["csat_comment"]) == (200, 4, "Fine")
    for score in (0, 6, "x"):
        assert (await api.call("POST", f"{path}/{got['conversation_id']}/csat", {"score": score})).status == 400
    one, two = got["conversation_id"], other["conversation_id"]
    for query, wanted in (
        ({}, [two, one]), ({"escalated": "true"}, [one]), ({"escalated": "false"}, [two]),
        ({"intent": "greeting"}, [two]), ({"from": "2020-01-01T00:00:00Z"}, [two, one]),
        ({"csat": 4}, [one]), ({"csat": 3}, []), ({"csat_min": 2}, [one]), ({"csat_min": 5}, []),
        ({"from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00+02:00"}, []),
    ):
        found = await api.good("G-12", id, query=query)
        assert [c["id"] for c in found["data"]] == wanted, query
    first = await api.good("G-12", id, query={"limit": 1})
    rest = await api.good("G-12", id, query={"limit": 1, "cursor": first["next_cursor"]})
    assert [c["id"] for c in (*first["data"], *rest["data"])] == [two, one] and not rest["has_more"]
    for wrong in ({"csat": 9}, {"from": "yesterday"}, {"escalated": "maybe"}, {"limit": 101}):
        await api.refused("G-12", 400, id, query=wrong)
    shown = (await api.call("GET", f"{path}/{one}")).body
    assert [m["role"] for m in shown["messages"]] == ["user", "assistant"] * 2
    assert (shown["user_id"], shown["source"]) == ("ana", "api")
    assert shown["escalation_reason"] == "The person asked for a human."


async def test_other_chatbots_and_other_accounts(api: Contract) -> None:
    mine, other = [await api.good("G-10", sent={"name": n, "model": "@hub/extractive"}) for n in ("a", "b")]
    cid = (await api.good("G-11", mine["id"], sent={"message": "Hi"}))["conversation_id"]
    await api.refused("G-11", 404, other["id"], sent={"message": "Hi", "conversation_id": cid}, said="no conversation")
    await api.refused("G-11", 404, mine["id"], sent={"message": "Hi"}, key=api.foreign)
    await api.refused("G-12", 404, mine["id"], key=api.foreign)
    await api.refused("G-12", 404, NOBODY)
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/embed-key"),
                         ("GET", f"/conversations/{cid}"), ("POST", f"/conversations/{cid}/csat")):
        sent = {"PATCH": {"name": "x"}, "POST": {"score": 1}}.get(method)
        got = await api.call(method, f"/v1/chatbots/{mine['id']}{path}", sent, key=api.foreign)
        assert got.status == 404, (method, path)
    for wrong in ({"knowledge_base_id": str(uuid4())}, {"voice_id": f"voc_{'0' * 26}"}, {"model": "none"}):
        await api.refused("G-10", 404, sent={"name": "x", **wrong})
    await api.refused("G-10", 400, sent={"name": ""}, said="name")
    await api.refused("G-11", 400, mine["id"], sent={"message": " "}, said="message")
    listed = (await api.call("GET", "/v1/chatbots")).body["data"]
    assert [b["id"] for b in listed] == [other["id"], mine["id"]]
    assert (await api.call("DELETE", f"/v1/chatbots/{mine['id']}")).status == 204
    await api.refused("G-11", 404, mine["id"], sent={"message": "Hi"})
    names = [c["name"] for c in (await api.ok("GET", "/api/v1/web-chat-client"))]
    assert names == ["b"], "the chat client behind it is gone too"
    for table in ("sessions", "messages"):
        assert await api.hub.db.value(f"select count(*) from {table} where account_id = $1", api.account) == 0


async def test_a_model_follows_instructions_and_may_call_a_human(api: Contract) -> None:
    voice = await api.good("G-07", sent={"name": "Bakery", "sample": SAMPLE, "banned_phrases": ["unfortunately"]})
    made = await api.good("G-10", sent={
        "name": "Baker", "instructions": "Speak of bread only.", "model": await model(api), "voice_id": voice["id"]})
    api.model.plan += [
        says("", tool_calls=[{"index": 0, **CALL}], finish="tool_calls"),
        says("Unfortunately I cannot; a colleague comes."),
        whole("A colleague comes."), whole("angry_customer"),
    ]
    got = await api.good("G-11", made["id"], sent={"message": "This is bad bread!"})
    assert got["message"]["content"] == "A colleague comes."
    assert (got["escalated"], got["intent"]) == (True, "angry_customer")
    first = api.model.calls[-4].body
    assert "Speak of bread only." in first["messages"][0]["content"] and "Bakery" in first["messages"][0]["content"]
    assert "ask_for_human" in [t["function"]["name"] for t in first["tools"]]
    edited = await api.call("PATCH", f"/v1/chatbots/{made['id']}", {"voice_id": None, "instructions": "Speak of cake."})
    assert edited.body["voice_id"] is None
    await api.good("G-11", made["id"], sent={"message": "Hello", "conversation_id": got["conversation_id"]})
    asked = [c.body for c in api.model.calls if c.body.get("tools")][-1]["messages"]
    assert "Speak of cake." in asked[0]["content"] and "Bakery" not in asked[0]["content"]
    assert [m["content"] for m in asked if m["role"] == "user"] == ["This is bad bread!", "Hello"]
    failing = await api.good("G-10", sent={"name": "x", "model": await api.gateway(
        baseAddress="http://127.0.0.1:9/v1", modelName="fake-1", apiKey="k")})
    await api.refused("G-11", 502, failing["id"], sent={"message": "Hello"})
    assert (await api.good("G-12", failing["id"]))["data"] == []


async def test_a_gateway_of_its_own_is_nobody_elses(api: Contract) -> None:
    path = "/v1/chatbots"
    made = await api.good("G-10", sent={"name": "Baker", "model": "@hub/extractive"})
    count = "select count(*) from gateways where account_id = $1"
    assert await api.hub.db.value(count, api.account) == 1
    assert await api.ok("GET", "/api/v1/ai-gateways") == []
    name = await model(api)
    api.model.default = whole("Bread.")
    document = await api.good("G-04", sent={"content": "A text about bread."})
    got = await api.good("G-05", document["id"], sent={"command": "expand"})
    assert got["output"] == "Bread.", "the account's own gateway is the one that writes"
    [client] = await api.ok("GET", "/api/v1/web-chat-client")
    for wanted, left in ((name, 1), ("@hub/extractive", 2)):
        assert (await api.call("PATCH", f"{path}/{made['id']}", {"model": wanted})).status == 200
        assert await api.hub.db.value(count, api.account) == left
        chosen = "select gateway_id is not null from clients where id = $1::text::uuid"
        assert await api.hub.db.value(chosen, client["id"])
    assert (await api.call("DELETE", f"{path}/{made['id']}")).status == 204
    assert await api.hub.db.value(count, api.account) == 1


async def test_the_chat_on_a_website(api: Contract) -> None:
    """The embed key opens the hosted page and nothing else; what is said there is one of the conversations."""
    voice = await api.good("G-07", sent={"name": "Bakery", "sample": SAMPLE, "banned_phrases": ["alas"]})
    made = await api.good("G-10", sent={
        "name": "Baker", "instructions": "Bread only.", "model": await model(api), "voice_id": voice["id"]})
    path = "/embed/" + made["embed_key"]
    talks = "select count(*) from chatbot_talks"
    before = await api.hub.db.value(talks)
    shown = await api.call("GET", path, key="")
    assert shown.status == 200 and "<form method=post>" in shown.body and "Set-Cookie" not in shown.headers
    assert await api.hub.db.value(talks) == before, "looking begins nothing"
    opened = await api.call("POST", path, key="")
    assert opened.status == 303 and opened.headers["Location"].startswith("/chat/wky_")
    cookie = opened.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=None", "Partitioned", f"Path={path}"))
    back = await api.call("GET", path, key="", headers={"Cookie": cookie.split(";")[0]})
    assert back.status == 302
    assert back.headers["Location"] == opened.headers["Location"], "the same visitor, the same conversation"
    page = await api.call("GET", opened.headers["Location"], key="")
    assert page.status == 200 and "Baker" in page.body
    access = opened.headers["Location"].removeprefix("/chat/")
    api.model.plan += [says("Alas, ", "no cake."), whole("Sorry, no cake.")]
    got = await api.row("A-38", access, sent={"prompt": "Get me a human"}, headers={"Accept": "text/event-stream"})
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in events(str(got.body))
                   if isinstance(c, dict) and c["choices"])
    assert text == "Sorry, no cake." and "Alas" not in str(got.body)
    system = api.model.calls[-2].body["messages"][0]["content"]
    assert "Bread only." in system and "Bakery" in system
    for key in (made["embed_key"], access):
        assert (await api.call("GET", "/v1/chatbots", key=key)).status == 401
    api.model.default = whole("wants_cake")

    async def escalated() -> Any:
        return (await api.good("G-12", made["id"], query={"escalated": "true"}))["data"]

    async with working(api.hub):
        [talk] = await until(escalated)
    assert (talk["source"], talk["message_count"], talk["intent"]) == ("web", 2, "wants_cake")
    rotated = (await api.call("POST", f"/v1/chatbots/{made['id']}/embed-key")).body
    assert rotated["embed_key"] != made["embed_key"]
    assert (await api.call("GET", path, key="")).status == 404
    for method in ("GET", "POST"):
        assert (await api.call(method, "/embed/emb_nothing", key="")).status == 404
    secrets = await api.hub.db.fetch("select embed_hash, embed_sealed from chatbots where account_id = $1", api.account)
    assert all(rotated["embed_key"].encode() not in bytes(r["embed_sealed"]) for r in secrets)
