"""Years of messages written in a short time: statement by statement, and the indexes made when all is there."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from hub.store.db import Db

# Conversations of a hundred messages, spread over the months; one of so many messages is of somebody who writes again.
# The ids are made by hand: PostgreSQL's own ask the kernel for chance, which costs more than everything else here.
FILL = """
    with span as materialized (
        select 1000 * extract(epoch from $3::timestamptz)::bigint as first,
            1000 * extract(epoch from ($3::timestamptz + interval '23 months') - $3::timestamptz)::bigint as all)
    insert into messages (id, account_id, session_id, role, source, content, created_at)
    select (lpad(to_hex(ms), 12, '0') || substr(md5(n::text), 13))::uuid, $1::uuid,
        case when n % $7::bigint = 0 then ($2::uuid[])[1 + (n / $7::bigint) % cardinality($2::uuid[])]
            else md5((n % greatest(1, $4::bigint / 100))::text)::uuid end,
        case when n % 2 = 0 then 'user' else 'assistant' end, 'contact',
        jsonb_build_object('text', 'message ' || n % 1000), timestamptz 'epoch' + ms * interval '1 ms'
    from span, generate_series($5::bigint, $6::bigint) n,
        lateral (select span.first + n * span.all / $4::bigint as ms) t
"""
# All but those that keep rows apart: ids come in the order of time, so their own index costs next to nothing.
INDEXES = """
    select i.indexrelid::regclass::text as name, replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') as made
    from pg_index i where i.indrelid = 'messages'::regclass and not i.indisunique
"""
SIZE = """
    select sum(pg_total_relation_size(c.oid))::bigint from pg_class c
    where c.oid = 'messages'::regclass
        or c.oid in (select inhrelid from pg_inherits where inhparent = 'messages'::regclass)
"""
# While it is filled nothing has to outlive a power cut.
SESSION = (
    "set session_replication_role = replica", "set synchronous_commit = off", "set maintenance_work_mem = '512MB'",
    "set statement_timeout = 0",
)
TRIAL, STEP, LONG, SESSIONS = 100_000, 500_000, 24 * 3600, 2
# What sorting takes beside it for a while; and what is left to the log and to everybody else.
SPARE, LEFT = 1.3, 6 << 30


@dataclass(frozen=True)
class Cost:
    """What a row takes, by those that were written first."""

    bytes: float
    seconds: float

    def said(self, rows: int, times: int) -> str:
        size = f"{self.bytes * rows / 1e9:,.1f} GB at {self.bytes:.0f} bytes a row"
        return f"{size}, {times} times {_long(self.seconds * rows)}"

    def refused(self, rows: int, free: int) -> str | None:
        """Why so many rows cannot be written here, in a sentence. Pure."""
        wanted = self.bytes * rows * SPARE + LEFT
        if wanted <= free:
            return None
        fit = max(0, int((free - LEFT) / SPARE / self.bytes))
        return (
            f"{rows:,} messages take {wanted / 1e9:,.0f} GB with what sorting needs and what stays free; "
            f"this disk has {free / 1e9:,.0f} GB, which is enough for {fit:,}."
        )


@dataclass(frozen=True)
class Years:
    """Of whom, and since when. every: of so many messages one is of somebody who writes again."""

    account: UUID
    people: list[UUID]
    begun: datetime
    rows: int
    every: int = 100

    async def fill(self, owner: Db, first: int = 0, upto: int | None = None) -> float:
        """Rows from one to before another, and their indexes; gives the seconds of it."""
        begun = time.monotonic()
        last = self.rows if upto is None else upto
        steps = iter(range(first, last, STEP))
        async with _prepared(owner) as con:
            indexes = await con.fetch(INDEXES)
            for one in indexes:
                await con.execute(f"drop index {one['name']}")
        await asyncio.gather(*(self._written(owner, steps, last) for _ in range(SESSIONS)))
        async with _prepared(owner) as con:
            for one in indexes:
                await con.execute(one["made"], timeout=LONG)
            await con.execute("vacuum (analyze) messages", timeout=LONG)
            await con.execute("checkpoint", timeout=LONG)
        return time.monotonic() - begun

    async def _written(self, owner: Db, steps: Iterator[int], last: int) -> None:
        async with _prepared(owner) as con:
            for at in steps:
                end = min(last, at + STEP) - 1
                given = (self.account, self.people, self.begun, self.rows, at, end, self.every)
                await con.execute(FILL, *given, timeout=LONG)

    async def tried(self, owner: Db) -> tuple[int, Cost]:
        """The first of them; and what each took."""
        rows = min(TRIAL, self.rows)
        before = await owner.value(SIZE)
        took = await self.fill(owner, 0, rows)
        return rows, Cost((await owner.value(SIZE) - before) / rows, took / rows)


@asynccontextmanager
async def _prepared(owner: Db) -> AsyncIterator[Any]:
    async with owner.pool.acquire() as con:
        for line in SESSION:
            await con.execute(line)
        try:
            yield con
        finally:
            await con.execute("reset all")


def free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _long(seconds: float) -> str:
    """About how long, in words. Pure."""
    return f"some {seconds / 60:.0f} minutes" if seconds >= 90 else f"some {seconds:.0f} seconds"
