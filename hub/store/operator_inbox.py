"""Conversations as operators see them: the list, one with its messages, notes, prepared replies."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store import scope
from hub.store.db import Call, clean, near, pattern

# waiting: the contact wrote last and the assistant is not about to answer. Which ones, and in which order, is decided in the
# database (migration 0225): each way to look has an index of its own. $2: whose eyes; $10: among which, where words are asked for.
LIST = """
    with found as (
        select d.id, d.place from desk_page($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $10::text is not null then array(
            select w.id from (select conversations_with($1, $10, $11) as id union select conversations_near($1, $12)) w) end)
            with ordinality d(id, place))
    select s.id, s.client_id, s.kind, s.title, s.tag, s.handoff_at, s.handoff_by, s.handoff_until, s.last_message_at, s.message_count,
        c.name as client_name, i.channel, k.name as contact_name, k.phone, k.username, o.name as handler, s.chat,
        coalesce(s.metadata->>'name', s.metadata->>'anon:name', s.metadata->>'email', s.metadata->>'anon:email') as said_name,
        case when s.closed_at is null or h.asked_at > now() - interval '7 days' then h.state end as asked, h.due_at as answer_due,
        coalesce(s.last_user_at = s.last_message_at and s.due_at is null, false) as waiting,
        coalesce(s.last_user_at > coalesce(r.at, '-infinity'), false) as unread,
        p.at, p.status, p.snoozed_until, p.priority, p.assignee_id, a.name as assignee, p.team_id, t.name as team,
        (select jsonb_agg(jsonb_build_object('name', l.name, 'colour', l.colour) order by lower(l.name)) from session_labels x
            join labels l on l.id = x.label_id where x.session_id = s.id) as labels,
        (select jsonb_build_array(m.role, case when starts_with(m.content->>'text', 'sealed.1.') then m.content->'text'
                else to_jsonb(left(coalesce(m.content->>'text', ''), 120)) end) from messages m
            where m.session_id = s.id and not m.hidden and m.role in ('user', 'assistant') order by m.position desc limit 1) as last_words,
        (select array_agg(distinct coalesce(j.channel, 'web')) from people me join people m on m.root_id = me.root_id
            join sessions n on n.person_id = m.id left join integrations j on j.id = n.integration_id
            where me.id = s.person_id and n.client_id is not null) as nets
    from found join sessions s on s.id = found.id and s.account_id = $1 join session_order p on p.session_id = s.id
    join clients c on c.id = s.client_id
    left join integrations i on i.id = s.integration_id left join contacts k on k.id = s.contact_id
    left join operators o on o.id = s.handoff_by and o.account_id = s.account_id
    left join operators a on a.id = p.assignee_id and a.account_id = s.account_id
    left join teams t on t.id = p.team_id and t.account_id = s.account_id
    left join session_reads r on r.session_id = s.id and r.operator_id = $2
    left join human_requests h on h.session_id = s.id
    order by found.place
"""
COUNTS = "select desk_counts(a.id, $2, $3, $4) from accounts a where a.id = $1"
ONE = """
    select s.id, s.client_id, s.kind, s.title, s.tag, s.chat, s.handoff_at, s.handoff_by, s.handoff_until, s.last_message_at, s.created_at,
        s.closed_at, s.expires_at, s.message_count, s.token_count, s.metadata, s.extra_context, s.last_user_at, s.contact_id, s.person_id,
        visitor_known(s.account_id, s.id) as known_id, exists (select from contact_cards z where z.account_id = s.account_id) as has_card,
        s.lease_until > now() as answering, c.name as client_name, c.parameters->>'visitorTyping' as visitor_typing, c.gateway_id, g.name as gateway_name, i.channel, i.state as channel_state,
        k.name as contact_name, k.phone, k.username, k.language, o.name as handler, s.integration_id,
        coalesce(s.metadata->>'name', s.metadata->>'anon:name', s.metadata->>'email', s.metadata->>'anon:email') as said_name,
        coalesce(s.last_user_at = s.last_message_at and s.due_at is null, false) as waiting, false as unread, '' as last_words,
        (select max(z.last_user_at) from sessions z where z.contact_id = any(contacts_of(s.integration_id, s.contact_id))) as heard_at,
        h.state as asked, h.asked_by, h.reason, h.asked_at, h.due_at as answer_due,
        p.status, p.snoozed_until, p.priority, p.assignee_id, a.name as assignee, p.team_id, t.name as team,
        (select jsonb_agg(jsonb_build_object('id', l.id, 'name', l.name, 'colour', l.colour) order by lower(l.name)) from session_labels x
            join labels l on l.id = x.label_id where x.session_id = s.id) as labels
    from sessions s join clients c on c.id = s.client_id left join gateways g on g.id = c.gateway_id
    left join integrations i on i.id = s.integration_id left join contacts k on k.id = s.contact_id
    left join operators o on o.id = s.handoff_by and o.account_id = s.account_id
    left join human_requests h on h.session_id = s.id left join session_order p on p.session_id = s.id
    left join operators a on a.id = p.assignee_id and a.account_id = s.account_id
    left join teams t on t.id = p.team_id and t.account_id = s.account_id
    where s.account_id = $1 and s.id = $2
"""
# The newest first; each with the state of its parts: the worst one decides.
MESSAGES = """
    select m.id, m.role, m.source, m.content, m.position, m.created_at, m.turn_id,
        (select array_agg(o.state || ':' || coalesce(o.fate, '') order by o.id) from outbox o where o.message_id = m.id) as parts,
        (select h.detail->>'rating' from happenings h where h.message_id = m.id and h.kind = 'feedback' order by h.id desc limit 1) as rating,
        case when m.role = 'assistant' then (
            select nullif(t.passages, '[]') from turns t where t.id = m.turn_id and t.account_id = $1) end as passages
    from messages m where m.account_id = $1 and m.session_id = $2 and not m.hidden and m.role in ('user', 'assistant')
        and ($3::bigint is null or m.position < $3)
    order by m.position desc limit $4
"""
WAITING = """
    select id, body as content, received_at as created_at, rule from inbox
    where account_id = $1 and session_id = $2 and (state = 'waiting' or (state = 'ignored' and rule <> 'handoff'))
        and ($3::timestamptz is null or received_at >= $3) and command is distinct from 'activation'
        and not exists (select 1 from messages m where m.id = inbox.id)
    order by seq limit 50
"""
NOTES = """
    select id, author, text, created_at from session_notes where account_id = $1 and session_id = $2
        and ($3::timestamptz is null or created_at >= $3) and ($4::timestamptz is null or created_at < $4)
    order by id desc limit 100
"""
SWITCHES = """
    select id, kind, detail, at as created_at from happenings where account_id = $1 and session_id = $2 and kind in ('handoff', 'desk')
        and ($3::timestamptz is null or at >= $3) and ($4::timestamptz is null or at < $4) order by id desc limit 100
"""
ADD_NOTE = """
    insert into session_notes (id, account_id, session_id, operator_id, author, text)
    select $3, s.account_id, s.id, $4, $5, $6 from sessions s where s.account_id = $1 and s.id = $2
"""
KNOWN = "select handoff_at is not null from sessions where account_id = $1 and id = $2"
READ = """
    insert into session_reads (operator_id, session_id, at)
    select $2, s.id, coalesce(s.last_message_at, now()) from sessions s where s.account_id = $1 and s.id = $3
    on conflict (operator_id, session_id) do update set at = excluded.at where session_reads.at < excluded.at
"""
WAITING_COUNT = """
    select count(*)::int from (select 1 from session_order p where p.account_id = $1 and p.unanswered
        and p.status = 'open' and p.at > now() - interval '7 days' limit 100) w
"""
REACTABLE = """
    select m.network_id, s.chat, s.integration_id from messages m join sessions s on s.id = m.session_id
    where s.account_id = $1 and s.id = $2 and m.id = $3 and m.source = 'contact' and m.network_id is not null and s.integration_id is not null
"""
REACTED = """
    update messages set content = (content - 'reacted') || case when $4 = '' then '{}'::jsonb else jsonb_build_object('reacted', $4::text) end
    where account_id = $1 and session_id = $2 and id = $3
"""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on: behind this conversation. level: its priority, where that orders."""

    at: datetime
    id: UUID
    level: int


async def page(
    db: Call, account: UUID, eyes: UUID, show: str, *, after: Place | None = None, words: str | None = None,
    limit: int, person: UUID | None = None, filter: Json | None = None, by_priority: bool = False,
) -> list[Json]:
    """Of each person the conversation that came last to the top, those first, or the more urgent ones. show: all, any (put away
    ones too), mine, team, unassigned, waiting, asked, mentions, bot, person, snoozed, closed. filter: label, team, assignee,
    priority. person: whom the words name."""
    level, at, id = (after.level, after.at, after.id) if after else (None, None, None)
    given = (account, eyes, show, filter or {}, by_priority, level, at, id, limit)
    if words is None:
        rows = await db.fetch(LIST, *given, None, None, None)
    else:
        with scope.itself():
            rows = await db.fetch(LIST, *given, pattern(words), person, near(words))
    return [dict(r) | {"last_words": _words(r["last_words"])} for r in rows]


async def counts(db: Call, account: UUID, eyes: UUID, lists: Sequence[Json], most: int) -> dict[str, int]:
    """How many conversations each of the lists {name, show, filter} holds, all in one statement; no more than so many are counted."""
    return dict(await db.value(COUNTS, account, eyes, list(lists), most) or {})


def _words(last: list[str | None] | None) -> str:
    return f"{last[0]}:{str(last[1] or '')[:120]}" if last else ""


async def one(db: Call, account: UUID, session: UUID) -> Json | None:
    row = await db.row(ONE, account, session)
    return dict(row) if row else None


async def messages(db: Call, account: UUID, session: UUID, before: int | None, limit: int) -> list[Json]:
    """Newest first; `before` is a position."""
    return [dict(r) for r in await db.fetch(MESSAGES, account, session, before, limit)]


async def waiting(db: Call, account: UUID, session: UUID, since: datetime | None) -> list[Json]:
    """What arrived and is not in the conversation yet, or never will be."""
    return [dict(r) for r in await db.fetch(WAITING, account, session, since)]


async def notes(db: Call, account: UUID, session: UUID, since: datetime | None, until: datetime | None) -> list[Json]:
    return [dict(r) for r in await db.fetch(NOTES, account, session, since, until)]


async def switches(db: Call, account: UUID, session: UUID, since: datetime | None, until: datetime | None) -> list[Json]:
    """When the conversation changed hands."""
    return [dict(r) for r in await db.fetch(SWITCHES, account, session, since, until)]


async def add_note(db: Call, account: UUID, session: UUID, id: UUID, operator: UUID, author: str, text: str) -> bool:
    return await db.run(ADD_NOTE, account, session, id, operator, clean(author), clean(text)) == 1


async def held(db: Call, account: UUID, session: UUID) -> bool | None:
    """Whether a person has it; None where there is no such conversation."""
    found: bool | None = await db.value(KNOWN, account, session)
    return found


async def read(db: Call, account: UUID, operator: UUID, session: UUID) -> None:
    await db.run(READ, account, operator, session)


async def waiting_count(db: Call, account: UUID) -> int:
    """At most 100: then it is many."""
    return int(await db.value(WAITING_COUNT, account))


async def reactable(db: Call, account: UUID, session: UUID, message: UUID) -> Json | None:
    """network_id, chat and integration_id of what a contact said; None where a network knows nothing of it."""
    row = await db.row(REACTABLE, account, session, message)
    return dict(row) if row else None


async def reacted(db: Call, account: UUID, session: UUID, message: UUID, emoji: str) -> None:
    """Keep what the contact sees on their message."""
    await db.run(REACTED, account, session, message, emoji)
