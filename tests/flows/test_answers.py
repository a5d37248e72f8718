"""From a webhook to the provider's call, on every network."""

import asyncio
import hashlib
import hmac
import itertools
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from hub.chat.inbound.webhooks import Verdict
from hub.config import Settings
from hub.jobs import tasks
from hub.jobs.runner import Runner
from hub.live.queue import TOGETHER
from tests.flows.net import Net, net
from tests.flows.world import World, world

Json = dict[str, Any]
COUNT = itertools.count(1)


def telegram(text: str, **more: Any) -> Json:
    n = next(COUNT)
    who = {"id": 700, "is_bot": False, "first_name": "Ana", "language_code": "en"}
    return {
        "update_id": n,
        "message": {
            "message_id": n,
            "from": who,
            "chat": {"id": 700, "type": "private"},
            "date": 1767272501,
            "text": text,
            **more,
        },
    }


def zapi(text: str) -> Json:
    return {
        "instanceId": "I1",
        "messageId": f"Z{next(COUNT)}",
        "phone": "5511999990000",
        "fromMe": False,
        "momment": 1767272401000,
        "status": "RECEIVED",
        "type": "ReceivedCallback",
        "text": {"message": text},
        "isGroup": False,
        "waitingMessage": False,
    }


def evolution(text: str) -> Json:
    import time

    key = {"remoteJid": "5511999990000@s.whatsapp.net", "fromMe": False, "id": f"E{next(COUNT)}"}
    return {
        "event": "messages.upsert",
        "instance": "hub",
        "data": {
            "key": key,
            "pushName": "Ana",
            "message": {"conversation": text},
            "messageType": "conversation",
            "messageTimestamp": int(time.time()),
        },
    }


def kapso(text: str) -> Json:
    return {
        "message": {
            "id": f"wamid.in{next(COUNT)}",
            "timestamp": "1767272407",
            "type": "text",
            "from": "5511999990000",
            "text": {"body": text},
            "kapso": {"direction": "inbound"},
        },
        "conversation": {"phone_number": "+5511999990000"},
        "phone_number_id": "100",
    }


BODIES = {"telegram": telegram, "zapi": zapi, "evolution": evolution, "kapso": kapso}


async def say(w: World, channel: str, text: str, body: Json | None = None) -> Verdict:
    raw = orjson.dumps(body or BODIES[channel](text))
    headers = {}
    if channel == "kapso":
        headers = {
            "x_webhook_event": "whatsapp.message.received",
            "x_webhook_signature": hmac.new(b"hook-secret", raw, hashlib.sha256).hexdigest(),
        }
    return await w.knock(channel, raw, **headers)


@pytest.fixture
async def provider() -> AsyncIterator[Net]:
    async with net() as one:
        yield one


@pytest.fixture
async def w(settings: Settings, provider: Net) -> AsyncIterator[World]:
    async with world(settings, provider) as one:
        yield one


@pytest.mark.parametrize("channel", list(BODIES))
async def test_a_message_is_answered_once(w: World, channel: str) -> None:
    assert await say(w, channel, "Hello!") == Verdict.STORED
    await w.settle()
    answers = [b for b in w.net.sent() if "…" not in str(b.get("text", ""))]
    assert len(answers) == 1, answers
    rows = await w.hub.db.fetch("select role from messages order by position")
    assert [r["role"] for r in rows] == ["user", "assistant"]
    assert await w.hub.db.value("select state from outbox") == "sent"


@pytest.mark.parametrize("channel", list(BODIES))
async def test_ten_deliveries_of_one_webhook_are_answered_once(w: World, channel: str) -> None:
    body = BODIES[channel]("Hello!")
    verdicts = await asyncio.gather(*(say(w, channel, "", body) for _ in range(10)))
    assert set(verdicts) == {Verdict.STORED}
    await w.settle()
    assert await w.hub.db.value("select count(*) from turns") == 1
    assert await w.hub.db.value("select count(*) from outbox") == 1


async def test_three_quick_messages_are_answered_together(w: World) -> None:
    await w.parameters(messageDebounceInterval="00:00:01")
    for text in ("Hello", "I have", "a question"):
        await say(w, "zapi", text)
        await asyncio.sleep(0.15)
    await w.settle()
    assert len(w.net.sent()) == 1
    rows = await w.hub.db.fetch("select content from messages where role = 'user' order by position")
    assert [r["content"]["text"] for r in rows] == ["Hello", "I have", "a question"]


async def test_telegram_sees_a_placeholder_that_becomes_the_answer(w: World) -> None:
    await say(w, "telegram", "Hello!")
    await w.settle()
    calls = [c.path.rsplit("/", 1)[-1] for c in w.net.calls if "sendChatAction" not in c.path]
    assert calls == ["sendMessage", "editMessageText"]
    sent, edited = w.net.sent()
    assert sent["text"] == "…" and str(edited["message_id"]) == "1000000"


@pytest.mark.parametrize(("channel", "status"), [("telegram", Verdict.REFUSED), ("kapso", Verdict.REFUSED)])
async def test_a_wrong_signature_is_refused(w: World, channel: str, status: Verdict) -> None:
    headers = {
        "x_telegram_bot_api_secret_token": "wrong",
        "x_webhook_signature": "00" * 32,
        "x_webhook_event": "whatsapp.message.received",
    }
    assert await w.knock(channel, BODIES[channel]("hi"), **headers) == status
    assert await w.hub.db.value("select count(*) from inbox") == 0


async def test_a_body_that_cannot_be_read_is_kept_and_accepted(w: World) -> None:
    assert await w.knock("zapi", b"\xff not json") == Verdict.STORED
    row = await w.hub.db.row("select raw, reason from quarantine")
    assert row and bytes(row["raw"]) == b"\xff not json"


async def test_reset_clears_and_is_not_debounced(w: World) -> None:
    await say(w, "zapi", "Hello!")
    await w.settle()
    await w.parameters(messageDebounceInterval="00:00:30")
    await say(w, "zapi", "/reset")
    await w.settle()
    assert await w.hub.db.value("select count(*) from messages where not hidden") == 0
    assert len(w.net.sent()) == 2


async def test_usage_is_a_command_only_with_debug(w: World) -> None:
    await say(w, "zapi", "/usage")
    await w.settle()
    assert "okens" not in w.net.sent()[-1]["message"]
    await w.parameters(debug=True)
    await asyncio.sleep(1.1)  # how long a receiver remembers the client's settings
    await say(w, "zapi", "/usage")
    await w.settle()
    assert "okens" in w.net.sent()[-1]["message"]


async def test_groups_are_ignored_and_say_why(w: World) -> None:
    body = zapi("Hello group") | {
        "isGroup": True,
        "phone": "120363-group",
        "participantPhone": "5511999990000",
        "chatName": "Friends",
    }
    await say(w, "zapi", "", body)
    await asyncio.sleep(0.3)
    row = await w.hub.db.row("select state, rule from inbox")
    assert row and tuple(row) == ("ignored", "groups:ignore")
    assert w.net.sent() == []


async def test_a_broken_conversation_keeps_none_of_its_job_waiting(settings: Settings, provider: Net) -> None:
    """Many conversations are rung for at once: one that cannot be read, and one that is gone, are their own trouble."""
    async with world(settings, provider, work=False) as w:
        for n in range(TOGETHER):
            await say(w, "zapi", "", zapi(f"Question {n}") | {"phone": f"55119999{n:05}", "messageId": f"m{n}"})
        rows = await w.hub.db.fetch("select id, account_id, integration_id from sessions order by id")
        assert len(rows) == TOGETHER
        await w.hub.db.run("update inbox set body = '5' where session_id = $1", rows[3]["id"])
        await w.hub.db.run("delete from sessions where id = $1", rows[7]["id"])
        runner = Runner(w.hub)
        try:
            await tasks.turns({"runner": runner}, *([str(v) for v in r.values()] for r in rows))
            await w.until(lambda: len(w.net.sent()) == TOGETHER - 2)
        finally:
            await runner.drain(10)
        assert await w.hub.db.value("select count(*) from turns where outcome = 'answered'") == TOGETHER - 2
