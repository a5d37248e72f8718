"""Placeholders whose id nobody learned, beside all else: no answer waits, none is disturbed, all have their turn."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from hub.chat.outbound import strays as looking
from hub.chat.outbound.strays import STEP
from hub.config import Settings
from hub.jobs import sweeps
from hub.store import strays
from tests.conftest import owning
from tests.fakes.model import says
from tests.flows.ledger import PLACEHOLDER, fates
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import say, telegram
from tests.flows.test_lost_placeholders import MARKED

AWAY = """
    create sequence tripped;
    grant all on sequence tripped to public;
    create function tripping() returns trigger language plpgsql as $$ begin
        if nextval('tripped') = 1 then raise exception 'away' using errcode = '53100'; end if;
        return new; end $$;
    create trigger tripping before insert on stray_placeholders for each row execute function tripping();
"""
PRESENT = "drop trigger tripping on stray_placeholders; drop function tripping(); drop sequence tripped"
LEFT = """
    insert into left_placeholders (session_id, account_id, integration_id, chat, network_id, at)
    select s.id, s.account_id, s.integration_id, s.chat, $3::text || n, now() - $3::text::interval
    from sessions s, generate_series(1, $2::int) n where s.chat = $1
"""
TAKEN_OVER = "update sessions set epoch = epoch + 1, owner = 'another', lease_until = now() + interval '1 hour'"
HOUR = 3600.0


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    async with rig(settings.changed(placeholder_seconds=86_400), work=True) as one:
        yield one


async def test_a_database_that_is_away_as_one_is_noted_costs_no_answer(r: Rig) -> None:
    """It is made once, and what may stand there is noted a moment later."""
    async with owning(r.w.hub.settings.database_url.get_secret_value()) as owner:
        await owner.run(AWAY)
        try:
            r.net.plan = fates("lost")
            await say(r.w, "telegram", "hello #a1-1")
            await r.w.until(lambda: r.net.final() == ["You said #a1-1"])
            await r.w.settle()
            await r.w.until(lambda: r.db.value("select count(*) = 1 from stray_placeholders"))
        finally:
            await owner.run(PRESENT)
    assert len(r.model.calls) == 1


async def test_one_whose_sender_is_cut_off_is_noted_from_when_its_turn_began(settings: Settings) -> None:
    """Somebody else has the conversation, and all that was noted then was looked for already."""
    async with rig(settings.changed(lease_seconds=1, wire_seconds=30, turn_seconds=60), work=True) as r:
        r.net.plan, r.net.patience = fates("late"), 30.0
        r.model.default = says("Hello", delay=3.0)
        await say(r.w, "telegram", "hello")
        await r.w.until(lambda: [s.text for s in r.net.shown] == [PLACEHOLDER])
        await r.db.run(TAKEN_OVER)
        await r.db.run("delete from stray_placeholders")
        noted = "select count(*) = 1 from stray_placeholders where since < at - interval '0.2 s'"
        await r.w.until(lambda: r.db.value(noted))


async def test_nobody_else_looks_for_one_while_somebody_does(r: Rig) -> None:
    """However long that takes: what has been told is not asked for again, and who looks says when it is over."""
    hub = r.w.hub
    r.net.plan = fates("lost")
    r.model.default = says("Hello", delay=0.3)
    await say(r.w, "telegram", "", telegram("hello", message_id=next(r.net.numbers)))
    await r.w.until(lambda: len(r.net.shown) == 1)
    for _ in range(STEP * 3):
        next(r.net.numbers)
    await r.w.until(lambda: "Hello" in r.net.final())
    await r.w.settle()
    await r.db.run("update stray_placeholders set since = since - interval '2 hours', at = at - interval '2 hours'")
    [one] = await strays.due(hub.db, HOUR, 10)
    # As if it had been begun some time ago.
    await r.db.run("update stray_placeholders set asked_at = asked_at - interval '1 minute'")
    one = replace(one, looked=one.looked - timedelta(minutes=1))
    go_on, held, asked = asyncio.Event(), list[asyncio.Event](), list[str]()

    def plan(path: str) -> str:
        asked.append(path)
        if len(asked) == STEP + 5:
            held.append(holding(r, go_on))
        return "ok"

    r.net.plan = plan
    look = asyncio.create_task(looking.remove(hub, one))
    try:
        await r.w.until(lambda: held and held[0].is_set())
        assert await strays.due(hub.db, HOUR, 10) == []
    finally:
        go_on.set()
        await look
    assert await r.db.value("select count(*) from stray_placeholders") == 0
    assert [s.text for s in r.net.shown] == ["Hello"]


@pytest.mark.parametrize("how", ["its id is known", "its id is not yet known", "while it is looked"])
async def test_the_placeholder_of_an_answer_that_is_made_meanwhile_stays(r: Rig, how: str) -> None:
    hub = r.w.hub
    await say(r.w, "telegram", "hello #a1-1")
    await r.w.until(lambda: r.net.final() == ["You said #a1-1"])
    await r.w.settle()
    await strays.mark(hub.db, await r.db.value("select id from sessions"))
    [one] = await strays.due(hub.db, 0, 10)
    shown, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request, body: object) -> web.StreamResponse:
        await go_on.wait()
        return await says("Hello")(request, {})

    r.model.default = slow
    looks = [asyncio.create_task(looking.remove(hub, one))] if how == "while it is looked" else []
    try:
        if looks:
            probed = holding(r, shown)
            await probed.wait()
        await say(r.w, "telegram", "", telegram("and now?", message_id=next(r.net.numbers)))
        await r.w.until(lambda: r.net.shown[-1].text == PLACEHOLDER)
        await r.w.until(lambda: r.db.value("select count(*) = 1 from sessions where placeholder is not null"))
        if how == "its id is not yet known":
            await r.db.run("update sessions set placeholder = null")
        shown.set()
        await (looks[0] if looks else looking.remove(hub, one))
        assert r.net.shown[-1].text == PLACEHOLDER and not r.net.shown[-1].marked
        assert await r.db.value("select count(*) from stray_placeholders") == 1, "it is looked for later"
    finally:
        shown.set()
        go_on.set()
    await r.w.until(lambda: r.net.final() == ["You said #a1-1", "Hello"])


def holding(r: Rig, until: asyncio.Event) -> asyncio.Event:
    """The network takes its time for the next message that it is asked about, whose event this is."""
    reached = asyncio.Event()

    async def hold(request: web.Request) -> web.Response:
        reached.set()
        await until.wait()
        gone = {"ok": False, "error_code": 400, "description": "Bad Request: message to edit not found"}
        return web.json_response(gone, status=400)

    r.net.replies.append(("editMessageReplyMarkup", hold))
    return reached


async def test_many_that_nobody_can_look_for_now_hold_up_none_of_the_others(r: Rig) -> None:
    """Two conversations, one of a network that does not answer."""
    for who in (700, 701):
        at = {"chat": {"id": who, "type": "private"}, "from": {"id": who, "is_bot": False, "first_name": "Ana"}}
        await say(r.w, "telegram", "", telegram(f"hello #a{who}-1", **at))
        await r.w.until(lambda who=who: f"You said #a{who}-1" in r.net.final())
    await r.w.settle()
    for _ in range(15):
        await r.db.run(MARKED + " where chat = '700'")
    await r.db.run(MARKED.replace("1 hour", "59 minutes") + " where chat = '701'")
    for chat, many, since in (("700", 15, "1 hour"), ("701", 1, "59 minutes")):
        await r.db.run(LEFT, chat, many, since)
    looked, left = set[str](), set[str]()
    for _ in range(2):
        for one in await strays.due(r.w.hub.db, 1, 10):
            looked.add(one.chat)
            await strays.later(r.w.hub.db, one)
        for gone in await strays.left(r.w.hub.db, 1, 10):
            left.add(gone.chat)
            await strays.left_for_later(r.w.hub.db, gone)
        for table in ("stray_placeholders", "left_placeholders"):
            await r.db.run(f"update {table} set asked_at = asked_at - interval '10 minutes'")
    assert looked == {"700", "701"} == left


async def test_what_nobody_looks_for_any_more_is_dropped_also_where_nobody_ever_looks(settings: Settings) -> None:
    async with rig(settings.changed(placeholder_seconds=0), work=True) as r:
        await say(r.w, "telegram", "hello #a1-1")
        await r.w.until(lambda: r.net.final() == ["You said #a1-1"])
        for hours in (1, 23, 25):
            await r.db.run(MARKED.replace("1 hour", f"{hours} hours"))
            await r.db.run(LEFT, "700", 1, f"{2 * hours} hours")
        await r.db.run("delete from leader")
        await sweeps.housekeeping(r.w.hub)
        for table, days in (("stray_placeholders", 1), ("left_placeholders", 2)):
            old = f"at < now() - interval '{days} days'"
            assert await r.db.value(f"select count(*) from {table}") == 2, table
            assert await r.db.value(f"select count(*) from {table} where {old}") == 0, table


async def test_what_a_process_of_the_version_before_notes_while_it_ends_is_looked_for(r: Rig) -> None:
    await say(r.w, "telegram", "hello #a1-1")
    await r.w.until(lambda: r.net.final() == ["You said #a1-1"])
    await r.w.settle()
    before = "update sessions set stray_at = coalesce(stray_at, now()), stray_asked = {}, stray_tries = 0"
    await r.db.run(before.format("null"))
    await r.db.run(before.format("now()"))  # it looks itself
    assert await r.db.value("select count(*) from stray_placeholders") == 1
