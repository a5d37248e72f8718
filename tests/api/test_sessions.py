"""Sessions of a chat client (A-15 to A-17)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from hub.sealing import digest
from tests.api.conftest import Api


def sessions(client: str) -> str:
    return f"/api/v1/web-chat-client/{client}/sessions"


async def test_open_list_view_delete(api: Api) -> None:
    client = await api.client()
    path = sessions(client)
    sent = {"extraContext": "Gold customer", "tag": "c-1", "metadata": {"plan": "gold"}}
    made = await api.ok("POST", path, sent)
    assert made["accessKey"].startswith("wky_")
    assert len(made["accessKey"]) == 59
    assert made["talkUrl"] == f"https://hub.example/chat/{made['accessKey']}"
    [row] = await api.ok("GET", path)
    documented = {
        "id": made["sessionId"], "tagName": "c-1", "contextPreview": "Gold customer", "sessionKey": made["accessKey"],
        "lastMessage": None, "messageCount": 0, "tokenCount": 0,
    }
    assert {k: row[k] for k in documented} == documented
    left = datetime.fromisoformat(row["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    whole = await api.ok("GET", f"{path}/{made['sessionId']}")
    assert {k: whole[k] for k in ("extraContext", "metadata")} == {k: sent[k] for k in ("extraContext", "metadata")}
    assert whole["talkUrl"] == made["talkUrl"]
    assert (await api.ok("GET", "/api/v1/web-chat-client"))[0]["activeSessions"] == 1
    assert (await api.ok("DELETE", f"{path}/{made['sessionId']}"))["message"] == "Session ended and deleted."
    assert (await api.call("GET", f"{path}/{made['sessionId']}")).status == 404
    assert (await api.call("DELETE", f"{path}/{made['sessionId']}")).status == 404


async def test_keys_are_hashed_and_sealed(api: Api) -> None:
    made = await api.ok("POST", sessions(await api.client()), {})
    row = await api.hub.db.row("select key_hash, s::text as whole from sessions s")
    assert row is not None
    assert row["key_hash"] == digest(made["accessKey"])
    assert made["accessKey"][4:] not in row["whole"]


async def test_a_tag_names_one_live_session(api: Api) -> None:
    path = sessions(await api.client())
    first = await api.ok("POST", path, {"tag": "t", "extraContext": "old", "metadata": {"a": "1"}, "expires": 600})
    again = await api.ok("POST", path, {"tag": "t", "extraContext": "new", "expires": 7_776_000})
    assert again == first
    whole = await api.ok("GET", f"{path}/{first['sessionId']}")
    assert (whole["extraContext"], whole["metadata"]) == ("new", {"a": "1"})
    assert datetime.fromisoformat(whole["expiresAt"]) - datetime.now(UTC) > timedelta(days=89)
    other = await api.ok("POST", sessions(await api.client()), {"tag": "t"})
    assert other["sessionId"] != first["sessionId"]
    untagged = [await api.ok("POST", path, {}) for _ in range(2)]
    assert len({s["sessionId"] for s in untagged}) == 2


async def test_an_expired_tag_starts_anew(api: Api) -> None:
    path = sessions(await api.client())
    first = await api.ok("POST", path, {"tag": "t"})
    await api.hub.db.run("update sessions set expires_at = now() - interval '1 second'")
    second = await api.ok("POST", path, {"tag": "t"})
    assert second["sessionId"] != first["sessionId"]
    active = {r["id"]: r["active"] for r in await api.ok("GET", path)}
    assert active == {first["sessionId"]: False, second["sessionId"]: True}
    ended = await api.call("PATCH", f"{path}/{first['sessionId']}", {"expires": 3600})
    assert (ended.status, ended.body["code"]) == (409, "conflict")


async def test_ten_at_once_with_one_tag_get_one_session(api: Api) -> None:
    path = sessions(await api.client())
    made = await asyncio.gather(*(api.ok("POST", path, {"tag": "t"}) for _ in range(10)))
    assert len({m["accessKey"] for m in made}) == 1


async def test_filter_and_pages(api: Api) -> None:
    path = sessions(await api.client())
    a = await api.ok("POST", path, {"tag": "customer_1", "extraContext": "Likes 100% wool"})
    b = await api.ok("POST", path, {"tag": "customer-2"})
    ids = [a["sessionId"], b["sessionId"]]
    for filter, expected in (
        ("", ids[::-1]), ("CUSTOMER_", ids[:1]), ("100% w", ids[:1]), (ids[1], ids[1:]), (b["accessKey"], ids[1:]),
        ("zz", []),
    ):
        rows = await api.ok("GET", path, params={"filter": filter})
        assert [r["id"] for r in rows] == expected, filter
    [newest] = await api.ok("GET", path, params={"limit": 1})
    [older] = await api.ok("GET", path, params={"limit": 1, "before": newest["id"]})
    assert [newest["id"], older["id"]] == ids[::-1]


async def test_patch(api: Api) -> None:
    path = sessions(await api.client())
    sent = {"extraContext": "a", "metadata": {"k": "v"}, "contextLocation": "https://c.example"}
    made = await api.ok("POST", path, sent)
    one = f"{path}/{made['sessionId']}"
    got = await api.ok("PATCH", one, {"title": "Order 7", "expires": 86400, "contextLocation": None})
    assert (got["title"], got["extraContext"], got["contextLocation"]) == ("Order 7", "a", None)
    assert got["metadata"] == {"k": "v"}
    got = await api.ok("PATCH", one, {"metadata": None, "extraContext": None})
    assert (got["title"], got["extraContext"], got["metadata"]) == ("Order 7", None, {})


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"expires": 0}, "expires"), ({"expires": 599}, "expires"), ({"expires": 7_776_001}, "expires"),
        ({"expires": "soon"}, "expires"),
        ({"metadata": {"a": 1}}, "metadata.a"), ({"contextLocation": "ftp://x"}, "contextLocation"),
        ({"contextLocation": "http://192.168.0.1/"}, "contextLocation"), ({"tag": "x" * 201}, "tag"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(api: Api, sent: Any, field: str) -> None:
    got = await api.call("POST", sessions(await api.client()), sent)
    assert got.status == 400, got.body
    assert got.body["error"].startswith(field), got.body


async def test_foreign_clients_and_sessions_are_not_found(api: Api) -> None:
    client = await api.client()
    other = await api.client()
    made = await api.ok("POST", sessions(client), {})
    for method, path in (
        ("POST", sessions(str(uuid4()))), ("GET", sessions(str(uuid4()))), ("GET", sessions("x")),
        ("GET", f"{sessions(other)}/{made['sessionId']}"), ("DELETE", f"{sessions(other)}/{made['sessionId']}"),
    ):
        got = await api.call(method, path, {} if method == "POST" else None)
        assert (got.status, got.body["code"]) == (404, "not_found")
    for method in ("GET", "DELETE", "PATCH"):
        sent: Any = {} if method == "PATCH" else None
        got = await api.call(method, f"{sessions(client)}/{made['sessionId']}", sent, key=api.foreign)
        assert got.status == 404
    assert (await api.call("POST", sessions(client), {}, key=api.foreign)).status == 404
