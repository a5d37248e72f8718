"""Campaigns and their recipients, who are activations."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

ADD = """
    insert into campaigns (id, account_id, client_id, name, channel, message, per_minute, starts_at, size)
    select $1, c.account_id, c.id, $4, $5, $6, $7, $8, $9 from clients c where c.id = $3 and c.account_id = $2
"""
# Places are dense and begin at 1; who is refused from the beginning stays in the list with the reason.
ADD_RECIPIENTS = """
    insert into activations (id, account_id, client_id, campaign_id, place, fire_at, external_user, channel, address, names, variables,
        state, reason, result, closed_at)
    select r.id, m.account_id, m.client_id, m.id, r.place, now(), r.external_user, m.channel, r.address, r.names, r.variables,
        case when r.reason is null then 'waiting' else 'refused' end, r.reason, r.result,
        case when r.reason is not null then now() end
    from jsonb_to_recordset($3) r(id uuid, place int, external_user text, address text, names text[], variables jsonb, reason text,
        result text)
    join campaigns m on m.id = $2 and m.account_id = $1
"""
GET = """
    select m.*, c.name as client_name, (select coalesce(jsonb_object_agg(n.state, n.n), '{}') from (
        select a.state, count(*) as n from activations a where a.campaign_id = m.id group by a.state) n) as counts
    from campaigns m join clients c on c.id = m.client_id where m.account_id = $1 and m.id = $2
"""
LIST = """
    select m.*, c.name as client_name from campaigns m join clients c on c.id = m.client_id
    where m.account_id = $1 and ($2::uuid is null or m.id < $2) order by m.id desc limit $3
"""
MOVE = """
    update campaigns set state = $3, updated_at = now(), halted = case when $3 <> 'running' then halted end,
        next_at = case when $3 = 'running' then greatest(coalesce(starts_at, now()), now()) end
    where account_id = $1 and id = $2 and state = any($4) returning id
"""
# Nobody who waits, or whose message has not been let out, gets one any more.
CANCEL = """
    update activations set state = 'cancelled', reason = 'campaign_stopped', result = 'Cancelled: the campaign was stopped', closed_at = now()
    where account_id = $1 and campaign_id = $2 and state in ('waiting', 'due')
"""
CANCEL_PARTS = """
    update outbox o set state = 'cancelled', code = 'campaign_stopped', error = 'The campaign was stopped.', closed_at = now()
    from activations a where a.account_id = $1 and a.campaign_id = $2 and a.turn_id is not null and o.turn_id = a.turn_id
        and o.state = 'queued'
"""
REMOVE = "delete from campaigns where account_id = $1 and id = $2 and state in ('draft', 'stopped', 'done')"
RECIPIENTS = """
    select a.*, person_label(a.person_id) as person, (select coalesce(jsonb_agg(jsonb_build_object('state', o.state, 'code', o.code, 'error', o.error) order by o.id), '[]')
                 from outbox o where o.turn_id = a.turn_id) as deliveries
    from activations a where a.account_id = $1 and a.campaign_id = $2 and ($3::text[] is null or a.state = any($3)) and a.place > $4
    order by a.place limit $5
"""
RECIPIENT_COUNT = """
    select count(*)::int from activations a where a.account_id = $1 and a.campaign_id = $2 and ($3::text[] is null or a.state = any($3))
"""
DUE = """
    select id, per_minute, next_at, now() as now from campaigns where state = 'running' and next_at <= now()
    order by next_at limit 50 for update skip locked
"""
RELEASE = """
    with next as (select a.id from activations a where a.campaign_id = $1 and a.state = 'waiting' order by a.place limit $2
        for update skip locked)
    update activations a set state = 'due', fire_at = now(), not_before = now() from next where a.id = next.id
"""
PACE = "update campaigns set next_at = $2 where id = $1"
FINISH = """
    update campaigns m set state = 'done', next_at = null, updated_at = now() where m.id = $1 and m.state = 'running'
        and not exists (select 1 from activations a where a.campaign_id = m.id and a.state in ('waiting', 'due', 'admitted'))
"""
# What the dry run knows of people: as `activations.take` does, before anything is on its way.
PLAN = """
    select r.place, ct.phone, ct.language, ct.name, n.person_id, person_label(n.person_id) as person,
        i.settings, u.last_user_at, p.zone as person_zone, p.opted_out_at, coalesce(w.day, 0) as day, coalesce(w.week, 0) as week
    from jsonb_to_recordset($3) r(place int, names text[], external_user text)
    join clients c on c.id = $2 and c.account_id = $1
    left join integrations i on i.client_id = c.id and i.channel = $4
    left join lateral (select n1.person_id from identities n1 where n1.account_id = $1 and n1.key = any(r.names)
        order by array_position(r.names, n1.key) limit 1) n on true
    left join people me on me.id = n.person_id
    left join lateral (select x.* from persons x where x.id = me.root_id offset 0) p on true
    left join lateral (select k1.id from people m join contacts k1 on k1.person_id = m.id and k1.integration_id = i.id
        where m.root_id = p.id order by k1.id limit 1) k on true
    left join contacts ct on ct.id = k.id
    left join lateral (select max(s3.last_user_at) as last_user_at from sessions s3 where s3.contact_id = any(contacts_of(i.id, k.id))) u
        on true
    left join lateral (
        select count(*) filter (where a.admitted_at > now() - interval '1 day')::int as day, count(*)::int as week
        from people m join activations a on a.account_id = $1 and a.person_id = m.id
        where m.root_id = p.id and not a.asked and a.admitted_at > now() - interval '7 days') w on true
    order by r.place
"""

Json = dict[str, Any]


async def add(db: Call, account: UUID, client: UUID, id: UUID, row: Json) -> bool:
    """False when the chat client is not the account's."""
    return await db.run(
        ADD, id, account, client, clean(row["name"]), row["channel"], clean(row["message"]), row["per_minute"],
        row["starts_at"], row["size"],
    ) == 1


async def add_recipients(db: Call, account: UUID, campaign: UUID, rows: Sequence[Json]) -> None:
    await db.run(ADD_RECIPIENTS, account, campaign, clean(list(rows)))


async def get(db: Call, account: UUID, id: UUID) -> Json | None:
    """With the number of recipients by state."""
    row = await db.row(GET, account, id)
    return dict(row) if row else None


async def page(db: Call, account: UUID, before: UUID | None, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(LIST, account, before, limit)]


async def move(db: Call, account: UUID, id: UUID, state: str, whence: Sequence[str]) -> bool:
    """Change the state, if it is one of `whence`."""
    return await db.value(MOVE, account, id, state, list(whence)) is not None


async def cancel(db: Call, account: UUID, id: UUID) -> None:
    """Nobody gets a message of it any more that is not on its way."""
    await db.run(CANCEL, account, id)
    await db.run(CANCEL_PARTS, account, id)


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, id) == 1


async def recipients(
    db: Call, account: UUID, campaign: UUID, states: Sequence[str] | None, after: int, limit: int
) -> list[Json]:
    """In the order of the list, from a place on."""
    rows = await db.fetch(RECIPIENTS, account, campaign, list(states) if states else None, after, limit)
    return [dict(r) for r in rows]


async def recipient_count(db: Call, account: UUID, campaign: UUID, states: Sequence[str] | None) -> int:
    return int(await db.value(RECIPIENT_COUNT, account, campaign, list(states) if states else None))


async def due(db: Call) -> list[Json]:
    """Running campaigns whose next recipient may go, locked."""
    return [dict(r) for r in await db.fetch(DUE)]


async def release(db: Call, campaign: UUID, count: int) -> int:
    """Let the next recipients go; how many there were."""
    return await db.run(RELEASE, campaign, count)


async def pace(db: Call, campaign: UUID, next_at: Any) -> None:
    await db.run(PACE, campaign, next_at)


async def finish(db: Call, campaign: UUID) -> None:
    await db.run(FINISH, campaign)


async def plan(db: Call, account: UUID, client: UUID, channel: str, rows: Sequence[Json]) -> list[Json]:
    return [dict(r) for r in await db.fetch(PLAN, account, client, clean(list(rows)), channel)]
