"""Accounts and API keys (A-61 to A-65)."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from hub.sealing import digest
from tests.api.conftest import Api

KEYS = "/api/v1/accounts/api-key"


async def test_view_edit_and_roll(api: Api) -> None:
    before = await api.ok("GET", "/api/v1/accounts")
    assert (before["name"], before["plan"], before["balance"]) == ("Aurora", "pro", 0)
    assert before["parameters"] == {"allowConversationsLogging": False, "automaticJsonHealing": False}
    salt = (await api.ok("GET", KEYS))["salt"]
    sent = {"name": "Aurora Ltd", "parameters": {"automaticJsonHealing": True}, "balance": 1e6, "plan": "free"}
    saved = await api.ok("PUT", "/api/v1/accounts", sent)
    assert saved["message"] == "Parameters updated successfully."
    assert [w.split()[0] for w in saved["warnings"]] == ["balance", "plan"], "not for the account to say"
    after = await api.ok("GET", "/api/v1/accounts")
    parameters = {**before["parameters"], "automaticJsonHealing": True}
    assert after == {**before, "name": "Aurora Ltd", "parameters": parameters}
    assert (await api.ok("POST", "/api/v1/accounts/roll-salt"))["message"] == "Salt rolled successfully."
    assert (await api.ok("GET", KEYS))["salt"] != salt
    assert (await api.call("PUT", "/api/v1/accounts", {"name": 3})).status == 400


async def test_a_key_is_shown_once_used_and_deleted(api: Api) -> None:
    made = await api.ok("POST", KEYS, {"label": "CI", "duration": 30})
    key = made["grantKey"]
    assert list(made) == ["grantKey"]
    assert (await api.call("GET", "/api/v1/accounts", key=key)).status == 200
    listed = await api.ok("GET", KEYS)
    assert key not in str(listed)
    [mine] = [k for k in listed["apiKeys"] if k["label"] == "CI"]
    assert mine["key"] == f"...{key[-6:]}"
    assert mine["usedAt"] is not None
    days = (datetime.fromisoformat(mine["expiresAt"]) - datetime.now(UTC)) / timedelta(days=1)
    assert 29.9 < days <= 30
    assert (await api.ok("DELETE", f"{KEYS}/{mine['id']}"))["message"] == "API key deleted successfully."
    assert (await api.call("GET", "/api/v1/accounts", key=key)).status == 401


async def test_only_the_hash_is_stored(api: Api) -> None:
    stored = await api.hub.db.fetch("select k::text as row, hash from api_keys k")
    assert digest(api.key) in [r["hash"] for r in stored]
    assert not any(api.key[7:] in r["row"] for r in stored)


async def test_durations(api: Api) -> None:
    await api.ok("POST", KEYS, {"label": "ever", "duration": -1})
    [ever] = [k for k in (await api.ok("GET", KEYS))["apiKeys"] if k["label"] == "ever"]
    assert ever["expiresAt"] is None
    await api.ok("POST", KEYS, {"label": "longer than a hundred years", "duration": 10**9})
    [long] = [k for k in (await api.ok("GET", KEYS))["apiKeys"] if k["label"].startswith("longer")]
    assert long["expiresAt"] is None
    wrongs: Any = ({"label": "x", "duration": 0}, {"label": "x"}, {"duration": 1}, [])
    for wrong in wrongs:
        got = await api.call("POST", KEYS, wrong)
        assert (got.status, got.body["code"]) == (400, "invalid_request"), wrong


async def test_an_unknown_key_is_400_and_never_another_account_s(api: Api) -> None:
    theirs = (await api.ok("GET", KEYS, key=api.foreign))["apiKeys"][0]["id"]
    for id in (theirs, uuid4(), "none"):
        got = await api.call("DELETE", f"{KEYS}/{id}")
        assert (got.status, got.body["error"]) == (400, "API key not found or does not belong to the account.")
    assert (await api.call("GET", KEYS, key=api.foreign)).status == 200


async def test_an_expired_key_stops_working_within_a_second(api: Api) -> None:
    key = (await api.ok("POST", KEYS, {"label": "short", "duration": 1}))["grantKey"]
    assert (await api.call("GET", "/api/v1/accounts", key=key)).status == 200
    await api.hub.db.run("update api_keys set expires_at = now() where hash = $1", digest(key))
    await asyncio.sleep(1.05)
    assert (await api.call("GET", "/api/v1/accounts", key=key)).status == 401


async def test_every_way_to_send_a_key(api: Api) -> None:
    basic = base64.b64encode(f"anything:{api.key}".encode()).decode()
    for value in (f"Basic {basic}", api.key, f"bearer {api.key}"):
        headers = {"Authorization": value}
        assert (await api.call("GET", "/api/v1/accounts", key="", headers=headers)).status == 200, value
    assert (await api.call("GET", f"/api/v1/accounts?api-key={api.key}", key="")).status == 200
    wrong = [
        "Bearer", "Basic !!!", "Digest abc", f"Bearer {api.key}x", f"Bearer {api.key[:-1]}0", "Bearer eyJh.eyJz.c2ln",
        "Bearer " + "A" * 100_00,
    ]
    for value in wrong:
        got = await api.call("GET", "/api/v1/accounts", key="", headers={"Authorization": value[:5000]})
        assert (got.status, got.body["code"]) == (401, "unauthorized"), value[:60]
        assert got.headers["WWW-Authenticate"] == "Bearer"


async def test_a_public_key_may_not_manage(api: Api) -> None:
    got = await api.call("GET", "/api/v1/accounts", key=api.public)
    assert (got.status, got.body["code"]) == (403, "private_key_needed")
