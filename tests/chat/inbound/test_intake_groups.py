"""Many webhook calls share few commits, and each caller hears about its own."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hub.chat.inbound import intake as module
from hub.chat.inbound.intake import Intake
from hub.errors import Overloaded
from hub.live.connect import connect
from hub.live.queue import Queue
from hub.personal_keys import PersonalKeys
from hub.sealing import Sealer, new_key
from hub.store.db import Db, of_data, open_db
from tests.store.rows import Bench

SLOW = """
    create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.05); return new; end $$;
    create trigger slow before insert on inbox for each row execute function slow();
"""


class Counting:
    """A database that counts statements, and can be told to fail or to be slow."""

    keys = None  # people's words are stored as they are

    def __init__(self, db: Db) -> None:
        self._db = db
        self.calls = 0
        self.sizes: list[int] = []
        self.fail: BaseException | None = None
        self.slow: float = 0.0

    async def fetch(self, sql: str, *args: Any) -> Any:
        self.calls += 1
        self.sizes.append(len(args[0]))
        if self.slow:
            await asyncio.sleep(self.slow)
        if self.fail:
            raise self.fail
        return await self._db.fetch(sql, *args)


@pytest.fixture
async def counting(db: Db) -> Counting:
    return Counting(db)


@pytest.fixture
async def intake(counting: Counting, redis_url: str) -> AsyncIterator[Intake]:
    redis = connect(redis_url, "t")
    one = Intake(counting, Queue(redis, "t"))  # type: ignore[arg-type]  # it counts calls, like a Db
    yield one
    await one.close()
    await redis.aclose(close_connection_pool=True)


@pytest.fixture
async def bench(db: Db) -> Bench:
    return await Bench(db).make()


async def test_calls_at_once_share_commits(
    intake: Intake, counting: Counting, bench: Bench
) -> None:
    items = [bench.item(str(n), ids=[f"phone:{n % 40}"]) for n in range(400)]
    got = await asyncio.gather(*(intake.store([item]) for item in items))
    assert {g[0].outcome for g in got} == {"accepted", "ignored"} or {
        g[0].outcome for g in got
    } == {"accepted"}
    assert [str(g[0].message_id) for g in got] == [i["id"] for i in items], (
        "everyone gets their own"
    )
    assert counting.calls <= 40, counting.sizes
    assert sum(intake.counts.values()) == 400


async def test_what_arrives_during_a_commit_goes_into_the_next(
    intake: Intake, counting: Counting, bench: Bench
) -> None:
    counting.slow = 0.05
    waiting = []
    for n in range(60):
        waiting.append(asyncio.create_task(intake.store([bench.item(ids=[f"phone:{n}"])])))
        await asyncio.sleep(0.002)
    await asyncio.gather(*waiting)
    assert counting.calls <= 20 and max(counting.sizes) > 3, counting.sizes


async def test_a_slow_road_to_the_database_makes_no_small_groups(
    intake: Intake, counting: Counting, bench: Bench
) -> None:
    """What waits for a connection, this process or the disk costs a group as much as one call."""
    counting.slow = 0.5
    for n in range(2):
        await intake.store([bench.item(ids=[f"few:{n}:{m}"]) for m in range(5)])
    counting.slow, counting.sizes = 0.01, []
    await asyncio.gather(*(intake.store([bench.item(ids=[f"phone:{n}"])]) for n in range(100)))
    assert counting.sizes[0] > 4, counting.sizes


async def test_a_database_that_works_long_gets_small_groups(
    intake: Intake, counting: Counting, bench: Bench, owner: Db
) -> None:
    """So that each call is answered in time."""
    await owner.run(SLOW)
    try:
        await intake.store([bench.item(ids=[f"few:{n}"]) for n in range(5)])
        counting.sizes = []
        await asyncio.gather(*(intake.store([bench.item(ids=[f"phone:{n}"])]) for n in range(30)))
    finally:
        await owner.run("drop trigger slow on inbox; drop function slow()")
    assert max(counting.sizes) <= 8, counting.sizes


async def test_a_call_s_items_stay_together_and_in_order(intake: Intake, bench: Bench) -> None:
    items = [bench.item(f"{n}", ids=[f"phone:{n % 3}"]) for n in range(9)]
    got = await intake.store(items)
    assert [str(g.message_id) for g in got] == [i["id"] for i in items]
    for person in range(3):
        seqs = [g.seq or 0 for n, g in enumerate(got) if n % 3 == person]
        assert seqs == sorted(seqs)


async def test_nothing_to_store_asks_nothing(intake: Intake, counting: Counting) -> None:
    assert await intake.store([]) == [] and counting.calls == 0


async def test_a_contact_s_order_is_kept_while_a_large_commit_runs(
    intake: Intake, bench: Bench
) -> None:
    """The second message must not overtake the first in the smaller commit beside it."""
    for turn in range(5):
        person = f"zz:{turn}"
        crowd = [
            bench.item(ids=[f"crowd:{turn}:{n}"], who={"id": bench.item()["id"]})
            for n in range(100)
        ]
        first = asyncio.create_task(intake.store([*crowd, bench.item("first", ids=[person])]))
        await asyncio.sleep(0.003)
        second = asyncio.create_task(intake.store([bench.item("second", ids=[person])]))
        a, b = (await first)[-1], (await second)[0]
        assert a.session_id == b.session_id
        assert (a.seq or 0) < (b.seq or 0), turn


async def test_a_commit_that_fails_reaches_every_caller(
    intake: Intake, counting: Counting, bench: Bench
) -> None:
    counting.fail = Overloaded("away")
    got = await asyncio.gather(
        *(intake.store([bench.item()]) for _ in range(20)), return_exceptions=True
    )
    assert {type(g) for g in got} == {Overloaded}
    counting.fail = None
    [fine] = await intake.store([bench.item()])
    assert fine.outcome == "accepted", "the next one is stored"


async def test_an_item_that_cannot_be_stored_does_not_spoil_the_others(
    intake: Intake, bench: Bench
) -> None:
    bad = bench.item(at="no time at all", ids=["phone:1"])
    calls = [intake.store([bench.item(ids=[f"phone:{n}"])]) for n in range(2, 12)]
    *fine, refused = await asyncio.gather(*calls, intake.store([bad]), return_exceptions=True)
    assert [f[0].outcome for f in fine if isinstance(f, list)] == ["accepted"] * 10
    assert isinstance(refused, Exception) and not isinstance(refused, Overloaded)


async def test_too_much_that_waits_is_refused(
    intake: Intake, counting: Counting, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING", 10)
    counting.slow = 0.1
    waiting = [
        asyncio.create_task(intake.store([bench.item(ids=[f"phone:{n}"])])) for n in range(30)
    ]
    got = await asyncio.gather(*waiting, return_exceptions=True)
    assert any(isinstance(g, Overloaded) and g.retry_after == 5 for g in got)
    assert any(isinstance(g, list) for g in got)


async def test_a_caller_that_goes_away_loses_nothing(
    intake: Intake, counting: Counting, bench: Bench
) -> None:
    counting.slow = 0.05
    one = asyncio.create_task(intake.store([bench.item("kept")]))
    other = asyncio.create_task(intake.store([bench.item()]))
    await asyncio.sleep(0.01)
    one.cancel()
    assert (await other)[0].outcome == "accepted"
    assert await bench.db.value("select count(*) from inbox where body->>'text' = 'kept'") == 1


async def test_closing_waits_for_what_is_being_committed(
    dsn: str, redis_url: str, bench: Bench
) -> None:
    redis = connect(redis_url, "t")
    async with open_db(dsn, size=2) as db:
        slow = Counting(db)
        slow.slow = 0.1
        one = Intake(slow, Queue(redis, "t"))  # type: ignore[arg-type]  # it counts calls, like a Db
        stored = asyncio.create_task(one.store([bench.item()]))
        await asyncio.sleep(0.01)
        await one.close()
        assert stored.done() or (await stored)
    await redis.aclose(close_connection_pool=True)
    assert await bench.db.value("select count(*) from inbox") == 1


@pytest.mark.parametrize("field", ["ids", "ext"])
async def test_what_no_index_can_hold_does_not_spoil_the_others(intake: Intake, bench: Bench, field: str) -> None:
    """A name longer than PostgreSQL can look up is that call's own fault."""
    long = os.urandom(4000).hex()
    bad = bench.item(ids=[f"phone:{long}"]) if field == "ids" else bench.item(ext=long)
    calls = [intake.store([bench.item(ids=[f"phone:{n}"])]) for n in range(2, 12)]
    *fine, refused = await asyncio.gather(*calls, intake.store([bad]), return_exceptions=True)
    assert [f[0].outcome for f in fine if isinstance(f, list)] == ["accepted"] * 10
    assert isinstance(refused, Exception) and of_data(refused)


@pytest.mark.parametrize("left", [b"", b"\x01 no key of ours, though it is long enough"])
async def test_a_damaged_key_of_one_person_spoils_nobody_else_s_message(
    dsn: str, redis_url: str, bench: Bench, tmp_path: Path, left: bytes
) -> None:
    """Where people's words are sealed, each message waits for the key of its own person alone."""
    keys, redis = PersonalKeys(tmp_path, Sealer(new_key())), connect(redis_url, "t")
    async with open_db(dsn, size=2, keys=keys) as db:
        one = Intake(db, Queue(redis, "t"))
        await one.store([bench.item(ids=["phone:1"])])
        name = keys.named(bench.account, "name:phone:1")
        (tmp_path / name[:2] / name).write_bytes(left)
        calls = [one.store([bench.item(ids=[f"phone:{n}"])]) for n in range(2, 12)]
        *fine, refused = await asyncio.gather(
            *calls, one.store([bench.item(ids=["phone:1"])]), return_exceptions=True
        )
        assert [f[0].outcome for f in fine if isinstance(f, list)] == ["accepted"] * 10
        assert isinstance(refused, Overloaded), "it is sent again"
        await one.close()
    await redis.aclose(close_connection_pool=True)
