"""Conversations in which a person was asked for, and operators who are there."""

from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store import personal
from hub.store.db import Call, clean

# Who asks again after an answer, or before anybody was there, asks anew; who asks twice waits since the first time.
ASK = """
    insert into human_requests as r (session_id, account_id, state, asked_by, reason)
    select s.id, s.account_id, 'asking', $3, $4 from sessions s where s.id = $2 and s.account_id = $1 and s.closed_at is null
    on conflict (session_id) do update set state = 'asking', asked_by = excluded.asked_by, reason = coalesce(excluded.reason, r.reason),
        asked_at = case when r.state = 'answered' then now() else r.asked_at end,
        warn_at = null, due_at = null, warned_at = null, answered_at = null
    where r.state <> 'waiting' or not exists (select 1 from sessions s where s.id = r.session_id and s.handoff_at is not null)
"""
SETTLE = """
    update human_requests set state = $3, due_at = $4::timestamptz, warn_at = $5::timestamptz,
        called_at = case when $3 = 'waiting' then now() else called_at end
    where session_id = $2 and account_id = $1 and state = 'asking' returning asked_by, reason
"""
GET = """
    select state, asked_by, reason, asked_at, due_at, warn_at, answered_at from human_requests
    where session_id = $2 and account_id = $1
"""
# What a process that died left in the middle.
ASKING = """
    select r.session_id, r.account_id from human_requests r join sessions s on s.id = r.session_id
    where r.state = 'asking' and r.asked_at < now() - make_interval(secs => $1) and (s.lease_until is null or s.lease_until < now())
    order by r.asked_at limit 100
"""
# Whoever dies in between has told nobody and marked nothing.
WARN = """
    with late as (
        update human_requests r set warned_at = now() where r.session_id in (
            select w.session_id from human_requests w where w.warned_at is null and w.state in ('waiting', 'left') and w.warn_at <= now()
            order by w.warn_at limit 100 for no key update skip locked)
        returning r.session_id, r.account_id, r.due_at),
    told as (
        insert into happenings (account_id, session_id, kind, detail)
        select l.account_id, l.session_id, 'person_late', '{}'::jsonb from late l)
    select session_id, account_id, due_at from late
"""
HERE = """
    insert into operator_presence as p (operator_id, account_id) select id, account_id from operators where id = $1
    on conflict (operator_id) do update set here_at = now() where p.here_at < now() - interval '20 seconds'
"""
AWAY = """
    insert into operator_presence (operator_id, account_id, away) select id, account_id, $2 from operators where id = $1
    on conflict (operator_id) do update set away = excluded.away, here_at = now()
"""
ANYBODY = """
    select exists (select 1 from operator_presence p join operators o on o.id = p.operator_id
        where p.account_id = $1 and o.role <> 'viewer' and not p.away and p.here_at > now() - make_interval(secs => $2))
"""
IS_AWAY = "select coalesce((select away from operator_presence where operator_id = $1), false)"
# $4: whether it takes the place of another one.
EMAIL = """
    update sessions s set metadata = s.metadata || jsonb_build_object('anon:email', $3::text)
    from human_requests r where s.id = $2 and s.account_id = $1 and r.session_id = s.id and r.state = 'left'
        and s.metadata->>'anon:email' is distinct from $3 and ($4 or s.metadata->>'anon:email' is null)
"""
# $3: round_robin, or least_busy; $4: of which team, or null. Locked, so that two that come at once are two people's.
PICK = """
    with there as (
        select p.operator_id, p.assigned_at, (select count(*) from (
            select s.id from sessions s where s.account_id = $1 and s.handoff_by = p.operator_id
                and s.handoff_at is not null and s.closed_at is null
            union select q.session_id from session_order q where q.account_id = $1 and q.assignee_id = p.operator_id
                and q.status = 'open') has) as busy
        from operator_presence p join operators o on o.id = p.operator_id
        where p.account_id = $1 and o.role <> 'viewer' and not p.away and p.here_at > now() - make_interval(secs => $2)
            and ($4::uuid is null or exists (select 1 from team_members t where t.team_id = $4 and t.operator_id = p.operator_id))),
    chosen as (
        select t.operator_id from there t
        order by case when $3 = 'least_busy' then t.busy end, t.assigned_at nulls first, t.operator_id limit 1)
    update operator_presence p set assigned_at = clock_timestamp() from chosen c, operators o
    where p.operator_id = c.operator_id and o.id = c.operator_id returning o.id, o.name
"""
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('route:' || account_id::text, 0)) from (select $1::uuid as account_id) a"
COLLEAGUES = """
    select o.id, o.name, coalesce(not p.away and p.here_at > now() - make_interval(secs => $2), false) as here from operators o
    left join operator_presence p on p.operator_id = o.id where o.account_id = $1 and o.role <> 'viewer' order by o.name, o.id
"""
# Gone from the list after so long; what happened stays told in `happenings`.
FORGET = """
    delete from human_requests where session_id in (
        select session_id from human_requests where state = 'answered' and answered_at < now() - interval '90 days' limit 20000)
"""

Json = dict[str, Any]


async def ask(db: Call, account: UUID, session: UUID, by: str, reason: str | None) -> bool:
    """Note that a person is asked for. by: model, words or rule. False where one was called already."""
    told = await personal.body(db, account, session, {"text": clean(reason)}) if reason else None
    return await db.run(ASK, account, session, by, told) == 1


async def settle(
    db: Call, account: UUID, session: UUID, state: str, due: datetime | None, warn: datetime | None
) -> Json | None:
    """What became of it: waiting or left. None when there is nothing to settle."""
    row = await db.row(SETTLE, account, session, state, due, warn)
    return dict(row) if row else None


async def get(db: Call, account: UUID, session: UUID) -> Json | None:
    row = await db.row(GET, account, session)
    return dict(row) if row else None


async def asking(db: Call, seconds: float) -> list[Json]:
    """What was asked for in turns that never ended: {session_id, account_id}."""
    return [dict(r) for r in await db.fetch(ASKING, seconds)]


async def warn(db: Call) -> list[Json]:
    """Note those that will soon be answered too late, each once: {session_id, account_id, due_at}."""
    return [dict(r) for r in await db.fetch(WARN)]


async def here(db: Call, operator: UUID) -> None:
    await db.run(HERE, operator)


async def set_away(db: Call, operator: UUID, away: bool) -> None:
    await db.run(AWAY, operator, away)


async def is_away(db: Call, operator: UUID) -> bool:
    return bool(await db.value(IS_AWAY, operator))


async def anybody(db: Call, account: UUID, seconds: float) -> bool:
    """Whether somebody who may answer has looked at the console within so many seconds."""
    return bool(await db.value(ANYBODY, account, seconds))


async def pick(db: Call, account: UUID, seconds: float, how: str, team: UUID | None = None) -> Json | None:
    """Whose turn it is, of those who are there, or of a team's: {id, name}. In a transaction: of two that come at once each sees what the
    other has got."""
    await db.run(ONE_AT_A_TIME, account)
    row = await db.row(PICK, account, seconds, how, team)
    return dict(row) if row else None


async def colleagues(db: Call, account: UUID, seconds: float) -> list[Json]:
    """Everybody who may have a conversation: {id, name, here}."""
    return [dict(r) for r in await db.fetch(COLLEAGUES, account, seconds)]


async def set_email(db: Call, account: UUID, session: UUID, email: str, instead: bool = True) -> bool:
    """Keep where somebody can be answered whom nobody was there for; instead: also where another address is known.
    False when nobody asked."""
    return await db.run(EMAIL, account, session, clean(email), instead) == 1


async def forget(db: Call) -> int:
    return await db.run(FORGET)
