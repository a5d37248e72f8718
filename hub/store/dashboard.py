"""What an account's people want to see first, and figures over days. Every query is bounded by time or number."""

from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store import scope
from hub.store.db import Call, clean, near, pattern

CHANNELS = """
    with lately as (
        select s.integration_id, max(s.last_user_at) as last_in, count(*)::int as talking
        from session_order p join sessions s on s.id = p.session_id
        where p.account_id = $1 and p.at > now() - interval '1 day' and s.integration_id is not null group by 1)
    select i.id, i.client_id, c.name as client_name, i.channel, i.state, i.state_text, i.connection, l.last_in, coalesce(l.talking, 0) as talking
    from integrations i join clients c on c.id = i.client_id left join lately l on l.integration_id = i.id
    where i.account_id = $1 order by i.state = 'registered', i.id limit 20
"""
# Since $2, and in the same hours a week before.
TODAY = """
    select coalesce(sum(asked) filter (where now), 0)::int as asked, coalesce(sum(answered) filter (where now), 0)::int as answered,
        count(distinct session_id) filter (where now)::int as conversations,
        coalesce(sum(asked) filter (where not now), 0)::int as asked_before,
        coalesce(sum(answered) filter (where not now), 0)::int as answered_before,
        count(distinct session_id) filter (where not now)::int as conversations_before
    from (select true as now, t.* from talks($1, $2, now() + interval '1 second') t
        union all select false, t.* from talks($1, $2 - interval '7 days', now() - interval '7 days') t) t
    where account_id = $1 and asked + answered > 0
"""
FAILING = """
    select o.key as id, o.session_id, i.channel, o.chat, o.state, o.code, o.error, o.created_at,
        coalesce(o.body->'plain', o.body->'text', '""') as text
    from outbox o left join integrations i on i.id = o.integration_id
    where o.account_id = $1 and o.state in ('dead', 'unknown') and o.created_at > now() - interval '7 days' order by o.id desc limit $2
"""
NEXT = """
    select s.id, s.client_id, s.kind, s.external_user, s.channel, s.address, s.contact_id,
        (select coalesce(k.name, k.username) from contacts k where k.id = s.contact_id) as contact_name,
        (select k.phone from contacts k where k.id = s.contact_id) as phone, s.instruction, s.next_at, s.zone, c.name as client_name
    from schedules s join clients c on c.id = s.client_id
    where s.account_id = $1 and s.state = 'active' and s.next_at is not null order by s.next_at limit $2
"""
# What the business did; samples and the demo are none of it.
STEPS = """
    select exists (select 1 from gateways g where g.account_id = $1 and g.chatbot_id is null
            and not exists (select 1 from samples x where x.gateway_id = g.id)) as bot,
        exists (select 1 from clients c where c.account_id = $1 and c.gateway_id is not null
            and not exists (select 1 from samples x where x.client_id = c.id)) as place,
        exists (select 1 from integrations i where i.account_id = $1 and i.state = 'registered'
            and not exists (select 1 from samples x where x.client_id = i.client_id)) as network,
        exists (select 1 from documents d where d.account_id = $1 and d.indexed_version > 0
            and not exists (select 1 from samples x where x.collection_id = d.collection_id)) as knowledge,
        exists (select 1 from turns t join sessions s on s.id = t.session_id where t.account_id = $1 and t.outcome = 'answered'
            and not exists (select 1 from samples x where x.client_id = s.client_id)) as answered
"""
# One row for each day of the account's messages in a span of time. A day begins with its first moment in that zone, where
# midnight may come twice.
DAYS = """
    with days as (select d::date as day, d::date::timestamp at time zone $4 as begins from generate_series($2::date, $3::date, interval '1 day') d),
    bounds as materialized (select array_agg(case when ((begins - interval '1 hour') at time zone $4)::date = day
        then begins - interval '1 hour' else begins end order by day) as begin from days),
    told as (
        select t.place, sum(t.asked)::int as asked, sum(t.answered)::int as answered,
            count(*) filter (where t.asked + t.answered > 0)::int as conversations, sum(t.by_people)::int as by_people,
            sum(t.cost)::float8 as cost, sum(t.tokens)::bigint as tokens, sum(t.failures)::int as failures
        from (select width_bucket(t.at, (select begin from bounds)) as place, t.session_id, sum(t.asked) as asked, sum(t.answered) as answered,
                sum(t.by_people) as by_people, sum(t.cost) as cost, sum(t.tokens) as tokens, sum(t.failures) as failures
            from talks($1, ($2::date)::timestamp at time zone $4, ($3::date + 1)::timestamp at time zone $4) t
            where t.account_id = $1 group by 1, 2) t group by 1)
    select d.day, coalesce(s.asked, 0) as asked, coalesce(s.answered, 0) as answered, coalesce(s.conversations, 0) as conversations,
        coalesce(s.by_people, 0) as by_people, coalesce(s.cost, 0) as cost, coalesce(s.tokens, 0) as tokens, coalesce(s.failures, 0) as failures
    from days d left join told s on s.place = d.day - $2::date + 1 order by d.day
"""
# A reply counts from when the first message it answers arrived. contained: no person had to write.
SPAN = """
    with told as materialized (select t.session_id, t.at, t.asked, t.by_people, t.reply from talks($1, $2, $3) t where t.account_id = $1),
    by_session as (
        select t.session_id, sum(t.asked) as asked, sum(t.by_people) as by_people,
            (array_agg(t.reply order by t.at) filter (where t.reply is not null))[1] as seconds from told t group by 1),
    rated as (
        select h.detail->>'rating' as rating from happenings h
        where h.account_id = $1 and h.kind = 'feedback' and h.at >= $2 and h.at < $3)
    select count(*) filter (where asked > 0)::int as conversations,
        count(*) filter (where asked > 0 and by_people = 0)::int as contained,
        (percentile_cont(0.5) within group (order by seconds) filter (where seconds >= 0))::float8 as median,
        (percentile_cont(0.95) within group (order by seconds) filter (where seconds >= 0))::float8 as p95,
        (select count(*)::int from rated) as rated,
        (select count(*)::int from rated where rating in ('good', 'up', 'positive', 'like', 'true', '1', '4', '5')) as liked
    from by_session
"""
FAILED_BY_CHANNEL = """
    select coalesce(i.channel, 'deleted') as channel, count(*) filter (where o.state = 'dead')::int as dead,
        count(*) filter (where o.state = 'unknown')::int as doubtful
    from outbox o left join integrations i on i.id = o.integration_id
    where o.account_id = $1 and o.state in ('dead', 'unknown') and o.created_at >= $2 and o.created_at < $3 group by 1 order by 1
"""
FIND = """
    select * from ((select 'conversation' as kind, s.id, coalesce(k.name, s.metadata->>'name', s.metadata->>'anon:name', '+' || k.phone,
            k.username, case when left(s.tag, 3) <> 'zp_' then s.tag end, 'Visitor ' || right(s.id::text, 4)) as name, c.name as more,
            s.last_message_at as at
        from (select conversations_with($1, $3, null) as id union select conversations_near($1, $4)) w
        join sessions s on s.id = w.id and s.account_id = $1
        join clients c on c.id = s.client_id left join contacts k on k.id = s.contact_id where s.last_message_at is not null
        order by s.last_message_at desc nulls last limit 6)
    union all
    (select 'bot', g.id, g.name, g.parameters->>'modelName', null from gateways g where g.account_id = $1
        and position(lower($2) in lower(g.name)) > 0 order by g.id limit 4)
    union all
    (select 'channel', c.id, c.name, null, null from clients c where c.account_id = $1 and position(lower($2) in lower(c.name)) > 0
        order by c.id limit 4)
    union all
    (select 'collection', k.id, k.name, null, null from collections k where k.account_id = $1 and position(lower($2) in lower(k.name)) > 0
        order by k.id limit 4)) found
"""
CALENDAR = """
    select s.id, s.client_id, s.kind, s.external_user, s.channel, s.address, s.contact_id,
        (select coalesce(k.name, k.username) from contacts k where k.id = s.contact_id) as contact_name,
        (select k.phone from contacts k where k.id = s.contact_id) as phone, s.instruction, s.next_at, s.zone, s.cron, s.every, s.unit, s.anchor,
        s.state, s.max_executions, s.execution_count, s.scheduled_at, s.last_at, s.origin, c.name as client_name
    from schedules s join clients c on c.id = s.client_id
    where s.account_id = $1 and ($2::uuid is null or s.client_id = $2) and ($3::text[] is null or s.state = any($3))
        and ($4::timestamptz is null or s.next_at < $4) and ($5::uuid is null or s.id < $5)
    order by s.id desc limit $6
"""
ONE_SCHEDULE = """
    select s.*, c.name as client_name,
        (select coalesce(k.name, k.username) from contacts k where k.id = s.contact_id) as contact_name,
        (select k.phone from contacts k where k.id = s.contact_id) as phone
    from schedules s join clients c on c.id = s.client_id where s.account_id = $1 and s.id = $2
"""
RAN = """
    select a.id, a.schedule_id, a.campaign_id, a.fire_at, a.state, a.reason, a.external_user, a.channel, a.client_id, a.address,
        (select coalesce(k.name, k.username) from contacts k where k.id = a.contact_id) as contact_name,
        (select k.phone from contacts k where k.id = a.contact_id) as phone,
        coalesce(s.zone, 'UTC') as zone, coalesce(s.instruction, m.name, '') as instruction
    from activations a left join schedules s on s.id = a.schedule_id left join campaigns m on m.id = a.campaign_id
    where a.account_id = $1 and a.fire_at >= $2 and a.fire_at < $3 and a.schedule_id is not null order by a.id desc limit $4
"""
QUARANTINE = """
    select q.id, q.at, q.reason, q.headers, octet_length(q.raw) as size, left(convert_from(q.raw, 'LATIN1'), 2000) as beginning,
        i.channel, c.name as client_name
    from quarantine q left join integrations i on i.id = q.integration_id left join clients c on c.id = i.client_id
    where q.account_id = $1 and ($2::uuid is null or q.id < $2) order by q.id desc limit $3
"""
DISCARD = "delete from quarantine where account_id = $1 and id = $2"
CLIENTS = """
    select c.id, c.name, c.gateway_id, g.name as gateway_name, c.parameters->>'primaryColor' as color,
        (select coalesce(jsonb_agg(jsonb_build_object('channel', i.channel, 'state', i.state, 'connection', i.connection,
            'text', i.state_text) order by i.channel), '[]') from integrations i where i.client_id = c.id) as networks
    from clients c left join gateways g on g.id = c.gateway_id
    where c.account_id = $1 and ($2::uuid is null or c.id > $2) order by c.id limit $3
"""
GATEWAYS = """
    select g.id, g.name, g.slug, g.parameters->>'modelName' as model, g.parameters->>'baseAddress' as address, g.updated_at,
        jsonb_array_length(coalesce(g.parameters->'knowledgeCollections', '[]')) as collections,
        (select count(*)::int from clients c where c.gateway_id = g.id) as places
    from gateways g where g.account_id = $1 and g.chatbot_id is null and ($2::uuid is null or g.id > $2)
    order by g.id limit $3
"""
COLLECTIONS = """
    select k.id, k.name, k.context, k.created_at,
        (select count(*)::int from documents d where d.collection_id = k.id) as documents,
        (select count(*)::int from documents d where d.collection_id = k.id and d.state = 'Queued') as queued
    from collections k where k.account_id = $1 and ($2::uuid is null or k.id > $2) order by k.id limit $3
"""
DOCUMENTS = """
    select d.id, d.name, d.state, d.error, d.indexed_version > 0 as found, length(d.contents) as size, d.updated_at, d.attempts,
        d.pieces, d.pieces_done, d.notes
    from documents d where d.account_id = $1 and d.collection_id = $2 and ($3::uuid is null or d.id < $3) order by d.id desc limit $4
"""

Json = dict[str, Any]


async def channels(db: Call, account: UUID) -> list[Json]:
    """Integrations, those that do not work first, with who wrote within a day."""
    return [dict(r) for r in await db.fetch(CHANNELS, account)]


async def today(db: Call, account: UUID, since: datetime) -> Json:
    """Messages since then, and in the same hours a week before."""
    row = await db.row(TODAY, account, since)
    assert row is not None
    return dict(row)


async def failing(db: Call, account: UUID, limit: int) -> list[Json]:
    return [dict(r) | {"text": str(r["text"])[:120]} for r in await db.fetch(FAILING, account, limit)]


async def upcoming(db: Call, account: UUID, limit: int) -> list[Json]:
    """The next sends, soonest first."""
    return [dict(r) for r in await db.fetch(NEXT, account, limit)]


async def steps(db: Call, account: UUID) -> Json:
    """How far the account has come to its first answered message."""
    row = await db.row(STEPS, account)
    assert row is not None
    return dict(row)


async def days(db: Call, account: UUID, first: Any, last: Any, zone: str) -> list[Json]:
    return [dict(r) for r in await db.fetch(DAYS, account, first, last, zone)]


async def span(db: Call, account: UUID, since: datetime, until: datetime) -> Json:
    row = await db.row(SPAN, account, since, until)
    assert row is not None
    return dict(row)


async def failed_by_channel(db: Call, account: UUID, since: datetime, until: datetime) -> list[Json]:
    return [dict(r) for r in await db.fetch(FAILED_BY_CHANNEL, account, since, until)]


async def find(db: Call, account: UUID, words: str) -> list[Json]:
    with scope.itself():
        return [dict(r) for r in await db.fetch(FIND, account, clean(words), pattern(words), near(words))]


async def calendar(
    db: Call, account: UUID, *, client: UUID | None = None, states: list[str] | None = None, until: datetime | None = None,
    before: UUID | None = None, limit: int,
) -> list[Json]:
    """Schedules of all chat clients, newest first."""
    return [dict(r) for r in await db.fetch(CALENDAR, account, client, states, until, before, limit)]


async def schedule(db: Call, account: UUID, id: UUID) -> Json | None:
    row = await db.row(ONE_SCHEDULE, account, id)
    return dict(row) if row else None


async def ran(db: Call, account: UUID, since: datetime, until: datetime, limit: int) -> list[Json]:
    """Occurrences of schedules in a span of time, the newest ones."""
    return [dict(r) for r in await db.fetch(RAN, account, since, until, limit)]


async def quarantine(db: Call, account: UUID, before: UUID | None, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(QUARANTINE, account, before, limit)]


async def discard(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(DISCARD, account, id) == 1


async def clients(db: Call, account: UUID, after: UUID | None, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(CLIENTS, account, after, limit)]


async def gateways(db: Call, account: UUID, after: UUID | None, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(GATEWAYS, account, after, limit)]


async def collections(db: Call, account: UUID, after: UUID | None, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(COLLECTIONS, account, after, limit)]


async def documents(db: Call, account: UUID, collection: UUID, before: UUID | None, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(DOCUMENTS, account, collection, before, limit)]
