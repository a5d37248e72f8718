"""A million schedules, ten thousand due in one minute: how late, what a tick reads, how much memory."""

import asyncio
import time
from typing import Any

from tests.bench import machine
from tests.bench.load import at
from tests.bench.place import Place
from tests.bench.report import Pace, ms, say, title

FILL = """
    insert into schedules (id, account_id, client_id, kind, external_user, channel, address, names, instruction,
        cron, zone, next_at, scheduled_at)
    select gen_random_uuid(), c.account_id, c.id, case when n % 2 = 0 then 'once' else 'recurring' end, 'u' || n,
        'telegram', n::text, array['tg:' || n],
        'Say hello', case when n % 2 = 1 then '30 9 * * 1' end, 'America/Sao_Paulo',
        now() + interval '1 day' + make_interval(secs => n), now()
    from clients c, generate_series($2::int, $3::int) n where c.id = $1
"""
DUE = """
    update schedules set next_at = now() + make_interval(secs => 2 + random() * $1) where id in (
        select id from schedules where next_at > now() + interval '1 hour' and state = 'active'
        order by next_at limit $2)
"""
READ = """
    select sum(seq_tup_read + idx_tup_fetch)::bigint from pg_stat_user_tables where relname = 'schedules'
"""
LATE = """
    select array_agg(extract(epoch from created_at - fire_at)::float8 order by created_at - fire_at) as late,
        count(*)::int as n, count(distinct (schedule_id, fire_at))::int as once from activations where state = 'due'
"""
CHUNK = 50_000


async def measure(place: Place, pace: Pace) -> None:
    many, due, spread = (1_000_000, 10_000, 55.0) if pace.chats >= 1000 else (100_000, 2000, 8.0)
    title(f"8. Schedules: {many:,} of them, {due:,} due within a minute, two schedulers")
    db, client = place.hub.db, next(iter(place.clients.values()))
    idle: dict[int, float] = {}
    with place.child("scheduler", "hub", "scheduler") as pid, place.child("second scheduler", "hub", "scheduler"):
        await _beating(place)
        for start in range(0, many, CHUNK):
            if start in (0, CHUNK):
                idle[start] = await _idle(place)
            async with db.transaction() as tx:
                await tx.run(FILL, client, start + 1, start + CHUNK)
        await _quiet(place)
        idle[many] = await _idle(place)
        for count, rows in idle.items():
            say(f"rows read by a tick that finds nothing, of {count:,}", f"{rows:.1f}")
        async with db.transaction() as tx:
            await tx.run(DUE, spread, due)
            await tx.run("select pg_stat_force_next_flush()")
        before, began = await _read(place), time.monotonic()
        await _fired(place, due, spread + 60)
        rows, took = await _read(place) - before, time.monotonic() - began
        found = dict(await db.row(LATE) or {})
        assert found["n"] == found["once"] == due, f"{found['n']} of {due} fired, {found['once']} once"
        late = found["late"]
        say(
            "lateness, due to written",
            ms({"p50": at(late, 0.5), "p99": at(late, 0.99)}) + f", worst {late[-1] * 1000:.0f} ms",
        )
        say("rows read for each occurrence", f"{rows / due:.2f} ({took:.0f} s)")
        say("memory of a scheduler", f"{machine.family(pid):.0f} MiB")
    for table in ("activations", "schedules", "people"):
        await db.run(f"delete from {table}")


async def _beating(place: Place) -> None:
    async with asyncio.timeout(60):
        while await place.hub.db.value("select count(*) from worker_beats where kind = 'scheduler'") < 2:
            await asyncio.sleep(0.2)


async def _quiet(place: Place) -> None:
    """Let autovacuum's statistics of the fill be written down, so that only ticks are counted."""
    async with place.hub.db.pool.acquire() as con:
        await con.execute("set role none; set statement_timeout = 0")
        await con.execute("vacuum analyze schedules", timeout=300)
        await con.execute("reset statement_timeout; reset role")


async def _read(place: Place) -> int:
    await asyncio.sleep(1.5)  # a backend writes its counts down once a second
    return int(await place.hub.db.value(READ) or 0)


async def _idle(place: Place) -> float:
    """Rows that one tick reads while nothing is due."""
    before: Any = await _read(place)
    await asyncio.sleep(4)
    return float(await _read(place) - before) / (2 * 5.5)


async def _fired(place: Place, due: int, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while await place.hub.db.value("select count(*) from activations") < due:
            await asyncio.sleep(0.5)
