"""A-03 to A-07 as they are documented, and what operators do beside."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from tests.api.conftest import Api
from tests.contract.documents import document

Json = dict[str, Any]
PHONE = "+5511999990000"
LISTED = {
    "schedules": {"id", "externalUserId", "target", "targetIdentifier", "scheduledTime", "activatedAt", "createdAt"},
    "recurringTasks": {
        "id",
        "externalUserId",
        "target",
        "targetIdentifier",
        "cronExpression",
        "nextActivation",
        "lastActivation",
        "executionCount",
        "createdAt",
    },
}
ONE = LISTED["schedules"] | {"reason", "context", "activatedSessionId", "activationResult"}
TASK = LISTED["recurringTasks"] | {"jobDescription", "maxExecutions"}


@pytest.fixture
async def base(api: Api) -> str:
    client = await api.client(name="My Web Chat")
    integration = {
        "integrationType": "Zapi",
        "integrations": {"zapiIntegration": {"instanceId": "I", "instanceToken": "T"}},
    }
    await api.call("PUT", f"/api/v1/web-chat-client/{client}/integrations", integration)
    return f"/api/v1/web-chat-clients/{client}/hook-schedules"


def soon(**more: float) -> str:
    return (datetime.now(UTC) + timedelta(**more)).isoformat().replace("+00:00", "Z")


def who(**more: Any) -> Json:
    return {"externalUserId": "user-123", "target": "WhatsApp_ZApi", "targetIdentifier": PHONE, **more}


async def test_the_documented_shapes(api: Api, base: str) -> None:
    at = soon(hours=2)
    made = await api.ok(
        "POST", f"{base}/schedules", who(scheduledTime=at, reason="Follow-up reminder", context='{ "orderId": 42 }')
    )
    task = await api.ok(
        "POST",
        f"{base}/recurring",
        who(cronExpression="0 9 * * 1", jobDescription="Weekly check-in message", maxExecutions=10),
    )
    found = await api.ok("GET", base)
    assert found["webChat"]["name"] == "My Web Chat" and found["inactiveUsers"] == []
    for name, fields in LISTED.items():
        assert fields <= set(found[name][0])
    one = await api.ok("GET", f"{base}/schedules/{made['id']}")
    assert set(one) >= ONE and one["targetIdentifier"] == PHONE and one["context"] == '{ "orderId": 42 }'
    assert (one["activatedAt"], one["activatedSessionId"], one["activationResult"]) == (None, None, None)
    assert abs(datetime.fromisoformat(one["scheduledTime"]) - datetime.fromisoformat(at)) < timedelta(seconds=1)
    seen = await api.ok("GET", f"{base}/recurring/{task['id']}")
    assert set(seen) >= TASK and (seen["maxExecutions"], seen["executionCount"], seen["lastActivation"]) == (
        10,
        0,
        None,
    )
    # As in the documents: nine o'clock on Monday is nine in UTC unless a zone is given.
    next_at = datetime.fromisoformat(seen["nextActivation"])
    assert (next_at.weekday(), next_at.hour, next_at.utcoffset(), seen["timeZone"]) == (0, 9, timedelta(0), "UTC")
    assert (await api.ok("GET", f"{base}?external-user-id=nobody"))["schedules"] == []
    assert len((await api.ok("GET", f"{base}?external-user-id=user-123"))["recurringTasks"]) == 1
    said = await api.ok("DELETE", f"{base}/schedules/{made['id']}")
    assert said["message"] == "Schedule cancelled."
    assert (await api.call("DELETE", f"{base}/schedules/{made['id']}")).body["error"] == "Schedule not found."
    assert (await api.ok("DELETE", f"{base}/recurring/{task['id']}"))["message"] == "Recurring task cancelled."
    assert (await api.call("GET", f"{base}/recurring/{task['id']}")).body["error"] == "Recurring task not found."


async def test_words_and_zones(api: Api, base: str) -> None:
    made = await api.ok("POST", f"{base}/schedules", who(when="amanhã às 9", reason="x"))
    local = datetime.fromisoformat(made["nextActivation"]).astimezone(ZoneInfo("America/Sao_Paulo"))
    assert (
        made["timeZone"] == "America/Sao_Paulo" and local.hour == 9 and "at 09:00 (America/Sao_Paulo" in made["inWords"]
    )
    task = await api.ok("POST", f"{base}/recurring", who(every="every second Monday at 9", jobDescription="x"))
    assert "every 2 weeks" in task["inWords"] and task["timeZone"] == "America/Sao_Paulo"
    zoned = await api.ok(
        "POST", f"{base}/recurring", who(cronExpression="30 2 * * *", timeZone="europe/berlin", jobDescription="x")
    )
    shown = await api.ok("GET", f"{base}/recurring/{zoned['id']}/preview")
    assert len(shown["times"]) == 10 and shown["timeZone"] == "Europe/Berlin"
    assert all(datetime.fromisoformat(t["utc"]) == datetime.fromisoformat(t["local"]) for t in shown["times"])
    assert {t["utc"][-1] for t in shown["times"]} == {"Z"} and all(
        t["local"][11:16] in ("02:30", "03:00") for t in shown["times"]
    )
    asked = await api.ok("GET", f"{base}/preview?every=0+9+*+*+1&timeZone=Asia/Kathmandu&count=3")
    assert [t["local"][11:] for t in asked["times"]] == ["09:00:00+05:45"] * 3
    limited = await api.ok(
        "POST", f"{base}/recurring", who(cronExpression="0 9 * * *", jobDescription="x", maxExecutions=2)
    )
    assert len((await api.ok("GET", f"{base}/recurring/{limited['id']}/preview"))["times"]) == 2


async def test_pause_move_and_resume(api: Api, base: str) -> None:
    made = await api.ok("POST", f"{base}/schedules", who(scheduledTime=soon(hours=1), reason="x"))
    one = f"{base}/schedules/{made['id']}"
    assert (await api.ok("PATCH", one, {"paused": True}))["state"] == "paused"
    moved = await api.ok(
        "PATCH", one, {"paused": False, "scheduledTime": soon(hours=5), "reason": "New", "context": None}
    )
    assert (moved["state"], moved["reason"], moved["context"]) == ("active", "New", None)
    assert (await api.ok("GET", f"{one}/preview"))["times"][0]["utc"] == moved["scheduledTime"]
    made = await api.ok(
        "POST", f"{base}/recurring", who(cronExpression="0 9 * * *", jobDescription="x", maxExecutions=5)
    )
    task = f"{base}/recurring/{made['id']}"
    paused = await api.ok("PATCH", task, {"paused": True})
    assert (paused["state"], paused["nextActivation"]) == ("paused", None)
    changed = await api.ok(
        "PATCH",
        task,
        {"paused": False, "cronExpression": "0 10 * * *", "timeZone": "Europe/Lisbon", "maxExecutions": None},
    )
    local = datetime.fromisoformat(changed["nextActivation"]).astimezone(ZoneInfo("Europe/Lisbon"))
    assert (changed["state"], changed["maxExecutions"], local.hour, changed["timeZone"]) == (
        "active",
        None,
        10,
        "Europe/Lisbon",
    )
    assert (await api.call("PATCH", task, {"cronExpression": "0 9 * * *", "every": "every day at 9"})).status == 400


async def test_run_now_is_one_activation_more(api: Api, base: str) -> None:
    one = (await api.ok("POST", f"{base}/schedules", who(scheduledTime=soon(hours=1), reason="x")))["id"]
    ran = await api.ok("POST", f"{base}/schedules/{one}/run-now")
    seen = (await api.ok("GET", f"/api/v1/outreach/activations?scheduleId={one}"))["activations"]
    assert [a["id"] for a in seen] == [ran["activationId"]] and seen[0]["state"] == "due"
    assert (await api.ok("GET", f"/api/v1/messages/{ran['activationId']}/why"))["verdict"]
    again = await api.call("POST", f"{base}/schedules/{one}/run-now")
    assert again.status == 409 and (await api.call("PATCH", f"{base}/schedules/{one}", {"paused": True})).status == 409
    await api.ok("DELETE", f"{base}/schedules/{one}")  # it has not been let out yet
    task = (await api.ok("POST", f"{base}/recurring", who(cronExpression="0 9 * * *", jobDescription="x")))["id"]
    await api.ok("POST", f"{base}/recurring/{task}/run-now")
    await api.ok("POST", f"{base}/recurring/{task}/run-now")
    assert len((await api.ok("GET", f"/api/v1/outreach/activations?scheduleId={task}&state=due"))["activations"]) == 2
    page = await api.ok("GET", "/api/v1/outreach/activations?limit=1")
    assert (
        page["nextCursor"]
        and len((await api.ok("GET", f"/api/v1/outreach/activations?cursor={page['nextCursor']}"))["activations"]) == 2
    )


BAD: list[tuple[str, Json, str]] = [
    ("schedules", {"reason": "x"}, "needs one of scheduledTime and when"),
    ("schedules", {"scheduledTime": "2020-01-01T00:00:00Z", "reason": "x"}, "lies in the past"),
    ("schedules", {"scheduledTime": "9999-12-31T23:59:59-12:00", "reason": "x"}, "ten years"),
    ("schedules", {"when": "tomorrow", "reason": "x"}, "when: "),
    ("schedules", {"when": "tomorrow at 9", "reason": ""}, "reason"),
    ("schedules", {"when": "tomorrow at 9", "reason": "x", "timeZone": "Nowhere"}, "timeZone must be an IANA"),
    ("schedules", {"when": "tomorrow at 9", "reason": "x", "targetIdentifier": "me"}, "targetIdentifier"),
    (
        "schedules",
        {"when": "tomorrow at 9", "reason": "x", "target": "Telegram", "targetIdentifier": "7"},
        "not connected to Telegram",
    ),
    ("schedules", {"when": "tomorrow at 9", "reason": "x", "target": "Fax"}, "target must be one of"),
    ("recurring", {"cronExpression": "0 9 31 2 *", "jobDescription": "x"}, "cronExpression"),
    ("recurring", {"cronExpression": "0 9 * *", "jobDescription": "x"}, "five fields"),
    ("recurring", {"every": "now and then", "jobDescription": "x"}, "every: "),
    ("recurring", {"cronExpression": "0 9 * * 1", "jobDescription": "x", "maxExecutions": 0}, "maxExecutions"),
    ("recurring", {"cronExpression": "0 9 * * 1", "jobDescription": "x", "catchUp": "maybe"}, "catchUp"),
]


async def test_what_cannot_be_scheduled(api: Api, base: str) -> None:
    for kind, sent, words in BAD:
        got = await api.call("POST", f"{base}/{kind}", who() | sent)
        assert got.status == 400 and words in got.body["error"], (sent, got.body)
    unknown = await api.call(
        "POST", f"{base}/schedules", {"externalUserId": "new", "when": "tomorrow at 9", "reason": "x"}
    )
    assert unknown.status == 400 and "target is missing" in unknown.body["error"]


async def test_another_accounts_schedules_do_not_exist(api: Api, base: str) -> None:
    one = (await api.ok("POST", f"{base}/schedules", who(scheduledTime=soon(hours=1), reason="x")))["id"]
    for method, path, sent in (
        ("GET", base, None),
        ("GET", f"{base}/schedules/{one}", None),
        ("DELETE", f"{base}/schedules/{one}", None),
        ("PATCH", f"{base}/schedules/{one}", {"paused": True}),
        ("POST", f"{base}/schedules/{one}/run-now", None),
        ("POST", f"{base}/schedules", who(when="tomorrow at 9", reason="x")),
        ("GET", f"{base}/preview?when=tomorrow+at+9", None),
    ):
        assert (await api.call(method, path, sent, key=api.foreign)).status == 404, (method, path)
    assert (await api.ok("GET", "/api/v1/outreach/activations", key=api.foreign))["activations"] == []
    assert (await api.call("GET", f"{base}/recurring/{one}")).status == 404  # it is no recurring task
    assert (await api.call("GET", f"{base}/schedules/{uuid4()}")).status == 404
    await api.ok("PATCH", "/api/v1/outreach/contacts/phone:5511999990000", {"optedOut": True}, key=api.foreign)
    assert await api.ok("GET", "/api/v1/outreach/contacts") == []


def test_the_defaults_are_described() -> None:
    policy = document()["components"]["schemas"]["Policy"]["properties"]
    assert policy["perDay"]["default"] == 5 and "description" in policy["perDay"] and "quietHours" in policy
    paths = document()["paths"]["/api/v1/web-chat-clients/{id}/hook-schedules/recurring"]["post"]
    assert "cron" in paths["summary"] + paths.get("description", "")
