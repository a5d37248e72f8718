"""A part of a word finds conversations wherever they stand, by an index, and only the account's own."""

import random
from uuid import UUID, uuid4

import pytest

from hub.store import contacts, dashboard, operator_inbox
from hub.store.db import Db, near, pattern
from tests.store.rows import Bench

MANY = 3000
FILL = """
    with made as (
        select n, gen_random_uuid() as contact, gen_random_uuid() as session, now() - n * interval '1 minute' as at
        from generate_series(1, $4::int) n),
    known as (
        insert into contacts (id, account_id, integration_id, name, phone, username)
        select contact, $1, $2, 'Maria ' || md5(n::text), '55119' || lpad(n::text, 8, '0'),
            case when n % 3 = 0 then 'user_' || n end
        from made),
    begun as (
        insert into sessions (id, account_id, client_id, integration_id, kind, tag, title, last_message_at,
            last_user_at, contact_id)
        select session, $1, $3, $2, 'channel', 'tag-' || n, case when n % 2 = 0 then 'Order 50% off ' || n end, at, at,
            contact
        from made)
    select count(*) from made
"""
TEXTS = """
    select s.id, s.title, s.tag,
        coalesce(k.name, '') || ' ' || coalesce(k.phone, '') || ' ' || coalesce(k.username, '') as contact
    from sessions s left join contacts k on k.id = s.contact_id where s.account_id = $1 order by s.tag
"""


@pytest.fixture
async def full(db: Db) -> tuple[Bench, Bench]:
    """Two accounts whose people have the same names."""
    made = []
    for _ in range(2):
        bench = await Bench(db).make()
        async with db.transaction() as tx:  # a statement alone has five seconds, also on a busy machine
            await tx.value(FILL, bench.account, bench.integration, bench.client, MANY)
        made.append(bench)
    return made[0], made[1]


async def found(bench: Bench, words: str, limit: int = 10_000) -> set[UUID]:
    rows = await operator_inbox.page(bench.db, bench.account, uuid4(), "all", words=words, limit=limit)
    return {r["id"] for r in rows}


async def test_everything_is_looked_at(full: tuple[Bench, Bench]) -> None:
    """Whatever is asked for is found in all of them, as reading every one of them would."""
    mine, _ = full
    texts = await mine.db.fetch(TEXTS, mine.account)
    dice = random.Random(3)
    asked = ["50% off 2998", "%", "_", "user_9", "\\", "a", "MARIA", "00002998", "nowhere", "tag-2999"]
    for _ in range(10):
        whole = dice.choice(texts)["contact"]
        at = dice.randrange(len(whole) - 6)
        asked.append(whole[at : at + 6])
    for words in asked:
        low = words.lower()
        meant = {r["id"] for r in texts if any(low in (r[c] or "").lower() for c in ("title", "tag", "contact"))}
        seen = await found(mine, words)
        # Names are found with a slip as well.
        assert seen == meant if near(words) is None else seen >= meant, words
    oldest = await dashboard.find(mine.db, mine.account, f"off {MANY}")
    assert [r["kind"] for r in oldest] == ["conversation"]


# How much a database of the tests was used before says how long each index is, and so which is taken: of these tables
# there is no other one.
ALONE = """
    update pg_index set indisvalid = false
    where indrelid = any ($1::text[]::regclass[]) and indexrelid::regclass::text not like '%\\_grams'
"""


async def test_an_index_finds_them(full: tuple[Bench, Bench], owner: Db) -> None:
    mine, _ = full
    ask = f"explain select * from conversations_with('{mine.account}', '{pattern('00002998')}', null)"
    async with owner.transaction() as tx:
        # Of so few, reading all would be as quick: what is asked is whether the index can be used at all.
        for name in ("seqscan", "indexscan"):
            await tx.run(f"set local enable_{name} = off")
        for name in ("sessions", "contacts"):
            await tx.run(f"analyze {name}")
            await tx.value(f"select gin_clean_pending_list('{name}_grams')")
        await tx.run(ALONE, ["sessions", "contacts"])
        told = "\n".join(r[0] for r in await tx.fetch(ask))
    looked_up = [line for line in told.splitlines() if "Index Cond" in line and "~~*" in line]
    for column in ("title", "tag", "username"):
        assert any(column in line for line in looked_up), told


PEOPLE = """
    with made as (
        select n, gen_random_uuid() as person, gen_random_uuid() as contact from generate_series(1, $3::int) n),
    whole as (
        insert into people (id, account_id, root_id, kind)
        select m.person, $1,
            case when m.n % 10 = 0 then (select o.person from made o where o.n = m.n - 1) else m.person end, 'person'
        from made m),
    named as (
        insert into identities (account_id, key, value, person_id, source)
        select $1, 'phone:55119' || lpad(n::text, 8, '0'), 'phone:55119' || lpad(n::text, 8, '0'), person, 'network'
        from made)
    insert into contacts (id, account_id, integration_id, person_id, name, username)
    select contact, $1, $2, person, case when n % 4 > 0 then 'Maria 50% ' || md5(n::text) end,
        case when n % 3 = 0 then 'user_' || n end from made
"""
# As reading every one of them would find them.
EACH = """
    select distinct m.root_id from people m left join identities i on i.person_id = m.id
        left join contacts c on c.person_id = m.id
    where m.account_id = $1 and (position(lower($2) in lower(i.value)) > 0 or position(lower($2) in lower(c.name)) > 0
        or position(lower($2) in lower(c.username)) > 0)
"""


async def test_people_are_found_by_any_part_of_any_of_their_names(db: Db) -> None:
    mine, other = await Bench(db).make(), await Bench(db).make()
    for bench in (mine, other):
        await bench.db.run(PEOPLE, bench.account, bench.integration, 400)
    everybody = await contacts.page(db, mine.account, "", [], None, 1000)
    assert len(everybody) == await contacts.count(db, mine.account, "", []) >= 360
    for words in ("maria 50%", "%", "_", "user_39", "00000399", "MARIA", "nobody", "a5", "phone:5511900000012"):
        wanted = {r["root_id"] for r in await db.fetch(EACH, mine.account, words)}
        seen = await contacts.page(db, mine.account, words, [], None, 1000)
        assert {r["id"] for r in seen} == wanted, words
        assert [r["id"] for r in seen] == sorted((r["id"] for r in seen), reverse=True)
        assert await contacts.count(db, mine.account, words, []) == len(wanted)
    first = await contacts.page(db, mine.account, "maria", [], None, 5)
    assert [r["id"] for r in await contacts.page(db, mine.account, "maria", [], first[1]["id"], 3)] == [
        r["id"] for r in first[2:]
    ]
    by_key = await contacts.page(db, mine.account, "no such part", ["phone:5511900000012"], None, 5)
    assert len(by_key) == 1


async def test_an_index_finds_people(db: Db, owner: Db) -> None:
    mine = await Bench(db).make()
    await db.run(PEOPLE, mine.account, mine.integration, 400)
    ask = f"explain select * from people_with('{mine.account}', '{pattern('00000399')}', '{{}}')"
    async with owner.transaction() as tx:
        for name in ("seqscan", "indexscan"):
            await tx.run(f"set local enable_{name} = off")
        for name in ("identities", "contacts"):
            await tx.run(f"analyze {name}")
            await tx.value(f"select gin_clean_pending_list('{name}_grams')")
        await tx.run(ALONE, ["identities", "contacts"])
        told = "\n".join(r[0] for r in await tx.fetch(ask))
    assert "identities_grams" in told and "contacts_grams" in told, told
