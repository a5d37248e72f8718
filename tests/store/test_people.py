"""A join is a row that can be taken back: whatever hung on each is there again."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from hub import ids
from hub.store import contacts, inbox, memories, people
from hub.store.db import Db
from hub.store.memories import Given
from tests.store.rows import Bench

Json = dict[str, Any]
SEEDS = range(12)


class Town(Bench):
    """Two numbers of one account."""

    async def make(self) -> "Town":
        await super().make()
        self.second = ids.uuid7()
        await self.db.run(
            "insert into integrations (id, account_id, client_id, channel, secrets, secret_hash, mode)"
            " values ($1, $2, $3, 'evolution', '\\x00', '\\x00', 'reconcile')",
            self.second, self.account, self.client,
        )
        return self

    async def hears(self, names: list[str], second: bool = False, idle: bool = True, **more: Any) -> inbox.Stored:
        where = {"integration": str(self.second)} if second else {}
        chat = names[0].partition(":")[2]
        who = {"id": str(ids.uuid7()), "name": f"N{chat}", "phone": None, "chat": chat}
        item = self.item(ids=names, who=who, chat=chat, tag=f"t:{names[0]}", **where, **more)
        [got] = await inbox.ingest(self.db, [item])
        if idle:
            await self.db.run("update inbox set state = 'answered' where session_id = $1", got.session_id)
            await self.db.run("update sessions set done_seq = last_seq, due_at = null where id = $1", got.session_id)
        return got

    async def person(self, *names: str) -> UUID:
        found = await people.find(self.db, self.account, names)
        assert found is not None
        return found

    async def remembers(self, person: UUID, text: str) -> None:
        given = Given(text, [0.0] * 383 + [1.0], 30)
        assert await memories.add(self.db, self.account, person, "x", given, 1000)

    async def written(self, person: UUID) -> None:
        await self.db.run(
            "insert into activations (id, account_id, client_id, fire_at, channel, address, person_id, state,"
            " admitted_at) values ($1, $2, $3, now(), 'zapi', 'x', $4, 'done', now())",
            ids.uuid7(), self.account, self.client, person,
        )

    async def all(self) -> list[UUID]:
        rows = await self.db.fetch("select id from people where account_id = $1 order by id", self.account)
        return [r["id"] for r in rows]

    async def seen(self) -> Json:
        """All that can be seen of everybody."""
        found: Json = {}
        for id in await self.all():
            known = await people.lock(self.db, [id])
            found[str(id)] = {
                "whole": (await contacts.one(self.db, self.account, id) or {}) | {"count": None},
                "day": known[id]["day"],
                "memories": [m.content for m in await memories.newest(self.db, self.account, id, "Text", 100)],
            }
        for table, columns in (
            ("sessions", "id, person_id, contact_id, closed_at is null as open, joined_into, handoff_at, chat, tag"),
            ("contacts", "id, person_id, name, phone, chat"),
            ("identities", "key as id, value, person_id"),
        ):
            rows = await self.db.fetch(f"select {columns} from {table} where account_id = $1 order by 1", self.account)
            found[table] = [dict(r) for r in rows]
        return found


@pytest.fixture
async def t(db: Db) -> AsyncIterator[Town]:
    yield await Town(db).make()


async def settle(t: Town, dice: random.Random) -> list[UUID]:
    """Some people, each with something of their own."""
    made = []
    for n in range(dice.randint(2, 5)):
        names = dice.sample([f"lid:{n}", f"phone:5531988880{n}00", f"bsuid:BR.{n}"], dice.randint(1, 3))
        for second in dice.sample([False, True], dice.randint(1, 2)):
            got = await t.hears(names, second)
            if dice.random() < 0.3:
                await t.db.run("update sessions set handoff_at = clock_timestamp() where id = $1", got.session_id)
        id = await t.person(names[0])
        if dice.random() < 0.4:
            await people.opt(t.db, t.account, id, True, "contact", "stop")
            if dice.random() < 0.3:
                await people.opt(t.db, t.account, id, False, "contact", None)
        if dice.random() < 0.4:
            await people.set_zone(t.db, t.account, id, dice.choice(["Europe/Lisbon", "Asia/Kathmandu"]))
        for k in range(dice.randint(0, 3)):
            await t.remembers(id, f"fact {n}.{k}")
        for _ in range(dice.randint(0, 2)):
            await t.written(id)
        made.append(id)
    return made


@pytest.mark.parametrize("seed", SEEDS)
async def test_join_and_split_give_back_what_was(t: Town, seed: int) -> None:
    dice = random.Random(seed)
    made = await settle(t, dice)
    stack: list[tuple[UUID, Json]] = [(t.account, await t.seen())]
    while len(made) > 1 and len(stack) < 5:
        a, b = dice.sample(made, 2)
        join = await contacts.join(t.db, t.account, a, b, "operator", {}, "test")
        if join is None:  # one person already
            break
        stack.append((join, await t.seen()))
        assert stack[-1][1] != stack[-2][1]
    while len(stack) > 1:
        join, _ = stack.pop()
        assert await contacts.split(t.db, t.account, join, "test")
        assert await t.seen() == stack[-1][1]


async def test_joins_are_taken_back_in_any_order(t: Town) -> None:
    """The middle one of a chain: its two ends are two people, each whole."""
    for n in range(4):
        await t.hears([f"lid:{n}"])
    a, b, c, d = [await t.person(f"lid:{n}") for n in range(4)]
    await contacts.join(t.db, t.account, a, b, "operator", {}, "x")
    middle = await contacts.join(t.db, t.account, d, b, "operator", {}, "x")
    await contacts.join(t.db, t.account, c, d, "operator", {}, "x")
    assert {r["root_id"] for r in await t.db.fetch("select root_id from people")} == {a}
    assert middle and await contacts.split(t.db, t.account, middle, "x")
    assert not await contacts.split(t.db, t.account, middle, "x")
    roots = {r["id"]: r["root_id"] for r in await t.db.fetch("select id, root_id from people")}
    assert roots == {a: a, b: a, c: c, d: c}
    assert await t.db.value("select count(*) from sessions where closed_at is null") == 2


async def test_one_person_has_one_of_everything(t: Town) -> None:
    first, second = await t.hears(["lid:1"]), await t.hears(["phone:5531988880100"])
    other = await t.hears(["lid:2"])
    a, b = await t.person("lid:1"), await t.person("phone:5531988880100")
    await people.opt(t.db, t.account, b, True, "contact", "parar")
    await people.set_zone(t.db, t.account, a, "Europe/Lisbon")
    await t.remembers(a, "of a")
    await t.remembers(b, "of b")
    await t.written(a)
    await t.written(b)
    # One message names both.
    both = await t.hears(["lid:1", "phone:5531988880100"])
    assert both.session_id == first.session_id != second.session_id
    for id in (a, b):
        known = await people.get(t.db, t.account, id)
        assert known and known["opted_out_at"] and known["zone"] == "Europe/Lisbon"
        assert (await people.lock(t.db, [id]))[id]["day"] == 2
        assert len(await memories.newest(t.db, t.account, id, "Text", 9)) == 2
    assert (await t.hears(["phone:5531988880100"])).session_id == first.session_id
    assert (await t.hears(["lid:2"])).session_id == other.session_id
    [row] = await t.db.fetch("select evidence, detail, by from joins")
    assert (row["evidence"], row["by"]) == ("message", "hub") and "lid:1" in row["detail"]["names"]
    # The last word of the whole person counts, and each word stays with who said it.
    await people.opt(t.db, t.account, a, False, "contact", None)
    assert (await people.get(t.db, t.account, b) or {})["opted_out_at"] is None
    [join] = await contacts.joins(t.db, t.account, a)
    await contacts.split(t.db, t.account, join["id"], "Carla")
    assert (await people.get(t.db, t.account, b) or {})["opted_out_at"] is not None
    assert (await people.get(t.db, t.account, a) or {})["opted_out_at"] is None


async def test_what_was_split_is_not_joined_again_by_itself(t: Town) -> None:
    await t.hears(["lid:1"])
    await t.hears(["phone:5531988880100"])
    await t.hears(["lid:1", "phone:5531988880100"])
    a, b = await t.person("lid:1"), await t.person("phone:5531988880100")
    [join] = await contacts.joins(t.db, t.account, a)
    await contacts.split(t.db, t.account, join["id"], "Carla")
    lid, phone = await t.hears(["lid:1"]), await t.hears(["phone:5531988880100"])
    assert lid.session_id != phone.session_id
    # The first name is the one that does not pass to somebody else.
    assert (await t.hears(["lid:1", "phone:5531988880100"])).session_id == lid.session_id
    assert (await t.hears(["phone:5531988880100"])).session_id == phone.session_id
    assert await contacts.join(t.db, t.account, a, b, "operator", {}, "Carla") is not None


async def test_a_name_can_be_somebody_elses(t: Town) -> None:
    both = await t.hears(["lid:1", "phone:5531988880100"])
    a = await t.person("lid:1")
    assert await contacts.split_name(t.db, t.account, a, "lid:2", "x") is None
    b = await contacts.split_name(t.db, t.account, a, "phone:5531988880100", "x")
    assert b is not None and await t.person("phone:5531988880100") == b != a
    assert (await t.hears(["phone:5531988880100"])).session_id != both.session_id
    assert (await t.hears(["lid:1", "phone:5531988880100"])).session_id == both.session_id


async def test_answers_go_to_who_the_conversation_is_with_after_a_split(t: Town) -> None:
    first = await t.hears(["phone:5531988880100"])
    await t.hears(["phone:5531988880200"])
    a, b = await t.person("phone:5531988880100"), await t.person("phone:5531988880200")
    join = await contacts.join(t.db, t.account, a, b, "operator", {}, "x")
    assert (await t.hears(["phone:5531988880200"])).session_id == first.session_id
    chat = "select chat from sessions where id = $1"
    assert await t.db.value(chat, first.session_id) == "5531988880200"
    assert join and await contacts.split(t.db, t.account, join, "x")
    assert await t.db.value(chat, first.session_id) == "5531988880100"


async def test_one_that_is_being_answered_is_not_taken_away(t: Town) -> None:
    first = await t.hears(["lid:1"])
    second = await t.hears(["lid:2"], idle=False)
    await contacts.join(t.db, t.account, await t.person("lid:1"), await t.person("lid:2"), "operator", {}, "x")
    open_ones = "select count(*) from sessions where closed_at is null"
    assert await t.db.value(open_ones) == 2
    await t.db.run("update sessions set done_seq = last_seq, due_at = null where id = $1", second.session_id)
    assert (await t.hears(["lid:2"])).session_id == first.session_id
    assert await t.db.value(open_ones) == 1


async def test_many_at_once_make_one_person(t: Town) -> None:
    got = await asyncio.gather(
        *(t.hears(["lid:1", "phone:5531988880100"], second=bool(n % 2), idle=False) for n in range(8)),
        *(t.hears(["phone:5531988880100", "lid:1"], second=bool(n % 2), idle=False) for n in range(8)),
    )
    assert len({g.session_id for g in got}) == 2 and await t.db.value("select count(distinct root_id) from people") == 1


def first_of(t: Town, who: str, more: int) -> list[Json]:
    """Their first message on the other number, with those of as many others."""
    names = [who, *(f"lid:{ids.uuid7()}" for _ in range(more))]
    whole = [{"id": str(ids.uuid7()), "name": name, "chat": name, "said": []} for name in names]
    return [
        t.item(ids=[who["name"]], who=who, chat=who["chat"], tag=f"t:{who['name']}", integration=str(t.second))
        for who in whole
    ]


@pytest.mark.parametrize("more", [0, 5])  # a group that begins conversations is stored together
async def test_two_who_are_one_person_and_are_met_by_two_processes_at_once_are_one_contact(
    t: Town, owner: Db, more: int
) -> None:
    for name in ("lid:1", "lid:2"):
        await t.hears([name])
    assert await contacts.join(t.db, t.account, await t.person("lid:1"), await t.person("lid:2"), "operator", {}, "x")
    async with t.db.transaction() as tx:
        [first, *_] = await inbox.ingest(tx, first_of(t, "lid:1", more))
        assert first.outcome == "accepted"
        other = asyncio.create_task(inbox.ingest(t.db, first_of(t, "lid:2", more)))
        async with asyncio.timeout(20):
            while not other.done() and not await owner.value(WAITS):
                await asyncio.sleep(0.01)
        assert not other.done(), "it waits for who met the same person"
    [second, *_] = await other
    assert second.outcome == "accepted"
    met = "select count(*) from contacts where integration_id = $1 and person_id in (select selves($2))"
    assert await t.db.value(met, t.second, await t.person("lid:1")) == 1
    assert second.session_id == first.session_id, "one conversation, too"


WAITS = """
    select exists (select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')
"""


async def test_two_accounts_share_nobody(db: Db) -> None:
    one, two = await Town(db).make(), await Town(db).make()
    for t in (one, two):
        await t.hears(["phone:5531988880100"])
        await t.hears(["lid:1"])
    a, b, theirs = await one.person("phone:5531988880100"), await one.person("lid:1"), await two.person("lid:1")
    assert await contacts.join(db, one.account, a, theirs, "operator", {}, "x") is None
    join = await contacts.join(db, one.account, a, b, "operator", {}, "x")
    assert join and not await contacts.split(db, two.account, join, "x")
    assert await contacts.one(db, two.account, a) is None
    assert await two.db.value("select count(distinct root_id) from people where account_id = $1", two.account) == 2


async def test_a_new_conversation_has_its_own_contacts_name(t: Town) -> None:
    """While two are one person too: after a split nobody is called by the other's name."""
    await t.hears(["lid:1"])
    await t.hears(["lid:2"])
    join = await contacts.join(t.db, t.account, await t.person("lid:1"), await t.person("lid:2"), "operator", {}, "x")
    await t.db.run("update sessions set closed_at = now() where closed_at is null")
    new = await t.hears(["lid:2"])
    assert await t.db.value("select tag from sessions where id = $1", new.session_id) == "t:lid:1"
    assert join and await contacts.split(t.db, t.account, join, "x")
    again = await t.hears(["lid:2"])
    assert again.session_id != new.session_id
    assert await t.db.value("select tag from sessions where id = $1", again.session_id) == "t:lid:2"
