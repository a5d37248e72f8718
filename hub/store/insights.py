"""What happened within a time, told so that somebody can act on it. Every query is bounded by time and number."""

from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store.db import Call

# A conversation has one client and one network: counted once by both, it may be added up by either, and by the client's bot.
BY = """
    with pairs as materialized (
        select s.client_id, s.integration_id, count(distinct t.session_id) filter (where t.asked > 0)::int as conversations,
            sum(t.asked)::int as asked, sum(t.answered)::int as answered,
            count(distinct t.session_id) filter (where t.by_people > 0)::int as people,
            count(distinct t.session_id) filter (where t.failures > 0)::int as failed, sum(t.cost)::float8 as cost
        from talks($1, $2, $3) t join sessions s on s.id = t.session_id where t.account_id = $1 group by 1, 2),
    summed as (
        select w.what, w.key, min(w.name) as name, sum(p.conversations)::int as conversations, sum(p.asked)::int as asked,
            sum(p.answered)::int as answered, sum(p.people)::int as people, sum(p.failed)::int as failed, sum(p.cost) as cost,
            row_number() over (partition by w.what order by sum(p.conversations) desc, min(w.name)) as place
        from pairs p join clients c on c.id = p.client_id left join gateways g on g.id = c.gateway_id
        left join integrations i on i.id = p.integration_id
        cross join lateral (values ('client', c.id::text, c.name), ('bot', coalesce(c.gateway_id::text, ''), coalesce(g.name, 'none')),
            ('network', coalesce(i.channel, 'web'), coalesce(i.channel, 'web'))) w(what, key, name)
        group by 1, 2)
    select * from summed where place <= 50 order by what, place
"""
# A conversation with several labels counts for each of them.
BY_LABEL = """
    select coalesce(l.id::text, '') as key, min(l.name) as name,
        count(distinct t.session_id) filter (where t.asked > 0)::int as conversations, sum(t.asked)::int as asked,
        sum(t.answered)::int as answered, count(distinct t.session_id) filter (where t.by_people > 0)::int as people,
        count(distinct t.session_id) filter (where t.failures > 0)::int as failed, sum(t.cost)::float8 as cost
    from talks($1, $2, $3) t join sessions s on s.id = t.session_id join clients c on c.id = s.client_id
    left join session_labels x on x.session_id = t.session_id left join labels l on l.id = x.label_id and l.account_id = $1
    where t.account_id = $1 group by 1 order by coalesce(l.id::text, '') = '', conversations desc, name limit 500
"""
HOURS = """
    select extract(isodow from t.at at time zone $4)::int as day, extract(hour from t.at at time zone $4)::int as hour,
        sum(t.asked)::int as asked from talks($1, $2, $3) t where t.account_id = $1 group by 1, 2
"""
CALLED = """
    select h.asked_by, count(*)::int as count, count(*) filter (where h.state <> 'answered')::int as unanswered,
        (percentile_cont(0.5) within group (order by extract(epoch from h.answered_at - h.asked_at))
            filter (where h.answered_at is not null))::float8 as median
    from human_requests h where h.account_id = $1 and h.asked_at >= $2 and h.asked_at < $3 group by 1 order by 2 desc
"""
REASONS = """
    select h.session_id, h.asked_by, h.reason, h.asked_at from human_requests h
    where h.account_id = $1 and h.asked_at >= $2 and h.asked_at < $3 and h.reason is not null order by h.asked_at desc limit $4
"""
# Documents of which no sentence stood in any of the newest answers.
UNUSED = """
    with lately as (select t.passages from turns t where t.account_id = $1 and t.created_at >= $2 and t.created_at < $3
            and t.passages <> '[]' order by t.created_at desc limit $4),
    used as (select distinct p.value->>'id' as id from lately l, jsonb_array_elements(l.passages) p where p.value ? 'said')
    select d.id, d.name, d.collection_id, k.name as collection, d.updated_at, (select count(*)::int from lately) as answers
    from documents d join collections k on k.id = d.collection_id
    where d.account_id = $1 and d.indexed_version > 0 and not exists (select 1 from used u where u.id = d.id::text)
    order by d.id limit $5
"""
# Answers that failed, that were rated bad, and those of bots with documents in which nothing of the documents stands.
POOR = """
    with lately as (
        select t.id, t.session_id, t.outcome, t.passages, t.created_at from turns t
        where t.account_id = $1 and t.created_at >= $2 and t.created_at < $3 and t.outcome in ('answered', 'failed', 'poison')
        order by t.created_at desc limit $4),
    judged as (
        select l.*, case when l.outcome <> 'answered' then 'failed'
            when exists (select 1 from messages m join happenings h on h.message_id = m.id and h.kind = 'feedback' where m.turn_id = l.id
                and h.detail->>'rating' in ('bad', 'down', 'negative', 'dislike', 'false', '0', '1', '2')) then 'disliked'
            when jsonb_array_length(coalesce(g.parameters->'knowledgeCollections', '[]')) > 0
                and not jsonb_path_exists(l.passages, '$[*].said') then 'unfounded' end as why
        from lately l join sessions s on s.id = l.session_id join clients c on c.id = s.client_id
        left join gateways g on g.id = c.gateway_id)
    select j.id, j.session_id, j.why, j.created_at as at,
        (select m.content from messages m where m.session_id = j.session_id and m.role = 'user' and not m.hidden
            and m.created_at <= j.created_at order by m.position desc limit 1) as question
    from judged j where j.why is not null order by j.created_at desc limit $5
"""
# Who wants a mail about the week, on the first morning of theirs, once; those whose mail was refused come after all others.
WEEKLY = """
    update operators o set weekly_at = now() where o.id in (
        select x.id from operators x where (x.notices->>'weekly')::boolean
            and (x.weekly_at is null or x.weekly_at < now() - interval '6 days')
            and extract(isodow from clock_of(x.notices->>'zone', now())) = 1
            and extract(hour from clock_of(x.notices->>'zone', now())) >= 8 and not is_quiet(x.notices, now())
        order by x.weekly_at nulls first limit $1 for no key update skip locked)
    returning o.id, o.account_id, o.email, o.role, o.language, coalesce(nullif(o.notices->>'zone', ''), 'UTC') as zone
"""
# In an hour.
AGAIN = "update operators set weekly_at = now() - interval '6 days' + interval '1 hour' where account_id = $1 and id = $2"

Json = dict[str, Any]


async def by(db: Call, account: UUID, since: datetime, until: datetime) -> dict[str, list[Json]]:
    """The 50 clients, bots and networks with the most conversations; these first."""
    found: dict[str, list[Json]] = {"client": [], "bot": [], "network": []}
    for row in await db.fetch(BY, account, since, until):
        found[row["what"]].append(dict(row))
    return found


async def by_label(db: Call, account: UUID, since: datetime, until: datetime) -> list[Json]:
    """Those without any come last, under no key; nothing where the account has no labels."""
    found = [dict(r) for r in await db.fetch(BY_LABEL, account, since, until)]
    return found if any(r["key"] for r in found) else []


async def hours(db: Call, account: UUID, since: datetime, until: datetime, zone: str) -> list[Json]:
    """Messages of people by day of the week (1: Monday) and hour of a zone."""
    return [dict(r) for r in await db.fetch(HOURS, account, since, until, zone)]


async def called(db: Call, account: UUID, since: datetime, until: datetime) -> list[Json]:
    return [dict(r) for r in await db.fetch(CALLED, account, since, until)]


async def reasons(db: Call, account: UUID, since: datetime, until: datetime, limit: int) -> list[Json]:
    """For which a person was called, the newest first."""
    return [dict(r) for r in await db.fetch(REASONS, account, since, until, limit)]


async def unused(db: Call, account: UUID, since: datetime, until: datetime, answers: int, limit: int) -> list[Json]:
    """With how many of the newest answers were looked at."""
    return [dict(r) for r in await db.fetch(UNUSED, account, since, until, answers, limit)]


async def poor(db: Call, account: UUID, since: datetime, until: datetime, answers: int, limit: int) -> list[Json]:
    """Of so many of the newest answers those that were not good; with the question as it is stored."""
    return [dict(r) for r in await db.fetch(POOR, account, since, until, answers, limit)]


async def weekly(db: Call, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(WEEKLY, limit)]


async def again(db: Call, account: UUID, operator: UUID) -> None:
    """The mail about the week could not be sent."""
    await db.run(AGAIN, account, operator)
