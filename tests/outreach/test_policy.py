"""What the contact did not just ask for passes one policy; each refusal can be read."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hub.outreach import firing
from tests.fakes.model import says
from tests.outreach.street import ANA, Street


async def test_stop_is_heard_confirmed_and_kept_until_start(s: Street) -> None:
    await s.spoken()
    await s.say("Parar!")
    await s.rig.w.until(lambda: len(s.rig.net.final()) == 2)
    assert s.rig.net.final()[1].startswith("Pronto: não vamos mais escrever")
    assert len(s.rig.model.calls) == 1
    id = await s.schedule()
    await s.due(id)
    act = await s.decided(id)
    assert (act["state"], act["reason"]) == ("refused", "opted_out") and act["contact"] == f"phone:{ANA}"
    assert (await s.why(act["id"]))["verdict"].startswith("Refused: the contact opted out on")
    [person] = await s.ok("GET", "/api/v1/outreach/contacts")
    assert (person["contact"], person["optedOutBy"], person["optedOutWords"]) == (f"phone:{ANA}", "contact", "Parar!")
    await s.spoken("Is it open?")  # what they ask is answered all the same
    await s.say("voltar")
    await s.rig.w.until(lambda: len(s.rig.net.final()) == 4)
    assert s.rig.net.final()[3].startswith("Pronto: você volta a receber")
    again = await s.schedule()
    await s.due(again)
    await s.ends(again, "Delivered")
    # Who has not opted out just says it, and the assistant answers.
    await s.spoken("start")
    assert s.rig.net.final()[-1] == "Remember the dentist at ten."


async def test_stop_takes_back_what_is_queued(s: Street) -> None:
    await s.spoken()
    s.rig.net.plan = lambda path: "busy"
    id = await s.schedule()
    await s.due(id)

    async def queued() -> bool:
        return bool(
            await s.db.value(
                "select exists (select 1 from outbox o join activations a using (turn_id) where o.state = 'queued')"
            )
        )

    await s.rig.w.until(queued)
    await s.db.run("update outbox set not_before = now() + interval '1 hour' where state = 'queued'")
    await s.ok("PATCH", f"/api/v1/outreach/contacts/phone:{ANA}", {"optedOut": True})
    await s.ends(id, "Failed: The contact has opted out.")


async def test_quiet_hours_put_off_or_refuse(s: Street) -> None:
    await s.spoken()
    now = datetime.now(UTC).astimezone(ZoneInfo("America/Sao_Paulo"))
    hours = {"start": (now - timedelta(hours=1)).strftime("%H:%M"), "end": (now + timedelta(hours=2)).strftime("%H:%M")}
    await s.policy(quietHours=hours)
    id = await s.schedule()
    await s.due(id)
    act = await s.decided(id)
    assert (act["state"], act["reason"]) == ("due", "quiet_hours") and "America/Sao_Paulo" in act["result"]
    until = datetime.fromisoformat(act["waitingUntil"]) - datetime.now(UTC)
    assert timedelta(hours=1, minutes=55) < until <= timedelta(hours=2)
    assert "quiet hours" in (await s.why(act["id"]))["verdict"]
    # Somewhere else it is day: the operator may say where the person lives.
    far = "Asia/Kathmandu" if now.hour > 12 else "Pacific/Apia"
    await s.ok("PATCH", f"/api/v1/outreach/contacts/phone:{ANA}", {"timeZone": far})
    await s.db.run("update activations set not_before = now()")
    await s.ends(id, "Delivered")
    await s.ok("PATCH", f"/api/v1/outreach/contacts/phone:{ANA}", {"timeZone": None})
    await s.policy(quietHours=hours | {"action": "refuse"})
    other = await s.schedule("Another")
    await s.due(other)
    assert (await s.decided(other))["reason"] == "quiet_hours"


async def test_a_recurring_task_does_not_pile_up_while_it_waits(s: Street) -> None:
    await s.spoken()
    now = datetime.now(UTC).astimezone(ZoneInfo("America/Sao_Paulo"))
    await s.policy(
        quietHours={
            "start": (now - timedelta(hours=1)).strftime("%H:%M"),
            "end": (now + timedelta(hours=2)).strftime("%H:%M"),
        }
    )
    id = await s.recurring("0 0 29 2 *")  # no occurrence of its own falls between the three below
    for minute in (3, 2, 1):
        await s.db.run(
            "update schedules set next_at = $2 where id = $1", id, datetime.now(UTC) - timedelta(seconds=minute)
        )
        await firing.tick(s.rig.w.hub)
        await s.decided(id)
    found = (await s.ok("GET", f"/api/v1/outreach/activations?scheduleId={id}"))["activations"]
    assert [(a["state"], a["reason"]) for a in found] == [
        ("refused", "merged"),
        ("refused", "merged"),
        ("due", "quiet_hours"),
    ]
    assert (await s.ok("GET", f"{s.base}/recurring/{id}"))["executionCount"] == 0


async def test_caps_count_over_all_bots(s: Street) -> None:
    await s.spoken()
    await s.policy(perDay=2)
    other = (await s.ok("POST", "/api/v1/web-chat-client", {"name": "Second"}))["id"]
    await s.db.run(
        "insert into integrations (id, account_id, client_id, channel, secrets, secret_hash, mode, state)"
        " select gen_random_uuid(), account_id, $1, channel, secrets, secret_hash, mode, state"
        " from integrations where channel = 'zapi'",
        other,
    )
    await s.db.run("update clients set gateway_id = (select id from gateways limit 1) where id = $1", other)
    for n in range(2):
        id = await s.schedule(f"Number {n}")
        await s.due(id)
        await s.ends(id, "Delivered")
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    sent = {
        "externalUserId": "x",
        "target": "WhatsApp_ZApi",
        "targetIdentifier": ANA,
        "scheduledTime": at,
        "reason": "Third",
    }
    third = (await s.ok("POST", f"/api/v1/web-chat-clients/{other}/hook-schedules/schedules", sent))["id"]
    await s.due(third)
    act = await s.decided(third)
    assert (act["reason"], act["result"]) == (
        "daily_cap",
        "Refused: 2 messages went to this person within 24 hours (perDay)",
    )


async def test_a_number_keeps_its_pace_and_warms_up(s: Street) -> None:
    await s.policy(numbers={"zapi": {"perMinute": 60, "warmUpStart": 3, "warmUpGrowth": 2}}, perDay=0)
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    ids = []
    for n in range(5):
        sent = {
            "target": "WhatsApp_ZApi",
            "targetIdentifier": f"551191111000{n}",
            "externalUserId": f"u{n}",
            "reason": "Hi",
        }
        ids.append((await s.ok("POST", f"{s.base}/schedules", {**sent, "scheduledTime": at}))["id"])
    await s.db.run("update schedules set next_at = now()")
    await firing.tick(s.rig.w.hub)
    began = time.monotonic()
    await s.rig.w.until(lambda: len(s.rig.net.final()) == 3)
    assert time.monotonic() - began > 1.5  # one a second
    found = (await s.ok("GET", "/api/v1/outreach/activations?state=due"))["activations"]
    midnight = datetime.combine(datetime.now(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)
    assert {datetime.fromisoformat(a["waitingUntil"]) >= midnight for a in found} == {True} and len(found) == 2
    assert {a["reason"] for a in found} == {"pacing"} and "sends no faster" in (await s.why(found[0]["id"]))["verdict"]


async def test_who_ignores_messages_gets_no_more(s: Street) -> None:
    """maxScheduledIgnoredZone: a one-time schedule is closed, a recurring task skips without counting."""
    await s.spoken()
    await s.rig.w.parameters(maxScheduledIgnoredZone="1.00:00:00")
    first = await s.schedule()
    await s.due(first)
    await s.ends(first, "Delivered")
    [user] = (await s.ok("GET", s.base))["inactiveUsers"]
    assert user["externalUserId"] == s.user() and user["lastScheduledMessageAt"] > user["lastUserMessageAt"]
    second = await s.schedule("Not ignored for long enough yet")
    await s.due(second)
    await s.ends(second, "Delivered")
    await s.db.run("update scheduled_users set said_at = now() - interval '25 hours'")
    await s.db.run("update sessions set last_user_at = now() - interval '26 hours'")
    third, task = await s.schedule("Third"), await s.recurring()
    await s.due(third)
    await s.due(task)
    await s.ends(third, "Discarded: user inactive")
    await s.decided(task)
    seen = await s.ok("GET", f"{s.base}/recurring/{task}")
    assert (seen["executionCount"], seen["lastActivation"], seen["activationResult"]) == (
        0,
        None,
        "Discarded: user inactive",
    )
    assert seen["nextActivation"] is not None
    await s.spoken("I am back")
    assert (await s.ok("GET", s.base))["inactiveUsers"] == []
    fourth = await s.schedule("Fourth")
    await s.due(fourth)
    await s.ends(fourth, "Delivered")


async def test_kapso_outside_its_window_sends_the_template(s: Street) -> None:
    sent = {"target": "WhatsApp_Kapso", "targetIdentifier": ANA, "externalUserId": "k1", "reason": "Remind"}
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    without = (await s.ok("POST", f"{s.base}/schedules", {**sent, "scheduledTime": at}))["id"]
    await s.due(without)
    await s.decided(without)
    assert "continuedMessagesTemplateId" in await s.result(without)
    await s.db.run(
        "update integrations set settings = $1 where channel = 'kapso'", {"continuedMessagesTemplateId": "we_have_news"}
    )
    s.models(says("The dentist, at ten."))
    id = (await s.ok("POST", f"{s.base}/schedules", {**sent, "scheduledTime": at}))["id"]
    await s.due(id)
    await s.ends(id, "Template sent: the message waits for the contact to answer")
    await s.rig.w.until(lambda: s.rig.net.final() == ["we_have_news"])
    second = (await s.ok("POST", f"{s.base}/schedules", {**sent, "scheduledTime": at, "reason": "More"}))["id"]
    await s.due(second)
    await s.ends(second, "Template sent: the message waits for the contact to answer")
    assert s.rig.net.final() == ["we_have_news"]  # one template opens the window for all that waits
    # They answer when the conversation it was written in is over.
    await s.db.run("update sessions set expires_at = now() - interval '1 minute'")
    s.models(says("Welcome back."))
    await s.say("What is it?", "kapso")
    await s.ends(id, "Delivered")
    await s.rig.w.until(lambda: len(s.rig.net.final()) == 4)
    assert sorted(s.rig.net.final()[1:]) == ["The dentist, at ten.", "The dentist, at ten.", "Welcome back."]


async def test_a_person_has_the_conversation(s: Street) -> None:
    await s.spoken()
    session = await s.db.value("select id from sessions")
    await s.ok("PUT", f"/api/v1/web-chat-client/{s.rig.w.client}/sessions/{session}/handoff", {"active": True})
    id = await s.schedule()
    await s.due(id)
    assert (await s.decided(id))["reason"] == "handoff"
    await s.ok("PUT", f"/api/v1/web-chat-client/{s.rig.w.client}/sessions/{session}/handoff", {"active": False})
    await s.db.run("update activations set not_before = now()")
    await s.ends(id, "Delivered")


async def test_the_policy_is_checked_field_by_field(s: Street) -> None:
    for given, field in (
        ({"quietHours": {"start": "25:00"}}, "quietHours.start"),
        ({"perDay": -1}, "perDay"),
        ({"numbers": {"zapi": {"warmUpGrowth": 0.5}}}, "numbers.zapi.warmUpGrowth"),
        ({"optOutWords": [""]}, "optOutWords.0"),
    ):
        status, body = await s.call("PUT", "/api/v1/outreach/policy", given)
        assert status == 400 and field in body["error"], body
    await s.policy(optOutWords=["Chega de Avisos"])
    seen = await s.ok("GET", "/api/v1/outreach/policy")
    assert (
        seen["optOutWords"] == ["Chega de Avisos"] and seen["perWeek"] == 20 and seen["quietHours"]["enabled"] is False
    )
    await s.say("chega de avisos.")
    await s.rig.w.until(lambda: len(s.rig.net.final()) == 1)
    assert s.rig.net.final()[0].startswith("Pronto: não vamos")
    status, body = await s.call("PATCH", "/api/v1/outreach/contacts/nobody", {"optedOut": True})
    assert status == 400 and "phone:" in body["error"]


def _around(now: datetime) -> dict[str, str]:
    return {"start": (now - timedelta(hours=1)).strftime("%H:%M"), "end": (now + timedelta(hours=2)).strftime("%H:%M")}


async def test_a_web_chat_is_written_to_at_any_time_and_as_often_as_wanted(s: Street) -> None:
    await s.policy(quietHours=_around(datetime.now(UTC)), perDay=1, perWeek=1)
    tag = {"tag": "user-123"}
    await s.ok("POST", f"/api/v1/web-chat-client/{s.rig.w.client}/sessions", tag)
    for _ in range(3):
        at = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
        sent = {"externalUserId": "user-123", "target": "WebChat", "scheduledTime": at, "reason": "Say hello"}
        made = await s.ok("POST", f"{s.base}/schedules", sent)
        assert made["policy"] is None
        assert datetime.fromisoformat(made["nextActivation"]) == datetime.fromisoformat(at)
        await s.due(made["id"])
        await s.ends(made["id"], "Delivered")
    await s.ok("PATCH", f"/api/v1/outreach/contacts/web:{s.rig.w.client}:user-123", {"optedOut": True})
    sent |= {"scheduledTime": (datetime.now(UTC) + timedelta(minutes=1)).isoformat()}
    made = await s.ok("POST", f"{s.base}/schedules", sent)
    assert (made["nextActivation"], made["policy"]["reason"]) == (None, "opted_out")


async def test_the_answer_says_what_the_policy_will_do(s: Street) -> None:
    await s.spoken()
    zone = ZoneInfo("America/Sao_Paulo")
    hours = _around(datetime.now(UTC).astimezone(zone))
    await s.policy(quietHours=hours, perDay=0, perWeek=0)
    at = datetime.now(UTC) + timedelta(minutes=10)
    sent = {"externalUserId": s.user(), "scheduledTime": at.isoformat(), "reason": "Remind them"}
    made = await s.ok("POST", f"{s.base}/schedules", sent)
    until = datetime.fromisoformat(made["nextActivation"])
    assert until.astimezone(zone).strftime("%H:%M") == hours["end"] and until > at
    assert made["policy"] == {"reason": "quiet_hours", "text": "Waiting: quiet hours in America/Sao_Paulo"}
    seen = await s.ok("GET", f"{s.base}/schedules/{made['id']}")
    assert (seen["expectedActivation"], seen["policy"]) == (made["nextActivation"], made["policy"])
    assert abs(datetime.fromisoformat(seen["scheduledTime"]) - at) < timedelta(seconds=1)
    # It is what then happens.
    await s.due(made["id"])
    act = await s.decided(made["id"])
    assert (act["reason"], act["state"]) == ("quiet_hours", "due")
    waiting = (await s.ok("GET", f"{s.base}/schedules/{made['id']}"))["waitingUntil"]
    assert abs(datetime.fromisoformat(waiting) - until) < timedelta(seconds=1)
    # What another setting would make of it.
    await s.policy(quietHours={**hours, "action": "refuse"})
    made = await s.ok("POST", f"{s.base}/schedules", sent)
    assert (made["nextActivation"], made["policy"]["reason"]) == (None, "quiet_hours")
    await s.policy(quietHours={"enabled": False}, perDay=1)
    second = await s.ok("POST", f"{s.base}/schedules", sent | {"reason": "Another"})
    assert (second["nextActivation"], second["policy"]["reason"]) == (None, "daily_cap")
    later = sent | {"scheduledTime": (at + timedelta(days=2)).isoformat()}
    assert (await s.ok("POST", f"{s.base}/schedules", later))["policy"] is None
