"""Counts beside the operators' lists: those of the lists themselves, for whoever looks, however they are asked for."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from hub import ids
from hub.chat.operators.inbox import SHOWS
from hub.store import operator_inbox
from hub.store.db import Db
from tests.store.rows import Bench, Json

MOST = 6
PEOPLE = "insert into people (id, account_id, root_id) select p, $1, r from unnest($2::uuid[], $3::uuid[]) x(p, r)"
TALKS = """
    insert into sessions (id, account_id, client_id, kind, tag, person_id, last_message_at, last_user_at, closed_at,
        handoff_at, handoff_by)
    select id, $1, client, 'web', id::text, person, at, heard, closed, taken, taker from unnest(
        $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[],
        $9::uuid[]) x(id, client, person, at, heard, closed, taken, taker)
"""
# Plans that this connection keeps of lists, and whether its transaction has looked at people, as each list does.
KEPT = """
    select count(*) from pg_backend_memory_contexts where name = 'CachedPlan' and ident ~ 'from session_order [p] join'
"""
LOOKED = "select count(*) from pg_locks where pid = pg_backend_pid() and relation = 'people'::regclass"
PLACES = """
    update session_order o set status = x.status, assignee_id = x.assignee, team_id = x.team, priority = x.priority
    from unnest($2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::int[]) x(id, status, assignee, team, priority)
    where o.session_id = x.id and o.account_id = $1
"""


@dataclass
class Town:
    """An account with its operators, teams and labels."""

    bench: Bench
    eyes: list[UUID] = field(default_factory=list)
    teams: list[UUID] = field(default_factory=list)
    labels: list[UUID] = field(default_factory=list)

    def filters(self, dice: random.Random) -> Json:
        some = {
            "label": str(dice.choice(self.labels)), "team": str(dice.choice(self.teams)),
            "assignee": str(dice.choice(self.eyes)), "priority": dice.randrange(4),
        }
        return dict(dice.sample(sorted(some.items()), dice.choice((0, 0, 1, 2))))


async def peopled(db: Db, dice: random.Random) -> Town:
    """Who works there: an owner, two agents, of whom one is in both teams, and a viewer."""
    town = Town(await Bench(db).make())
    account = town.bench.account
    for role in ("owner", "agent", "agent", "viewer"):
        town.eyes.append(ids.uuid7())
        await db.run(
            "insert into operators (id, account_id, email, name, role) values ($1, $2, $3, 'o', $4)",
            town.eyes[-1], account, f"{uuid4()}@example.com", role,
        )
    for n in range(2):
        town.teams.append(ids.uuid7())
        await db.run("insert into teams (id, account_id, name) values ($1, $2, $3)", town.teams[-1], account, f"t{n}")
        await db.run("insert into team_members values ($1, $2, $3)", town.teams[-1], town.eyes[1], account)
        town.labels.append(ids.uuid7())
        made = "insert into labels (id, account_id, name, colour) values ($1, $2, $3, 'red')"
        await db.run(made, town.labels[-1], account, f"l{n}")
    await db.run("insert into team_members values ($1, $2, $3)", town.teams[0], town.eyes[2], account)
    return town


async def talked(db: Db, town: Town, dice: random.Random, many: int) -> list[UUID]:
    """Conversations in every state, of fewer people than conversations, some of whom are one."""
    account, now = town.bench.account, datetime.now(UTC)
    people = [ids.uuid7() for _ in range(max(2, many // 2))]
    await db.run(PEOPLE, account, people, [people[0] if n < len(people) // 4 else p for n, p in enumerate(people)])
    rows: list[list[Any]] = [[] for _ in range(8)]
    for n in range(many):
        at = now - timedelta(minutes=dice.randrange(20_000))
        taken = dice.random() < 0.3
        values = (
            ids.uuid7(), town.bench.client, dice.choice((*people, None)), at,
            at if dice.random() < 0.5 else at - timedelta(1), at if n % 5 == 4 else None, at if taken else None,
            dice.choice((*town.eyes, None)) if taken else None,
        )
        for row, value in zip(rows, values, strict=True):
            row.append(value)
    await db.run(TALKS, account, *rows)
    sessions: list[UUID] = rows[0]
    await db.run(
        PLACES, account, sessions, [dice.choice(("open", "open", "snoozed", "closed")) for _ in sessions],
        [dice.choice((*town.eyes, None, None)) for _ in sessions],
        [dice.choice((*town.teams, None, None)) for _ in sessions],
        [dice.choice((0, 1, 1, 2, 3)) for _ in sessions],
    )
    for session in sessions:
        if dice.random() < 0.4:
            await db.run("insert into session_labels values ($1, $2, $3)", session, dice.choice(town.labels), account)
        if dice.random() < 0.3:
            await db.run(
                "insert into human_requests (session_id, account_id, state, asked_by, asked_at)"
                " values ($1, $2, $3, 'rule', $4)",
                session, account, dice.choice(("asking", "waiting", "left", "answered")),
                now - timedelta(days=dice.choice((1, 9))),
            )
        if dice.random() < 0.3:
            await db.run(
                "insert into operator_notices (id, account_id, operator_id, session_id, kind, seen_at)"
                " values ($1, $2, $3, $4, 'mention', $5)",
                ids.uuid7(), account, dice.choice(town.eyes), session, dice.choice((None, now)),
            )
    return sessions


async def compared(db: Db, town: Town, eyes: UUID, dice: random.Random) -> dict[str, int]:
    """What is counted, after it was compared with how many each list shows."""
    lists: list[Json] = [{"name": show, "show": show, "filter": {}} for show in SHOWS]
    lists += [{"name": f"{n}", "show": dice.choice(SHOWS), "filter": town.filters(dice)} for n in range(4)]
    found = await operator_inbox.counts(db, town.bench.account, eyes, lists, MOST)
    meant = {}
    for one in lists:
        shown = await operator_inbox.page(
            db, town.bench.account, eyes, one["show"], after=None, words=None, limit=MOST, person=None,
            filter=one["filter"], by_priority=False,
        )
        meant[one["name"]] = len(shown)
    assert found == meant, (lists, eyes)
    return found


@pytest.mark.parametrize("seed", range(2))
async def test_a_count_is_that_of_its_list(db: Db, seed: int) -> None:
    """Over conversations of chance, in two accounts, for who is in no team, in both, and of the other account."""
    dice = random.Random(seed)
    towns = [await peopled(db, dice) for _ in range(2)]
    highest = 0
    for many in (0, 3, 20):
        for town, other in (towns, towns[::-1]):
            if many:
                await talked(db, town, dice, many if town is towns[0] else many // 3)
            for eyes in (town.eyes[0], town.eyes[1], other.eyes[1]):
                found = await compared(db, town, eyes, dice)
                assert many or not any(found.values())
                highest = max(highest, *found.values())
    assert highest == MOST


async def test_one_conversation_comes_into_a_list_and_leaves_it(db: Db) -> None:
    """What says that a list is empty may not say so of one that holds one."""
    dice = random.Random(7)
    town, other = await peopled(db, dice), await peopled(db, dice)
    await talked(db, other, dice, 20)
    [session] = await talked(db, town, dice, 1)
    me, account = town.eyes[1], town.bench.account
    bare = "update sessions set handoff_at = null, handoff_by = null, last_user_at = null where id = $1"
    await db.run(bare, session)
    await db.run("delete from human_requests where session_id = $1", session)
    await db.run("delete from operator_notices where session_id = $1", session)
    place = "update session_order set {} where session_id = $1 and $2::uuid is not null"
    plain = place.format("status = 'open', assignee_id = null, team_id = null, unanswered = false")
    for show, change in (
        ("mine", place.format("assignee_id = $2")),
        ("mine", "update sessions set handoff_at = now(), handoff_by = $2 where id = $1"),
        ("person", "update sessions set handoff_at = now(), handoff_by = $2 where id = $1"),
        ("team", place.format(f"team_id = '{town.teams[1]}'")),
        ("waiting", place.format("unanswered = true")),
        ("snoozed", place.format("status = 'snoozed'")),
        ("closed", place.format("status = 'closed'")),
        ("mentions", f"insert into operator_notices (id, account_id, operator_id, session_id, kind)"
            f" values ('{uuid4()}', '{account}', $2, $1, 'mention')"),
        ("asked", f"insert into human_requests (session_id, account_id, state, asked_by)"
            f" select $1, '{account}', 'left', 'rule' where $2::uuid is not null"),
    ):
        await db.run(bare, session)
        await db.run(plain, session, me)
        before = await compared(db, town, me, dice)
        assert (before[show], before["unassigned"]) == (0, 1), show
        await db.run(change, session, me)
        assert (await compared(db, town, me, dice))[show] == 1, show


async def test_nothing_is_planned_for_lists_that_hold_none_nor_twice_for_the_others(db: Db, owner: Db) -> None:
    dice = random.Random(3)
    town, none = await peopled(db, dice), await peopled(db, dice)
    await talked(db, town, dice, 20)
    lists: list[Json] = [{"name": show, "show": show, "filter": {}} for show in SHOWS]
    seen = []
    async with owner.transaction() as tx:
        await operator_inbox.counts(tx, none.bench.account, none.eyes[1], lists, MOST)
        assert (await tx.value(LOOKED), await tx.value(KEPT)) == (0, 0)
        for _ in range(2):
            await operator_inbox.counts(tx, town.bench.account, town.eyes[1], lists, MOST)
            seen.append((await tx.value(LOOKED), await tx.value(KEPT)))
    assert seen[0] == seen[1] and min(seen[0]) > 0
