"""What the model may do about time, called as the tool loop calls it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from hub.domain import Gateway
from hub.errors import HubError, Invalid
from hub.tools.base import Context, ToolFailed
from hub.tools.schedule.tools import TOOLS, offered
from tests.outreach.street import ANA, Street, street

Json = dict[str, Any]
SP = ZoneInfo("America/Sao_Paulo")


@pytest.fixture
async def s(settings: Any) -> Any:
    async with street(settings) as one:
        await one.spoken()
        await one.rig.w.parameters(allowScheduledContinuations=True)
        yield one


async def context(s: Street, **more: Any) -> Context:
    session = await s.db.value("select id from sessions")
    w = s.rig.w
    given: Json = {
        "hub": w.hub,
        "account_id": w.account,
        "gateway": Gateway(w.gateway, w.account, "g", "g:1", {}),
        "deadline": time.monotonic() + 30,
        "external_user": s.user(),
        "session_id": session,
        "client_id": w.client,
    }
    return Context(**given | more)


async def use(s: Street, name: str, arguments: Json, **more: Any) -> str:
    found = await context(s, **more)
    [tool] = [t for t in offered(found) if t.name == name]
    jsonschema.validate(arguments, tool.schema)
    return (await tool.run(found, arguments)).text


async def test_remind_me_tomorrow_at_nine(s: Street) -> None:
    said = await use(
        s, "schedule_message", {"when": "amanhã às 9", "reason": "Remind of the dentist", "asked_by_person": True}
    )
    tomorrow = datetime.now(SP).date() + timedelta(days=1)
    assert f"{tomorrow:%A}, {tomorrow.day} {tomorrow:%B %Y} at 09:00 (America/Sao_Paulo, UTC-03:00)" in said
    found = await s.ok("GET", s.base)
    [row] = found["schedules"]
    assert datetime.fromisoformat(row["scheduledTime"]) == datetime.combine(
        tomorrow, datetime.min.time(), SP
    ) + timedelta(hours=9)
    assert (row["target"], row["targetIdentifier"], row["externalUserId"]) == ("WhatsApp_ZApi", f"+{ANA}", s.user())
    # A turn that is run again after a crash schedules nothing twice.
    again = await use(
        s, "schedule_message", {"when": "amanhã às 9", "reason": "Remind of the dentist", "asked_by_person": True}
    )
    assert len((await s.ok("GET", s.base))["schedules"]) == 1 and row["id"] in again
    # What they asked for comes in quiet hours too.
    await s.policy(quietHours={"enabled": True, "start": "00:00", "end": "23:59"}, perDay=1)
    await s.due(row["id"])
    await s.ends(row["id"], "Delivered")


async def test_recurring_list_move_cancel(s: Street) -> None:
    said = await use(
        s,
        "schedule_recurring",
        {"every": "every second Monday at 9", "job_description": "Ask about the week", "max_executions": 3},
    )
    assert "only on Monday, only every 2 weeks" in said and said.count("09:00") >= 4 and "America/Sao_Paulo" in said
    id = said.split("id: ")[1].split(".")[0]
    seen = await s.ok("GET", f"{s.base}/recurring/{id}")
    assert (seen["cronExpression"], seen["every"], seen["everyUnit"], seen["maxExecutions"]) == (
        "0 9 * * 1",
        2,
        "week",
        3,
    )
    assert datetime.fromisoformat(seen["nextActivation"]).astimezone(SP).hour == 9
    one = (
        (await use(s, "schedule_message", {"when": "in 2 hours", "reason": "Call back"})).split("id: ")[1].split(".")[0]
    )
    listed = await use(s, "list_scheduled", {})
    # Some Monday mornings the other one is sooner.
    soon = datetime.fromisoformat(seen["nextActivation"]) < datetime.now(UTC) + timedelta(hours=2)
    assert listed.count("\n") == 1 and listed.startswith(id if soon else one)
    assert "Call back" in listed and "Ask about the week" in listed
    moved = await use(s, "move_scheduled", {"id": one[:13] if one[:13] != id[:13] else one, "when": "in 3 hours"})
    assert "Moved to" in moved
    assert "Moved to At 18:30, only on Friday" in await use(
        s, "move_scheduled", {"id": id, "when": "toda sexta às 18h30"}
    )
    assert "Cancelled" in await use(s, "cancel_scheduled", {"id": id})
    assert (await s.call("GET", f"{s.base}/recurring/{id}"))[0] == 404


async def test_what_the_tools_refuse(s: Street) -> None:
    for arguments, words in (
        ({"when": "tomorrow", "reason": "x"}, "no time of day"),
        ({"when": "at 9 yesterday", "reason": "x"}, "yesterday"),
        ({"when": "tomorrow at 9", "reason": "x", "zone": "Mars"}, "IANA"),
    ):
        with pytest.raises(Invalid) as refused:
            await use(s, "schedule_message", arguments)
        assert words in str(refused.value)
    with pytest.raises(ToolFailed, match="every 15 minutes"):
        await use(s, "schedule_recurring", {"every": "* * * * *", "job_description": "x"})
    with pytest.raises(ToolFailed, match="list_scheduled"):
        await use(s, "cancel_scheduled", {"id": "00000000"})
    await s.ok("PATCH", f"/api/v1/outreach/contacts/phone:{ANA}", {"optedOut": True})
    with pytest.raises(ToolFailed, match="opted out"):
        await use(s, "schedule_message", {"when": "tomorrow at 9", "reason": "x"})
    await s.rig.w.parameters(allowScheduledContinuations=False)
    with pytest.raises(HubError, match="switched off"):
        await use(s, "list_scheduled", {})
    assert offered(await context(s, session_id=None)) == [] and offered(await context(s, external_user=None)) == []


async def test_the_zone_is_the_persons_and_can_be_told(s: Street) -> None:
    said = await use(
        s,
        "schedule_message",
        {
            "when": "2030-01-10T15:00" if datetime.now(UTC).year > 2025 else "in 2 hours",
            "reason": "x",
            "zone": "Europe/Lisbon",
        },
    )
    assert "Europe/Lisbon" in said
    assert "Asia/Kathmandu, UTC+05:45" in await use(s, "set_time_zone", {"zone": "asia/kathmandu"})
    assert "at 09:00 (Asia/Kathmandu" in await use(
        s, "schedule_message", {"when": "mañana a las 9", "reason": "y"}, language="es"
    )
    [person] = await s.ok("GET", "/api/v1/outreach/contacts?optedOut=false")
    assert person["timeZone"] == "Asia/Kathmandu"


async def test_another_persons_schedules_are_not_seen(s: Street) -> None:
    id = (await use(s, "schedule_message", {"when": "tomorrow at 9", "reason": "mine"})).split("id: ")[1].split(".")[0]
    await s.say("Hello", phone="5511900000001")
    await s.rig.w.until(lambda: len(s.rig.net.final()) == 2)
    other: UUID = await s.db.value("select id from sessions order by id desc limit 1")
    assert "Nothing is scheduled" in await use(s, "list_scheduled", {}, session_id=other)
    with pytest.raises(ToolFailed):
        await use(s, "cancel_scheduled", {"id": id}, session_id=other)


def test_the_schemas_are_schemas() -> None:
    for tool in TOOLS:
        jsonschema.Draft202012Validator.check_schema(tool.schema)
        assert tool.schema["additionalProperties"] is False and len(tool.description) > 20
