"""AresGen: webhooks: signed, in order, told again until they are heard."""

import asyncio
import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio

from hub.studio import events, outgoing_webhooks, session_events
from tests.contract.asking import Contract
from tests.contract.conftest import Place
from tests.contract.working import Call, Elsewhere, elsewhere, until, working

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
SAMPLE = "We bake bread with care, and we love what we do. " * 40
NOBODY = "0" * 26
DUE = "update webhook_endpoints set next_at = now() where account_id = $1"


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def worker(place: Place) -> AsyncIterator[None]:
    async with working(place.hub):
        yield


@pytest_asyncio.fixture(loop_scope="module")
async def hook() -> AsyncIterator[Elsewhere]:
    async with elsewhere() as found:
        yield found


async def subscribed(api: Contract, url: str, *wanted: str) -> Json:
    got = await api.call("POST", "/v1/webhooks", {"url": url, **({"events": list(wanted)} if wanted else {})})
    assert got.status == 201, got.body
    body: Json = got.body
    return body


async def heard(hook: Elsewhere, count: int) -> list[Json]:
    async def enough() -> bool:
        return len(hook.calls) >= count

    await until(enough)
    return [orjson.loads(c.body) for c in hook.calls]


async def log(api: Contract, id: str, count: int, **query: str) -> list[Json]:
    """The deliveries of a webhook, once so many have ended."""
    async def found() -> list[Json]:
        got = await api.call("GET", f"/v1/webhooks/{id}/deliveries", params=query)
        rows: list[Json] = [d for d in got.body["data"] if d["state"] != "queued"]
        return rows if len(rows) >= count else []

    rows: list[Json] = await until(found)
    return rows


def verified(call: Call, secret: str) -> bool:
    """By the document's own words, without the hub's code."""
    signed = call.headers["Aresgen-Timestamp"].encode() + b"." + call.body
    return call.headers["Aresgen-Signature"] == hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


async def test_an_event_is_told_and_can_be_verified(api: Contract, hook: Elsewhere) -> None:
    made = await subscribed(api, hook.url + "/in")
    assert made["secret"].startswith("whsec_") and made["events"] == ["*"] and made["id"].startswith("whk_")
    voice = await api.good("G-07", sent={"name": "Bakery", "sample": SAMPLE})
    [event] = await heard(hook, 1)
    call = hook.calls[0]
    assert verified(call, made["secret"]) and not verified(call, made["secret"] + "x")
    assert re.fullmatch(r"evt_[0-9A-HJKMNP-TV-Z]{26}", event["id"]) and set(event) == {
        "id", "type", "created", "workspace_id", "data"}
    assert (event["type"], event["data"]) == ("voice.ready", {"voice_id": voice["id"], "name": "Bakery"})
    assert event["workspace_id"] == (await api.call("GET", "/v1/workspace")).body["id"]
    assert call.headers["Aresgen-Event-Id"] == event["id"] and event["created"].endswith("Z")
    [delivery] = await log(api, made["id"], 1)
    assert (delivery["state"], delivery["event_id"], delivery["type"]) == ("delivered", event["id"], "voice.ready")
    assert [(a["status"], a["error"]) for a in delivery["attempts"]] == [(200, None)]
    shown = (await api.call("GET", f"/v1/webhooks/{made['id']}")).body
    assert "secret" not in shown and shown["enabled"] is True
    stored = await api.hub.db.value("select secret from webhook_endpoints where account_id = $1", api.account)
    assert made["secret"].encode() not in bytes(stored)


async def test_every_event_and_who_hears_it(api: Contract, hook: Elsewhere) -> None:
    async with elsewhere() as bots, elsewhere() as one:
        await subscribed(api, hook.url)
        await subscribed(api, bots.url, "chatbot.*")
        await subscribed(api, one.url, "document.published", "chat.thread.deleted")
        thread = await api.good("G-01", sent={"model": "@hub/extractive", "store": True, "prompt": "Hello"})
        await heard(hook, 2)  # what is not told by then is never told: it goes with the thread
        await api.good("G-03", thread["thread_id"])
        await api.good("G-07", sent={"name": "v", "sample": SAMPLE})
        document = (await api.good("G-04", sent={"content": "One."}))["id"]
        await api.call("POST", f"/v1/documents/{document}/publish")
        bot = (await api.good("G-10", sent={"name": "b", "model": "@hub/extractive"}))["id"]
        talk = (await api.good("G-11", bot, sent={"message": "I want to talk to a human"}))["conversation_id"]
        await api.call("POST", f"/v1/chatbots/{bot}/conversations/{talk}/csat", {"score": 2})
        for value in ({"value": 1}, {"value": 1, "apply": ["parse", "first"]}):
            flow = {"name": "w", "steps": [{"id": "a", "type": "transform", "with": value}]}
            await api.good("G-14", (await api.good("G-13", sent=flow))["id"], sent={})
        told = await heard(hook, 12)
        await heard(bots, 4)
        await heard(one, 2)
    # That of budgets is proved where keys have some: tests/api/test_key_limits.py; those of chat clients are in
    # tests/flows/test_session_events.py.
    assert {e["type"] for e in told} == set(events.TYPES) - {events.KEY_BUDGET} - set(session_events.SHAPES)
    by = {e["type"]: e["data"] for e in told}
    assert by["chat.message.created"] | {"message_id": ""} == {
        "thread_id": thread["thread_id"], "message_id": "", "role": "assistant", "voice_id": None,
        "content": thread["choices"][0]["message"]["content"], "model": "@hub/extractive"}
    assert by["chat.thread.deleted"] == {"thread_id": thread["thread_id"], "messages": 2}
    assert by["document.published"]["document_id"] == document
    assert {"workflow_id", "run_id", "status", "duration_ms", "cost_usd"} == set(by["workflow.run.completed"])
    assert by["workflow.run.failed"]["error"]["step"] == "a" and by["chatbot.csat.submitted"]["csat"] == 2
    assert [orjson.loads(c.body)["type"] for c in bots.calls] == [
        "chatbot.message.created", "chatbot.message.created", "chatbot.conversation.escalated",
        "chatbot.csat.submitted"]
    assert [orjson.loads(c.body)["type"] for c in one.calls] == ["chat.thread.deleted", "document.published"]


async def test_order_holds_through_failures(api: Contract, hook: Elsewhere) -> None:
    """Ten changes at once, told in one order; the one that fails holds up those behind it."""
    made = await subscribed(api, hook.url, "document.version.created")
    hook.plan += [(500, {}, 0.0), (302, {}, 0.0)]
    created = [await api.good("G-04", sent={"title": f"d{n}"}) for n in range(4)]
    await asyncio.gather(*(
        api.call("PATCH", f"/v1/documents/{d['id']}", {"content": str(n)}) for d in created for n in range(3)))

    async def tried(count: int) -> None:
        """The failure is heard and noted."""
        noted = "select max(jsonb_array_length(attempts)) from webhook_deliveries where account_id = $1"
        await heard(hook, count)

        async def rests() -> bool:
            return bool(await api.hub.db.value(noted, api.account) == count)

        await until(rests)

    for count in (1, 2):
        await tried(count)
        assert len(hook.calls) == count, "nothing behind it is told"
        await api.hub.db.run(DUE, api.account)
    told = await heard(hook, 2 + 16)
    assert told[0] == told[1] == told[2], "the same event, byte for byte"
    places = await api.hub.db.fetch("select id from webhook_events where account_id = $1 order by place", api.account)
    assert [e["id"] for e in told[2:]] == [f"evt_{ulid(r['id'])}" for r in places]
    delivery = (await log(api, made["id"], 16))[-1]
    assert [a["status"] for a in delivery["attempts"]] == [500, 302, 200]
    assert "redirect" in delivery["attempts"][1]["error"]
    assert (await api.call("GET", f"/v1/webhooks/{made['id']}")).body["failing_since"] is None


def ulid(id: Any) -> str:
    letters, number, text = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", id.int, ""
    for _ in range(26):
        number, rest = divmod(number, 32)
        text = letters[rest] + text
    return text


async def test_what_fails_for_72_hours_is_disabled(api: Contract, hook: Elsewhere) -> None:
    made = await subscribed(api, hook.url, "voice.ready")
    hook.plan += [(500, {}, 0.0)] * 2
    await api.good("G-07", sent={"name": "v", "sample": SAMPLE})
    await heard(hook, 1)
    failing = "update webhook_endpoints set failing_since = now() - interval '73 hours', next_at = now()"

    async def noted() -> Any:
        return (await api.call("GET", f"/v1/webhooks/{made['id']}")).body["failing_since"]

    await until(noted)
    await api.hub.db.run(failing + " where account_id = $1", api.account)

    async def disabled() -> Json | None:
        body: Json = (await api.call("GET", f"/v1/webhooks/{made['id']}")).body
        return None if body["enabled"] else body

    body = await until(disabled)
    assert body["disabled_at"] and body["disabled_reason"] == "It failed for 72 hours; the last time: It answered 500."
    await api.good("G-07", sent={"name": "unheard", "sample": SAMPLE})
    again = await api.call("PATCH", f"/v1/webhooks/{made['id']}", {"enabled": True})
    assert again.body["enabled"] and again.body["disabled_reason"] is None
    told = await heard(hook, 3)
    assert told[2]["data"]["name"] == "v", "what waited is told, what happened meanwhile can be replayed"
    got = await api.call("POST", "/v1/webhooks/replay", {"types": ["voice.ready"], "webhook_id": made["id"]})
    assert (got.status, got.body["queued"]) == (202, 2)
    told = await heard(hook, 5)
    assert [e["data"]["name"] for e in told[3:]] == ["v", "unheard"] and told[3]["id"] == told[2]["id"]
    assert [d["replay"] for d in await log(api, made["id"], 3)] == [True, True, False]


async def test_the_attempts_and_their_pauses() -> None:
    pauses = [outgoing_webhooks.pause(n) for n in range(1, outgoing_webhooks.ATTEMPTS)]
    assert outgoing_webhooks.ATTEMPTS == 24 and pauses[0] == 10 and max(pauses) == 6 * 3600
    assert pauses == sorted(pauses) and abs(sum(pauses) - 72 * 3600) < 1


async def test_the_last_attempt_gives_up_and_the_next_event_goes_out(api: Contract, hook: Elsewhere) -> None:
    made = await subscribed(api, hook.url, "voice.ready")
    hook.plan += [(500, {}, 0.0)]
    await api.good("G-07", sent={"name": "lost", "sample": SAMPLE})
    await heard(hook, 1)
    many = [{"at": "x", "status": 500, "error": "x", "ms": 1}] * 22
    await log_of(api, 1)
    tried = "update webhook_deliveries set attempts = attempts || $2 where account_id = $1"
    await api.hub.db.run(tried, api.account, many)
    hook.plan += [(500, {}, 0.0)]
    await api.hub.db.run(DUE, api.account)
    [delivery] = await log(api, made["id"], 1)
    assert (delivery["state"], len(delivery["attempts"])) == ("failed", 24)
    await api.good("G-07", sent={"name": "next", "sample": SAMPLE})
    await api.hub.db.run(DUE, api.account)
    assert (await heard(hook, 3))[-1]["data"]["name"] == "next"


async def log_of(api: Contract, attempts: int) -> None:
    async def found() -> Any:
        counted = "select jsonb_array_length(attempts) = $2 from webhook_deliveries where account_id = $1"
        return await api.hub.db.value(counted, api.account, attempts)

    await until(found)


async def test_what_a_webhook_may_not_be(api: Contract) -> None:
    good: Json = {"url": "https://example.com/in", "events": ["chatbot.*"]}
    for wrong, field in (
        ({"url": "ftp://x"}, "url"), ({"url": "http://169.254.169.254/"}, "url"), ({"url": "http://u:p@x/"}, "url"),
        ({"events": []}, "events"), ({"events": ["bread.*"]}, "events.0"), ({"events": ["chatbot"]}, "events.0"),
    ):
        got = await api.call("POST", "/v1/webhooks", {**good, **wrong})
        assert got.status == 400 and field in got.body["detail"], (wrong, got.body)
    made = await subscribed(api, good["url"], "chatbot.*")
    for method, path, body in (
        ("GET", "", None), ("PATCH", "", {"enabled": False}), ("DELETE", "", None), ("GET", "/deliveries", None)):
        assert (await api.call(method, f"/v1/webhooks/{made['id']}{path}", body, key=api.foreign)).status == 404
    assert (await api.call("POST", "/v1/webhooks/replay", {})).status == 400
    sent: Json = {"types": ["*"], "webhook_id": f"whk_{NOBODY}"}
    assert (await api.call("POST", "/v1/webhooks/replay", sent)).status == 404
    assert [w["id"] for w in (await api.call("GET", "/v1/webhooks")).body["data"]] == [made["id"]]
    off = (await api.call("PATCH", f"/v1/webhooks/{made['id']}", {"enabled": False})).body
    assert (off["enabled"], off["disabled_reason"]) == (False, "It was switched off.")
    assert (await api.call("DELETE", f"/v1/webhooks/{made['id']}")).status == 204
    assert (await api.call("GET", f"/v1/webhooks/{made['id']}")).status == 404


async def test_an_event_is_told_only_of_what_is_committed(api: Contract, hook: Elsewhere) -> None:
    """Refused, rolled back: no event. The event is in the transaction of what it tells."""
    await subscribed(api, hook.url)
    await api.refused("G-07", 422, sent={"name": "v", "sample": "short"})
    document = (await api.good("G-04", sent={"content": "One."}))["id"]
    await api.call("PATCH", f"/v1/documents/{document}", {"content": "Two.", "base_revision": 9})
    await api.refused("G-03", 404, f"thr_{NOBODY}")
    told = await heard(hook, 1)
    assert [e["data"].get("version") for e in told] == [1]
    assert await api.hub.db.value("select count(*) from webhook_events where account_id = $1", api.account) == 1
