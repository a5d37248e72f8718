"""Tables that grow by the month are cut into partitions as `deploy/PARTITIONS.md` says, and nothing else changes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from hub import ids
from hub.store import handoffs, inbox, messages, scope, turns
from hub.store.db import Db, open_db
from tests.bench.years import Cost, Years
from tests.store.rows import Bench

SQL = Path(__file__).parents[2] / "deploy" / "partitions.sql"
BEGIN = """
    alter table messages add constraint messages_bound check (id < '{id}') not valid;
    alter table messages validate constraint messages_bound;
    alter table usage add constraint usage_bound check (at < '{at}') not valid;
    alter table usage validate constraint usage_bound;
    alter table outbox add constraint outbox_bound check (id < {row}) not valid;
    alter table outbox validate constraint outbox_bound;
    select partition_begin('messages', 'id', '{id}');
    select partition_begin('usage', 'at', '{at}');
    select partition_begin('outbox', 'id', '{row}');
    select partition_add('outbox', '{row}', '1000000', 'outbox_1');
"""
TRIED = "insert into attempts (delivery_id, outcome) select id, 'sent' from outbox where turn_id = $1::uuid"
HELD = "select tableoid::regclass::text, count(*) from {} group by 1"
WALLS = """
    select c.relname, c.relrowsecurity,
        (select array_agg(p.polname::text order by p.polname) from pg_policy p where p.polrelid = c.oid)
    from pg_class c where c.relname in ('messages', 'usage', 'outbox')
"""
TRIGGERS = """
    select tgrelid::regclass::text || ':' || tgname from pg_trigger where not tgisinternal and tgparentid = 0
        and tgrelid in ('messages'::regclass, 'usage'::regclass, 'outbox'::regclass) order by 1
"""


async def answer(bench: Bench, text: str) -> None:
    """One message in, claimed and answered in one part."""
    [got] = await inbox.ingest(bench.db, [bench.item(text)])
    assert got.outcome == "accepted" and got.session_id is not None
    claimed = await turns.claim(bench.db, got.session_id, "me", 60, 50, True)
    assert claimed is not None
    said = [{"id": row["id"], "role": "user", "source": "contact", "content": row["body"]} for row in claimed.batch]
    answered = {"id": str(ids.uuid7()), "role": "assistant", "source": "model", "content": {"text": f"to {text}"}}
    shown = {"chat": "1", "body": {"text": "x"}, "sha": "s", "mode": "reconcile"}
    part = {"key": str(ids.uuid7()), "message_id": answered["id"], **shown}
    billed = [{"sku": "tokens", "quantity": "1", "unit_price": "0", "amount": "0", "description": text}]
    turn = {"id": str(ids.uuid7()), "outcome": "answered", "billed": billed}
    closed = await turns.complete(bench.db, claimed, "me", turn, [*said, answered], [part], 10.0)
    assert closed.ok and closed.part is not None
    await bench.db.run("update outbox set state = 'sent', network_id = key::text where turn_id = $1", turn["id"])
    await bench.db.run(TRIED, turn["id"])


async def cut(owner: Db, at: datetime) -> None:
    """As the plan does it, with that moment as the first month's."""
    await owner.pool.execute(SQL.read_text())
    id = await owner.value("select uuid_at($1)::text", at)
    row = await owner.value("select coalesce(max(id), 0) + 1 from outbox")
    await owner.pool.execute(BEGIN.format(id=id, at=at.isoformat(), row=row))
    upto = at + timedelta(days=31)
    await owner.run("select partition_add('messages', $1, uuid_at($2)::text, 'messages_next')", id, upto)
    await owner.run("select partition_add('usage', $1, $2, 'usage_next')", at.isoformat(), upto.isoformat())


async def test_tables_are_cut_while_they_are_in_use_and_work_as_before(dsn: str, owner: Db) -> None:
    async with open_db(dsn) as db:
        bench = await Bench(db).make()
        await answer(bench, "before")
        walls, triggers = await owner.fetch(WALLS), [r[0] for r in await owner.fetch(TRIGGERS)]
        last = await owner.value("select max(position) from messages")
        await cut(owner, datetime.now(UTC))
        await answer(bench, "after")
        assert sorted(map(tuple, await owner.fetch(WALLS))) == sorted(map(tuple, walls))
        assert [r[0] for r in await owner.fetch(TRIGGERS)] == triggers
        for table in ("messages", "usage", "outbox"):
            held = {r[0]: r[1] for r in await owner.fetch(HELD.format(table))}
            assert len(held) == 2 and f"{table}_before" in held and f"{table}_rest" not in held, held
        # Order and what is read are one conversation, through both.
        session = await db.value("select id from sessions")
        texts = [m["content"]["text"] for m in await messages.newest(db, bench.account, session)]
        assert texts == ["before", "to before", "after", "to after"]
        assert await owner.value("select min(position) from messages_next") > last
        # The wall stands before the new table: another account sees nothing, and no partition by itself.
        other = await Bench(db).make()
        with scope.request(itself=False):
            scope.enter(other.account)
            assert await db.value("select count(*) from messages") == 0
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.value("select count(*) from messages_next")
        # What belongs together still goes together.
        await db.run("delete from sessions where id = $1", session)
        for table in ("messages", "outbox", "attempts"):
            assert await owner.value(f"select count(*) from {table}") == 0


async def test_a_month_goes_as_a_whole(dsn: str, owner: Db) -> None:
    async with open_db(dsn) as db:
        bench = await Bench(db).make()
        await answer(bench, "before")
        await cut(owner, datetime.now(UTC))
        await answer(bench, "after")
        await owner.run("alter table messages detach partition messages_before")
        await owner.run("drop table messages_before")
        for month in (datetime(2031, 12, 5, tzinfo=UTC), datetime(2032, 1, 5, tzinfo=UTC)):
            for _ in range(2):  # as often as one likes
                await owner.run("select partition_month($1::date)", month)
        session = await db.value("select id from sessions")
        left = [m["content"]["text"] for m in await messages.newest(db, bench.account, session)]
        assert left == ["after", "to after"]
        await answer(bench, "and on")
        assert await owner.value("select count(*) from messages_next") == 4


async def test_what_an_operator_said_under_any_id_is_in_the_history(dsn: str, owner: Db) -> None:
    """A form's id, or a caller's, tells of no time."""
    async with open_db(dsn) as db:
        bench = await Bench(db).make()
        await answer(bench, "before")
        session, said = await db.value("select id from sessions"), ["before", "to before"]
        for n, id in enumerate((UUID(int=1), UUID("00c3a5f7-7a14-4b0f-9d2e-0c8a5d3f1b22"), UUID(int=2))):
            if n == 2:
                await cut(owner, datetime.now(UTC))
            assert await handoffs.add(db, bench.account, session, id, {"text": f"told {n}"})
            said.append(f"told {n}")
            assert [m["content"]["text"] for m in await messages.newest(db, bench.account, session)] == said
        await inbox.ingest(db, [bench.item("again")])
        claimed = await turns.claim(db, session, "me", 60, 50, True)
        assert claimed is not None and [m["content"]["text"] for m in claimed.history] == said


LOOKED = "select pg_stat_force_next_flush()"
SCANNED = "select coalesce(sum(idx_scan + seq_scan), 0)::int from pg_stat_user_tables where relname = $1"


async def test_a_conversation_is_looked_for_in_no_month_that_was_over_before_it_began(dsn: str, owner: Db) -> None:
    """Taken up and read; of a long one all its months are read."""
    async with open_db(dsn, size=1) as db:
        bench = await Bench(db).make()
        await cut(owner, datetime.now(UTC) - timedelta(minutes=1))
        await answer(bench, "before")
        session, seen = await db.value("select id from sessions"), []
        for began, found in (("80 days", 0), ("0 days", 2)):
            await owner.run("update sessions set created_at = now() + $1::text::interval", began)
            before = await _scans(db, owner)
            assert len(await messages.newest(db, bench.account, session)) == found
            seen.append(await _scans(db, owner) - before)
        assert seen[0] == 0 < seen[1]
        for began, found in (("80 days", 0), ("0 days", 2)):
            await inbox.ingest(db, [bench.item(f"again {began}")])
            await owner.run("update sessions set created_at = now() + $1::text::interval, due_at = now()", began)
            claimed = await turns.claim(db, session, "me", 60, 50, True)
            assert claimed is not None and len(claimed.history) == found
            await owner.run("update sessions set lease_until = null, owner = null")


async def _scans(db: Db, owner: Db) -> int:
    """How often the month that is over was looked into."""
    await db.value(LOOKED)
    return int(await owner.value(SCANNED, "messages_next"))


SHAPES = """
    select replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') from pg_index
    where indrelid = 'messages'::regclass and indisvalid order by 1
"""


async def test_years_are_filled_into_one_table_and_into_partitions_and_no_index_is_lost(dsn: str, owner: Db) -> None:
    async with open_db(dsn) as db:
        bench = await Bench(db).make()
        await answer(bench, "before")
        await owner.pool.execute(SQL.read_text())
        shapes = [r[0] for r in await owner.fetch(SHAPES)]
        session = await db.value("select id from sessions")
        years = Years(bench.account, [session], datetime(2030, 1, 1, tzinfo=UTC), 500)
        written, cost = await years.tried(owner)
        assert written == 500 and cost.bytes > 100 and [r[0] for r in await owner.fetch(SHAPES)] == shapes
        await cut(owner, datetime(2033, 1, 1, tzinfo=UTC))
        await owner.run("delete from messages")
        await replace(years, begun=datetime(2032, 1, 1, tzinfo=UTC)).fill(owner)
        held = {r[0]: r[1] for r in await owner.fetch(HELD.format("messages"))}
        assert len(held) > 1 and sum(held.values()) == 500, held
        assert [r[0] for r in await owner.fetch(SHAPES)] == shapes
        assert len(await messages.newest(db, bench.account, session)) == 5  # every hundredth is of somebody known
        await answer(bench, "and on")


def test_what_the_disk_has_no_room_for_is_refused_before_it_begins() -> None:
    cost = Cost(bytes=245, seconds=1e-5)
    assert cost.refused(50_000_000, 40 << 30) is None
    refused = cost.refused(50_000_000, 12 << 30)
    assert refused is not None and "50,000,000 messages take" in refused and "13 GB" in refused
    assert cost.refused(21_000_000, 12 << 30) is not None and cost.refused(15_000_000, 12 << 30) is None
    assert "12.2 GB at 245 bytes a row, 2 times some 8 minutes" in cost.said(50_000_000, 2)
