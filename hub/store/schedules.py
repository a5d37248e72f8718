"""Schedules and recurring tasks: what is due, and what their owners see of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

# The index on next_at begins with what is due, so that the rest is never looked at. Not clock_timestamp():
# a time that changes while the statement runs cannot bound an index.
DUE = """
    select id, kind, zone, cron, every, unit, anchor, catch_up, within_seconds, next_at, now() as now
    from schedules where state = 'active' and next_at <= now()
    order by next_at limit $1 for update skip locked
"""
FIRE = """
    insert into activations (id, account_id, client_id, schedule_id, fire_at, external_user, channel, address, names, contact_id,
        asked, state, reason, result, closed_at)
    select f.id, s.account_id, s.client_id, s.id, f.fire_at, s.external_user, s.channel, s.address, s.names, s.contact_id, s.asked,
        case when f.missed is null then 'due' else 'missed' end, case when f.missed is not null then 'missed' end, f.missed,
        case when f.missed is not null then now() end
    from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[]) f(id, schedule_id, fire_at, missed)
    join schedules s on s.id = f.schedule_id
    on conflict (schedule_id, fire_at) do nothing
"""
ADVANCE = """
    update schedules s set next_at = v.next_at, state = case when v.next_at is null then 'done' else s.state end
    from unnest($1::uuid[], $2::timestamptz[]) v(id, next_at) where s.id = v.id
"""
ADD = """
    insert into schedules (id, account_id, client_id, kind, external_user, channel, address, names, contact_id, instruction, context,
        zone, cron, every, unit, anchor, catch_up, within_seconds, max_executions, asked, origin, scheduled_at, next_at)
    select $1, c.account_id, c.id, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23
    from clients c where c.id = $3 and c.account_id = $2
"""
TWIN = """
    select id from schedules where account_id = $1 and client_id = $2 and external_user = $3 and state = 'active'
        and instruction = $4 and next_at = $5 and cron is not distinct from $6 and contact_id is not distinct from $7 limit 1
"""
# A schedule with its latest occurrence and what became of that one's parts. offset 0: who it is for is told first, and looked up then.
SEEN = """
    select s.*, cl.parameters, ct.phone, ct.language, who.id as person_id, p.zone as person_zone, p.opted_out_at, x.id as activation_id, x.state as x_state, x.reason as x_reason, x.result as x_result, x.admitted_at as x_admitted_at,
        x.session_id as x_session_id, x.said_at as x_said_at, x.fire_at as x_fire_at, x.not_before as x_not_before, x.deliveries
    from (select s.* from schedules s where s.account_id = $1 and s.client_id = $2 and s.kind = $3 and ($4::uuid is null or s.id = $4)
            and ($5::text is null or s.external_user = $5) and ($6::uuid is null or s.id < $6) order by s.id desc limit $7) s
    left join lateral (
        select a.*, (select coalesce(jsonb_agg(jsonb_build_object('state', o.state, 'code', o.code, 'error', o.error) order by o.id), '[]')
                     from outbox o where o.turn_id = a.turn_id) as deliveries
        from activations a where a.schedule_id = s.id order by a.fire_at desc limit 1) x on true
    join clients cl on cl.id = s.client_id
    left join lateral (select coalesce(s.contact_id, (select cn.contact_id from contact_ids cn join integrations i on i.id = cn.integration_id
        where i.client_id = s.client_id and i.channel = s.channel and cn.value = any(s.names) limit 1)) as id offset 0) k on true
    left join contacts ct on ct.id = k.id
    left join lateral (select coalesce(ct.person_id, (select n.person_id from identities n where n.account_id = s.account_id
        and n.key = any(case when s.channel = 'web' then array['user:' || s.external_user] else s.names end)
        order by array_position(s.names, n.key) nulls last limit 1)) as id offset 0) who on true
    left join people q on q.id = who.id
    left join lateral (select x.* from persons x where x.id = q.root_id offset 0) p on true
    order by s.id desc
"""
COUNT = """
    select count(*) from schedules where account_id = $1 and client_id = $2 and ($3::text is null or external_user = $3)
"""
LOCK = "select * from schedules where account_id = $1 and client_id = $2 and kind = $3 and id = $4 for no key update"
OF_USER = """
    select * from schedules s where account_id = $1 and client_id = $2 and state in ('active', 'paused') and case
        when $5::uuid is null or (contact_id is null and names = '{}') then external_user = $3
        when contact_id is not null then contact_id in (select c.id from contacts c where c.person_id in (select selves($5)))
        else names && array(select i.key from identities i where i.person_id in (select selves($5))) end
    order by next_at nulls last, id limit $4
"""
EDIT = """
    update schedules set instruction = $3, context = $4, zone = $5, cron = $6, every = $7, unit = $8, anchor = $9, catch_up = $10,
        within_seconds = $11, max_executions = $12, state = $13, scheduled_at = $14, next_at = $15, updated_at = now()
    where account_id = $1 and id = $2
"""
# What has been let out cannot be called back; what still waits goes with its schedule.
REMOVE = """
    with gone as (delete from schedules s where s.account_id = $1 and s.client_id = $2 and s.kind = $3 and s.id = $4
        and (s.kind = 'recurring' or s.state in ('active', 'paused')
             or exists (select 1 from activations a where a.schedule_id = s.id and a.state = 'due')) returning s.id),
    waiting as (update activations a set state = 'cancelled', reason = 'cancelled', result = 'Cancelled', closed_at = now()
        from gone where a.schedule_id = gone.id and a.state = 'due')
    select id from gone
"""
RUN_NOW = """
    insert into activations (id, account_id, client_id, schedule_id, fire_at, external_user, channel, address, names, contact_id, asked)
    select $3, s.account_id, s.client_id, s.id, clock_timestamp(), s.external_user, s.channel, s.address, s.names, s.contact_id, s.asked
    from schedules s where s.account_id = $1 and s.id = $2
"""
INACTIVE = """
    select u.external_user, u.said_at, t.at as user_at from scheduled_users u
    join clients c on c.id = u.client_id and c.account_id = $1
    left join lateral (select max(s.last_user_at) as at from sessions s where s.client_id = u.client_id and s.tag = u.external_user) t on true
    where u.client_id = $2 and ($3::text is null or u.external_user = $3) and (t.at is null or u.said_at > t.at)
    order by u.said_at desc
"""
# Where a user of a chat client was last spoken with, on one network or (null) on any.
USER = """
    select s.id, s.tag, s.chat, s.contact_id, coalesce(i.channel, 'web') as channel, s.last_user_at, c.phone, c.language, c.username,
        coalesce((select array_agg(k.value order by k.value) from contact_ids k where k.contact_id = s.contact_id), '{}') as names,
        s.person_id
    from sessions s left join integrations i on i.id = s.integration_id left join contacts c on c.id = s.contact_id
    where s.account_id = $1 and s.client_id = $2 and s.tag = any($3::text[])
        and ($4::text is null or coalesce(i.channel, 'web') = $4) and (s.kind = 'web' or s.integration_id is not null)
    order by s.id desc limit 1
"""
SESSION = """
    select s.id, s.tag, s.chat, s.contact_id, coalesce(i.channel, 'web') as channel, s.last_user_at, c.phone, c.language, c.username,
        coalesce((select array_agg(k.value order by k.value) from contact_ids k where k.contact_id = s.contact_id), '{}') as names,
        s.person_id
    from sessions s left join integrations i on i.id = s.integration_id left join contacts c on c.id = s.contact_id
    where s.account_id = $1 and s.client_id = $2 and s.id = $3
"""
NETWORKS = """
    select i.channel from integrations i where i.account_id = $1 and i.client_id = $2 order by i.channel
"""

Json = dict[str, Any]


async def due(db: Call, limit: int) -> list[Json]:
    """Schedules whose time has come, locked for this transaction; those that others hold are left to them."""
    return [dict(r) for r in await db.fetch(DUE, limit)]


async def fire(db: Call, fired: Sequence[tuple[UUID, UUID, datetime, str | None]]) -> int:
    """Write occurrences (id, schedule, time, why it was missed); one that exists stays as it is."""
    ids, schedules, times, missed = [list(c) for c in zip(*fired, strict=True)] or [[], [], [], []]
    return await db.run(FIRE, ids, schedules, times, missed)


async def advance(db: Call, moved: Sequence[tuple[UUID, datetime | None]]) -> None:
    """Give schedules their next time; None ends them."""
    await db.run(ADVANCE, [m[0] for m in moved], [m[1] for m in moved])


async def add(db: Call, account: UUID, client: UUID, id: UUID, row: Json) -> bool:
    """`row`: the columns by name. False when the chat client is not the account's."""
    return await db.run(
        ADD, id, account, client, row["kind"], clean(row["external_user"]), row["channel"], clean(row["address"]),
        clean(row["names"]), row["contact_id"], clean(row["instruction"]), clean(row["context"]), row["zone"], row["cron"],
        row["every"], row["unit"], row["anchor"], row["catch_up"], row["within_seconds"], row["max_executions"],
        row["asked"], row["origin"], row["scheduled_at"], row["next_at"],
    ) == 1


async def twin(db: Call, account: UUID, client: UUID, row: Json) -> UUID | None:
    """An active schedule that says the same at the same time to the same user."""
    found: UUID | None = await db.value(
        TWIN, account, client, clean(row["external_user"]), clean(row["instruction"]), row["next_at"], row["cron"],
        row["contact_id"],
    )
    return found


async def seen(
    db: Call, account: UUID, client: UUID, kind: str, *, id: UUID | None = None, user: str | None = None,
    before: UUID | None = None, limit: int = 1,
) -> list[Json]:
    """Newest first; each with its latest occurrence (x_..., deliveries)."""
    return [dict(r) for r in await db.fetch(SEEN, account, client, kind, id, clean(user), before, limit)]


async def count(db: Call, account: UUID, client: UUID, user: str | None) -> int:
    """Schedules and recurring tasks together."""
    return int(await db.value(COUNT, account, client, clean(user)))


async def lock(db: Call, account: UUID, client: UUID, kind: str, id: UUID) -> Json | None:
    """Until the transaction ends nobody else fires or changes it."""
    row = await db.row(LOCK, account, client, kind, id)
    return dict(row) if row else None


async def of_user(db: Call, account: UUID, client: UUID, user: str, person: UUID | None, limit: int) -> list[Json]:
    """Active and paused ones of a person, soonest first. user: what they are called, which counts where there is no
    contact: a user name changes hands."""
    return [dict(r) for r in await db.fetch(OF_USER, account, client, clean(user), limit, person)]


async def edit(db: Call, account: UUID, row: Json) -> None:
    await db.run(
        EDIT, account, row["id"], clean(row["instruction"]), clean(row["context"]), row["zone"], row["cron"], row["every"],
        row["unit"], row["anchor"], row["catch_up"], row["within_seconds"], row["max_executions"], row["state"],
        row["scheduled_at"], row["next_at"],
    )


async def remove(db: Call, account: UUID, client: UUID, kind: str, id: UUID) -> bool:
    """False when there is none, or when a one-time schedule has already been activated."""
    return await db.value(REMOVE, account, client, kind, id) is not None


async def run_now(db: Call, account: UUID, schedule: UUID, id: UUID) -> None:
    await db.run(RUN_NOW, account, schedule, id)


async def inactive(db: Call, account: UUID, client: UUID, user: str | None) -> list[Json]:
    """Users who have not written since the last scheduled message."""
    return [dict(r) for r in await db.fetch(INACTIVE, account, client, clean(user))]


async def user(db: Call, account: UUID, client: UUID, tags: Sequence[str], channel: str | None) -> Json | None:
    """Who had one of the tags last."""
    row = await db.row(USER, account, client, clean(list(tags)), channel)
    return dict(row) if row else None


async def session(db: Call, account: UUID, client: UUID, id: UUID) -> Json | None:
    row = await db.row(SESSION, account, client, id)
    return dict(row) if row else None


async def networks(db: Call, account: UUID, client: UUID) -> list[str]:
    return [r["channel"] for r in await db.fetch(NETWORKS, account, client)]
