"""Messages of operators that are to be sent later."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store import personal
from hub.store.db import Call, clean

# What is planned, and what could not be sent, until somebody takes it away.
LIST = """
    select id, session_id, operator_id, author, content, at, zone, state, reason, created_at, closed_at from planned_messages
    where account_id = $1 and session_id = $2 and ($3::uuid is null or id = $3) and (state in ('planned', 'failed') or $3 is not null)
    order by state = 'planned' desc, at, id limit 200
"""
COUNT = "select count(*)::int from planned_messages where account_id = $1 and session_id = $2 and state = 'planned'"
ADD = """
    insert into planned_messages (id, account_id, session_id, operator_id, author, content, at, zone, look_at)
    select $3, s.account_id, s.id, $4, $5, $6, $7, $8, $7 from sessions s where s.account_id = $1 and s.id = $2 and s.closed_at is null
    on conflict (id) do nothing
"""
LOCK = """
    select id, session_id, operator_id, author, content, at, zone, state, at > now() as early from planned_messages
    where account_id = $1 and session_id = $2 and id = $3 for no key update
"""
EDIT = """
    update planned_messages set content = $3, at = $4, zone = $5, look_at = $4, tries = 0
    where account_id = $1 and id = $2 and state = 'planned'
"""
CLOSE = """
    update planned_messages set state = $3, reason = $4, closed_at = now() where account_id = $1 and id = $2 and state = 'planned'
"""
# What could not be sent is told until it is taken away; what is planned is cancelled by that.
REMOVE = """
    update planned_messages set state = 'cancelled', reason = null, closed_at = now()
    where account_id = $1 and session_id = $2 and id = $3 and state in ('planned', 'failed') returning content
"""
# Whose are due, from one account to the next by the index, however much waits in each; nobody's are looked for while none is.
DUE = """
    with recursive lanes(account_id, look_at) as (
        (select p.account_id, p.look_at from planned_messages p where p.state = 'planned'
            and exists (select 1 from planned_messages d where d.state = 'planned' and d.look_at <= now()) order by 1, 2 limit 1)
        union all
        select n.account_id, n.look_at from lanes l cross join lateral (
            select p.account_id, p.look_at from planned_messages p where p.state = 'planned' and p.account_id > l.account_id
            order by 1, 2 limit 1) n)
    select account_id from lanes where look_at <= now()
"""
# Whoever takes one has this long for it; a later one of the same conversation waits for an earlier one.
TAKE = """
    update planned_messages p set tries = p.tries + 1, look_at = now() + make_interval(secs => $2) where p.id in (
        select d.id from planned_messages d where d.account_id = $1 and d.state = 'planned' and d.look_at <= now()
            and not exists (select 1 from planned_messages e where e.session_id = d.session_id and e.state = 'planned'
                and (e.at, e.id) < (d.at, d.id))
        order by d.look_at limit 1 for no key update skip locked)
    returning p.id, p.account_id, p.session_id, p.tries, p.created_at
"""
# Nobody ends the conversation, or takes the message back, until the transaction ends; in the order in which a message does it.
TALK = "select id from sessions where account_id = $1 and id = $2 for no key update"
FORGET = """
    delete from planned_messages where id in (
        select id from planned_messages where closed_at < now() - interval '30 days' limit 20000)
"""

Json = dict[str, Any]


async def listed(db: Call, account: UUID, session: UUID) -> list[Json]:
    """What is planned and what could not be sent, the soonest first."""
    return [dict(r) for r in await db.fetch(LIST, account, session, None)]


async def one(db: Call, account: UUID, session: UUID, id: UUID) -> Json | None:
    row = await db.row(LIST, account, session, id)
    return dict(row) if row else None


async def count(db: Call, account: UUID, session: UUID) -> int:
    return int(await db.value(COUNT, account, session))


async def add(db: Call, account: UUID, session: UUID, id: UUID, row: Mapping[str, Any]) -> bool:
    """row: operator_id, author, content, at, zone. False when there is one of this id, or the conversation has ended."""
    content = await personal.body(db, account, session, row["content"])
    return await db.run(
        ADD, account, session, id, row["operator_id"], clean(row["author"]), content, row["at"], row["zone"]
    ) == 1


async def hold(db: Call, account: UUID, session: UUID) -> None:
    """Nobody else plans in it until the transaction ends."""
    await db.row(TALK, account, session)


async def lock(db: Call, account: UUID, session: UUID, id: UUID) -> Json | None:
    """Its conversation and it, locked: nobody ends the one or changes the other meanwhile."""
    if await db.row(TALK, account, session) is None:
        return None
    row = await db.row(LOCK, account, session, id)
    return dict(row) if row else None


async def edit(db: Call, account: UUID, session: UUID, id: UUID, content: Json, at: datetime, zone: str) -> None:
    await db.run(EDIT, account, id, await personal.body(db, account, session, content), at, zone)


async def close(db: Call, account: UUID, id: UUID, state: str, reason: str | None = None) -> None:
    await db.run(CLOSE, account, id, state, reason)


async def remove(db: Call, account: UUID, session: UUID, id: UUID) -> Json | None:
    """What it was to say."""
    row = await db.row(REMOVE, account, session, id)
    return dict(row["content"]) if row else None


async def accounts(db: Call) -> list[UUID]:
    """Who has some that are due, or being sent."""
    return [r["account_id"] for r in await db.fetch(DUE)]


async def take(db: Call, account: UUID, seconds: float) -> Json | None:
    """One of theirs that is due and nobody is at: {id, account_id, session_id, tries}."""
    row = await db.row(TAKE, account, seconds)
    return dict(row) if row else None


async def forget(db: Call) -> int:
    return await db.run(FORGET)
