"""Networks that are busy, broken, gone or unwilling: nobody else notices, nothing is lost without a word."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from hub.chat.outbound import deliveries
from hub.config import Settings
from hub.processes.embedded import free_port
from tests.fakes.model import says
from tests.flows.ledger import Ledger, fates, serve
from tests.flows.rig import Rig, echo, rig
from tests.flows.test_answers import BODIES, say

Json = dict[str, Any]


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    async with rig(settings, work=True) as one:
        yield one


async def listed(r: Rig, *states: str) -> list[Json]:
    """Deliveries as an operator sees them, oldest first."""
    page = await deliveries.page(r.w.hub, r.w.account, list(states) or None, None, None, 50)
    return list(reversed(page["deliveries"]))


@pytest.mark.parametrize("channel", ["telegram", "zapi"])
async def test_a_busy_network_is_given_the_time_it_asks_for(r: Rig, channel: str) -> None:
    r.net.plan = fates("busy")  # on Telegram it is the placeholder that is refused, and the answer waits for it
    began = time.monotonic()
    await say(r.w, channel, "one #a1-1")
    await r.w.until(lambda: bool(r.net.calls))
    await say(r.w, channel, "two #a1-2")
    await r.w.settle()
    assert r.net.final() == ["You said #a1-1", "You said #a1-2"], "in order"
    assert r.net.shown[0].at - began > 0.95
    assert [d["state"] for d in await listed(r)] == ["sent", "sent"]


@pytest.mark.parametrize(
    ("channel", "code", "words"),
    [
        ("telegram", "blocked", "Telegram refused: Forbidden: bot was blocked by the user"),
        ("zapi", "not_on_whatsapp", "This number is not on WhatsApp."),
    ],
)
async def test_what_will_never_be_sent_is_dead_and_says_why(r: Rig, channel: str, code: str, words: str) -> None:
    r.net.plan = fates(*["refused"] * (2 if channel == "telegram" else 1))
    await say(r.w, channel, "one #a1-1")
    await r.w.settle()
    [dead] = await listed(r, "dead")
    assert (dead["code"], dead["error"], dead["attempt"]) == (code, words, 1)
    await asyncio.sleep(0.5)
    assert r.net.final() == [], "not tried again"
    await say(r.w, channel, "two #a1-2")
    await r.w.settle()
    assert r.net.final() == ["You said #a1-2"]


@pytest.mark.parametrize(
    ("mode", "state"), [("at_most_once", "unknown"), ("reconcile", "unknown"), ("at_least_once", "queued")]
)
async def test_a_network_that_hangs_holds_up_nobody_else(settings: Settings, mode: str, state: str) -> None:
    async with rig(settings.changed(wire_seconds=2), work=True, mode={"zapi": mode}) as r:
        await r.db.run("update integrations set when_unknown = 'again'")
        r.net.plan = fates("hang")
        await say(r.w, "zapi", "one #a1-1")
        await r.w.until(lambda: any(c.path.endswith("read-message") for c in r.net.calls))
        await r.w.until(lambda: _state(r, "#a1-1", "sending"))
        other = BODIES["zapi"]("hello #b1-1") | {"phone": "5511888880000"}
        await say(r.w, "zapi", "", other)
        await r.w.until(lambda: "You said #b1-1" in r.net.final())
        assert await _state(r, "#a1-1", "sending"), "while the first one is still waited for"
        await r.w.until(lambda: _state(r, "#a1-1", state))
        if mode == "at_most_once":
            await asyncio.sleep(0.5)
            assert "You said #a1-1" not in r.net.final()
        else:
            await r.w.until(lambda: "You said #a1-1" in r.net.final())
            await r.w.settle()
            assert r.net.final().count("You said #a1-1") == 1


async def _state(r: Rig, mark: str, state: str) -> bool:
    found = await r.db.value("select state from outbox where body->>'text' like '%' || $1 || '%'", mark)
    return bool(found == state or (state == "queued" and found == "sent"))


async def test_a_network_that_is_away_gets_everything_later(settings: Settings) -> None:
    port = free_port()
    net = Ledger(url=f"http://127.0.0.1:{port}")
    async with rig(settings, work=True, net=net) as r:
        await say(r.w, "telegram", "one #a1-1")
        await say(r.w, "zapi", "one #b1-1")
        await r.w.until(lambda: _waits(r))
        assert {d["code"] for d in await listed(r)} == {"unreachable"}
        async with serve(net, port):
            await r.w.settle()
            assert sorted(net.final()) == ["You said #a1-1", "You said #b1-1"]


async def _waits(r: Rig) -> bool:
    return bool(await r.db.value("select count(*) = 2 from outbox where state = 'queued' and error is not null"))


async def kapso(r: Rig, event: str, body: Json) -> None:
    raw = orjson.dumps(body)
    signature = hmac.new(b"hook-secret", raw, hashlib.sha256).hexdigest()
    await r.w.knock("kapso", raw, x_webhook_event=f"whatsapp.message.{event}", x_webhook_signature=signature)


async def template(r: Rig, name: str) -> None:
    await r.db.run(
        "update integrations set settings = settings || $1 where channel = 'kapso'",
        {"continuedMessagesTemplateId": name},
    )


async def test_a_closed_window_is_opened_by_a_template(r: Rig) -> None:
    await template(r, "hello_again")
    r.net.closed = {"5511999990000"}
    await r.w.parameters(splitAnswerIntoMessageChunks=True)
    r.model.plan.append(says("one\n\ntwo"))
    await say(r.w, "kapso", "hello")
    await r.w.until(lambda: r.net.final() == ["hello_again"])
    await asyncio.sleep(0.5)
    assert r.net.final() == ["hello_again"], "the template goes once, the text waits"
    first, *_ = await listed(r, "queued")
    assert (first["code"], first["notBefore"]) == ("window_closed", None)
    assert first["error"] == "More than 24 hours have passed since the contact last wrote."
    r.net.closed = set()
    await say(r.w, "kapso", "yes? #a1-2")
    await r.w.settle()
    assert r.net.final() == ["hello_again", "one", "two", "You said #a1-2"]


async def test_a_window_that_proves_closed_afterwards_is_opened_by_a_template(r: Rig) -> None:
    await template(r, "hello_again")
    await say(r.w, "kapso", "hello #a1-1")
    await r.w.settle()
    [shown] = r.net.shown
    failed = {
        "id": shown.id,
        "status": "failed",
        "timestamp": "1767272920",
        "errors": [{"code": 131047, "title": "Re-engagement message"}],
    }
    message = {
        "id": shown.id,
        "timestamp": "1767272920",
        "type": "text",
        "kapso": {"direction": "outbound", "status": "failed", "statuses": [failed]},
    }
    status = {"message": message, "conversation": {"phone_number": "+5511999990000"}, "phone_number_id": "100"}
    for _ in range(2):
        await kapso(r, "failed", status)
    await r.w.until(lambda: r.net.final() == ["You said #a1-1", "hello_again"])
    await asyncio.sleep(0.5)
    assert len(r.net.final()) == 2
    await say(r.w, "kapso", "yes? #a1-2")
    await r.w.settle()
    assert r.net.final() == ["You said #a1-1", "hello_again", "You said #a1-1", "You said #a1-2"]


async def test_a_closed_window_without_a_template_is_said_in_plain_words(r: Rig) -> None:
    r.net.closed = {"5511999990000"}
    await say(r.w, "kapso", "hello #a1-1")
    await r.w.settle()
    [dead] = await listed(r, "dead")
    assert dead["code"] == "window_closed"
    assert dead["error"] == "More than 24 hours have passed since the contact last wrote."


async def test_the_other_parts_go_when_one_cannot(r: Rig) -> None:
    await r.w.parameters(splitAnswerIntoMessageChunks=True)
    r.model.default = says("one\n\ntwo\n\nthree")
    r.net.plan = fates("ok", "refused", "ok")
    await say(r.w, "zapi", "hello")
    await r.w.settle()
    assert r.net.final() == ["one", "three"]
    assert [d["state"] for d in await listed(r)] == ["sent", "dead", "sent"]


async def test_an_operator_sends_a_dead_part_again(r: Rig) -> None:
    r.net.plan = fates("refused")
    await say(r.w, "zapi", "one #a1-1")
    await r.w.settle()
    [dead] = await listed(r, "dead")
    await deliveries.replay(r.w.hub, r.w.account, dead["id"])
    await r.w.settle()
    assert r.net.final() == ["You said #a1-1"]
    [sent] = await listed(r)
    assert (sent["state"], sent["resolution"], sent["error"]) == ("sent", "replayed", None)


@pytest.mark.parametrize("moment", ["model", "queued"])
async def test_an_integration_is_deleted_in_between(r: Rig, moment: str) -> None:
    if moment == "model":
        r.model.default = echo(0.6)
    else:
        r.net.plan = fates("busy")
    await say(r.w, "zapi", "one #a1-1")
    await r.w.until(lambda: bool(r.model.calls) if moment == "model" else _waiting(r))
    await r.db.run("delete from integrations where channel = 'zapi'")
    await r.w.settle()
    await asyncio.sleep(0.3)
    assert r.net.final() == []
    left = [(d["state"], d["error"]) for d in await listed(r)]
    assert left == ([("dead", "The integration was deleted before this was sent.")] if moment == "model" else [])
    assert await r.db.value("select outcome from turns") == "answered"
    r.model.default = echo()
    await say(r.w, "telegram", "two #b1-1")
    await r.w.settle()
    assert r.net.final() == ["You said #b1-1"], "the others go on"


async def _waiting(r: Rig) -> bool:
    return bool(await r.db.value("select count(*) = 1 from outbox where state = 'queued'"))
