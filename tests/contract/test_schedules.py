"""Hook schedules (A-03 to A-07)."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.contract.asking import Contract, Json
from tests.contract.rows import HOOKS

pytestmark = pytest.mark.asyncio(loop_scope="module")
TELEGRAM = {"integrationType": "Telegram", "integrations": {"telegramIntegration": {"botToken": "123456:contract"}}}
INACTIVE = """
    insert into scheduled_users (client_id, external_user, said_at) values ($1, 'user-456', now())
"""
OVER = "update schedules set state = 'done', next_at = null where id = $1"


async def client(api: Contract) -> str:
    id = await api.client(aiGatewayId=await api.gateway(), clientParameters={"allowScheduledContinuations": True})
    await api.good("A-13", id, sent=TELEGRAM)
    return id


async def once(api: Contract, client: str, user: str = "user-123", **more: object) -> str:
    at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    sent = {"externalUserId": user, "target": "Telegram", "targetIdentifier": "700", "scheduledTime": at, **more}
    path = HOOKS.replace("<web-chat-id>", client)
    return str((await api.ok("POST", f"{path}/schedules", {"reason": "Follow-up reminder", **sent}))["id"])


async def recurring(api: Contract, client: str, **more: object) -> str:
    sent = {
        "externalUserId": "user-123", "target": "Telegram", "targetIdentifier": "700", "cronExpression": "0 9 * * 1",
        "jobDescription": "Weekly check-in message", **more,
    }
    return str((await api.ok("POST", f"{HOOKS.replace('<web-chat-id>', client)}/recurring", sent))["id"])


@pytest.mark.row("A-03")
async def test_the_list(api: Contract) -> None:
    id = await client(api)
    assert await api.both_ways("A-03", id) == {
        "webChat": {"id": id, "name": "Shop"}, "inactiveUsers": [], "schedules": [], "recurringTasks": [],
    }
    mine, theirs, task = await once(api, id), await once(api, id, "user-9"), await recurring(api, id)
    await api.hub.db.run(INACTIVE, id)
    found = await api.both_ways("A-03", id)
    assert {s["id"] for s in found["schedules"]} == {mine, theirs}
    assert [t["id"] for t in found["recurringTasks"]] == [task]
    assert [u["externalUserId"] for u in found["inactiveUsers"]] == ["user-456"]
    found = await api.both_ways("A-03", id, query={"external-user-id": "user-123"})
    assert [s["id"] for s in found["schedules"]] == [mine] and len(found["recurringTasks"]) == 1
    assert found["inactiveUsers"] == []
    await api.refused("A-03", 404, uuid4())
    await api.refused("A-03", 404, id, key=api.foreign)


@pytest.mark.row("A-04", "A-05")
async def test_one_schedule(api: Contract) -> None:
    id = await client(api)
    one = await once(api, id, context='{ "orderId": 42 }')
    found = await api.both_ways("A-04", id, one)
    said: Json = {
        "id": one, "externalUserId": "user-123", "target": "Telegram", "targetIdentifier": "700",
        "reason": "Follow-up reminder", "context": '{ "orderId": 42 }', "activatedAt": None,
        "activatedSessionId": None, "activationResult": None,
    }
    assert {name: found[name] for name in said} == said
    await api.refused("A-04", 404, id, uuid4(), said="Schedule not found.")
    await api.refused("A-05", 404, await client(api), one, said="Schedule not found.")
    await api.good("A-05", id, one)
    for row in ("A-04", "A-05"):
        await api.refused(row, 404, id, one, said="Schedule not found.")


async def test_only_what_is_pending_can_be_cancelled(api: Contract) -> None:
    id = await client(api)
    one = await once(api, id)
    await api.hub.db.run(OVER, one)
    await api.refused("A-05", 404, id, one, said="Schedule not found.")
    assert (await api.good("A-04", id, one))["id"] == one


@pytest.mark.row("A-06", "A-07")
async def test_one_recurring_task(api: Contract) -> None:
    id = await client(api)
    task = await recurring(api, id, maxExecutions=10)
    found = await api.both_ways("A-06", id, task)
    said: Json = {
        "id": task, "externalUserId": "user-123", "target": "Telegram", "targetIdentifier": "700",
        "jobDescription": "Weekly check-in message", "cronExpression": "0 9 * * 1", "lastActivation": None,
        "maxExecutions": 10, "executionCount": 0,
    }
    assert {name: found[name] for name in said} == said
    next_time = datetime.fromisoformat(found["nextActivation"])
    assert (next_time.weekday(), next_time.hour, next_time.utcoffset()) == (0, 9, timedelta(0))
    assert (await api.good("A-06", id, await recurring(api, id)))["maxExecutions"] is None
    await api.refused("A-06", 404, id, uuid4(), said="Recurring task not found.")
    await api.refused("A-06", 404, id, await once(api, id), said="Recurring task not found.")
    await api.good("A-07", id, task)
    for row in ("A-06", "A-07"):
        await api.refused(row, 404, id, task, said="Recurring task not found.")
