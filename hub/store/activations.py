"""Messages that nobody just asked for, each on its way through the policy."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

# Asked before the next one, which takes PostgreSQL longer to plan than all else that an idle worker asks for.
DUE = "select exists (select from activations where state = 'due' and not_before <= now())"
# Everything the policy wants to know, in one statement. `mine` is locked; others skip it.
TAKE = """
    with mine as materialized (
        select * from activations where state = 'due' and not_before <= now() order by not_before limit $1 for update skip locked)
    select a.id, a.account_id, a.client_id, a.schedule_id, a.campaign_id, a.fire_at, a.external_user, a.channel, a.address, a.names,
        a.variables, a.asked, a.paced, a.reason, now() as now, c.parameters, c.limits, c.gateway_id, acc.outreach,
        case when s.id is not null then jsonb_build_object('kind', s.kind, 'instruction', s.instruction, 'context', s.context,
            'zone', s.zone, 'name', coalesce(s.cron, '')) end as schedule,
        case when m.id is not null then jsonb_build_object('state', m.state, 'message', m.message, 'name', m.name) end as campaign,
        i.id as integration_id, i.session_seconds, i.settings, k.id as contact_id,
        ct.phone, ct.language, ct.name, coalesce(ct.person_id, z.person_id, named.person_id) as person_id,
        z.id as session_id, z.tag, z.chat, z.handoff_at is not null as handoff, z.message_count,
        z.closed_at is null and (z.expires_at is null or z.expires_at > now()) as open, u.last_user_at, x.said_at as last_said_at,
        exists (select 1 from activations o where o.schedule_id = a.schedule_id and o.id <> a.id and o.fire_at < a.fire_at
                and o.state in ('due', 'admitted')) as behind,
        exists (select 1 from outbox t where t.session_id = z.id and t.body ? 'template' and t.created_at > now() - interval '24 hours'
                and t.state in ('queued', 'sending', 'sent')) as templated
    from mine a join clients c on c.id = a.client_id join accounts acc on acc.id = a.account_id
    left join schedules s on s.id = a.schedule_id
    left join campaigns m on m.id = a.campaign_id
    left join integrations i on i.client_id = a.client_id and i.channel = a.channel
    left join lateral (select coalesce(
        (select ck.id from contacts ck where ck.id = a.contact_id and ck.integration_id = i.id),
        (select (contacts_of(i.id, cn.contact_id))[1] from contact_ids cn where cn.integration_id = i.id and cn.value = any(a.names)
            order by array_position(a.names, cn.value) limit 1),
        (select c2.id from identities n2 join people p2 on p2.id = n2.person_id join people q2 on q2.root_id = p2.root_id
            join contacts c2 on c2.person_id = q2.id and c2.integration_id = i.id
            where n2.account_id = a.account_id and n2.key = any(a.names) order by c2.id limit 1),
        (select ss.contact_id from sessions ss where ss.client_id = a.client_id and ss.tag = a.external_user
            and ss.integration_id = i.id order by ss.id desc limit 1)) as id) k on true
    left join contacts ct on ct.id = k.id
    left join lateral (
        select * from (
            (select s1.* from sessions s1 where s1.contact_id = any(contacts_of(i.id, k.id)) and s1.integration_id = i.id
                order by s1.closed_at is null desc, s1.id desc limit 1)
            union all
            (select s2.* from sessions s2 where a.channel = 'web' and s2.client_id = a.client_id and s2.tag = a.external_user
                and s2.kind = 'web' order by s2.id desc limit 1)) both_kinds limit 1) z on true
    left join lateral (
        select max(s3.last_user_at) as last_user_at from sessions s3
        where (s3.contact_id = any(contacts_of(i.id, k.id))) or (k.id is null and s3.client_id = a.client_id and s3.tag = a.external_user)) u
        on true
    left join lateral (
        select i2.person_id from identities i2 where i2.account_id = a.account_id
            and i2.key = any(case when a.channel = 'web' then array['user:' || a.external_user] else a.names end)
        order by array_position(a.names, i2.key) nulls last limit 1) named on true
    left join lateral (
        select max(su.said_at) as said_at from scheduled_users su
        where su.client_id = a.client_id and su.external_user in (a.external_user, z.tag)) x on true
"""
ADMIT = "select activation, outcome, session_id, seq from admit($1)"
DECIDE = """
    update activations a set state = v.state, reason = v.reason, result = v.result, not_before = coalesce(v.not_before, a.not_before),
        paced = v.paced, person_id = coalesce(v.person_id, a.person_id), contact_id = coalesce(v.contact_id, a.contact_id),
        closed_at = case when v.state in ('refused', 'failed', 'cancelled', 'missed') then now() end
    from jsonb_to_recordset($1) v(id uuid, state text, reason text, result text, not_before timestamptz, paced boolean,
        person_id uuid, contact_id uuid)
    where a.id = v.id and a.state = 'due'
"""
NOTE = """
    insert into happenings (account_id, client_id, integration_id, session_id, message_id, kind, detail)
    select v.account_id, v.client_id, v.integration_id, v.session_id, v.id, v.kind, v.detail
    from jsonb_to_recordset($1) v(id uuid, account_id uuid, client_id uuid, integration_id uuid, session_id uuid, kind text, detail jsonb)
"""
LIST = """
    select a.*, person_label(a.person_id) as person, i.id as integration_id, (select coalesce(jsonb_agg(jsonb_build_object('state', o.state, 'code', o.code, 'error', o.error)
            order by o.id), '[]') from outbox o where o.turn_id = a.turn_id) as deliveries
    from activations a left join integrations i on i.client_id = a.client_id and i.channel = a.channel
    where a.account_id = $1 and ($2::text[] is null or a.state = any($2)) and ($3::uuid is null or a.schedule_id = $3)
        and ($4::uuid is null or a.campaign_id = $4) and ($5::uuid is null or a.person_id in (select selves($5))) and ($6::uuid is null or a.id < $6)
    order by a.id desc limit $7
"""
# The conversation was deleted, or the instruction set aside, before it was answered.
ABANDON = """
    update activations a set state = 'failed', reason = 'abandoned', closed_at = now(),
        result = 'Failed: the conversation was deleted or the instruction set aside before it was answered'
    where a.state = 'admitted' and a.admitted_at < now() - interval '10 minutes'
        and not exists (select 1 from inbox i where i.id = a.id and i.state = 'waiting')
"""
FORGET = """
    delete from activations where id in (select id from activations where closed_at < now() - interval '90 days' limit 5000)
"""

Json = dict[str, Any]


async def due(db: Call) -> bool:
    """Whether the time of any activation has come."""
    return bool(await db.value(DUE))


async def take(db: Call, limit: int) -> list[Json]:
    """Activations whose time has come with all that decides about them; locked until the transaction ends."""
    return [dict(r) for r in await db.fetch(TAKE, limit)]


async def admit(db: Call, items: Sequence[Json]) -> list[Json]:
    """Let activations out, in the order given (see `admit` in SQL)."""
    return [dict(r) for r in await db.fetch(ADMIT, clean(list(items)))]


async def decide(db: Call, rows: Sequence[Json]) -> None:
    """Refuse, put off or give back activations."""
    await db.run(DECIDE, clean(list(rows)))


async def note(db: Call, rows: Sequence[Json]) -> None:
    """What was decided, for who asks why."""
    await db.run(NOTE, clean(list(rows)))


async def page(
    db: Call, account: UUID, *, states: Sequence[str] | None = None, schedule: UUID | None = None,
    campaign: UUID | None = None, person: UUID | None = None, before: UUID | None = None, limit: int = 50,
) -> list[Json]:
    """Newest first, with what became of their parts."""
    rows = await db.fetch(
        LIST, account, list(states) if states else None, schedule, campaign, person, before, limit
    )
    return [dict(r) for r in rows]


async def abandon(db: Call) -> int:
    """Close what will never be answered."""
    return await db.run(ABANDON)


async def forget(db: Call) -> int:
    """Drop what was closed long ago."""
    return await db.run(FORGET)


