"""A schedule's time comes: what the model is told, what the person gets, what the operator sees."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.jobs import sweeps
from tests.fakes.model import hangs, refuses, says
from tests.outreach.street import ANA, Street


@pytest.mark.parametrize("channel", ["zapi", "telegram"])
async def test_a_scheduled_message_is_written_and_sent(s: Street, channel: str) -> None:
    await s.spoken("Hello", channel)
    id = await s.schedule(channel=channel, context='{"orderId": 42}')
    assert (await s.due(id)).fired == 1
    await s.ends(id, "Delivered")
    assert s.rig.net.final()[-1] == "Remember the dentist at ten." and len(s.rig.net.final()) == 2
    told = s.prompt()
    assert (
        "Remind them of the dentist" in told
        and '{"orderId": 42}' in told
        and "[NO_MESSAGE]" in told
        and "Hello" in told
    )
    seen = await s.ok("GET", f"{s.base}/schedules/{id}")
    assert (
        seen["activatedAt"]
        and seen["activatedSessionId"]
        and seen["target"] == ("Telegram" if channel == "telegram" else "WhatsApp_ZApi")
    )
    [part] = await s.db.fetch("select mode, placeholder from outbox where turn_id in (select turn_id from activations)")
    assert part["mode"] == "at_most_once" and part["placeholder"] is None
    # The instruction is no message of the person: neither in the transcript nor counted as theirs.
    roles = await s.db.fetch("select role, source, hidden from messages order by position")
    assert [(r["role"], r["source"], r["hidden"]) for r in roles][2:] == [
        ("system", "system", True),
        ("assistant", "model", False),
    ]
    steps = [x["step"] for x in (await s.why(seen["activationId"]))["steps"]]
    assert steps.index("activation") < steps.index("admitted") <= steps.index("instructed") < steps.index("turn")


async def test_no_message_sends_nothing(s: Street) -> None:
    await s.spoken()
    s.models(says("[NO_", "MESSAGE]"))
    id = await s.schedule("Check the order")
    await s.due(id)
    await s.ends(id, "Done: nothing to send")
    assert len(s.rig.net.final()) == 1
    assert (await s.ok("GET", s.base))["inactiveUsers"] == []


async def test_who_never_wrote_gets_a_conversation(s: Street) -> None:
    """The session is opened with the user's id; what they answer goes on in it."""
    sent = {"target": "WhatsApp_ZApi", "targetIdentifier": "+55 11 98888-7777", "externalUserId": "customer-7"}
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = await s.ok("POST", f"{s.base}/schedules", {**sent, "scheduledTime": at, "reason": "Welcome them"})
    assert made["timeZone"] == "America/Sao_Paulo"
    await s.due(made["id"])
    await s.ends(made["id"], "Delivered")
    assert s.rig.net.final("5511988887777") == ["Remember the dentist at ten."]
    await s.say("Thanks", phone="5511988887777")
    await s.rig.w.until(lambda: len(s.rig.net.final()) == 2)
    assert "Remember the dentist at ten." in s.prompt()
    assert await s.db.value("select count(*) from sessions where tag = 'customer-7'") == 1


async def test_a_model_that_is_away_is_asked_again_and_nobody_gets_an_apology(s: Street) -> None:
    await s.spoken()
    id = await s.schedule()
    s.models(refuses(400), says("Here I am."))
    s.rig.model.plan.clear()
    s.rig.model.default = refuses(400)
    await s.due(id)

    async def released() -> bool:
        return bool(await s.db.value("select attempts = 1 and lease_until is null and due_at > now() from sessions"))

    await s.rig.w.until(released)
    assert len(s.rig.net.final()) == 1
    s.rig.model.default = says("Here I am.")
    await s.db.run("update sessions set due_at = now()")
    await s.ends(id, "Delivered")
    assert s.rig.net.final()[1:] == ["Here I am."]
    failing = await s.schedule("Another")
    charged = await s.db.value("select count(*) from usage")
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "list_scheduled", "arguments": "{}"}}
    s.models(says(tool_calls=[call], finish="tool_calls"), refuses(400))
    await s.due(failing)
    for n in (1, 2):

        async def tried(n: int = n) -> bool:
            return bool(await s.db.value("select attempts = $1 and lease_until is null from sessions", n))

        await s.rig.w.until(tried)
        await s.db.run("update sessions set due_at = now()")
        if n == 1:
            assert await s.db.value("select count(*) from usage") > charged, "the first try had an answer"
    await s.rig.w.settle()
    assert str(await s.result(failing)).startswith("Failed: ") and len(s.rig.net.final()) == 2


async def test_waiting_messages_and_activations_keep_apart(s: Street) -> None:
    """A message that waits for its debounce and an activation are two turns, in the order they came."""
    await s.spoken()
    await s.rig.w.parameters(messageDebounceInterval="00:00:01")
    await s.db.run("select pg_sleep(1.1)")  # the receiver remembers an integration for a second
    s.models(says("First."), says("Second."))
    id = await s.schedule()
    await s.say("Are you there?")
    await s.due(id)
    await s.ends(id, "Delivered")
    assert s.rig.net.final()[1:] == ["First.", "Second."]


async def test_a_web_chat_is_opened_and_read(s: Street) -> None:
    """The visitor who comes later with the same tag finds the message, and not the instruction."""
    made = await s.ok(
        "POST",
        f"{s.base}/schedules",
        {
            "externalUserId": "customer-9",
            "target": "WebChat",
            "when": "in 2 hours",
            "reason": "Ask how it went",
            "timeZone": "UTC",
        },
    )
    await s.due(made["id"])
    await s.ends(made["id"], "Delivered")
    session = await s.ok("POST", f"/api/v1/web-chat-client/{s.rig.w.client}/sessions", {"tag": "customer-9"})
    chat = await s.ok("GET", f"/api/v1/public/chat-clients/{session['accessKey']}")
    assert [(m["role"], m["content"]) for m in chat["messages"]] == [("assistant", "Remember the dentist at ten.")]
    seen = await s.ok("GET", f"{s.base}/schedules/{made['id']}")
    assert seen["activatedSessionId"] == session["sessionId"]


async def test_a_conversation_deleted_under_it_is_told(s: Street) -> None:
    await s.spoken()
    s.rig.model.default = hangs(5)
    id = await s.schedule()
    await s.due(id)

    async def running() -> bool:
        return bool(await s.result(id) == "Running")

    await s.rig.w.until(running)
    session = await s.db.value("select id from sessions")
    await s.ok("DELETE", f"/api/v1/web-chat-client/{s.rig.w.client}/sessions/{session}")
    await s.db.run("update activations set admitted_at = now() - interval '11 minutes'")
    await sweeps.housekeeping(s.rig.w.hub)
    assert str(await s.result(id)).startswith("Failed: the conversation was deleted")


async def test_a_dead_network_account_is_told(s: Street) -> None:
    await s.spoken()
    id = await s.schedule()
    await s.db.run("delete from integrations where channel = 'zapi'")
    await s.due(id)
    await s.ends(id, "Failed: the chat client is not connected to this network")
    act = await s.activation(id)
    assert (act["state"], act["reason"]) == ("failed", "no_integration")
    assert "not connected" in (await s.why(act["id"]))["verdict"]
    assert ANA in act["targetIdentifier"]
