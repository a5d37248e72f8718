"""Networks and models that answer as nothing should: without an end, a byte at a time, with a certificate of nobody.
Two of each, one of them odd: the other hears nothing of it, and nobody is told twice."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from channels import http
from hub.config import Settings
from tests.fakes.model import says
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import BODIES, say
from tests.flows.test_fair_slots import neighbour

Json = dict[str, Any]
BEGUN = b'{"zaapId":"z1","messageId":"ZM1","words":"'


async def _endless(request: web.Request) -> web.StreamResponse:
    """200, and a body that never ends."""
    out = web.StreamResponse(headers={"Content-Type": "application/json"})
    await out.prepare(request)
    await out.write(BEGUN)
    while request.transport is not None and not request.transport.is_closing():
        await out.write(b"x" * 65536)
    return out


async def _drips(request: web.Request) -> web.StreamResponse:
    """200, and then one byte after the other."""
    out = web.StreamResponse(headers={"Content-Type": "application/json"})
    await out.prepare(request)
    while request.transport is not None and not request.transport.is_closing():
        await out.write(b"x")
        await asyncio.sleep(0.05)
    return out


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    quick = settings.changed(wire_seconds=2, reconcile_seconds=1, lease_seconds=4, drain_seconds=0)
    async with rig(quick, work=True) as one:
        yield one


@pytest.mark.parametrize("odd", [_endless, _drips])
async def test_what_is_answered_without_an_end_may_have_arrived_and_is_not_said_twice(
    r: Rig, monkeypatch: pytest.MonkeyPatch, odd: Any
) -> None:
    monkeypatch.setattr(http, "LARGEST", 1_000_000)
    r.net.replies.append(("send-text", odd))
    await say(r.w, "zapi", "one #a1-1")
    await r.w.until(lambda: not r.net.replies)
    await say(r.w, "telegram", "hello #b1-1")
    await r.w.until(lambda: "You said #b1-1" in r.net.final())
    unknown = "select count(*) = 1 from outbox where state = 'unknown' and network_id is null"
    await r.w.until(lambda: r.db.value(unknown))
    # What comes after it does, and it itself was not sent in another form.
    await say(r.w, "zapi", "", BODIES["zapi"]("two #a1-2") | {"messageId": "another"})
    await r.w.until(lambda: "You said #a1-2" in r.net.final())
    said = [b["message"] for b in r.net.sent("send-text")]
    assert said == ["You said #a1-1", "You said #a1-2"], said


async def _a_byte_at_a_time(request: web.Request, body: Json) -> web.StreamResponse:
    """A model that sends headers, and then so little that it never says anything."""
    out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await out.prepare(request)
    while request.transport is not None and not request.transport.is_closing():
        await out.write(b":")
        await asyncio.sleep(0.05)
    return out


async def test_a_model_that_drips_is_given_up_and_costs_another_account_nothing(settings: Settings) -> None:
    async with rig(settings.changed(turn_seconds=2, lease_seconds=4), work=True) as r:
        other, dripped = await neighbour(r), asyncio.Event()

        async def act(request: web.Request, body: Json) -> web.StreamResponse:
            if "#a1-1" in str(body["messages"][-1]["content"]):
                dripped.set()
                return await _a_byte_at_a_time(request, body)
            return await says("You are welcome")(request, body)

        r.model.default = act
        await r.db.run("update clients set parameters = parameters || '{\"modelPatienceSeconds\": 0}'")
        await say(r.w, "zapi", "hello #a1-1")
        await dripped.wait()
        await say(other, "telegram", "hello #b1-1")
        await r.w.until(lambda: "You are welcome" in r.net.final())
        await r.w.until(lambda: r.db.value("select count(*) = 1 from turns where outcome = 'failed'"))
        await say(r.w, "zapi", "", BODIES["zapi"]("again #a1-2") | {"messageId": "another"})
        await r.w.until(lambda: r.net.final().count("You are welcome") == 2)
