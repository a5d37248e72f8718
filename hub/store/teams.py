"""Teams: named groups of an account's operators."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

LIST = """
    select t.id, t.name, t.created_at, coalesce((
        select jsonb_agg(jsonb_build_object('id', o.id, 'name', o.name) order by o.name, o.id) from team_members m
        join operators o on o.id = m.operator_id where m.team_id = t.id), '[]') as members
    from teams t where t.account_id = $1 and ($2::uuid is null or t.id = $2) order by lower(t.name), t.id limit 200
"""
MANY = "select count(*)::int from teams where account_id = $1"
ADD = """
    insert into teams (id, account_id, name) select $2, a.id, $3 from accounts a where a.id = $1
    on conflict (account_id, lower(name)) do nothing
"""
RENAME = "update teams set name = $3 where account_id = $1 and id = $2"
TAKEN = "select exists (select 1 from teams where account_id = $1 and lower(name) = lower($3) and id <> $2)"
LOCK = "select id from teams where account_id = $1 and id = $2 for no key update"
# Until the transaction ends no other team of the account is made or renamed.
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('teams:' || account_id::text, 0)) from (select $1::uuid as account_id) a"
DROP = "delete from team_members where team_id = $2 and account_id = $1 and operator_id <> all($3::uuid[])"
JOIN = """
    insert into team_members (team_id, operator_id, account_id)
    select $2, o.id, o.account_id from operators o where o.account_id = $1 and o.id = any($3::uuid[]) and o.role <> 'viewer'
    on conflict do nothing
"""
WORKS = "select count(*)::int from operators where account_id = $1 and id = any($2::uuid[]) and role <> 'viewer'"
REMOVE = "delete from teams where account_id = $1 and id = $2"

Json = dict[str, Any]


async def listed(db: Call, account: UUID) -> list[Json]:
    """Each with its members: {id, name}."""
    return [dict(r) for r in await db.fetch(LIST, account, None)]


async def one(db: Call, account: UUID, id: UUID) -> Json | None:
    row = await db.row(LIST, account, id)
    return dict(row) if row else None


async def many(db: Call, account: UUID) -> int:
    return int(await db.value(MANY, account))


async def alone(db: Call, account: UUID) -> None:
    """In a transaction: nobody else makes or renames a team of the account until it ends."""
    await db.run(ONE_AT_A_TIME, account)


async def add(db: Call, account: UUID, id: UUID, name: str) -> bool:
    """False when there is one of this name."""
    return await db.run(ADD, account, id, clean(name)) == 1


async def lock(db: Call, account: UUID, id: UUID) -> bool:
    return await db.row(LOCK, account, id) is not None


async def taken(db: Call, account: UUID, id: UUID, name: str) -> bool:
    """Whether another team has the name."""
    return bool(await db.value(TAKEN, account, id, clean(name)))


async def rename(db: Call, account: UUID, id: UUID, name: str) -> None:
    await db.run(RENAME, account, id, clean(name))


async def work(db: Call, account: UUID, operators: Sequence[UUID]) -> int:
    """How many of them may have a conversation."""
    return int(await db.value(WORKS, account, list(operators)))


async def put(db: Call, account: UUID, id: UUID, operators: Sequence[UUID]) -> None:
    """These are its members from now on, and nobody else."""
    await db.run(DROP, account, id, list(operators))
    await db.run(JOIN, account, id, list(operators))


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    """What was given to it is nobody's."""
    return await db.run(REMOVE, account, id) == 1
