"""Limits of keys: what is set aside, what was spent, what was told of it; and what an account spends, by what."""

from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store.db import Call

RESERVE = "select key_reserve($1, $2, $3, $4::float8::numeric, $5)"
RELEASE = "delete from key_holds where account_id = $1 and key_id = $2 and id = $3"
LIMIT = "select key_limited($1, $2, $3)"
SUCCEED = "select key_succeeds($1, $2, $3)"
SPENT = """
    select b.key as period, b.value::float8 as budget, coalesce(s.spent, 0)::float8 as spent, key_period_ends(b.key) as ends
    from api_keys k cross join lateral jsonb_each_text(k.limits->'budget') b
        left join key_spend s on s.key_id = k.id and s.period = b.key and s.starts = key_period(b.key)
    where k.account_id = $1 and k.id = $2 order by key_period_ends(b.key) nulls last
"""
# Those of the periods of now, the newest first.
ALERTS = """
    select a.key_id, k.label, a.period, a.threshold, a.spent::float8 as spent, a.budget::float8 as budget, a.at
    from key_alerts a join api_keys k on k.id = a.key_id
    where a.account_id = $1 and ($2::uuid is null or a.key_id = $2) and a.starts = key_period(a.period)
    order by a.id desc limit 200
"""
# By which of these a row of usage is counted; by tag once for each tag of its key.
GROUPS = ("key", "gateway", "client", "tag", "day")
# Rows of one answer.
MOST = 5000
SPEND = """
    select w.id, max(w.name) as name, sum(u.amount)::float8 as amount, sum(u.tokens_in)::float8 as tokens_in,
        sum(u.tokens_cached)::float8 as tokens_cached, sum(u.tokens_out)::float8 as tokens_out, sum(u.entries)::int as entries,
        count(*) over ()::int as total
    from (
        select k.key_id, k.gateway_id, k.client_id, k.day, sum(k.amount) as amount, sum(k.entries) as entries,
            coalesce(sum(k.quantity) filter (where k.sku like '%.in' or k.sku like '%.in.written'), 0) as tokens_in,
            coalesce(sum(k.quantity) filter (where k.sku like '%.in.cached'), 0) as tokens_cached,
            coalesce(sum(k.quantity) filter (where k.sku like '%.out'), 0) as tokens_out
        from (
            select u.key_id, u.gateway_id, s.client_id as client_id, u.sku, sum(u.amount) as amount, sum(u.quantity) as quantity, count(*) as entries,
                case when $6 = 'day' then date_bin('1 day', u.at, '2000-01-01T00:00:00Z') end as day
            from usage u left join sessions s on s.id = u.session_id
            where u.account_id = $1 and u.at >= $2 and u.at < $3 group by u.key_id, u.gateway_id, s.client_id, u.sku, 8) k
        group by 1, 2, 3, 4
        union all
        select d.key_id, d.gateway_id, d.client_id, d.day, d.amount, d.entries, d.tokens_in, d.tokens_cached, d.tokens_out
        from usage_days d where d.account_id = $1 and d.day >= $2 and d.day < $3) u
        left join api_keys k on k.id = u.key_id left join gateways g on g.id = u.gateway_id left join clients c on c.id = u.client_id
        cross join lateral (
            select u.key_id::text as id, coalesce(k.label, case when u.key_id is not null then 'deleted' end) as name where $6 = 'key'
            union all select u.gateway_id::text, g.name where $6 = 'gateway'
            union all select c.id::text, c.name where $6 = 'client'
            union all select t.tag, t.tag from (select where $6 = 'tag') one left join unnest(k.tags) t(tag) on true
            union all select d.day, d.day from (select (u.day at time zone 'UTC')::date::text as day) d where $6 = 'day') w
    where ($4::uuid is null or u.key_id = $4) and ($5::text is null or $5 = any(k.tags))
    group by w.id order by case when $6 = 'day' then w.id end, sum(u.amount) desc, w.id limit $7 offset $8
"""
# Only the sum by client asks which conversation it was.
SPEND_ELSE = SPEND.replace("s.client_id", "null::uuid").replace("left join sessions s on s.id = u.session_id", "")


Json = dict[str, Any]


async def reserve(db: Call, account: UUID, key: UUID, hold: UUID, amount: float, seconds: float) -> Json | None:
    """Set dollars aside under the name `hold`. None: it is done; else {period, limit, ends or busy}."""
    found: Json | None = await db.value(RESERVE, account, key, hold, amount, seconds)
    return found


async def release(db: Call, account: UUID, key: UUID, hold: UUID) -> None:
    await db.run(RELEASE, account, key, hold)


async def set_limits(db: Call, account: UUID, key: UUID, limits: Json) -> None:
    """In a transaction. What was spent already counts."""
    await db.value(LIMIT, account, key, limits)


async def succeed(db: Call, account: UUID, old: UUID, new: UUID) -> None:
    """In a transaction: the new key has the limits of the old one, and what was spent of them."""
    await db.value(SUCCEED, account, old, new)


async def spent(db: Call, account: UUID, key: UUID) -> list[Json]:
    """{period, budget, spent, ends} of a key's budgets."""
    return [dict(r) for r in await db.fetch(SPENT, account, key)]


async def alerts(db: Call, account: UUID, key: UUID | None = None) -> list[Json]:
    return [dict(r) for r in await db.fetch(ALERTS, account, key)]


async def spend(
    db: Call, account: UUID, by: str, since: datetime, until: datetime, key: UUID | None = None,
    tag: str | None = None, limit: int = MOST, skip: int = 0,
) -> list[Json]:
    """{id, name, amount, tokens_in, tokens_cached, tokens_out, entries, total}; by day in its order, else the dearest
    first. total: how many there are of them."""
    asked = (since, until, key, tag, by, limit, skip)
    rows = await db.fetch(SPEND, account, *asked) if by == "client" else await db.fetch(SPEND_ELSE, account, *asked)
    return [dict(r) for r in rows]
