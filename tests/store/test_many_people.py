"""One person, one page, one kind of event: what is read for it does not grow with all the others of the account."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from hub.chat.operators import exports as whole
from hub.store import contacts, exports, people, schedules
from hub.store.db import Call, Db
from hub.store.exports import Choice
from tests.store.rows import Bench
from tests.store.test_substrings import PEOPLE

MANY, FEW = 3000, 150
EVERYBODY = "select id from people where account_id = $1 and root_id = id order by id limit 1 offset 77"
ROWS = ("people", "sessions", "contacts", "identities", "turns", "messages")
OUT = """
    update people set opted_out_at = now(), opted_out_by = 'person'
    where id in (select id from people where account_id = $1 and root_id = id order by id limit 5)
"""
TALKS = """
    with made as (
        insert into sessions (id, account_id, client_id, integration_id, kind, tag, last_message_at, last_user_at)
        select gen_random_uuid(), $1, $2, $3, 'channel', 'talk-' || n, now(), now() from generate_series(1, $4::int) n
        returning id, tag)
    insert into turns (id, account_id, session_id, from_seq, upto_seq, epoch, outcome)
    select gen_random_uuid(), $1, m.id, 0, 1, 1,
        case when m.tag in ('talk-7', 'talk-8') then 'failed' else 'answered' end from made m
"""
PLANNED = """
    insert into schedules (id, account_id, client_id, kind, external_user, channel, address, names, instruction, zone)
    select gen_random_uuid(), $1, $2, 'once', 'u', 'zapi', '', array['phone:5511900000001'], 'Say hello', 'UTC'
"""


def nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from nodes(one)


async def read(owner: Call, sql: str, *args: object) -> float:
    """Rows of the large tables that a statement looks at."""
    told = await owner.value(f"explain (analyze, format json) {sql}", *args)
    plan = (orjson.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    return float(sum(
        n["Actual Loops"] * (n["Actual Rows"] + n.get("Rows Removed by Filter", 0))
        for n in nodes(plan) if n.get("Relation Name") in ROWS
    ))


@pytest.fixture
async def crowd(db: Db, owner: Db) -> Bench:
    mine, other = await Bench(db).make(), await Bench(db).make()
    for bench in (mine, other):
        await db.run(PEOPLE, bench.account, bench.integration, MANY)
        await db.run(OUT, bench.account)
        await db.run(TALKS, bench.account, bench.client, bench.integration, MANY)
    for table in ROWS:
        await owner.run(f"analyze {table}")
    return mine


async def test_a_person_is_read_alone(crowd: Bench, owner: Db) -> None:
    person = await owner.value(EVERYBODY, crowd.account)
    assert await read(owner, people.GET, crowd.account, person) < FEW
    assert await read(owner, people.KNOWN, [person]) < FEW
    assert await read(owner, contacts.ONE, crowd.account, person) < FEW
    whose = (crowd.account, crowd.client, "once", None, None, None, 100)
    await owner.run(PLANNED, crowd.account, crowd.client)
    assert await read(owner, schedules.SEEN, *whose) < FEW
    found = await people.get(owner, crowd.account, person)
    one = await contacts.one(owner, crowd.account, person)
    assert found is not None and one is not None and found["id"] == one["id"] == person


async def test_a_page_of_people_is_read_alone(crowd: Bench, db: Db, owner: Db) -> None:
    assert await read(owner, people.LIST, crowd.account, None, 5) < FEW
    assert await read(owner, people.LIST_OUT, crowd.account, None, 5) < FEW
    assert await read(owner, people.COUNT_OUT, crowd.account) < FEW
    assert await read(owner, contacts.LIST, crowd.account, None, 5) < FEW
    whole = [p["id"] for p in await people.page(db, crowd.account, False, None, MANY)]
    assert len(whole) == await people.count(db, crowd.account, False) and whole == sorted(whole)
    assert [p["id"] for p in await people.page(db, crowd.account, False, whole[9], 3)] == whole[10:13]
    out = [p["id"] for p in await people.page(db, crowd.account, True, None, MANY)]
    assert out == whole[:5] and await people.count(db, crowd.account, True) == 5
    assert [p["id"] for p in await people.page(db, crowd.account, True, out[1], 2)] == out[2:4]
    # Opted in again with another of their ids is not out.
    other = await db.value(
        "update people set opted_in_at = clock_timestamp() where id = $1 returning id", out[0]
    )
    assert other == out[0] and [p["id"] for p in await people.page(db, crowd.account, True, None, 9)] == out[1:]


async def test_conversations_are_found_by_what_seldom_happens(crowd: Bench, db: Db, owner: Db) -> None:
    asked = (crowd.account, None, None, "failed", None, None, None, "all", 1000, None)
    async with owner.transaction() as tx:
        # Of so few, reading all would be as quick: what is asked is whether the event leads there.
        for name in ("seqscan", "mergejoin", "hashjoin"):
            await tx.run(f"set local enable_{name} = off")
        assert await read(tx, exports.COUNT_BY_EVENT, *asked) < FEW < await read(tx, exports.COUNT, *asked)
    which = Choice(event="failed")
    found = await exports.listed(db, crowd.account, which, None, 10)
    assert [r["tag"] for r in sorted(found, key=lambda r: r["tag"])] == ["talk-7", "talk-8"]
    assert await exports.count(db, crowd.account, which, 10) == 2


class Counted:
    """A database, and how often it was asked for rows."""

    def __init__(self, db: Db) -> None:
        self.db, self.asked = db, 0

    async def fetch(self, sql: str, *args: object) -> list[Any]:
        self.asked += 1
        return await self.db.fetch(sql, *args)


async def test_an_export_by_an_event_does_not_look_through_all_of_it_for_each_page(crowd: Bench, db: Db) -> None:
    await db.run("update turns set outcome = 'failed' where account_id = $1", crowd.account)
    counted = Counted(db)
    hub: Any = SimpleNamespace(db=counted)
    chosen = whole.Filter(ZoneInfo("UTC"), event="failed")
    pages = [page async for page in whole.conversations(hub, crowd.account, chosen)]
    assert len({r["id"] for page in pages for r in page}) == sum(map(len, pages)) == MANY
    assert max(map(len, pages)) == whole.PAGE and counted.asked == 1
