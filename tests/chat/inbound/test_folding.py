"""Who folds the journal, and what of a failure counts against a call: only what it is to blame for."""

import asyncio
import base64
import dataclasses
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from channels.base import Hook
from hub.chat.clients.link import open_link
from hub.chat.inbound import folding
from hub.chat.inbound.backlogs import Backlogs, Bounds, bounds
from hub.chat.inbound.folding import Folder
from hub.chat.inbound.intake import items_of
from hub.config import Settings
from hub.runtime import Hub, open_hub
from hub.store import arrivals
from hub.store.arrivals import Kept
from hub.store.db import Db
from hub.task_groups import end
from tests.chat.inbound.test_journal import another, folded, integration, keep, said, update, waiting
from tests.flows.test_answers import BODIES
from tests.flows.world import World


@pytest.fixture
async def hub(settings: Settings) -> AsyncIterator[Hub]:
    async with open_hub(settings.changed(lease_seconds=2)) as one:
        yield one


@pytest.fixture
async def world(hub: Hub) -> World:
    return await another(hub)


async def test_trouble_of_a_moment_is_not_taken_for_the_death_of_a_process(world: World, hub: Hub) -> None:
    """A call that could not be folded counts as tried once, whoever tries it next; until then nobody does."""
    mine = await integration(world)
    await keep(world, *(orjson.dumps(update(3, str(n))) for n in range(2)))
    for n in range(3):
        held = await arrivals.lease(hub.db, mine, f"process {n}", 60)
        assert held is not None
        first = (await arrivals.head(hub.db, mine, 1, 1))[0]
        await arrivals.missed(hub.db, held, first.id, 1, 0, 0)
    found = await hub.db.fetch("select tries from arrivals where integration_id = $1 order by id", mine)
    assert [r["tries"] for r in found] == [3, 0]
    held = await arrivals.lease(hub.db, mine, "waits", 60)
    assert held is not None
    await arrivals.missed(hub.db, held, first.id, 1, 60, 60)
    assert [await arrivals.lease(hub.db, mine, who, 60) for who in ("waits", "another")] == [None, None]
    with pytest.raises(arrivals.Taken):
        await arrivals.fold(hub.db, held, [first.id], [])
    assert mine not in await arrivals.left(hub.db, 0)
    await hub.db.run("update arrival_folders set until = now()")
    assert mine in await arrivals.left(hub.db, 0)


async def test_who_stands_in_line_for_a_place_holds_no_lease_meanwhile(
    world: World, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would run out there, and whoever has it next would suspect the calls."""
    taken: list[UUID] = []
    lease = arrivals.lease

    async def counted(db: Any, mine: UUID, me: str, seconds: float) -> Any:
        taken.append(mine)
        return await lease(db, mine, me, seconds)

    monkeypatch.setattr(arrivals, "lease", counted)
    await keep(world, *(orjson.dumps(update(3, str(n))) for n in range(2 * folding.MOST + 1)))
    folder = Folder(hub, world.intake, Backlogs())
    monkeypatch.setattr(folding, "AT_ONCE", 0)  # one more than there are places
    folder.ring(await integration(world))
    await folded(world)
    await folder.close()
    assert len(taken) >= 3 and await hub.db.value("select count(*) from arrival_folders") == 0


async def test_what_goes_past_is_waited_for_without_a_lease(world: World, hub: Hub) -> None:
    mine, backlogs = await integration(world), Backlogs()
    await keep(world, orjson.dumps(update(3, "a")))
    backlogs.of(mine).past += 1
    folder = Folder(hub, world.intake, backlogs)
    folder.ring(mine)
    for _ in range(20):
        await asyncio.sleep(0)
    assert await hub.db.value("select count(*) from arrival_folders") == 0 and not folder._places.locked()
    assert await waiting(world) == 1
    backlogs.of(mine).past -= 1
    await folded(world)
    await folder.close()


async def test_a_call_that_could_not_be_learned_from_is_not_stored_without(
    world: World, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is lost: it is tried again, and what was before it is stored."""
    failed: list[int] = []

    async def fails(hub: Hub, row: Any, arrived: Any) -> bool:
        if any(one.text == "b" for one in arrived) and not failed:
            failed.append(1)
            raise asyncpg.DeadlockDetectedError("try again")
        return False

    monkeypatch.setattr(folding, "learned", fails)
    stored: list[int] = []
    fold = arrivals.fold

    async def counted(db: Any, held: Any, calls: Any, items: Any) -> Any:
        stored.append(len(calls))
        return await fold(db, held, calls, items)

    monkeypatch.setattr(arrivals, "fold", counted)
    await keep(world, *(orjson.dumps(update(3, t)) for t in "abc"))
    folder = Folder(hub, world.intake, Backlogs())
    folder.ring(await integration(world))
    await folded(world)
    await folder.close()
    assert await said(world) == {"3": ["a", "b", "c"]} and stored == [1, 2]


def test_what_another_process_folds_leaves_no_bytes_behind() -> None:
    """An integration that is never quiet, and is folded elsewhere: what waits of it does not seem to grow."""
    backlogs, mine = Backlogs(), UUID(int=1)
    for _ in range(1000):
        for _ in range(2):
            backlogs.comes(mine, 1000)
            backlogs.came(mine, 1000, True)
        backlogs.folded(mine, 2 if backlogs.count > 3 else 1, None)
    assert backlogs.count <= 4 and backlogs.size <= 4000
    backlogs.folded(mine, 10, None)
    assert backlogs.count == backlogs.size == 0 and backlogs.known(mine) is None


def test_who_has_little_waiting_is_not_refused_for_what_others_have() -> None:
    backlogs, other = Backlogs(Bounds(1000, 10_000, 100, 10_000)), UUID(int=99)
    for n in range(5):
        for _ in range(20):
            backlogs.comes(UUID(int=n), 10)
    assert all(backlogs.full(backlogs.of(UUID(int=n))) for n in range(5))
    assert not backlogs.full(backlogs.of(other))
    for _ in range(17):
        backlogs.comes(other, 10)
    assert backlogs.full(backlogs.of(other)), "its share is no more than that of each"
    backlogs.bounds = Bounds(1000, 10_000, 10_000, 1000)
    assert backlogs.full(backlogs.of(other)), "of bytes as of calls"
    backlogs.bounds = Bounds(18, 10_000, 1000, 100_000)
    assert not backlogs.full(backlogs.of(other)) and backlogs.full(backlogs.of(UUID(int=1))), "and of each alone"


async def test_files_inside_of_what_is_not_stored_do_not_stay(world: World, hub: Hub) -> None:
    """Nobody would find them where their person is erased. Sent twice; and past the journal, while calls wait there."""
    body = BODIES["evolution"]("hi")
    body["data"] |= {"messageType": "imageMessage", "message": {
        "imageMessage": {"mimetype": "image/png"}, "base64": base64.b64encode(b"picture").decode(),
    }}
    mine, raw = await integration(world, "evolution"), orjson.dumps(body)
    count = "select count(*) from files where account_id = $1"

    async def one() -> bool:
        return int(await hub.db.value(count, world.account)) == 1

    await keep(world, raw, raw, channel="evolution")
    row = await arrivals.endpoint(hub.db, mine)
    assert row is not None
    read = hub.channels["evolution"].receive(open_link(hub, row), Hook({}, raw, proved=True))
    [got] = await world.intake.store(await items_of(hub.db, row, read, 60))
    assert got.outcome == "behind"
    folder = Folder(hub, world.intake, Backlogs())
    folder.ring(mine)
    await folded(world)
    await folder.close()
    await world.until(one)
    kept = "select body->'attachments'->0->>'file_id' from inbox where account_id = $1"
    [file] = await hub.db.fetch("select id::text from files where account_id = $1", world.account)
    assert await hub.db.value(kept, world.account) == file["id"]


async def test_of_what_was_restored_all_is_folded(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many integrations a look takes: whoever is erased again is erased from all of them."""
    worlds = [await another(hub) for _ in range(3)]
    for one in worlds:
        await arrivals.keep(hub.db, [Kept(await integration(one), {}, None, orjson.dumps(update(1, "a")))])
    left = arrivals.left

    async def few(db: Any, seconds: float) -> list[UUID]:
        return (await left(db, seconds))[:1]

    monkeypatch.setattr(arrivals, "left", few)
    await folding.fold_restored(hub)
    assert [await said(one) for one in worlds] == [{"1": ["a"]}] * 3


DAMAGED = """
    create function damaged() returns trigger language plpgsql as $$ begin
        if new.body->>'text' like '%poison%' then raise exception 'no' using errcode = '22023'; end if;
        return new; end $$;
    create trigger damaged before insert on inbox for each row execute function damaged();
"""


async def test_one_that_cannot_be_stored_spoils_none_of_a_crowd_of_strangers(
    hub: Hub, owner: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two accounts: it is found in few steps and goes aside, and everybody else is there, each once."""
    one, other = await another(hub), await another(hub)
    folds: list[int] = []
    fold = arrivals.fold

    async def counted(db: Any, held: Any, calls: Any, items: Any) -> Any:
        folds.append(len(calls))
        return await fold(db, held, calls, items)

    monkeypatch.setattr(arrivals, "fold", counted)
    await owner.run(DAMAGED)
    try:
        for w in (one, other):
            texts = ["poison" if n == 17 and w is one else "hi" for n in range(40)]
            await keep(w, *(orjson.dumps(update(500 + n, t)) for n, t in enumerate(texts)))
        folder = Folder(hub, one.intake, Backlogs())
        for w in (one, other):
            folder.ring(await integration(w))
        for w in (one, other):
            await folded(w)
        await folder.close()
    finally:
        await owner.run("drop trigger damaged on inbox; drop function damaged()")
    assert await said(one) == {str(500 + n): ["hi"] for n in range(40) if n != 17}
    assert await said(other) == {str(500 + n): ["hi"] for n in range(40)}
    assert await hub.db.value("select count(*) from quarantine where account_id = $1", one.account) == 1
    assert len(folds) <= 16, folds


async def test_workers_fold_what_a_process_that_takes_calls_tells_of(
    world: World, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "HEAD_START", 3600.0)  # nobody helps
    counts: dict[str, int] = {}
    working = asyncio.create_task(folding.work(hub, counts))
    folder = Folder(hub, world.intake, Backlogs())
    try:
        await world.until(lambda: hub.events.heard(folding.TOPIC) == 1)
        async with asyncio.timeout(60):
            while not await hub.events.tell(folding.TOPIC, {"of": []}):
                await asyncio.sleep(0.01)
        for n in range(3):
            mine = await integration(world)
            await arrivals.keep(hub.db, [Kept(mine, {}, None, orjson.dumps(update(n, str(n))))])
            folder.tell(mine)
            await folded(world)
    finally:
        await end([working])
        await folder.close()
    assert counts == {"accepted": 3} and world.intake.counts == {}
    assert await said(world) == {str(n): [str(n)] for n in range(3)}


async def test_where_workers_hear_and_do_nothing_it_is_folded_all_the_same(
    world: World, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the process that took the calls, a group at a time."""
    monkeypatch.setattr(folding, "HEAD_START", 0.01)
    texts = [str(n) for n in range(folding.MOST + 5)]
    async with hub.events.listen(folding.TOPIC) as heard:
        await keep(world, *(orjson.dumps(update(1, t)) for t in texts))
        folder = Folder(hub, world.intake, Backlogs())
        folder.tell(await integration(world))
        await folded(world)
        await folder.close()
        assert not heard.empty()
    assert await said(world) == {"1": texts}


async def test_nothing_overtakes_a_group_that_could_not_be_stored(world: World, hub: Hub) -> None:
    """The next is read meanwhile; it waits until those before it are stored."""
    texts, failed = [str(n) for n in range(3 * folding.MOST)], list[str]()

    def reached(place: str) -> None:
        if place == "J3" and len(failed) == 1:
            failed.append(place)
            raise RuntimeError("the second group")
        if place == "J3" and not failed:
            failed.append("first")

    await keep(world, *(orjson.dumps(update(1, t)) for t in texts))
    folder = Folder(dataclasses.replace(hub, reached=reached), world.intake, Backlogs())
    folder.ring(await integration(world))
    await folded(world)
    await folder.close()
    assert failed == ["first", "J3"] and await said(world) == {"1": texts}
    assert await hub.db.value("select count(*) from quarantine where account_id = $1", world.account) == 0


async def test_who_comes_goes_before_what_waits_until_half_of_what_may_wait_does(world: World, hub: Hub) -> None:
    """And only where so much of one integration waits: nobody else's waits for it."""
    mine, backlogs = await integration(world), Backlogs(bounds(1000))
    folder = Folder(hub, world.intake, backlogs)
    known = backlogs.of(mine)
    assert await folder._rested(mine, 0.0) == 0.0
    for n in range(499):
        backlogs.comes(mine, 10)
        backlogs.came(mine, 10, n < 498)
    backlogs.comes(mine, 10)
    resting = asyncio.create_task(folder._rested(mine, 10.0))
    await asyncio.sleep(0)
    assert not resting.done() and not backlogs.presses(known)
    backlogs.came(mine, 10, True)  # nobody comes any more
    assert await resting == 0.0
    for _ in range(3):
        backlogs.comes(mine, 10)
    assert backlogs.presses(known) and await asyncio.wait_for(folder._rested(mine, 10.0), 0.4) == 0.0
    await folder.close()


async def test_who_rests_for_those_that_come_is_in_nobodys_place(
    world: World, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call of somebody else's does not wait until a crowd is over."""
    for name, value in (("AT_ONCE", 1), ("CROWDED", 1e9), ("LONG", 3600.0)):
        monkeypatch.setattr(folding, name, value)
    other, mine, backlogs = await another(hub), await integration(world), Backlogs(bounds(100_000))
    many = folding.AHEAD + 5
    await keep(world, *(orjson.dumps(update(3, str(n))) for n in range(many)))
    for _ in range(3 * many):
        backlogs.comes(mine, 10)
        backlogs.came(mine, 10, True)
    backlogs.comes(mine, 10)  # and another comes for as long as it lasts
    folder = Folder(hub, world.intake, backlogs)
    folder.ring(mine)

    async def some() -> bool:
        return await waiting(world) < many

    await world.until(some)
    await keep(other, orjson.dumps(update(4, "alone")))
    folder.ring(await integration(other))
    await folded(other)
    assert await waiting(world) > 0 and await said(other) == {"4": ["alone"]}
    backlogs.came(mine, 10, True)
    await folded(world)
    await folder.close()
    assert await said(world) == {"3": [str(n) for n in range(many)]}
