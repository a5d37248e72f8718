"""Real scheduler processes: three of them killed at random, and one whose clock jumps."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from hub.config import Settings
from hub.processes.embedded import die_with_parent
from hub.store.db import Db
from tests.flows.processes import family, start
from tests.store.rows import Bench

MANY = """
    insert into schedules (id, account_id, client_id, kind, external_user, channel, address, names, instruction, cron,
        next_at, scheduled_at)
    select gen_random_uuid(), $1, $2, case when n % 10 = 0 then 'recurring' else 'once' end, 'u' || n, 'zapi', '5511',
        '{phone:5511}', 'x', case when n % 10 = 0 then '0 0 1 1 *' end, t.at, t.at
    from generate_series(1, $3) n, lateral (select now() + make_interval(secs => $4 + random() * $5) as at) t
"""
FIRED = "select count(*) from activations"


async def reach(db: Db, count: int, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while await db.value(FIRED) < count:
            await asyncio.sleep(0.1)


async def test_three_schedulers_killed_at_random_fire_each_occurrence_once(settings: Settings, db: Db) -> None:
    b = await Bench(db).make()
    chance = random.Random(11)
    with family() as children:
        alive = [start("scheduler", settings) for _ in range(3)]
        children += alive
        await _beating(db, 3)
        await db.run(MANY, b.account, b.client, 10_000, 0.5, 9.0)
        kills = 0
        while await db.value(FIRED) < 10_000:
            await asyncio.sleep(chance.uniform(0.2, 0.7))
            place = chance.randrange(3)
            if kills < 14:
                alive[place].kill()
                kills += 1
                alive[place] = start("scheduler", settings)
                children.append(alive[place])
            assert await db.value("select now() < min(created_at) + interval '90 seconds' from schedules")
        await asyncio.sleep(1.5)  # nobody fires anything again
    assert kills >= 3
    once = await db.row(
        "select count(*) as n, count(distinct (schedule_id, fire_at)) as distinct,"
        " count(distinct schedule_id) as schedules,"
        " percentile_cont(0.99) within group (order by extract(epoch from created_at - fire_at))::float8 as p99,"
        " max(extract(epoch from created_at - fire_at))::float8 as worst from activations where state = 'due'"
    )
    assert once is not None
    assert once["n"] == once["distinct"] == once["schedules"] == 10_000, dict(once)
    assert once["worst"] < 12, dict(once)
    assert await db.value("select count(*) from schedules where next_at <= now() and state = 'active'") == 0


def _library() -> Path | None:
    spec = find_spec("libfaketime")
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"
    return found if found.exists() else None


LIBRARY = _library()


@pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed here")
async def test_a_clock_that_jumps_neither_hurries_nor_stops_a_scheduler(
    settings: Settings, db: Db, tmp_path: Path
) -> None:
    b = await Bench(db).make()
    shift = tmp_path / "shift"
    shift.write_text("+0\n")
    process = _faked(settings, shift, tmp_path / "log")
    try:
        await _beating(db)
        for offset in ("+3600", "-3600", "+0"):
            before = await db.value(FIRED)
            await db.run(MANY, b.account, b.client, 40, 2.0, 1.0)
            shift.write_text(f"{offset}\n")
            await asyncio.sleep(0.6)
            assert await db.value(FIRED) == before, f"fired early at {offset}"
            await reach(db, before + 40, 15)
            late = await db.value("select max(extract(epoch from created_at - fire_at))::float8 from activations")
            early = await db.value("select min(extract(epoch from created_at - fire_at))::float8 from activations")
            assert early >= 0 and late < 9, (offset, early, late)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(5)
    assert await db.value("select count(*) = count(distinct schedule_id) from activations")


def _faked(settings: Settings, shift: Path, log: Path) -> "subprocess.Popen[bytes]":
    """`hub scheduler` whose wall clock is what the file says; its monotonic clock is the real one."""
    fake = {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(shift),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    hub: dict[str, Any] = {
        "HUB_HOME": settings.home,
        "HUB_DATABASE_URL": settings.database_url.get_secret_value(),
        "HUB_REDIS_URL": settings.redis_url.get_secret_value(),
        "HUB_QUEUE": settings.queue,
        "HUB_SEALING_KEY": settings.sealing_key.get_secret_value(),
        "PYTHONPATH": Path(__file__).parents[2],
    }
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "hub", "scheduler"],
            env={**os.environ, **{k: str(v) for k, v in hub.items()}, **fake},
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )


async def _beating(db: Db, count: int = 1) -> None:
    async with asyncio.timeout(30):
        while await db.value("select count(*) from worker_beats where kind = 'scheduler'") < count:
            await asyncio.sleep(0.1)
