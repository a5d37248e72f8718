"""What operators see and do: deliveries, why, quarantine, handoff."""

from typing import Any
from uuid import UUID

import pytest

from hub import ids
from hub.domain import Json
from hub.store import inbox, outbox, turns
from tests.store.rows import Bench, answer, part

from .conftest import Api


@pytest.fixture
async def bench(api: Api) -> Bench:
    """A conversation on Z-API that belongs to the calling account."""
    made = Bench(api.hub.db)
    made.account = api.account
    made.client = UUID(await api.client(aiGatewayId=await api.gateway()))
    await api.hub.db.run(
        "insert into integrations (id, account_id, client_id, channel, secrets, secret_hash, mode)"
        " values ($1, $2, $3, 'zapi', '\\x00', '\\x00', 'reconcile')",
        made.integration,
        made.account,
        made.client,
    )
    return made


async def _answered(bench: Bench, *texts: str) -> tuple[UUID, Json]:
    """A message that was answered in parts; the first part is on the wire."""
    [a] = await inbox.ingest(bench.db, [bench.item("hi")])
    assert a.session_id and a.message_id
    claimed = await turns.claim(bench.db, a.session_id, "me", 30, 50)
    assert claimed
    turn, messages, _ = answer(" ".join(texts))
    parts = [part(t, UUID(messages[0]["id"])) for t in texts]
    turn |= {"model": "m", "passages": [{"id": str(ids.uuid7()), "name": "Prices", "score": 0.7}]}
    closed = await turns.complete(bench.db, claimed, "me", turn, messages, parts, wire=5)
    assert closed.part
    return a.message_id, closed.part


async def test_a_failed_delivery_is_listed_replayed_and_listed_no_more(api: Api, bench: Bench) -> None:
    _, one = await _answered(bench, "hello")
    await outbox.sent(bench.db, one, "me", "dead", 5, code="403", error="The contact blocked the number.")
    [found] = (await api.ok("GET", "/api/v1/deliveries?state=dead,unknown"))["deliveries"]
    assert (
        found["state"] == "dead" and found["error"] == "The contact blocked the number." and found["channel"] == "zapi"
    )
    details = await api.ok("GET", f"/api/v1/deliveries/{found['id']}")
    assert [a["outcome"] for a in details["attempts"]] == ["dead"]
    await api.ok("POST", f"/api/v1/deliveries/{found['id']}/replay")
    assert (await api.ok("GET", "/api/v1/deliveries?state=dead,unknown"))["deliveries"] == []
    again = await outbox.claim(bench.db, UUID(one["session_id"]), "me", 5)
    assert again and again["id"] == one["id"]


async def test_resolving_lets_what_is_behind_go_on(api: Api, bench: Bench) -> None:
    _, one = await _answered(bench, "1", "2")
    await outbox.sent(bench.db, one, "me", "unknown", 5, code="timeout", error="?", after=600)
    session = UUID(one["session_id"])
    assert await outbox.claim(bench.db, session, "me", 5) is None
    await api.ok("POST", f"/api/v1/deliveries/{one['key']}/resolve", {"as": "sent", "note": "seen on the phone"})
    after = await outbox.claim(bench.db, session, "me", 5)
    assert after and after["body"]["text"] == "2"
    closed = await api.ok("GET", f"/api/v1/deliveries/{one['key']}")
    assert (closed["state"], closed["resolution"]) == ("sent", "seen on the phone")


async def test_a_delivery_on_its_way_cannot_be_replayed(api: Api, bench: Bench) -> None:
    _, one = await _answered(bench, "hello")
    got = await api.call("POST", f"/api/v1/deliveries/{one['key']}/replay")
    assert got.status == 409 and "dead" in got.said


@pytest.mark.parametrize("path", ["/api/v1/deliveries/{}", "/api/v1/messages/{}/why"])
async def test_another_account_sees_nothing(api: Api, bench: Bench, path: str) -> None:
    message, one = await _answered(bench, "hello")
    id = one["key"] if "deliveries" in path else message
    assert (await api.call("GET", path.format(id))).status == 200
    assert (await api.call("GET", path.format(id), key=api.foreign)).status == 404


async def test_pages_of_deliveries_follow_each_other(api: Api, bench: Bench) -> None:
    await _answered(bench, *"abcde")
    seen: list[str] = []
    cursor = ""
    while True:
        page = await api.ok("GET", f"/api/v1/deliveries?limit=2{cursor}")
        seen += [d["text"] for d in page["deliveries"]]
        if not page["nextCursor"]:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert seen == list("edcba")


@pytest.mark.parametrize(("query", "field"), [("state=lost", "state"), ("limit=0", "limit"), ("cursor=x", "cursor")])
async def test_wrong_queries_name_the_field(api: Api, query: str, field: str) -> None:
    got = await api.call("GET", f"/api/v1/deliveries?{query}")
    assert got.status == 400 and field in got.said


async def test_why_tells_the_whole_story_of_an_answer(api: Api, bench: Bench) -> None:
    message, one = await _answered(bench, "hello")
    await outbox.sent(bench.db, one, "me", "sent", 5, network_id="n1")
    why = await api.ok("GET", f"/api/v1/messages/{message}/why")
    assert [s["step"] for s in why["steps"]] == ["received", "turn", "attempt", "delivery"]
    assert why["verdict"] == "the model answered; 1 part(s) sent"
    turn = why["steps"][1]
    assert turn["model"] == "m" and turn["passages"][0]["name"] == "Prices"
    assert (await api.ok("GET", f"/api/v1/messages/{one['key']}/why"))["sessionId"] == why["sessionId"], (
        "a delivery's id works too"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rule": "groups:ignore"}, "groups are ignored"),
        ({"per_hour": 0, "max_messages": 0, "debounce": 30}, "waiting until"),
        ({"rule": "history"}, "history"),
    ],
)
async def test_why_explains_silence(api: Api, bench: Bench, change: dict[str, Any], words: str) -> None:
    [a] = await inbox.ingest(bench.db, [bench.item(**change)])
    assert words in (await api.ok("GET", f"/api/v1/messages/{a.message_id}/why"))["verdict"]


async def test_while_a_person_has_it_the_bot_is_silent(api: Api, bench: Bench) -> None:
    [a] = await inbox.ingest(bench.db, [bench.item(debounce=60)])
    base = f"/api/v1/web-chat-client/{bench.client}/sessions/{a.session_id}"
    await api.ok("PUT", base + "/handoff", {"active": True})
    [b] = await inbox.ingest(bench.db, [bench.item("are you there?")])
    assert b.outcome == "ignored"
    assert "person" in (await api.ok("GET", f"/api/v1/messages/{b.message_id}/why"))["verdict"]
    said = await api.ok("POST", base + "/messages", {"content": "**Yes**, I am Bob."})
    [delivery] = (await api.ok("GET", "/api/v1/deliveries"))["deliveries"]
    assert delivery["messageId"] == said["messageId"] and delivery["text"] == "Yes, I am Bob."
    await api.ok("PUT", base + "/handoff", {"active": False})
    [c] = await inbox.ingest(bench.db, [bench.item("thanks")])
    assert c.outcome == "accepted"
    assert (await api.call("PUT", base + "/handoff", {"active": True}, key=api.foreign)).status == 404


async def test_quarantined_bodies_are_listed_without_their_content(api: Api, bench: Bench) -> None:
    await inbox.quarantine(
        bench.db, ids.uuid7(), bench.account, bench.integration, (b"h" * 32, b"secret body"), {}, "not JSON"
    )
    [held] = await api.ok("GET", "/api/v1/quarantine")
    assert held["reason"] == "not JSON" and held["size"] == 11 and "secret" not in str(held)
    assert await api.ok("GET", "/api/v1/quarantine", key=api.foreign) == []
