"""A hub with years behind it: the same calls over one table of messages, right after it was cut into partitions as
deploy/PARTITIONS.md says, and with a partition for each of 24 months."""

import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from hub import ids
from hub.store import inbox, messages, turns
from hub.store.db import Db, open_db
from tests.bench import machine
from tests.bench.load import at
from tests.bench.place import Place
from tests.bench.report import Pace, say, title
from tests.bench.years import LONG, SIZE, Years, free
from tests.conftest import owning
from tests.store.rows import Bench

ROWS = 50_000_000
PEOPLE, HISTORY, MONTHS = 300, 50, 24
ROUNDS = 300
SQL = Path(__file__).parents[2] / "deploy" / "partitions.sql"
MONTH = "select partition_month(($1::timestamptz + make_interval(months => $2))::date)"
Times = dict[str, list[float]]


async def measure(place: Place, pace: Pace, rows: int = ROWS) -> None:
    title(f"15. {rows:,} messages over {MONTHS} months")
    url = place.settings.database_url.get_secret_value()
    async with owning(url) as owner, open_db(url, size=1) as db:
        await owner.pool.execute(SQL.read_text())
        bench = await Bench(db).make()
        people = [await _once(bench, n) for n in range(PEOPLE)]
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        years = Years(bench.account, people, (today - timedelta(days=30 * MONTHS)).replace(day=1), rows)
        written, cost = await years.tried(owner)
        say("what it takes, by the first of them", cost.said(rows, 2))
        refused = cost.refused(rows - written, free(place.folder))
        if refused:
            raise SystemExit(refused)
        await _filled(owner, years, "one table", written)
        whole = await _measured(bench, "one table")
        end = datetime.now(UTC) + timedelta(days=1)
        held = await _cut(owner, await owner.value("select uuid_at($1)::text", end))
        say("held up while it is cut", f"{1000 * held:,.0f} ms")
        await _compared(bench, "right after", whole)
        await owner.run("truncate messages")
        await owner.run("alter table messages detach partition messages_before")
        await owner.run("drop table messages_before")
        for month in range(MONTHS + 2):
            await owner.run(MONTH, years.begun, month)
        await _filled(owner, years, "partitions", 0)
        parts = await owner.value("select count(distinct tableoid) from messages")
        await _compared(bench, f"{parts} partitions", whole)
        took = await _timed(lambda: _dropped(owner))
        say("a month dropped", f"{1000 * took:,.0f} ms")
        # Nothing of it is needed any more, and row by row it would take long.
        await owner.run("truncate messages")
        await owner.run("delete from accounts where id = $1", bench.account)


async def _filled(owner: Db, years: Years, name: str, first: int) -> None:
    took = await years.fill(owner, first)
    say(f"{name}: filled, with its indexes", f"{took:,.0f} s, {await owner.value(SIZE) / years.rows:.0f} bytes a row")


async def _cut(owner: Db, bound: str) -> float:
    """Seconds in which nobody gets on."""
    async with owner.pool.acquire() as con:
        await con.execute(f"alter table messages add constraint messages_bound check (id < '{bound}') not valid")
        await con.execute("alter table messages validate constraint messages_bound", timeout=LONG)
        begun = time.monotonic()
        await con.execute("select partition_begin('messages', 'id', $1)", bound, timeout=600)
        return time.monotonic() - begun


async def _dropped(owner: Db) -> None:
    oldest = await owner.value("select min(relname::text) from pg_class where relname ~ '^messages_[0-9]{4}_[0-9]{2}$'")
    await owner.run(f"alter table messages detach partition {oldest}")
    await owner.run(f"drop table {oldest}")


async def _timed(call: Callable[[], Awaitable[Any]]) -> float:
    begun = time.monotonic()
    await call()
    return time.monotonic() - begun


async def _once(bench: Bench, n: int, times: Times | None = None) -> UUID:
    """A message of somebody, taken up, read with what was said before, and answered; and whose conversation it is."""
    took: Times = {} if times is None else times

    async def of(name: str, call: Awaitable[Any]) -> Any:
        begun = time.monotonic()
        found = await call
        took.setdefault(name, []).append(time.monotonic() - begun)
        return found

    who, db = f"phone:{n}", bench.db
    known = {"id": str(ids.uuid7()), "name": "Ana", "chat": who, "said": [who]}
    item = bench.item("hello", ids=[who], chat=who, tag=who, who=known, per_hour=0, max_messages=0)
    [got] = await of("ingest", inbox.ingest(db, [item]))
    claimed = await of("claim", turns.claim(db, got.session_id, "bench", 60, HISTORY, True))
    await of("history", messages.newest(db, bench.account, got.session_id, HISTORY))
    said = [{"id": row["id"], "role": "user", "source": "contact", "content": row["body"]} for row in claimed.batch]
    answer = {"id": str(ids.uuid7()), "role": "assistant", "source": "model", "content": {"text": "answered"}}
    turn = {"id": str(ids.uuid7()), "outcome": "answered"}
    await of("complete", turns.complete(db, claimed, "bench", turn, [*said, answer], [], 10.0))
    session: UUID = got.session_id
    return session


async def _measured(bench: Bench, name: str) -> tuple[Times, float]:
    chance, times = random.Random(7), Times()
    for _ in range(ROUNDS // 10):
        await _once(bench, chance.randrange(PEOPLE))
    pid = await bench.db.value("select pg_backend_pid()")
    before = machine.cpu(pid)
    for _ in range(ROUNDS):
        await _once(bench, chance.randrange(PEOPLE), times)
    spent = (machine.cpu(pid) - before) / ROUNDS
    say(f"{name}: processor of PostgreSQL for a message", f"{1000 * spent:.2f} ms")
    for call, took in times.items():
        ordered = sorted(took)
        say(f"{name}: {call}", f"p50 {1000 * at(ordered, 0.5):.2f} ms, p99 {1000 * at(ordered, 0.99):.2f} ms")
    return times, spent


async def _compared(bench: Bench, name: str, whole: tuple[Times, float]) -> None:
    times, spent = await _measured(bench, name)
    shares = {c: at(sorted(times[c]), 0.99) / at(sorted(whole[0][c]), 0.99) for c in times}
    told = ", ".join(f"{call} {share:.2f}" for call, share in shares.items())
    say(f"{name}, against one table: p99 (goal 1.2); processor", f"{told}; {spent / whole[1]:.2f}")
