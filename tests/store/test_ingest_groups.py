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
    """select i.account_id, i.key, i.value, i.source, p.kind,
        (select min(k.key) from identities k where k.person_id = p.id) as person,
        (select min(k.key) from identities k join people q on q.id = k.person_id where q.root_id = p.root_id) as root
        from identities i join people p on p.id = i.person_id order by 1, 2""",
    "select account_id, count(*) from people group by 1 order by 1",
    "select account_id, evidence, detail->>'names' as names from joins order by 1, 2, 3",
    """select k.value, i.key from contact_ids k join contacts c on c.id = k.contact_id
        join identities i on i.person_id = c.person_id order by 1, 2""",
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


async def another_number(db: Db, of: Bench) -> None:
    await db.run("insert into clients (id, account_id, name) values ($1, $2, 'c')", of.client, of.account)
    await db.run("""
        insert into integrations (id, account_id, client_id, channel, secrets, secret_hash, mode)
        values ($1, $2, $3, $4, '\\x00', '\\x00', 'reconcile')
    """, of.integration, of.account, of.client, of.channel)


def stranger(benches: list[Bench], dice: random.Random, n: int, seen: list[str]) -> Json:
    """Mostly somebody who has not written before, or not for long, to one of several numbers."""
    who, bench = f"p{dice.randint(0, 60)}", dice.choice(benches)
    phone, lid, group = f"phone:{who}", f"lid:{who}", f"group:{who}"
    names = dice.choice([[phone]] * 6 + [[phone, lid], [phone, lid], [lid], [group]])
    written = dice.choice(["zp_whatsapp:5531{}@c", "zp_telegram:ana_{}@c", "t:{}"]).format(who[1:])
    tag = written if dice.random() < 0.95 else "zp_whatsapp:1@c"  # which another has
    item = bench.item(
        f"text {n}", ids=names, chat=who, tag=tag, debounce=dice.choice([0, 0, 2.5]), max_wait=3600,
        per_hour=dice.choice([30, 30, 30, 30, 2, 0]), session_s=dice.choice([3600, 7200]),
        max_messages=dice.choice([300, 0]), release=dice.choice([None, True]),
    )
    called = who.title() if dice.random() < 0.97 else f"{who} the {n}th"
    item["who"] |= {"name": called, "chat": who, "said": [x.upper() for x in names]}
    kind = dice.random()
    if kind < 0.01 and seen:
        item |= {"kind": dice.choice(["edit", "revoke", "reaction", "own"]), "network_id": dice.choice(seen)}
    elif kind < 0.03:
        item |= {"command": "reset"}
    elif kind < 0.05:
        item |= {"rule": "history"}
    elif kind < 0.08 and seen:
        item["ext"] = dice.choice(seen)
    seen.append(item["ext"])
    return item


async def ended(benches: tuple[Bench, Bench], mark: str) -> None:
    """Some conversations have been answered and have run out since, some were ended."""
    for bench in benches:
        for what, how in (("a", "expires_at = now() - interval '1 hour'"), ("b", "closed_at = now()")):
            await bench.db.run(f"""
                update sessions set done_seq = last_seq, due_at = null, oldest_at = null, {how}
                where closed_at is null and handoff_at is null and md5(id::text || $1) < '5'""", mark + what)


@pytest.mark.parametrize("seed", range(3))
async def test_strangers_are_stored_as_one_by_one(pair: tuple[Bench, Bench], seed: int) -> None:
    """Of two accounts, one of them with two numbers."""
    dice, seen, n, fast = random.Random(seed), list[str](), 0, 0
    sister, other = Bench(pair[0].db, "kapso"), Bench(pair[0].db, "kapso")
    sister.account, sister.gateway = pair[0].account, pair[0].gateway
    for one in pair:
        await one.db.run("insert into accounts (id, name, salt) values ($1, 'a', 's')", other.account)
        for place in (sister, other):
            await another_number(one.db, place)
    for turn in range(12):
        size = dice.choice([4, 8, 16, 24])
        # Mostly of one number, as they are folded.
        mine = [dice.choice([pair[0], sister, other])] if dice.random() < 0.7 else [pair[0], sister, other]
        items = [stranger(mine, dice, n + i, seen) for i in range(size)]
        n += size
        items.sort(key=lambda item: (item["integration"], (item.get("ids") or [""])[0]))
        fast += await pair[1].db.value("select count(*) from first_items($1, $2)", items, list(range(size)))
        one_by_one = [plain(r) for r in await pair[0].db.fetch(LOOP, items)]
        assert [plain(r) for r in await pair[1].db.fetch(INGEST, items, [])] == one_by_one
        await alike(pair[0].db, pair[1].db)
        await meanwhile(pair, dice)
        await ended(pair, f"{seed}{turn}")
    await straight(pair[1].db)
    assert fast > n / 4, "many are stored together, or nothing was compared"


async def test_somebody_new_who_comes_by_two_ways_at_once_is_one_person(db: Db) -> None:
    """Two processes get first messages of the same people at the same moment, on two numbers of an account."""
    bench, sister = await Bench(db).make(), Bench(db)
    sister.account, sister.gateway = bench.account, bench.gateway
    await another_number(db, sister)
    for turn in range(6):
        who = [f"phone:{turn}:{n}" for n in range(8)]

        def first(one: Bench, w: str) -> Json:
            return one.item(ids=[w], chat=w, tag=w, who={"id": str(ids.uuid7()), "name": "Ana", "chat": w, "said": [w]})

        groups = [[first(one, w) for w in who] for one in (bench, sister, bench)]
        told = sum(await asyncio.gather(*(ingest(db, group) for group in groups)), [])
        assert {s.outcome for s in told} == {"accepted"}
    assert await db.value("select count(*) from people") == 48
    assert await db.value("select count(*) from contacts") == await db.value("select count(*) from sessions") == 96
    assert await db.value("select count(*) from inbox") == 144
    await straight(db)


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
