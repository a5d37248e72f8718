"""A hub with years behind it: the same calls over one table of messages, right after it was cut into partitions as
deploy/PARTITIONS.md says, and with a partition for each of 24 months."""

import random
import shutil
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
from tests.conftest import owning
from tests.store.rows import Bench

ROWS, EACH = 50_000_000, 900  # how many; and bytes that one takes with its indexes, about
PEOPLE, HISTORY, MONTHS = 300, 50, 24
ROUNDS = 300
SQL = Path(__file__).parents[2] / "deploy" / "partitions.sql"
# Conversations of a hundred messages, spread over the months; every hundredth message is of somebody who writes again.
FILL = """
    insert into messages (id, account_id, session_id, role, source, content, created_at)
    select overlay(uuid_at(t.at)::text placing substr(gen_random_uuid()::text, 15) from 15)::uuid, $1::uuid,
        case when n % 100 = 0 then ($2::uuid[])[1 + (n / 100) % cardinality($2::uuid[])]
            else md5((n % greatest(1, $4::bigint / 100))::text)::uuid end,
        case when n % 2 = 0 then 'user' else 'assistant' end, 'contact',
        jsonb_build_object('text', 'message ' || n % 1000), t.at
    from generate_series($5::bigint, $6::bigint) n,
        lateral (select $3::timestamptz + (n::float8 / $4::bigint) * interval '23 months' as at) t
"""
MONTH = "select partition_month(($1::timestamptz + make_interval(months => $2))::date)"
STEP = 100_000
Times = dict[str, list[float]]


async def measure(place: Place, pace: Pace, wanted: int = ROWS) -> None:
    room = shutil.disk_usage(place.folder).free // 4 // EACH
    rows = min(wanted, room)
    title(f"15. {rows:,} messages over {MONTHS} months; {wanted:,} were wanted")
    url = place.settings.database_url.get_secret_value()
    async with owning(url) as owner, open_db(url, size=1) as db:
        await owner.pool.execute(SQL.read_text())
        bench = await Bench(db).make()
        people = [await _once(bench, n) for n in range(PEOPLE)]
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        begun = (today - timedelta(days=30 * MONTHS)).replace(day=1)
        await _fill(owner, bench, people, begun, rows)
        whole = await _measured(bench, "one table")
        end = datetime.now(UTC) + timedelta(days=1)
        held = await _cut(owner, await owner.value("select uuid_at($1)::text", end))
        say("held up while it is cut", f"{1000 * held:,.0f} ms")
        await _compared(bench, "right after", whole)
        await owner.run("truncate messages")
        await owner.run("alter table messages detach partition messages_before")
        await owner.run("drop table messages_before")
        for month in range(MONTHS + 2):
            await owner.run(MONTH, begun, month)
        await _fill(owner, bench, people, begun, rows)
        parts = await owner.value("select count(distinct tableoid) from messages")
        await _compared(bench, f"{parts} partitions", whole)
        took = await _timed(lambda: _dropped(owner))
        say("a month dropped", f"{1000 * took:,.0f} ms")
        # Nothing of it is needed any more, and row by row it would take long.
        await owner.run("truncate messages")
        await owner.run("delete from accounts where id = $1", bench.account)


async def _fill(owner: Db, bench: Bench, people: list[UUID], begun: datetime, rows: int) -> None:
    """Without triggers and foreign keys; and with fresh statistics."""
    async with owner.pool.acquire() as con:
        await con.execute("set session_replication_role = replica")
        for first in range(0, rows, STEP):
            last = min(rows, first + STEP) - 1
            await con.execute(FILL, bench.account, people, begun, rows, first, last, timeout=3600)
        await con.execute("set session_replication_role = origin")
        await con.execute("vacuum (analyze) messages", timeout=3600)


async def _cut(owner: Db, bound: str) -> float:
    """Seconds in which nobody gets on."""
    async with owner.pool.acquire() as con:
        await con.execute(f"alter table messages add constraint messages_bound check (id < '{bound}') not valid")
        await con.execute("alter table messages validate constraint messages_bound", timeout=3600)
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
