"""The journal: what was acknowledged in a crowd is in its conversation once, in order, whatever happens meanwhile."""

import asyncio
import io
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from hub import ids
from hub.accounts import audit
from hub.api.app import build_app
from hub.api.http.app_keys import FOLDER, INTAKE, JOURNAL, SPOOL
from hub.chat.inbound.backlogs import Backlogs
from hub.chat.inbound.folding import TRIES, Folder
from hub.chat.inbound.intake import Intake
from hub.chat.inbound.journal import LARGEST
from hub.chat.operators import erasure
from hub.config import Settings
from hub.errors import NotFound
from hub.runtime import Hub, open_hub
from hub.store import arrivals, turns
from hub.store.arrivals import Kept
from hub.store.db import Db
from tests.flows.net import Net
from tests.flows.test_answers import BODIES, COUNT, Json
from tests.flows.world import SECRET, World, make

Http = TestClient[Any, Any]
EACH = 300  # calls of one integration that may wait
HEADERS = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"}
# Another process folds, and does not end.
HELD = """
    insert into arrival_folders (integration_id, account_id, owner, epoch, until)
    values ($1, $2, 'other', 0, now() + interval '1 hour')
"""
# A web process that was there all the time.
WEB = """
    insert into worker_beats (id, kind, began, since)
    values ('all', 'web', now() - interval '1 hour', now() - interval '1 hour')
"""
SAID = """
    select c.chat, array_agg(i.body->>'text' order by i.seq) as texts
    from inbox i join sessions s on s.id = i.session_id join contacts c on c.id = s.contact_id 
    where i.account_id = $1 group by c.chat
"""
REFUSED = """
    create function poisoned() returns trigger language plpgsql as $$ begin
        if new.body->>'text' like '%poison%' then raise exception 'no' using errcode = 'P0001'; end if;
        return new; end $$;
    create trigger poisoned before insert on inbox for each row execute function poisoned();
"""


@pytest.fixture
async def hub(settings: Settings) -> AsyncIterator[Hub]:
    async with open_hub(settings.changed(lease_seconds=2, waiting_calls=EACH)) as one:
        yield one


@pytest.fixture
async def world(hub: Hub) -> World:
    return await another(hub)


async def another(hub: Hub) -> World:
    made = await make(hub, Net(url=hub.settings.telegram_api_url), {"telegram": "reconcile"})
    unlimited = {"messagesPerHour": 0, "maxMessages": 0}
    await hub.db.run("update clients set limits = $2 where id = $1", made.client, unlimited)
    return made


@pytest.fixture
async def http(hub: Hub) -> AsyncIterator[Http]:
    async with door(hub) as one:
        yield one


@asynccontextmanager
async def door(hub: Hub) -> AsyncIterator[Http]:
    """A web process's application; several may be open over one database."""
    intake = Intake(hub.db, hub.queue)
    async with TestClient(TestServer(build_app(hub, intake))) as one:
        yield one
    await intake.close()


def app_of(http: Http) -> web.Application:
    assert isinstance(http.app, web.Application)
    return http.app


async def post(http: Http, w: World, body: Json, channel: str = "telegram") -> int:
    path = f"/api/v1/webhooks/{channel}/{w.client}/{SECRET}"
    async with http.post(path, data=io.BytesIO(orjson.dumps(body)), headers=HEADERS) as answer:
        return answer.status


def update(chat: int, text: str, **more: Any) -> Json:
    n = next(COUNT)
    who = {"id": chat, "is_bot": False, "first_name": f"P{chat}"}
    return {"update_id": n, "message": {
        "message_id": n, "from": who, "chat": {"id": chat, "type": "private"}, "date": 1767272501, "text": text, **more,
    }}


async def integration(w: World, channel: str = "telegram") -> UUID:
    return UUID(str(await w.hub.db.value(
        "select id from integrations where client_id = $1 and channel = $2", w.client, channel
    )))


async def waiting(w: World) -> int:
    return int(await w.hub.db.value("select count(*) from arrivals where account_id = $1", w.account))


async def folded(w: World) -> None:
    async def none() -> bool:
        return await waiting(w) == 0

    await w.until(none)


async def said(w: World) -> dict[str, list[str]]:
    return {r["chat"]: r["texts"] for r in await w.hub.db.fetch(SAID, w.account)}


async def let(w: World) -> None:
    """Whoever held the folding is gone."""
    await w.hub.db.run("update arrival_folders set until = now() - interval '1 second' where owner = 'other'")


async def keep(w: World, *bodies: bytes, channel: str = "telegram") -> None:
    """As a process that has acknowledged calls and died."""
    mine = await integration(w, channel)
    await arrivals.keep(w.hub.db, [Kept(mine, {}, None, body) for body in bodies])
    await w.hub.db.run("update arrivals set at = at - interval '1 minute' where integration_id = $1", mine)


async def test_a_crowd_is_acknowledged_as_it_comes_and_each_person_s_order_is_kept(
    world: World, hub: Hub, owner: Db
) -> None:
    """To either of two processes: the next of a person is sent when the one before was acknowledged."""
    async with door(hub) as one, door(hub) as two:

        async def talk(chat: int) -> list[int]:
            return [await post(random.choice((one, two)), world, update(chat, f"{n}")) for n in range(6)]

        answers = await asyncio.gather(*(talk(1000 + n) for n in range(40)))
        assert {a for chat in answers for a in chat} == {200}
        await folded(world)
    assert await owner.value("select last_value > 50 from arrivals_id_seq"), "it was a crowd"
    assert await said(world) == {str(1000 + n): [str(k) for k in range(6)] for n in range(40)}


async def test_what_comes_ten_times_at_once_is_there_once(world: World, http: Http) -> None:
    bodies = [update(2000 + n, "once") for n in range(6)]
    for _ in range(2):  # at once, and again when it is long there
        got = await asyncio.gather(*(post(http, world, body) for body in bodies for _ in range(10)))
        assert set(got) == {200}
        await folded(world)
    assert await said(world) == {str(2000 + n): ["once"] for n in range(6)}


async def test_what_comes_behind_acknowledged_calls_waits_there_and_nobody_else_does(
    hub: Hub, http: Http, owner: Db
) -> None:
    one, other = await another(hub), await another(hub)
    mine = await integration(one)
    await hub.db.run(HELD, mine, one.account)
    await keep(one, orjson.dumps(update(1, "first")))
    assert [await post(http, one, update(1, t)) for t in ("second", "third")] == [200, 200]
    assert await post(http, other, update(1, "mine")) == 200
    assert await waiting(one) == 3 and await said(one) == {}, "acknowledged, and not overtaken"
    assert await said(other) == {"1": ["mine"]}
    await hub.redis.flushdb()
    await let(one)
    await folded(one)
    assert await said(one) == {"1": ["first", "second", "third"]}
    assert await hub.db.value("select count(*) from session_queue where lane = $1", mine) == 1, "and it is due"
    # Nothing waits any more: what comes now goes past the journal again.
    before = await owner.value("select last_value from arrivals_id_seq")
    assert await post(http, one, update(1, "fourth")) == 200
    assert await said(one) == {"1": ["first", "second", "third", "fourth"]}
    assert await owner.value("select last_value from arrivals_id_seq") == before


@pytest.mark.parametrize(("poison", "reason"), [
    (b"{", "not"),
    (orjson.dumps({"update_id": "x" * 5000}), ""),
])
async def test_what_cannot_be_read_goes_aside_and_what_is_behind_it_goes_on(
    world: World, http: Http, poison: bytes, reason: str
) -> None:
    await keep(world, poison, orjson.dumps(update(1, "a")), poison, orjson.dumps(update(1, "b")))
    await folded(world)
    assert await said(world) == {"1": ["a", "b"]}
    held = await world.hub.db.fetch("select reason, raw from quarantine where account_id = $1", world.account)
    assert [bytes(r["raw"]) for r in held] == [poison, poison] and all(reason in r["reason"] for r in held)


async def test_what_the_database_will_not_take_is_tried_so_often_and_holds_nobody_else_up(
    hub: Hub, http: Http, owner: Db
) -> None:
    one, other = await another(hub), await another(hub)
    await owner.run(REFUSED)
    try:
        mine = await integration(one)
        await hub.db.run(HELD, mine, one.account)
        await keep(one, *(orjson.dumps(update(1, t)) for t in ("before", "poison", "behind")))
        await let(one)
        assert await post(http, other, update(5, "mine")) == 200

        async def alone() -> bool:
            return await waiting(one) == 2

        await one.until(alone)
        assert await said(one) == {"1": ["before"]} and await said(other) == {"5": ["mine"]}
        await hub.db.run("update arrivals set tries = $1 where body like '%poison%'", TRIES)
        await folded(one)
    finally:
        await owner.run("drop trigger poisoned on inbox; drop function poisoned()")
    assert await said(one) == {"1": ["before", "behind"]}
    assert "however often" in await hub.db.value("select reason from quarantine where account_id = $1", one.account)


async def test_a_lock_that_somebody_holds_holds_no_other_integration_up(hub: Hub, http: Http, owner: Db) -> None:
    one, other = await another(hub), await another(hub)
    assert await post(http, one, update(1, "0")) == 200
    async with owner.transaction() as tx:
        await tx.run("select 1 from sessions where account_id = $1 for update", one.account)
        await keep(one, *(orjson.dumps(update(1, t)) for t in "12"))
        await keep(other, *(orjson.dumps(update(9, t)) for t in "12"))
        await folded(other)
        assert await said(other) == {"9": ["1", "2"]} and await waiting(one) == 2
    await folded(one)
    assert await said(one) == {"1": ["0", "1", "2"]}


async def test_of_what_two_fold_nothing_is_there_twice(world: World, hub: Hub) -> None:
    """One that comes too late, with what it has read: nothing of it happens."""
    texts = [str(n) for n in range(150)]
    await keep(world, *(orjson.dumps(update(3, t)) for t in texts))
    mine = await integration(world)
    folders = [Folder(hub, world.intake, Backlogs()) for _ in range(3)]
    late = await arrivals.lease(hub.db, mine, "late", 60)
    assert late is not None and await arrivals.lease(hub.db, mine, "another", 60) is None
    await hub.db.run("update arrival_folders set until = now() - interval '1 second'")
    for folder in folders:
        folder.ring(mine)
    await folded(world)
    for folder in folders:
        await folder.close()
    with pytest.raises(arrivals.Taken):
        await arrivals.fold(hub.db, late, [1], [])
    assert await said(world) == {"3": texts}


async def test_what_a_process_dies_of_again_and_again_goes_aside_alone(world: World, hub: Hub) -> None:
    """Each that dies over the first calls leaves its lease; the others in line are not blamed for it."""
    mine = await integration(world)
    await keep(world, *(orjson.dumps(update(3, str(n))) for n in range(70)))
    for n in range(12):
        assert await arrivals.lease(hub.db, mine, f"dead {n}", 0) is not None
    found = await hub.db.fetch("select tries from arrivals where integration_id = $1 order by id", mine)
    tries = [r["tries"] for r in found]
    assert tries[0] >= TRIES and set(tries[1:64]) == {6} and set(tries[64:]) == {0}
    folder = Folder(hub, world.intake, Backlogs())
    await folder.sweep()
    await folded(world)
    await folder.close()
    assert await said(world) == {"3": [str(n) for n in range(1, 70)]}
    assert await hub.db.value("select count(*) from quarantine where account_id = $1", world.account) == 1


async def test_above_a_backlog_an_integration_is_told_to_come_again_and_others_are_not(hub: Hub, http: Http) -> None:
    one, other = await another(hub), await another(hub)
    mine, backlogs = await integration(one), app_of(http)[JOURNAL]._backlogs
    for _ in range(EACH):
        backlogs.comes(mine, 1)
    path = f"/api/v1/webhooks/telegram/{one.client}/{SECRET}"
    async with http.post(path, data=orjson.dumps(update(1, "a")), headers=HEADERS) as answer:
        assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0
    assert await post(http, other, update(1, "b")) == 200
    for _ in range(EACH):
        backlogs.came(mine, 1, False)
    assert await post(http, one, update(1, "a")) == 200
    assert backlogs.count == backlogs.size == 0


async def test_a_lasting_crowd_is_told_to_come_again_once_its_first_call_has_waited_too_long(
    settings: Settings,
) -> None:
    """However few of those wait that may; others are not, and neither is it once they are folded."""
    impatient = settings.changed(lease_seconds=2, waiting_calls=100, waiting_seconds=1)
    async with open_hub(impatient) as hub, door(hub) as http:
        one, other = await another(hub), await another(hub)
        await hub.db.run(HELD, await integration(one), one.account)
        await keep(one, orjson.dumps(update(1, "first")))
        told = [await post(http, one, update(1, f"n{n}")) for n in range(26)]
        async with asyncio.timeout(30):
            while told[-1] == 200:
                await asyncio.sleep(0.1)
                told.append(await post(http, one, update(1, f"n{len(told)}")))
        assert told[-1] == 503 and len(told) < 100 and set(told[:-1]) == {200}
        assert await post(http, other, update(2, "b")) == 200
        await let(one)
        await folded(one)
        async with asyncio.timeout(30):
            while await post(http, one, update(1, "again")) != 200:
                await asyncio.sleep(0.1)
        assert (await said(one))["1"][:26] == ["first", *(f"n{n}" for n in range(25))]


async def test_what_one_integration_could_not_store_leaves_no_doubts_about_what_another_sent(
    hub: Hub, http: Http
) -> None:
    """Refused at the door, or kept on disk: only its own echoes may be among that."""
    one, other = await another(hub), await another(hub)
    app, there = app_of(http), "select receivers_were_there(now() - interval '1 second', 60, $1)"
    await hub.db.run(WEB)
    for channel, status in (("evolution", 503), ("zapi", 200)):
        mine, theirs = await integration(one, channel), await integration(other, channel)
        assert [await hub.db.value(there, i) for i in (mine, theirs)] == [True, True]
        for _ in range(EACH):
            app[JOURNAL]._backlogs.comes(mine, 1)
        assert await post(http, one, BODIES[channel]("hello"), channel) == status
        assert await post(http, other, BODIES[channel]("hello"), channel) == 200
        # What a web process writes down with each sign of life.
        behind, on_disk = app[INTAKE].behind.taken(), app[SPOOL].waiting or ()
        assert not behind.everybody and behind.places == {(one.client, channel)}
        await turns.lag(hub.db, behind.places, on_disk)
        assert [await hub.db.value(there, i) for i in (mine, theirs)] == [False, True]
        for _ in range(EACH):
            app[JOURNAL]._backlogs.came(mine, 1, False)


async def test_a_body_too_large_for_the_journal_waits_until_what_is_before_it_is_folded(
    world: World, http: Http
) -> None:
    mine = await integration(world, "zapi")
    await world.hub.db.run(HELD, mine, world.account)
    await keep(world, orjson.dumps(BODIES["zapi"]("first")), channel="zapi")
    large = BODIES["zapi"]("large") | {"padding": "x" * LARGEST}
    asked = asyncio.create_task(post(http, world, large, "zapi"))
    await asyncio.sleep(0)
    await let(world)
    assert await asked == 200
    await folded(world)

    async def both() -> bool:
        return list((await said(world)).values()) == [["first", "large"]]

    await world.until(both)


async def test_who_is_erased_is_erased_from_what_was_just_acknowledged_too(world: World, hub: Hub, http: Http) -> None:
    await hub.db.run(HELD, await integration(world), world.account)
    await keep(world, orjson.dumps(update(77, "my secret")))
    asked = asyncio.create_task(_erased(hub, world))
    try:
        await asyncio.sleep(0.2)
        assert not asked.done(), "it is waited for"
        await let(world)
        await folded(world)
        await asked
    finally:
        asked.cancel()
    with pytest.raises(NotFound):
        await _erased(hub, world)


async def _erased(hub: Hub, w: World) -> Any:
    await erasure._arrived(hub, w.account)
    found = await hub.db.value("select person_id from contacts where account_id = $1", w.account) or ids.uuid7()
    return await erasure.erase(hub, w.account, audit.HUB, await erasure.by_id(hub, w.account, found))


async def test_an_integration_that_is_removed_takes_what_waits_along(world: World, hub: Hub, http: Http) -> None:
    mine = await integration(world)
    await hub.db.run(HELD, mine, world.account)
    await keep(world, orjson.dumps(update(77, "a")))
    await hub.db.run("delete from integrations where id = $1", mine)
    assert await waiting(world) == 0 and await hub.db.value("select count(*) from arrival_folders") == 0
    assert await post(http, world, update(77, "b")) == 404
    assert not app_of(http)[FOLDER]._running


SHOWN = """
    select n.channel, c.chat, s.closed_at is null as open, i.seq, i.state, i.command, i.body, i.ext, i.network_id,
        s.last_seq, s.hour_count, s.handoff_at is null as bot
    from inbox i join sessions s on s.id = i.session_id join contacts c on c.id = s.contact_id
    join integrations n on n.id = s.integration_id where i.account_id = $1 order by 1, 2, 3, i.ext
"""


async def test_by_way_of_the_journal_the_rows_are_those_of_calls_that_came_one_by_one(hub: Hub, http: Http) -> None:
    """Random batches of all networks, with repetitions, groups, numbers that stand for choices and rubbish."""
    dice = random.Random(5)
    for _ in range(4):
        at_once, later = await another(hub), await another(hub)
        calls: list[tuple[str, bytes]] = []
        for _ in range(60):
            channel = dice.choice(("telegram", "telegram", "zapi", "evolution"))
            text = dice.choice(("hello", "1", "2", "/reset", "parar", "x" * 50))
            body = update(dice.randint(1, 4), text) if channel == "telegram" else BODIES[channel](text)
            calls.append((channel, orjson.dumps(body)))
            if dice.random() < 0.2:
                calls.append(dice.choice(calls))
            if dice.random() < 0.05:
                calls.append((channel, b"{"))
        for channel, raw in calls:
            await at_once.knock(channel, raw)
        for channel in ("telegram", "zapi", "evolution"):
            await keep(later, *(raw for c, raw in calls if c == channel), channel=channel)
        await folded(later)
        assert await rows(later) == await rows(at_once)
        held = "select count(*) from quarantine where account_id = $1"
        assert await hub.db.value(held, later.account) == await hub.db.value(held, at_once.account)


async def rows(w: World) -> list[Json]:
    return [dict(r) for r in await w.hub.db.fetch(SHOWN, w.account)]
