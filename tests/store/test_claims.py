"""Conversations claimed together: as each by itself, in few statements, and none waits for another's trouble."""

import asyncio
from dataclasses import asdict
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from hub import ids
from hub.jobs.claims import GROUP, RUNNING, Claims
from hub.store import inbox, turns
from hub.store.db import Db
from hub.store.turns import Claim
from tests.store.rows import Bench, answer, straight

SPOILED = """
    create function spoiled() returns trigger language plpgsql as $$ begin
        if new.tag = 'spoiled' and new.epoch <> old.epoch then raise exception 'no' using errcode = 'P0001'; end if;
        return new; end $$;
    create trigger spoiled before update on sessions for each row execute function spoiled();
"""


class Counting:
    """A database that counts what is claimed together."""

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


async def due(bench: Bench, count: int, tag: str = "t") -> list[UUID]:
    """So many conversations in which something waits."""
    items = [bench.item(f"{n}", ids=[f"{tag}:{n}"], tag=f"{tag}{n}" if tag != "spoiled" else tag) for n in range(count)]
    return [s.session_id for s in await inbox.ingest(bench.db, items) if s.session_id]


def claims(db: Any) -> Claims:
    return Claims(db, "me", 30, 50)


async def test_many_are_claimed_in_few_statements_each_with_its_own(db: Db) -> None:
    one, other, counting = await Bench(db).make(), await Bench(db).make(), Counting(db)
    sessions = [*await due(one, 20), *await due(other, 20)]
    mine = claims(counting)
    claimed = await asyncio.gather(*(mine.claim(s) for s in sessions))
    assert [c and c.session_id for c in claimed] == sessions
    batches = [c and [b["body"]["text"] for b in c.batch] for c in claimed]
    assert batches == [[f"{n}"] for _ in range(2) for n in range(20)]
    assert {c and c.account["id"] for c in claimed[20:]} == {str(other.account)}
    assert sum(counting.sizes) == 40 and max(counting.sizes) == GROUP and len(counting.sizes) <= 4
    assert not counting.alone
    again = claims(db)
    assert await asyncio.gather(*(again.claim(s) for s in sessions)) == [None] * 40, "they are leased"
    await straight(db)


async def test_one_that_is_locked_is_waited_for_by_nobody_else(db: Db, owner: Db) -> None:
    bench, mine = await Bench(db).make(), claims(db)
    sessions = await due(bench, 6)
    async with owner.transaction() as tx:
        await tx.run("select 1 from sessions where id = $1 for update", sessions[2])
        waits = asyncio.create_task(mine.claim(sessions[2]))
        others = [s for s in sessions if s != sessions[2]]
        claimed = await asyncio.gather(*(mine.claim(s) for s in others))
        assert [c and c.session_id for c in claimed] == others and not waits.done()
    found = await waits
    assert found is not None and found.session_id == sessions[2]


@pytest.mark.parametrize("held", ["session_order", "inbox", "session_queue"])
async def test_what_one_of_them_waits_for_holds_up_nobody_else(db: Db, owner: Db, held: str) -> None:
    """A person has one account's conversation, whose rows are held by somebody, though not the conversation itself."""
    one, other, mine = await Bench(db).make(), await Bench(db).make(), claims(db)
    [stuck], others = await due(one, 1), await due(other, 6)
    await db.run("update sessions set handoff_at = now() where id = $1", stuck)
    async with owner.transaction() as tx:
        await tx.run(f"select 1 from {held} where session_id = $1 for update", stuck)
        waits = asyncio.create_task(mine.claim(stuck))
        claimed = await asyncio.gather(*(mine.claim(s) for s in others))
        assert [c and c.session_id for c in claimed] == others and not waits.done()
    assert await waits is None, "nobody answers for a person"


async def test_one_that_cannot_be_claimed_spoils_no_other(db: Db, owner: Db) -> None:
    bench, mine = await Bench(db).make(), claims(db)
    sessions = [*await due(bench, 3), *await due(bench, 1, "spoiled"), *await due(bench, 2, "u")]
    await owner.run(SPOILED)
    try:
        claimed = await asyncio.gather(*(mine.claim(s) for s in sessions), return_exceptions=True)
    finally:
        await owner.run("drop trigger spoiled on sessions; drop function spoiled()")
    assert isinstance(claimed.pop(3), asyncpg.RaiseError)
    assert [getattr(c, "session_id", c) for c in claimed] == [s for n, s in enumerate(sessions) if n != 3]


async def test_what_nobody_waits_for_any_more_is_given_back(db: Db) -> None:
    """A turn that is stopped in this moment: it is no try of what was asked."""
    bench, mine = await Bench(db).make(), claims(db)
    sessions = await due(bench, 2)
    stopped, kept = (asyncio.create_task(mine.claim(s)) for s in sessions)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    stopped.cancel()
    assert await kept is not None
    await mine.close()
    with pytest.raises(asyncio.CancelledError):
        await stopped
    row = await db.row("select lease_until, attempts, due_at <= now() as due from sessions where id = $1", sessions[0])
    assert row is not None and tuple(row) == (None, 0, True)


async def test_who_asks_while_the_last_statements_end_is_asked_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them end at the same moment, and another comes before anybody has heard of it."""
    ready = asyncio.Event()

    async def claim_each(_: Any, sessions: list[UUID], *__: Any) -> dict[UUID, None]:
        await ready.wait()
        return dict.fromkeys(sessions)

    monkeypatch.setattr(turns, "claim_each", claim_each)
    mine = claims(None)
    early = []
    for _ in range(RUNNING):
        early.append(asyncio.create_task(mine.claim(ids.uuid7())))
        for _ in range(3):
            await asyncio.sleep(0)
    ready.set()
    late = asyncio.create_task(mine.claim(ids.uuid7()))
    done, waits = await asyncio.wait([*early, late], timeout=5)
    for task in waits:
        task.cancel()
    assert not waits and [task.result() for task in done] == [None] * (RUNNING + 1)
    await mine.close()


async def test_who_asks_while_a_statement_runs_goes_into_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs the same again; beside it only a whole group is asked for."""
    ready, sizes = asyncio.Event(), []

    async def claim_each(_: Any, sessions: list[UUID], *__: Any) -> dict[UUID, None]:
        sizes.append(len(sessions))
        await ready.wait()
        return dict.fromkeys(sessions)

    monkeypatch.setattr(turns, "claim_each", claim_each)
    mine, asked = claims(None), []
    for n in range(1 + GROUP):
        asked.append(asyncio.create_task(mine.claim(ids.uuid7())))
        for _ in range(3):
            await asyncio.sleep(0)
        assert sizes == ([1] if n < GROUP else [1, GROUP])
    ready.set()
    assert await asyncio.gather(*asked) == [None] * (1 + GROUP)
    await mine.close()


class Undone(Exception):
    pass


async def test_a_set_brings_what_each_would_bring(db: Db) -> None:
    """Plain ones and others: a past, a command that waits, tries of before, a worker that died, a person."""
    one, other = await Bench(db).make(), await Bench(db).make()
    sessions = [*await due(one, 8), *await due(other, 2)]
    past = (await turns.claim_each(db, sessions[:1], "me", 30, 50))[sessions[0]]
    assert past is not None
    await turns.complete(db, past, "me", *answer("before"), wire=5)
    await inbox.ingest(db, [
        *(one.item(f"on {n}", ids=[f"t:{n}"], tag=f"t{n}") for n in (0, 1)),
        one.item("/reset", ids=["t:2"], tag="t2", command="reset"),
    ])
    for n, change in (
        (3, "attempts = 3"), (4, "attempts = 5"), (5, "lease_until = now() - interval '1 second', owner = 'gone'"),
        (6, "handoff_at = now()"), (7, "due_at = now() + interval '1 hour'"),
    ):
        await db.run(f"update sessions set {change} where id = $1", sessions[n])
    alone: list[Any] = []
    try:
        async with db.transaction() as tx:
            alone = [told(await turns.claim(tx, s, "me", 30, 50)) for s in sessions]
            raise Undone
    except Undone:
        pass
    together = await turns.claim_each(db, sessions, "me", 30, 50)
    assert [told(together[s]) for s in sessions] == alone
    assert [s is None for s in alone] == [n in (6, 7) for n in range(10)]
    assert len(alone[0]["history"]) == 1 and alone[4]["poison"] and alone[5]["session"]["crash_count"] == 1
    await straight(db)


def told(found: Claim | None) -> Any:
    """All that it brings, without the moment in which it was taken."""
    if found is None:
        return None
    moments = ("due_at", "lease_until", "updated_at")
    return asdict(found) | {"session": {k: v for k, v in found.session.items() if k not in moments}}
