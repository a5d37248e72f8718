"""A connection that is lost at a commit: whether it was made is found out, and what it claimed is not forgotten."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from hub.checkpoints import unwatched
from hub.errors import Overloaded
from hub.store import outbox, turns
from hub.store.db import Db
from hub.store.outcomes import COMPLETE, SENT, Outcomes
from tests.store.rows import Bench, Json
from tests.store.test_outcomes import Counting, claimed, made

STATES = "select state, count(*) as n, min(attempt) as least from outbox group by state order by state"


class Cutting(Counting):
    """Whose answers do not arrive, for so many statements; stored: whether what they say is done."""

    def __init__(self, db: Db, times: int, stored: bool) -> None:
        super().__init__(db)
        self.times, self.stored = times, stored

    async def _cut(self, asked: Callable[[], Any]) -> Any:
        if not self.times:
            return await asked()
        self.times -= 1
        if self.stored:
            await asked()
        raise Overloaded("The database is away.")

    async def fetch(self, sql: str, *args: Any) -> Any:
        return await self._cut(lambda: self._db.fetch(sql, *args))

    async def value(self, sql: str, *args: Any) -> Any:
        return await self._cut(lambda: self._db.value(sql, *args))


class Losing(Counting):
    """Does whatever it is asked; of these statements the first answers to each who asks do not arrive."""

    def __init__(self, db: Db, times: dict[str, int]) -> None:
        super().__init__(db)
        self.times, self.asked = times, Counter[tuple[str, Any]]()

    async def _lost(self, sql: str, who: Any, found: Any) -> Any:
        self.asked[sql, who] += 1
        if self.asked[sql, who] <= self.times.get(sql, 0):
            raise Overloaded("The database is away.")
        return found

    async def fetch(self, sql: str, *args: Any) -> Any:
        return await self._lost(sql, None, await self._db.fetch(sql, *args))

    async def value(self, sql: str, *args: Any) -> Any:
        return await self._lost(sql, args[0], await self._db.value(sql, *args))


@pytest.mark.parametrize("count", [1, 9], ids=["one", "a group"])
@pytest.mark.parametrize("stored", [True, False], ids=["after the commit", "before it"])
async def test_parts_of_turns_whose_commit_was_not_heard_of_are_sent(db: Db, stored: bool, count: int) -> None:
    begun = await claimed(await Bench(db).make(), count)
    mine = Outcomes(Cutting(db, 1, stored), "me", 5, unwatched)  # type: ignore[arg-type]  # what it needs of it
    turns_of = [made(c, 1) for c in begun]
    closed = await asyncio.gather(*(mine.complete(c, *t) for c, t in zip(begun, turns_of, strict=True)))
    await mine.close()
    assert all(c.ok and c.part and c.part["part"] == 0 and c.part["state"] == "sending" for c in closed)
    assert await db.value("select count(*) from turns") == count
    assert [tuple(r)[:2] for r in await db.fetch(STATES)] == [("queued", count), ("sending", count)]
    assert await db.value("select count(*) from outbox where state = 'sending' and wire_deadline > now()") == count


@pytest.mark.parametrize("count", [1, 9], ids=["one", "a group"])
@pytest.mark.parametrize("stored", [True, False], ids=["after the commit", "before it"])
async def test_what_was_sent_when_the_commit_was_not_heard_of_is_sent_once(db: Db, stored: bool, count: int) -> None:
    begun = await claimed(await Bench(db).make(), count)
    closed = [await turns.complete(db, c, "me", *made(c, 1), wire=5) for c in begun]
    parts: list[Json] = [c.part for c in closed if c.part]
    mine = Outcomes(Cutting(db, 1, stored), "me", 5, unwatched)  # type: ignore[arg-type]  # what it needs of it
    following = await asyncio.gather(*(mine.sent(p, f"n{n}", {}) for n, p in enumerate(parts)))
    assert [f and (f["part"], f["state"]) for f in following] == [(1, "sending")] * count
    assert await asyncio.gather(*(mine.sent(f, "m", {}) for f in following if f)) == [None] * count
    await mine.close()
    rows = await db.fetch("select state, network_id from outbox order by part, id")
    assert {r["state"] for r in rows} == {"sent"} and len(rows) == 2 * count
    assert sorted(r["network_id"] for r in rows) == sorted([*(f"n{n}" for n in range(count)), *["m"] * count])
    assert await db.value("select count(*) from attempts where outcome = 'sent'") == 2 * count


@pytest.mark.parametrize("count", [1, 9], ids=["one", "a group"])
async def test_what_is_asked_anew_may_not_be_heard_of_either(db: Db, count: int) -> None:
    """A database that takes longer than a call may is still at it, again and again. None of that was a try to send."""
    begun = await claimed(await Bench(db).make(), count)
    lost = {COMPLETE: 1, turns.COMPLETED: 2, SENT: 1, outbox.SENT_AGAIN: 2}
    mine = Outcomes(Losing(db, lost), "me", 20, unwatched)  # type: ignore[arg-type]  # what it needs of it
    closed = await asyncio.gather(*(mine.complete(c, *made(c, 1)) for c in begun))
    parts: list[Json] = [c.part for c in closed if c.part]
    assert [(p["part"], p["state"], p["attempt"]) for p in parts] == [(0, "sending", 1)] * count
    following = [f for f in await asyncio.gather(*(mine.sent(p, "n", {}) for p in parts)) if f]
    assert [(f["part"], f["state"], f["attempt"]) for f in following] == [(1, "sending", 1)] * count
    wires = await db.fetch("select id, wire_deadline > now() + interval '15 seconds' as long,"
                           " to_jsonb(wire_deadline) as till from outbox where state = 'sending'")
    assert {r["id"]: r["till"] for r in wires} == {f["id"]: f["wire_deadline"] for f in following}
    assert all(r["long"] for r in wires)
    assert await asyncio.gather(*(mine.sent(f, "m", {}) for f in following)) == [None] * count
    await mine.close()
    assert await db.value("select count(*) from outbox where state = 'sent'") == 2 * count


async def test_what_somebody_else_has_claimed_since_is_theirs(db: Db) -> None:
    """And so is what this process claimed at another moment: somebody sends it now."""
    [first, second] = await claimed(await Bench(db).make(), 2)
    [one, other] = [(await turns.complete(db, c, "me", *made(c, 1), wire=5)).part for c in (first, second)]
    assert one and other
    await outbox.sent(db, one, "me", "sent", 5, network_id="n1")
    await outbox.sent(db, other, "me", "sent", 5, network_id="n2")
    await db.run("update outbox set sender = 'other' where state = 'sending' and session_id = $1", first.session_id)
    await db.run("update outbox set wire_deadline = wire_deadline + interval '1.5 seconds' where state = 'sending'"
                 " and session_id = $1", second.session_id)
    assert await outbox.sent_again(db, one, "me", 5, "n1", {}) is None
    assert await outbox.sent_again(db, other, "me", 5, "n2", {}) is None
    assert await db.value("select count(*) from outbox where state = 'sending'") == 2


async def test_a_turn_that_somebody_else_has_ended_is_thrown_away(db: Db) -> None:
    [claim] = await claimed(await Bench(db).make(), 1)
    assert (await turns.complete(db, claim, "other", *made(claim, 1), wire=5)).ok
    mine = Outcomes(Cutting(db, 1, False), "me", 5, unwatched)  # type: ignore[arg-type]  # what it needs of it
    closed = await mine.complete(claim, *made(claim, 1))
    await mine.close()
    assert not closed.ok and closed.part is None


async def test_a_database_that_stays_away_is_not_waited_for_for_ever(db: Db) -> None:
    [claim] = await claimed(await Bench(db).make(), 1)
    mine = Outcomes(Cutting(db, 99, False), "me", 0.5, unwatched)  # type: ignore[arg-type]  # what it needs of it
    with pytest.raises(Overloaded):
        await mine.complete(claim, *made(claim, 1))
    await mine.close()
    assert await db.value("select count(*) from turns") == 0
