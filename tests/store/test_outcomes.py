"""Outcomes of many turns and parts are written together: as each by itself, and none waits for another's trouble."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from hub import ids
from hub.checkpoints import unwatched
from hub.store import inbox, outbox, turns
from hub.store.db import FEW, Db
from hub.store.outcomes import GROUP, Outcomes, rehearse
from hub.store.turns import Claim, Closed
from tests.store.rows import Bench, Json, answer, straight

# Whose title becomes `spoiled` cannot be written, however it is tried.
SPOILED = """
    create function spoiled() returns trigger language plpgsql as $$ begin
        if new.title = 'spoiled' then raise exception 'no' using errcode = 'P0001'; end if;
        return new; end $$;
    create trigger spoiled before update on sessions for each row execute function spoiled();
"""
# What is there of an account's conversations, without ids and times.
LEFT = """
    select s.tag, s.done_seq, s.due_at is null as rests, s.lease_until is null as free, s.owner, s.attempts,
        s.placeholder, s.message_count, s.token_count, s.title, s.last_message_at > s.last_user_at as said,
        (select jsonb_agg(jsonb_build_array(i.seq, i.state, i.turn_id is not null) order by i.seq) from inbox i
            where i.session_id = s.id) as inbox,
        (select jsonb_agg(jsonb_build_array(m.role, m.source, m.content, m.hidden, m.network_id) order by m.position)
            from messages m where m.session_id = s.id) as messages,
        (select jsonb_agg(jsonb_build_array(o.part, o.body, o.mode, o.state, o.attempt, o.sender, o.network_id, o.fate,
            o.code, o.wire_deadline is null, o.closed_at is null, o.not_before, o.placeholder,
            (select jsonb_agg(jsonb_build_array(a.outcome, a.milliseconds, a.request)) from attempts a
                where a.delivery_id = o.id)) order by o.id) from outbox o where o.session_id = s.id) as outbox,
        (select jsonb_agg(jsonb_build_array(t.from_seq, t.upto_seq, t.epoch, t.outcome, t.model, t.prompt_tokens,
            t.completion_tokens, t.cost, t.attempts, t.timings, t.passages) order by t.upto_seq) from turns t
            where t.session_id = s.id) as turns,
        (select jsonb_agg(jsonb_build_array(u.sku, u.quantity, u.unit_price, u.amount, u.turn_id is not null)
            order by u.sku) from usage u where u.session_id = s.id) as usage
    from sessions s where s.account_id = $1 order by s.tag
"""


class Counting:
    """A database that counts what is written together, and what alone."""

    blobs = keys = None

    def __init__(self, db: Db) -> None:
        self._db = db
        self.sizes: list[int] = []
        self.alone = 0

    async def fetch(self, sql: str, *args: Any) -> Any:
        self.sizes.append(len(args[0]))
        return await self._db.fetch(sql, *args)

    async def value(self, sql: str, *args: Any) -> Any:
        self.alone += 1
        return await self._db.value(sql, *args)

    async def row(self, sql: str, *args: Any) -> Any:
        return await self._db.row(sql, *args)

    async def run(self, sql: str, *args: Any) -> int:
        return await self._db.run(sql, *args)


@asynccontextmanager
async def outcomes(db: Any) -> AsyncIterator[Outcomes]:
    one = Outcomes(db, "me", 5, unwatched)
    yield one
    await one.close()


async def claimed(bench: Bench, count: int, tag: str = "t") -> list[Claim]:
    """So many conversations that a turn was begun for."""
    items = [bench.item(f"{n}", ids=[f"{tag}:{n}"], tag=f"{tag}{n}", network_id=f"q{n}") for n in range(count)]
    sessions = [s.session_id for s in await inbox.ingest(bench.db, items) if s.session_id]
    found = await turns.claim_each(bench.db, sessions, "me", 30, 50)
    return [one for s in sessions if (one := found[s]) is not None]


def made(claim: Claim, kind: int, amount: float = 0.0) -> tuple[Json, list[Json], list[Json]]:
    """A turn of one of several kinds, with what was asked in front of what is said."""
    turn, said, parts = answer(f"answer {kind}")
    asked = [
        {"id": row["id"], "role": "user", "source": "contact", "content": row["body"], "network_id": row["network_id"]}
        for row in claim.batch
    ]
    turn |= {
        "model": "m", "prompt_tokens": 3, "completion_tokens": 4, "attempts": 1, "timings": {"total_ms": 7},
        "title": "hi",
        "billed": [{"sku": "m.in", "quantity": 3, "unit_price": 1, "amount": amount, "description": "in"}],
    }
    if kind == 1:  # several parts
        parts.append({**parts[0], "key": str(ids.uuid7()), "body": {"text": "more"}})
    if kind == 2:  # nothing is said
        said, parts = [], []
        turn["outcome"] = "rejected"
    if kind == 3:  # an apology, beside what waits for the window
        turn |= {"outcome": "failed", "batch_state": "failed"}
        said[0]["source"] = "system"
        parts[0]["hold"] = True
    if kind == 4:
        parts[0]["placeholder"] = "p1"
    return turn, [*asked, *said], parts


async def test_it_is_as_if_each_had_been_written_by_itself(db: Db) -> None:
    one, other, counting = await Bench(db).make(), await Bench(db).make(), Counting(db)
    alone, together = await claimed(one, 15), await claimed(other, 15)
    for bench in (one, other):
        # Something of before is still on its way to one; somebody writes on meanwhile; one is a person's.
        await before(bench, "t5")
        await inbox.ingest(db, [bench.item("on", ids=["t:6"], tag="t6", network_id="q6b")])
        await db.run("update sessions set handoff_at = now() where account_id = $1 and tag = 't7'", bench.account)
    closed = []
    for n, claim in enumerate(alone):
        done = await turns.complete(db, claim, "me", *made(claim, n % 5, n % 2), wire=5)
        closed.append(done)
    async with outcomes(counting) as mine:
        grouped = await asyncio.gather(*(mine.complete(c, *made(c, n % 5, n % 2)) for n, c in enumerate(together)))
        assert not counting.alone and sum(counting.sizes) == 15 and len(counting.sizes) <= 3
        assert [shape(c) for c in grouped] == [shape(c) for c in closed]
        assert await left(db, other) == await left(db, one)
        await straight(db)
        told = {"milliseconds": 5, "request": {"a": 1}}
        following = [await outbox.sent(db, c.part, "me", "sent", 5, network_id=f"n{n}", trace=told)
                     for n, c in enumerate(closed) if c.part]
        parts = [(n, c.part) for n, c in enumerate(grouped) if c.part]
        after = await asyncio.gather(*(mine.sent(p, f"n{n}", told) for n, p in parts))
        assert [f and f["body"] for f in after] == [f and f["body"] for f in following] and any(after)
        assert not counting.alone
        again = await asyncio.gather(*(mine.complete(c, *made(c, 0)) for c in together))
        assert again == [Closed(False, taken=n == 7) for n in range(15)], "the fence holds"
    assert await left(db, other) == await left(db, one)
    balance = await db.fetch("select balance from accounts where id = any($1)", [one.account, other.account])
    assert len({r["balance"] for r in balance}) == 1


async def before(bench: Bench, tag: str) -> None:
    await bench.db.run(
        "insert into outbox (key, account_id, session_id, integration_id, chat, body, sha, mode)"
        " select $1, account_id, id, integration_id, 'c', '{\"text\": \"before\"}', 's', 'reconcile' from sessions"
        " where account_id = $2 and tag = $3", ids.uuid7(), bench.account, tag,
    )


async def left(db: Db, bench: Bench) -> list[Json]:
    return [dict(r) for r in await db.fetch(LEFT, bench.account)]


def shape(closed: Closed) -> tuple[bool, bool, bool, Any]:
    kept = ("part", "body", "state", "attempt", "sender", "placeholder", "mode")
    return closed.ok, closed.taken, closed.more, closed.part and {k: closed.part[k] for k in kept}


async def test_many_accounts_share_few_statements(db: Db) -> None:
    benches, counting = [await Bench(db).make() for _ in range(4)], Counting(db)
    begun = [c for b in benches for c in await claimed(b, 12)]
    async with outcomes(counting) as mine:
        closed = await asyncio.gather(*(mine.complete(c, *made(c, 0)) for c in begun))
        assert all(c.ok and c.part for c in closed)
        assert max(counting.sizes) <= GROUP and len(counting.sizes) <= 5 and not counting.alone
        counting.sizes.clear()
        assert await asyncio.gather(*(mine.sent(c.part, "n", {}) for c in closed if c.part)) == [None] * 48
        assert len(counting.sizes) <= 5 and not counting.alone
    states = await db.fetch("select account_id, count(*) from outbox where state = 'sent' group by 1")
    assert sorted(r["count"] for r in states) == [12] * 4


@pytest.mark.parametrize("held", [
    "select 1 from sessions where id = $1 for update",
    "select 1 from accounts a join sessions s on s.account_id = a.id where s.id = $1 for update of a",
])
async def test_one_that_is_locked_is_waited_for_by_nobody_else(db: Db, owner: Db, held: str) -> None:
    """Its conversation, or the account that is charged for it."""
    one, other = await Bench(db).make(), await Bench(db).make()
    [stuck], others = await claimed(one, 1), await claimed(other, 6)
    async with outcomes(db) as mine:
        async with owner.transaction() as tx:
            await tx.run(held, stuck.session_id)
            waits = asyncio.create_task(mine.complete(stuck, *made(stuck, 0, 1.0)))
            closed = await asyncio.gather(*(mine.complete(c, *made(c, 0, 1.0)) for c in others))
            assert all(c.ok for c in closed) and not waits.done()
        assert (await waits).ok


async def test_a_part_that_is_locked_is_waited_for_by_nobody_else(db: Db, owner: Db) -> None:
    one, other = await Bench(db).make(), await Bench(db).make()
    begun = [*await claimed(one, 1), *await claimed(other, 5)]
    async with outcomes(db) as mine:
        closed = await asyncio.gather(*(mine.complete(c, *made(c, 0)) for c in begun))
        parts = [c.part for c in closed if c.part]
        async with owner.transaction() as tx:
            await tx.run("select 1 from outbox where id = $1 for update", parts[0]["id"])
            waits = asyncio.create_task(mine.sent(parts[0], "n", {}))
            await asyncio.gather(*(mine.sent(p, "n", {}) for p in parts[1:]))
            assert not waits.done()
        await waits
    assert await db.value("select count(*) from outbox where state = 'sent' and network_id = 'n'") == 6


async def test_placeholders_are_remembered_together_each_under_its_own_fence(db: Db, owner: Db) -> None:
    one, other, counting = await Bench(db).make(), await Bench(db).make(), Counting(db)
    mine, begun = await claimed(one, 6), await claimed(other, 6)
    for bench, claims in ((one, mine), (other, begun)):
        for n, change in enumerate((
            "epoch = epoch + 1, owner = 'other'",  # somebody else has it by now
            "epoch = epoch + 1, owner = null, lease_until = null",  # what was asked was changed: it is made anew
            "epoch = epoch + 1, owner = null, lease_until = null, placeholder = 'older'",
            "done_seq = done_seq + 1, last_seq = last_seq + 1",  # answered
            "lease_until = null",
        )):
            await bench.db.run(f"update sessions set {change} where id = $1", claims[n].session_id)
    alone = [await turns.placeholder(db, c, f"p{n}") for n, c in enumerate(mine)]
    async with outcomes(counting) as together:
        kept = await asyncio.gather(*(together.placeholder(c, f"p{n}") for n, c in enumerate(begun)))
    assert kept == alone == [False, True, False, False, False, True]
    assert counting.sizes == [6] and await left(db, other) == await left(db, one)


async def test_a_placeholder_of_one_that_is_locked_is_waited_for_by_nobody_else(db: Db, owner: Db) -> None:
    one, other = await Bench(db).make(), await Bench(db).make()
    [stuck], others = await claimed(one, 1), await claimed(other, 5)
    async with outcomes(db) as mine:
        async with owner.transaction() as tx:
            await tx.run("select 1 from sessions where id = $1 for update", stuck.session_id)
            waits = asyncio.create_task(mine.placeholder(stuck, "p"))
            assert all(await asyncio.gather(*(mine.placeholder(c, "p") for c in others))) and not waits.done()
        assert await waits
        # One that is in a statement twice is done twice: the first by this one, the other alone.
        twice = await asyncio.gather(mine.placeholder(stuck, "q"), mine.placeholder(stuck, "r"))
    assert all(twice)
    assert await db.value("select count(*) from sessions where placeholder = 'p'") == 5


async def test_a_worker_that_is_ready_has_planned_what_the_first_messages_ask(db: Db) -> None:
    await rehearse(db)
    async with AsyncExitStack() as stack:
        for _ in range(FEW):
            tx = await stack.enter_async_context(db.few.transaction())
            found = await tx.fetch("select statement from pg_prepared_statements")
            known = " ".join(r["statement"] for r in found)
            assert all(f"{name}(" in known for name in ("claim_all", "complete_each", "sent_each", "place_each"))


async def test_one_that_cannot_be_written_spoils_no_other(db: Db, owner: Db) -> None:
    one, other = await Bench(db).make(), await Bench(db).make()
    begun = [*await claimed(one, 3), *await claimed(other, 3)]
    turns_ = [made(c, 0) for c in begun]
    turns_[1][0]["title"] = "spoiled"
    await owner.run(SPOILED)
    try:
        async with outcomes(db) as mine:
            closed = await asyncio.gather(
                *(mine.complete(c, *t) for c, t in zip(begun, turns_, strict=True)), return_exceptions=True
            )
    finally:
        await owner.run("drop trigger spoiled on sessions; drop function spoiled()")
    assert isinstance(closed.pop(1), asyncpg.RaiseError)
    assert all(isinstance(c, Closed) and c.ok and c.part for c in closed)
    assert await db.value("select count(*) from turns") == 5


async def test_one_that_is_large_goes_alone(db: Db) -> None:
    bench, counting = await Bench(db).make(), Counting(db)
    small, large = await claimed(bench, 2)
    turn, said, parts = made(large, 0)
    said[-1]["content"] = {"text": "x" * 100_000}
    async with outcomes(counting) as mine:
        closed = await asyncio.gather(mine.complete(small, *made(small, 0)), mine.complete(large, turn, said, parts))
    assert all(c.ok and c.part for c in closed) and counting.alone == 1 and counting.sizes == [1]


async def test_what_resets_or_was_planned_is_written_alone(db: Db) -> None:
    bench, counting = await Bench(db).make(), Counting(db)
    [claim] = await claimed(bench, 1)
    turn, said, parts = made(claim, 0)
    async with outcomes(counting) as mine:
        assert (await mine.complete(claim, turn | {"reset": True}, said, parts)).ok
    assert counting.alone == 1 and not counting.sizes
    assert await db.value("select count(*) from messages where hidden") == 0, "those of before are, these are not"
    assert await db.value("select message_count from sessions where id = $1", UUID(claim.session["id"])) == 0


async def test_what_the_database_cannot_hold_is_written_as_it_can(db: Db) -> None:
    bench, counting = await Bench(db).make(), Counting(db)
    begun = await claimed(bench, 2)
    made_ = [made(c, 0) for c in begun]
    made_[0][1][-1]["content"] = {"text": "a\0b\ud800c"}
    async with outcomes(counting) as mine:
        closed = await asyncio.gather(*(mine.complete(c, *m) for c, m in zip(begun, made_, strict=True)))
    assert all(c.ok for c in closed) and not counting.alone
    said = await db.fetch("select content->>'text' as text from messages where role = 'assistant'")
    assert {r["text"] for r in said} == {"a\ufffdb\ufffdc", "answer 0"}
