"""How conversations stand in a business's inbox: whose they are, put away or not, how urgent; and who is told of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store.db import Call

# Teams with their members, and labels; ids as texts.
CHOICES = """
    select jsonb_build_object(
        'teams', (select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'name', t.name) order by lower(t.name), t.id), '[]')
            from teams t where t.account_id = a.id),
        'labels', (select coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'name', l.name, 'colour', l.colour)
            order by lower(l.name), l.id), '[]') from labels l where l.account_id = a.id))
    from accounts a where a.id = $1
"""
# Locked in the order in which a message does it: the conversation first.
LOCK = """
    select p.session_id as id, p.status, p.snoozed_until, p.priority, p.assignee_id, p.team_id, s.handoff_at, s.handoff_by
    from sessions s join session_order p on p.session_id = s.id
    where s.account_id = $1 and s.id = $2 and s.client_id is not null for no key update of s, p
"""
ASSIGN = "update session_order set assignee_id = $3, team_id = $4 where account_id = $1 and session_id = $2"
STAND = """
    update session_order set status = $3, snoozed_until = $4, snoozed_by = $5 where account_id = $1 and session_id = $2
"""
RANK = "update session_order set priority = $3 where account_id = $1 and session_id = $2"
# Whose rest is over comes to the top, and whoever sees to it is told.
WAKE = """
    with over as (
        update session_order o set status = 'open', snoozed_until = null, at = now() where o.session_id in (
            select w.session_id from session_order w where w.snoozed_until <= now() order by w.snoozed_until limit 200
            for no key update skip locked)
        returning o.session_id, o.account_id, o.assignee_id, o.snoozed_by),
    told as (
        insert into operator_notices (id, account_id, operator_id, session_id, kind)
        select gen_random_uuid(), o.account_id, coalesce(o.assignee_id, o.snoozed_by), o.session_id, 'rested' from over o
        where coalesce(o.assignee_id, o.snoozed_by) is not null),
    noted as (
        insert into happenings (account_id, session_id, kind, detail)
        select o.account_id, o.session_id, 'desk', '{"what": "rested"}'::jsonb from over o)
    select session_id, account_id from over
"""
MENTION = """
    insert into operator_notices (id, account_id, operator_id, session_id, kind)
    select gen_random_uuid(), s.account_id, o.id, s.id, 'mention' from sessions s join operators o on o.account_id = s.account_id
    where s.account_id = $1 and s.id = $2 and o.id = any($3::uuid[])
"""
SEEN = """
    update operator_notices set seen_at = now() where account_id = $1 and operator_id = $2 and session_id = $3 and seen_at is null
"""
FORGET = """
    delete from operator_notices where id in (
        select id from operator_notices where created_at < now() - interval '90 days' limit 20000)
"""

Json = dict[str, Any]


async def choices(db: Call, account: UUID) -> Json:
    """{teams, labels} to choose from, in one statement; ids are texts."""
    return dict(await db.value(CHOICES, account) or {"teams": [], "labels": []})


async def lock(db: Call, account: UUID, session: UUID) -> Json | None:
    """How it stands; until the transaction ends nobody else changes it. None where nobody has said a word yet."""
    row = await db.row(LOCK, account, session)
    return dict(row) if row else None


async def assign(db: Call, account: UUID, session: UUID, operator: UUID | None, team: UUID | None) -> None:
    await db.run(ASSIGN, account, session, operator, team)


async def stand(
    db: Call, account: UUID, session: UUID, status: str, until: datetime | None = None, by: UUID | None = None
) -> None:
    """open, closed, or snoozed until a time; without one, until the person writes."""
    await db.run(STAND, account, session, status, until, by)


async def rank(db: Call, account: UUID, session: UUID, priority: int) -> None:
    await db.run(RANK, account, session, priority)


async def wake(db: Call) -> list[Json]:
    """Those that had been put away until now: {session_id, account_id}."""
    return [dict(r) for r in await db.fetch(WAKE)]


async def mention(db: Call, account: UUID, session: UUID, operators: Sequence[UUID]) -> None:
    await db.run(MENTION, account, session, list(operators))


async def seen(db: Call, account: UUID, operator: UUID, session: UUID) -> None:
    """They have looked at what they were told of."""
    await db.run(SEEN, account, operator, session)


async def forget(db: Call) -> int:
    return await db.run(FORGET)
