"""A hub with years behind it: the same calls over many messages in partitions, over as many in one table, and over the
same table right after it was cut as deploy/PARTITIONS.md says, each in turns with a hub that has few."""

import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from hub import ids
from hub.processes.embedded import start_postgres
from hub.store import inbox, messages, turns
from hub.store.db import Db, open_db
from hub.store.migrate import migrate
from tests.bench import machine
from tests.bench.report import say, title
from tests.bench.turns import Contestant, Spent, compared
from tests.bench.years import LONG, SIZE, Years, free
from tests.conftest import owning
from tests.store.rows import Bench

ROWS, FEW = 50_000_000, 20_000
PEOPLE, HISTORY, MONTHS = 300, 50, 24
SQL = Path(__file__).parents[2] / "deploy" / "partitions.sql"
MONTH = "select partition_month(($1::timestamptz + make_interval(months => $2))::date)"
# What is full already, in a folder that was kept.
FULL, FILLED = "select to_regclass('filled') is not null", "create table filled ()"
WHOSE = "select account_id, client_id, id, (select id from gateways) as gateway from integrations"
# Since when those who write again do so: what is older is not looked for.
BEGUN = "update sessions set created_at = $1"
TALKS = "select id from sessions order by id"


async def run(rows: int, folder: Path | None) -> None:
    title(f"15. {rows:,} messages over {MONTHS} months, in turns with {FEW:,}")
    say("machine", f"{machine.described()}, load before the run {machine.load():.1f}")
    begun = time.monotonic()
    with _server(folder) as (url, place):
        async with AsyncExitStack() as stack:
            few = await _opened(stack, url, "few")
            await _filled(few, FEW, "few", 1)
            await few.owner.run(BEGUN, (await _years(few, FEW)).begun)
            async with AsyncExitStack() as parted:
                parts = await _opened(parted, url, "parts")
                await _fits(parts, rows, place)
                await _parts(parts, few, rows)
            if folder is None:
                await few.owner.run("drop database parts with (force)")
            whole = await _opened(stack, url, "whole")
            await _whole(whole, few, rows)
    title(f"{time.monotonic() - begun:.0f} seconds, load after the run {machine.load():.1f}")


@contextmanager
def _server(folder: Path | None) -> Iterator[tuple[str, Path]]:
    """One of its own; a folder that is given is kept with all that was filled in it."""
    place = folder or Path(tempfile.mkdtemp(prefix="hub-bench-", dir="/tmp"))
    place.mkdir(exist_ok=True)
    os.chmod(place, 0o755)
    server = start_postgres(place)
    try:
        yield server.url, place
    finally:
        server.stop(120)
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)


async def _opened(stack: AsyncExitStack, url: str, name: str) -> Contestant:
    """A hub of that name with people who have written once."""
    address = url.replace("/hub?", f"/{name}?")
    async with owning(url) as server:
        if not await server.value("select exists (select 1 from pg_database where datname = $1)", name):
            await server.run(f"create database {name}")
    await migrate(address)
    owner = await stack.enter_async_context(owning(address))
    db = await stack.enter_async_context(open_db(address, size=1))
    bench = Bench(db)
    if whose := await owner.row(WHOSE):
        bench.account, bench.client, bench.integration, bench.gateway = whose.values()
    else:
        await owner.pool.execute(SQL.read_text())
        await bench.make()
        for n in range(PEOPLE):
            await once(bench, n)
    return Contestant(name, bench, owner, await db.value("select pg_backend_pid()"), once, PEOPLE)


async def _years(one: Contestant, rows: int) -> Years:
    people = [r["id"] for r in await one.owner.fetch(TALKS)]
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Years(one.bench.account, people, (today - timedelta(days=30 * MONTHS)).replace(day=1), rows)


async def _fits(one: Contestant, rows: int, place: Path) -> None:
    if await one.owner.value(FULL):
        return
    years = await _years(one, rows)
    written, cost = await years.tried(one.owner)
    say("what it takes, by the first of them", cost.said(rows, 2))
    refused = cost.refused(rows - written, free(place))
    if refused:
        raise SystemExit(refused)
    await one.owner.run("truncate messages")


async def _filled(one: Contestant, rows: int, name: str, every: int = 100) -> None:
    if await one.owner.value(FULL):
        return
    took = await replace(await _years(one, rows), every=every).fill(one.owner)
    await one.owner.run(FILLED)
    said = f"{took:,.0f} s, {await one.owner.value(SIZE) / rows:.0f} bytes a row, load {machine.load():.1f}"
    say(f"{name}: filled, with its indexes", said)


async def _parts(parts: Contestant, few: Contestant, rows: int) -> None:
    owner = parts.owner
    if not await owner.value(FULL):
        years = await _years(parts, rows)
        await _cut(owner, await owner.value("select uuid_at($1)::text", years.begun))
        await owner.run("alter table messages detach partition messages_before")
        await owner.run("drop table messages_before")
        for month in range(MONTHS + 2):
            await owner.run(MONTH, years.begun, month)
    await _filled(parts, rows, "partitions")
    held = await owner.value("select count(*) from pg_inherits where inhparent = 'messages'::regclass")
    await owner.run(BEGUN, datetime.now(UTC))
    await compared(few, parts, f"{held} partitions, talks of a month")
    await owner.run(BEGUN, (await _years(parts, rows)).begun)
    await compared(few, parts, f"{held} partitions, talks of all months")
    took = await _timed(lambda: _dropped(owner))
    say("a month dropped", f"{1000 * took:,.0f} ms")


async def _whole(whole: Contestant, few: Contestant, rows: int) -> None:
    owner = whole.owner
    await _filled(whole, rows, "one table")
    await owner.run(BEGUN, (await _years(whole, rows)).begun)
    await compared(few, whole, "one table")
    held = await _cut(owner, await owner.value("select uuid_at($1)::text", datetime.now(UTC) + timedelta(days=1)))
    say("held up while it is cut", f"{1000 * held:,.0f} ms")
    await compared(few, whole, "right after it was cut")


async def _cut(owner: Db, bound: str) -> float:
    """Seconds in which nobody gets on."""
    async with owner.pool.acquire() as con:
        await con.execute("set statement_timeout = 0")
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


async def once(bench: Bench, n: int, spent: Spent | None = None) -> UUID:
    """A message of somebody, taken up, read with what was said before, and answered; and whose conversation it is."""
    of = (spent or Spent(0)).of
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
