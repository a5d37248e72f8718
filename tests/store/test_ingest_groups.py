"""Groups are stored at once as they would be one by one: row for row, whatever comes together."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import pytest

from hub import ids
from hub.processes.embedded import Server
from hub.store import outbox, turns
from hub.store.db import Db, open_db
from hub.store.inbox import INGEST, ingest
from tests.conftest import cloned
from tests.store.rows import Bench, Json, answer, straight

LOOP = "select n, outcome, session_id, seq, message_id, due_in from ingest($1)"
# Moments become how far they are from another of the same row; what counts on by itself becomes its place.
SESSIONS = """
    select id, integration_id, contact_id, kind, tag, chat, closed_at is null as open, handoff_at is null as free,
        (select min(o.id::text) from sessions o where o.person_id = s.person_id) as person, last_seq, done_seq,
        case due_at when last_user_at then 'now' when last_user_at + interval '2.5 s' then 'later'
            else case when due_at is not null then 'as before' end end as due,
        epoch, lease_until is null as idle, message_count, oldest_at is null as fresh,
        hour_start is null as hourless, hour_start > now() - interval '1 hour' as in_hour, hour_count, hour_told,
        last_message_at = last_user_at as theirs, round(extract(epoch from expires_at - last_user_at) / 900) as expires
    from sessions s order by id
"""
INBOX = """
    select id, session_id, seq, ext, network_id, command, body, provider_at, state, rule from inbox
    order by session_id, seq
"""
OTHERS = (
    "select integration_id, ext from inbox_dedupe order by 1, 2",
    "select id, person_id is null as nobodys, name, phone, username, language, chat from contacts order by id",
    "select * from contact_ids order by 1, 2",
    "select id, session_id, role, source, content, network_id from messages order by id",
    "select session_id, message_id, kind, detail from happenings order by id",
    "select session_id, chat, body, state, not_before from outbox order by id",
    "select session_id, lane from session_queue order by 1",
    "select session_id, unanswered from session_order order by 1",
)
PEOPLE = ("ana", "bia", "caio", "davi", "eva")


@pytest.fixture
async def pair(servers: tuple[Server, Server]) -> AsyncIterator[tuple[Bench, Bench]]:
    """The same account twice, each in a database of its own: one by one, and in groups."""
    async with AsyncExitStack() as stack:
        made: list[Bench] = []
        for _ in range(2):
            db = await stack.enter_async_context(open_db(await stack.enter_async_context(cloned(servers[0])), size=2))
            bench = Bench(db, "kapso")
            if made:
                for name in ("account", "gateway", "client", "integration"):
                    setattr(bench, name, getattr(made[0], name))
            made.append(await bench.make())
        yield made[0], made[1]


def some(bench: Bench, dice: random.Random, n: int, seen: list[str]) -> Json:
    """Something that may arrive: mostly messages of people who write often."""
    who = dice.choice(PEOPLE)
    phone, lid = f"phone:{who}", f"lid:{who}"
    # Some are known by two names, and turn out to be two contacts of one person.
    names = dice.choice([[phone], [phone, lid], [lid]]) if who in ("ana", "bia") else [phone]
    item = bench.item(
        f"text {n}", ids=names, chat=who, tag=f"t:{who}", debounce=dice.choice([0, 0, 0, 2.5]), max_wait=3600,
        per_hour=dice.choice([30, 30, 30, 4, 0]), session_s=dice.choice([3600, 7200]),
        max_messages=dice.choice([300, 300, 6, 0]), release=dice.choice([None, True]),
    )
    item["who"] |= {"name": who.title(), "chat": who, "said": names}
    kind = dice.random()
    if kind < 0.02 and seen:
        item |= {"kind": dice.choice(["edit", "revoke", "reaction"]), "network_id": dice.choice(seen)}
    elif kind < 0.03:
        item |= {"kind": "own", "by": dice.choice(["human", "api"])}
    elif kind < 0.08:
        item = {k: item[k] for k in ("kind", "account", "client", "integration", "ext", "id", "at")}
        item |= {"kind": "status", "fate": {"state": dice.choice(["read", "read", "failed"]), "message_ids": [f"w{n}"]}}
    elif kind < 0.10:
        item |= {"command": "reset"}
    elif kind < 0.12:
        item |= {"rule": "history"}
    elif kind < 0.15:
        item["who"]["name"] = f"{who} the {n}th"
    elif kind < 0.20 and seen:
        item["ext"] = dice.choice(seen)
    seen += [item["ext"], str(item.get("network_id"))]
    return item


async def rows(db: Db) -> list[tuple[str, list[Json]]]:
    return [(sql, [dict(r) for r in await db.fetch(sql)]) for sql in (SESSIONS, INBOX, *OTHERS)]


async def alike(one: Db, grouped: Db) -> None:
    for (sql, expected), (_, found) in zip(await rows(one), await rows(grouped), strict=True):
        off = [{k: (f[k], e[k]) for k in e if f[k] != e[k]} for f, e in zip(found, expected, strict=True) if f != e]
        assert off == [], sql


def plain(row: Any) -> tuple[Any, ...]:
    return (row["n"], row["outcome"], row["session_id"], row["seq"], row["message_id"], round(row["due_in"] or 0, 3))


async def meanwhile(benches: tuple[Bench, Bench], dice: random.Random) -> None:
    """What happens between two groups: somebody is answered, or taken over, or an hour passes."""
    what = dice.random()
    any_one = "select id from sessions order by md5(id::text || $1) limit 1"
    chosen: UUID | None = await benches[0].db.value(any_one, str(what))
    made = answer()
    for bench in benches:
        if what < 0.5 and chosen and (claimed := await turns.claim(bench.db, chosen, "me", 30, 50, True)):
            closed = await turns.complete(bench.db, claimed, "me", *made, wire=5)
            if closed.part:
                await outbox.sent(bench.db, closed.part, "me", "queued" if what < 0.2 else "sent", 5, hold=what < 0.2)
        elif what < 0.6:
            await bench.db.run("update sessions set hour_start = hour_start - interval '2 hours' where id = $1", chosen)
        elif what < 0.7:
            await bench.db.run("update sessions set expires_at = now() - interval '1 hour' where id = $1", chosen)
        elif what < 0.8:
            await bench.db.run("update sessions set handoff_at = now() where id = $1", chosen)
        elif what < 0.85:
            await bench.db.run("update sessions set handoff_at = null")


@pytest.mark.parametrize("seed", range(3))
async def test_a_group_is_stored_as_one_by_one(pair: tuple[Bench, Bench], seed: int) -> None:
    dice, seen, n, fast = random.Random(seed), list[str](), 0, 0
    for _ in range(25):
        size = dice.choice([1, 4, 6, 12])
        items = [some(pair[0], dice, n + i, seen) for i in range(size)]
        n += size
        items.sort(key=lambda item: (item["integration"], (item.get("ids") or [""])[0]))
        fast += await pair[1].db.value("select count(*) from plain_items($1)", items)
        one = [plain(r) for r in await pair[0].db.fetch(LOOP, items)]
        assert [plain(r) for r in await pair[1].db.fetch(INGEST, items, [])] == one
        await alike(pair[0].db, pair[1].db)
        await meanwhile(pair, dice)
    await straight(pair[1].db)
    assert fast > n / 5, "most are stored together, or nothing was compared"


async def test_what_is_stored_by_two_at_once_is_stored_once(db: Db) -> None:
    """Two processes get the same calls, each in groups of its own: every message once, no gap in any order."""
    bench = await Bench(db).make()
    who = [f"phone:{n}" for n in range(8)]
    await ingest(db, [bench.item(ids=[w], chat=w, tag=w) for w in who])
    calls = [bench.item(ids=[w], chat=w, tag=w, ext=f"m:{w}:{n}") for n in range(6) for w in who]
    dice = random.Random(7)

    async def receiver() -> list[str]:
        mine = dice.sample(calls, len(calls))
        got = []
        for at in range(0, len(mine), 6):
            group = sorted(({**c, "id": str(ids.uuid7())} for c in mine[at : at + 6]), key=lambda c: c["ids"])
            got += [s.outcome for s in await ingest(db, group)]
        return got

    told = sum(await asyncio.gather(*(receiver() for _ in range(3))), [])
    assert told.count("accepted") == len(calls) and set(told) == {"accepted", "duplicate"}
    assert await db.value("select count(*) from sessions where last_seq = 7") == len(who)
    assert await db.value("select count(*) from inbox") == len(calls) + len(who)
    await straight(db)
