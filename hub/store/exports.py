"""Conversations chosen by what they are and what happened in them, for lists and files; those that began last first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store.db import Call

LIST = """
    select s.id, s.title, s.tag, s.chat, s.created_at, s.last_message_at, s.closed_at, s.message_count, s.token_count, s.client_id,
        c.name as client_name, g.name as gateway_name, i.channel, k.name as contact_name, k.phone, k.username, o.name as handler,
        coalesce(s.metadata->>'name', s.metadata->>'anon:name', s.metadata->>'email', s.metadata->>'anon:email') as said_name,
        s.handoff_at, h.asked_by, h.asked_at, h.answered_at,
        coalesce((select sum(t.cost)::float8 from turns t where t.session_id = s.id), 0) as cost,
        (select h.detail->>'rating' from happenings h where h.session_id = s.id and h.kind = 'feedback' order by h.id desc limit 1) as rating
    from chosen_conversations($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) x join sessions s on s.id = x.id and s.account_id = $1
    join clients c on c.id = s.client_id left join gateways g on g.id = c.gateway_id
    left join integrations i on i.id = s.integration_id left join contacts k on k.id = s.contact_id
    left join operators o on o.id = s.handoff_by and o.account_id = s.account_id left join human_requests h on h.session_id = s.id
    order by s.id desc
"""
COUNT = """
    select count(*)::int from accounts a
    cross join lateral chosen_conversations(a.id, null, $2, $3, $4, $5, $6, $7, $8, $9, $10) x where a.id = $1
"""
# What seldom happens leads to its conversations; what nearly always does is looked for in one after the other.
USUAL = ("any", "asked")
LIST_BY_EVENT = LIST.replace("chosen_conversations", "conversations_chosen_by_event")
COUNT_BY_EVENT = COUNT.replace("chosen_conversations", "conversations_chosen_by_event")
WORDS = """
    select m.id, m.role, m.source, m.content, m.turn_id, m.network_id, m.position, m.created_at from messages m
    where m.account_id = $1 and m.session_id = $2 and not m.hidden and m.position > $3 and m.role in ('user', 'assistant')
        and ($4::timestamptz is null or m.created_at >= $4) and ($5::timestamptz is null or m.created_at < $5)
    order by m.position limit $6
"""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which conversations (see the function chosen_conversations). since, until: beginnings of quarters of an hour."""

    since: datetime | None = None
    until: datetime | None = None
    event: str = "any"
    client: UUID | None = None
    gateway: UUID | None = None
    channel: str | None = None
    state: str = "all"
    label: UUID | None = None


async def listed(db: Call, account: UUID, which: Choice, before: UUID | None, limit: int) -> list[Json]:
    """Those that began before one of them."""
    w = which
    asked = (account, before, w.since, w.until, w.event, w.client, w.gateway, w.channel, w.state, limit, w.label)
    rows = await db.fetch(LIST, *asked) if w.event in USUAL else await db.fetch(LIST_BY_EVENT, *asked)
    return [dict(r) for r in rows]


async def count(db: Call, account: UUID, which: Choice, most: int) -> int:
    """How many, at most `most`."""
    w = which
    asked = (account, w.since, w.until, w.event, w.client, w.gateway, w.channel, w.state, most, w.label)
    return int(await db.value(COUNT, *asked) if w.event in USUAL else await db.value(COUNT_BY_EVENT, *asked))


async def words(
    db: Call, account: UUID, session: UUID, after: int, since: datetime | None, until: datetime | None, limit: int
) -> list[Json]:
    """What was said in one of them within a time, behind a position."""
    return [dict(r) for r in await db.fetch(WORDS, account, session, after, since, until, limit)]
