"""Figures from sums say what the messages and turns themselves say, whatever was folded, deleted or written late."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hub.accounts.accounts import create_account
from hub.ids import uuid7
from hub.store import clients, dashboard, talks
from hub.store.db import Db

CLIENT = "insert into clients (id, account_id, name) values ($1, $2, 'shop')"
SESSION = "insert into sessions (id, account_id, client_id, kind) values ($1, $2, $3, 'web')"
MESSAGE = """
    insert into messages (id, account_id, session_id, role, source, content, created_at)
    values ($1, $2, $3, $4, $5, '{"text": "x"}', $6)
"""
INBOX = """
    insert into inbox (id, account_id, session_id, seq, body, state, received_at)
    values ($1, $2, $3, $4, '{}', 'answered', $5)
"""
TURN = """
    insert into turns (id, account_id, session_id, from_seq, upto_seq, epoch, outcome, prompt_tokens,
        completion_tokens, cost, created_at)
    values ($1, $2, $3, $4::bigint, $4::bigint + 1, 1, $5, 7, 3, 0.25, $6)
"""
WHO = (
    ("user", "contact"), ("assistant", "model"), ("assistant", "operator"), ("tool", "model"), ("assistant", "human"),
)
ZONES = ("UTC", "America/Sao_Paulo", "Asia/Kathmandu")


class Shop:
    """An account whose conversations are three weeks old and younger."""

    def __init__(self, db: Db, seed: int) -> None:
        self.db, self.chance = db, random.Random(seed)
        self.account, self.client = uuid7(), uuid7()
        self.sessions: list[UUID] = []
        self.seq = 0

    async def open(self) -> "Shop":
        self.account = (await create_account(self.db, "Aurora")).id
        await self.db.run(CLIENT, self.client, self.account)
        return self

    def moment(self) -> datetime:
        ago = self.chance.choice((self.chance.randint(0, 20), self.chance.randint(0, 30_000)))
        return datetime.now(UTC) - timedelta(minutes=ago)

    async def talk(self, count: int) -> None:
        for _ in range(count):
            if not self.sessions or self.chance.random() < 0.3:
                self.sessions.append(uuid7())
                await self.db.run(SESSION, self.sessions[-1], self.account, self.client)
            session, at = self.chance.choice(self.sessions), self.moment()
            role, source = self.chance.choice(WHO)
            await self.db.run(MESSAGE, uuid7(), self.account, session, role, source, at)
            if self.chance.random() < 0.6:
                self.seq += 2
                if self.chance.random() < 0.8:
                    await self.db.run(INBOX, uuid7(), self.account, session, self.seq + 1, at)
                outcome = self.chance.choice(("answered", "failed", "poison", "ignored"))
                await self.db.run(TURN, uuid7(), self.account, session, self.seq, outcome, at + timedelta(seconds=5))

    async def delete(self) -> None:
        """Of everything some: a conversation, messages, turns."""
        gone = self.sessions.pop(self.chance.randrange(len(self.sessions)))
        await self.db.run("delete from sessions where id = $1", gone)
        for table in ("messages", "turns"):
            some = f"select id from {table} where account_id = $1 order by md5(id::text) limit 3"
            await self.db.run(f"delete from {table} where id in ({some})", self.account)

    async def figures(self) -> dict[str, Any]:
        now = datetime.now(UTC)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        found: dict[str, Any] = {}
        for zone in ZONES:
            for days in (7, 30):
                first, last = (now - timedelta(days=days)).date(), now.date()
                found[f"{zone} {days}"] = await dashboard.days(self.db, self.account, first, last, zone)
        for since, until in ((7, 0), (30, 7)):
            span = midnight - timedelta(days=since), midnight + timedelta(days=1 - until)
            found[f"span {since}"] = await dashboard.span(self.db, self.account, *span)
        return found | {"today": await dashboard.today(self.db, self.account, midnight)}


async def folded(db: Db) -> None:
    while await talks.fold(db):
        pass


async def same(db: Db, *shops: Shop) -> None:
    """Whether sums and messages say the same: without the mark everything is read from the messages."""
    summed = [await shop.figures() for shop in shops]
    until = await db.value("delete from talk_marks returning until")
    raw = [await shop.figures() for shop in shops]
    if until is not None:
        await db.run("insert into talk_marks (until) values ($1)", until)
    assert summed == raw
    assert until is None or await db.value("select count(*) from talk_quarters") > 0


async def test_figures_from_sums_are_those_of_the_messages(db: Db) -> None:
    a, b = await Shop(db, 1).open(), await Shop(db, 2).open()
    await asyncio.gather(a.talk(120), b.talk(40))
    await same(db, a, b)
    await folded(db)
    await same(db, a, b)
    await a.delete()
    await same(db, a, b)
    # Written late: into what was summed up already.
    await b.talk(20)
    await same(db, a, b)
    await folded(db)
    await same(db, a, b)


async def test_days_are_those_of_the_zone_where_clocks_are_changed_too(db: Db) -> None:
    shop = await Shop(db, 9).open()
    await shop.talk(1)
    session = shop.sessions[0]
    # In Havana clocks go back from one to midnight, in Santiago forth from midnight to one.
    for begins in ("2025-11-02T03:00:00Z", "2025-09-07T02:00:00Z"):
        moments = [datetime.fromisoformat(begins) + timedelta(minutes=20 * n) for n in range(15)]
        for at in moments:
            await db.run(MESSAGE, uuid7(), shop.account, session, "user", "contact", at)
        await folded(db)
        for zone in (*ZONES, "America/Havana", "America/Santiago"):
            wanted: dict[Any, int] = {}
            for at in moments:
                day = at.astimezone(ZoneInfo(zone)).date()
                wanted[day] = wanted.get(day, 0) + 1
            first, last = moments[0].date() - timedelta(days=2), moments[0].date() + timedelta(days=2)
            told = await dashboard.days(db, shop.account, first, last, zone)
            assert {d["day"]: d["asked"] for d in told if d["asked"]} == wanted, zone
            assert [d["conversations"] for d in told if d["asked"]] == [1] * len(wanted)


async def test_a_storm_of_folding_and_deleting_leaves_true_sums(db: Db) -> None:
    shops = [await Shop(db, 3).open(), await Shop(db, 4).open()]
    await asyncio.gather(*(shop.talk(80) for shop in shops))

    async def fold() -> None:
        # In small steps, again and again from the beginning.
        for _ in range(3):
            async with db.transaction() as tx:
                await tx.run("select pg_advisory_xact_lock(7151, 0)")
                await tx.run("delete from talk_marks")
                await tx.run("delete from talk_quarters")
            await folded(db)

    async def stir(shop: Shop) -> None:
        for _ in range(6):
            await shop.delete()
            await shop.talk(8)

    await asyncio.gather(fold(), *(stir(shop) for shop in shops))
    await folded(db)
    await same(db, *shops)


async def test_a_conversation_that_is_deleted_leaves_no_sums(db: Db) -> None:
    shop = await Shop(db, 5).open()
    await shop.talk(60)
    await folded(db)
    await db.run("delete from clients where id = $1", shop.client)
    assert await db.value("select count(*) from talk_quarters") == 0


async def test_figures_of_what_is_summed_up_read_no_message(db: Db) -> None:
    """By the plan: nothing of the past is looked for in the messages."""
    shop = await Shop(db, 6).open()
    await shop.talk(60)
    await folded(db)
    until = await db.value("select talks_until()")
    read = """
        select coalesce(sum(seq_scan + idx_scan), 0)::int from pg_stat_xact_user_tables
        where relname in ('messages', 'turns')
    """
    async with db.transaction() as tx:
        before = await tx.value(read)
        rows = await tx.fetch("select * from talks($1, $2, $3)", shop.account, until - timedelta(days=20), until)
        assert rows and await tx.value(read) == before


async def test_open_conversations_are_counted_without_those_that_ended(db: Db, owner: Db) -> None:
    shop = await Shop(db, 7).open()
    many = """
        insert into sessions (id, account_id, client_id, kind, closed_at, expires_at)
        select gen_random_uuid(), $1, $2, 'web', case when n > 20 then now() end,
            case when n > 15 then now() - interval '1 hour' else now() + interval '1 hour' end
        from generate_series(1, 3000) n
    """
    await db.run(many, shop.account, shop.client)
    assert [c["active"] for c in await clients.of_account(db, shop.account)] == [15]
    async with owner.transaction() as tx:
        await tx.run("analyze sessions")
        asked = clients.LIST.replace("$1", f"'{shop.account}'::uuid")
        told = "\n".join(r[0] for r in await tx.fetch(f"explain {asked}"))
    assert "sessions_open" in told, told


MANY = """
    insert into messages (id, account_id, session_id, role, source, content, created_at)
    select gen_random_uuid(), $1, $2, 'user', 'contact', '{}', $3::timestamptz + n * interval '50 milliseconds'
    from generate_series(1, 51000) n
"""


async def test_a_very_busy_day_is_summed_up_in_steps_and_a_quiet_one_at_once(db: Db, owner: Db) -> None:
    shop = await Shop(db, 8).open()
    await shop.talk(2)
    busy = await db.value("select date_trunc('hour', now()) - interval '2 days'")
    await owner.run("alter table messages disable trigger user")
    try:
        await owner.run(MANY, shop.account, shop.sessions[0], busy)
    finally:
        await owner.run("alter table messages enable trigger user")
    steps = "select talks_step($1::timestamptz, 50000)"
    assert await db.value(steps, busy - timedelta(days=30)) == timedelta(days=1)
    assert await db.value(steps, busy) == timedelta(minutes=15)
    assert await db.value(steps, busy - timedelta(hours=20)) == timedelta(hours=4)
    await db.run("insert into talk_marks (until) values ($1)", busy)
    await db.value("select fold_talks()")
    assert await db.value("select until from talk_marks") == busy + timedelta(minutes=15)
    await folded(db)
    assert await db.value("select sum(asked) from talk_quarters where session_id = $1", shop.sessions[0]) >= 51000


async def test_the_first_fold_begins_with_what_was_said_first(db: Db) -> None:
    """However late it was written down."""
    shop = await Shop(db, 9).open()
    assert await db.value("select talks_begin()") is None
    session, now = uuid7(), datetime.now(UTC)
    await db.run(SESSION, session, shop.account, shop.client)
    for days in (3, 40, 20):
        await db.run(MESSAGE, uuid7(), shop.account, session, "user", "contact", now - timedelta(days=days))
    assert await db.value("select talks_begin()") == await db.value("select quarter($1)", now - timedelta(days=40))
    await db.run(TURN, uuid7(), shop.account, session, 0, "answered", now - timedelta(days=60))
    assert await db.value("select talks_begin()") == await db.value("select quarter($1)", now - timedelta(days=60))


async def test_two_may_delete_from_one_quarter_at_once(db: Db) -> None:
    shop, session, at = await Shop(db, 10).open(), uuid7(), datetime.now(UTC) - timedelta(days=2)
    await db.run(SESSION, session, shop.account, shop.client)
    messages = [uuid7() for _ in range(4)]
    for id in messages:
        await db.run(MESSAGE, id, shop.account, session, "user", "contact", at)
    await folded(db)
    gone = "delete from messages where id = $1"
    waiting = """
        select count(*) from pg_locks l join pg_stat_activity a using (pid)
        where not l.granted and a.datname = current_database()
    """
    async with db.transaction() as tx:
        await tx.run(gone, messages[0])
        other = asyncio.create_task(db.run(gone, messages[1]))
        while not other.done() and not await tx.value(waiting):
            await asyncio.sleep(0.01)
    assert await other == 1
    assert await db.value("select sum(asked) from talk_quarters") == 2
    await same(db, shop)
