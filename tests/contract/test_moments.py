"""Times as people and programs write them: any of RFC 3339, at the ends of the calendar, with a plus nobody escaped."""

from typing import Any

import pytest

from tests.contract.asking import Contract

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
ENDS = ("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "9999-12-31T23:59:60.999-12:00",
        "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999")
# Before, after, or at a moment of today.
FIRST, LAST = ("2020-01-01T00:00:00 05:30", "2020-01-01t00:00:00.123456789z"), ("2099-12-31 23:59 01:00", ENDS[1])


async def begun(api: Contract) -> str:
    bot: str = (await api.good("G-10", sent={"name": "Baker", "model": "@hub/extractive"}))["id"]
    await api.good("G-11", bot, sent={"message": "Hello"})
    return bot


async def test_conversations_of_a_time(api: Contract) -> None:
    bot = await begun(api)
    plain = f"/v1/chatbots/{bot}/conversations"
    for early in (*FIRST, ENDS[0]):
        for late in LAST:
            # Not escaped, as a person types it: the space was a plus.
            typed = f"?from={early}&to={late}".replace(" 05:30", "+05:30").replace(" 01:00", "+01:00")
            for query in (typed, typed.replace("+", "%2B")):
                got = await api.call("GET", plain + query.replace(" ", "%20"))
                assert (got.status, len(got.body["data"])) == (200, 1), query
    for swapped in (f"?from={ENDS[1]}", f"?to={ENDS[0]}"):
        assert (await api.ok("GET", plain + swapped))["data"] == []


@pytest.mark.parametrize("end", ENDS)
async def test_no_door_fails_at_the_ends_of_the_calendar(api: Contract, end: str) -> None:
    bot, client = await begun(api), await api.client(aiGatewayId=await api.gateway())
    talk = (await api.good("A-15", client, sent={}))["sessionId"]
    plus = end.replace("+", "%2B")
    schedule = {"externalUserId": "ana", "target": "WebChat", "targetIdentifier": "ana", "reason": "x"}
    campaign = {"webChatId": client, "name": "x", "target": "Telegram", "message": {"text": "x"}, "recipients": []}
    asked: list[tuple[str, str, Json | None]] = [
        ("GET", f"/v1/chatbots/{bot}/conversations?from={plus}&to={plus}", None),
        ("GET", f"/v1/request-log?from={plus}&to={plus}", None),
        ("POST", "/v1/webhooks/replay", {"from": end}), ("POST", "/v1/webhooks/replay", {"from": end, "to": end}),
        ("GET", f"/api/v1/accounts/spend?from={plus}", None), ("GET", f"/api/v1/accounts/spend?to={plus}", None),
        ("POST", "/api/v1/accounts/api-key", {"label": "x", "duration": -1, "expiresAt": end}),
        ("POST", "/api/v1/campaigns", campaign | {"startsAt": end}),
        ("POST", f"/api/v1/web-chat-clients/{client}/hook-schedules/schedules",
         schedule | {"scheduledTime": end, "timeZone": "America/Recife"}),
        ("POST", f"/api/v1/web-chat-clients/{client}/hook-schedules/schedules",
         schedule | {"scheduledTime": end, "timeZone": "Asia/Tokyo"}),
        ("POST", f"/api/v1/inbox/conversations/{talk}/planned", {"content": "x", "at": end}),
        ("PATCH", f"/api/v1/inbox/conversations/{talk}", {"status": "snoozed", "snoozeUntil": end}),
    ]
    for method, path, sent in asked:
        got = await api.call(method, path, sent)
        assert got.status < 500 and got.status not in (404, 405), f"{method} {path} {sent}: {got.status} {got.body}"


async def test_a_workflow_waits_until_a_time_of_any_form(api: Contract) -> None:
    for until in ("2020-01-01t00:00:00z", "2016-12-31T23:59:60Z", "2020-01-01T00:00:00.123456789-03:00", ENDS[0]):
        step = {"id": "w", "type": "wait", "with": {"until": until}}
        made = await api.call("POST", "/v1/workflows", {"definition": {"name": "w", "steps": [step]}})
        assert made.status == 201, made.body
        run = await api.call("POST", f"/v1/workflows/{made.body['id']}/runs", {"input": {}})
        assert run.status == 202
