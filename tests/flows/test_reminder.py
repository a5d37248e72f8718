"""'Remind me tomorrow at nine', said on a phone: the tools, the schedule, the message on the phone."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest
from aiohttp import web

from hub.config import Settings
from hub.outreach import firing
from tests.fakes.model import says
from tests.flows.test_twins import Town, town  # noqa: F401 - the fixture

Json = dict[str, Any]
WANTED: Json = {"when": "tomorrow at nine", "reason": "Remind them of the dentist at ten", "asked_by_person": True}
CALL: Json = {
    "index": 0,
    "id": "call_1",
    "type": "function",
    "function": {"name": "schedule_message", "arguments": orjson.dumps(WANTED).decode()},
}


async def reminding(request: web.Request, body: Json) -> web.StreamResponse:
    """A model that schedules when asked to, confirms what the tool said, and reminds when woken."""
    last = body["messages"][-1]
    if "[Scheduled activation]" in str(last["content"]):
        return await says("Dentist at ten!")(request, body)
    if last["role"] == "tool":
        return await says(f"Done: {str(last['content']).split(', in ')[0]}")(request, body)
    if any(t["function"]["name"] == "schedule_message" for t in body.get("tools") or ()):
        return await says(tool_calls=[CALL], finish="tool_calls")(request, body)
    return await says("There are no tools.")(request, body)


@pytest.fixture
async def one(town: Town) -> AsyncIterator[Town]:  # noqa: F811
    await town.ask(
        "PUT",
        f"{town.api}/api/v1/web-chat-client/{town.client}",
        {
            "clientParameters": {
                "allowScheduledContinuations": True,
                "messageDebounceInterval": 0,
                "timeZone": "America/Sao_Paulo",
            }
        },
    )
    await town.ask("PUT", f"{town.api}/api/v1/outreach/policy", {"quietHours": {"start": "00:00", "end": "23:59"}})
    town.model.default = reminding
    yield town


async def test_remind_me_tomorrow_at_nine(one: Town, settings: Settings) -> None:
    await one.say("Remind me tomorrow at nine of the dentist")
    answered = time.monotonic() + 60
    while await one.texts() in ([], ["…"]):
        assert time.monotonic() < answered
        await one.hub.db.run("select pg_sleep(0.05)")
    zone = ZoneInfo("America/Sao_Paulo")
    tomorrow = datetime.now(zone).date() + timedelta(days=1)
    said = (await one.texts())[0]
    assert f"{tomorrow:%A}, {tomorrow.day} {tomorrow:%B %Y} at 09:00" in said
    base = f"{one.api}/api/v1/web-chat-clients/{one.client}/hook-schedules"
    [row] = (await one.ask("GET", base))["schedules"]
    assert datetime.fromisoformat(row["scheduledTime"]).astimezone(zone).hour == 9
    # Tomorrow comes. It is quiet time, but this is what the person asked for.
    await one.hub.db.run(
        "update schedules set next_at = $2 where id = $1", UUID(row["id"]), datetime.now(UTC) - timedelta(seconds=1)
    )
    assert (await firing.tick(one.hub)).fired == 1
    await one.until([(await one.texts())[0], "Dentist at ten!"])
    seen = await one.ask("GET", f"{base}/schedules/{row['id']}")
    assert seen["activationResult"] == "Delivered" and seen["activatedAt"]
