"""People as an account sees them: who they are, how they are known, what they are joined with."""

from typing import Any
from uuid import UUID

from hub.store import scope
from hub.store.db import Call, clean, pattern

LIST = """
    with page as materialized (select p.id from people p
        where p.account_id = $1 and p.root_id = p.id and p.kind = 'person' and ($2::uuid is null or p.id < $2) order by p.id desc limit $3)
    select w.id, w.created_at, w.zone, w.opted_out_at, w.opted_out_by, w.opted_out_words,
        (select coalesce(jsonb_agg(jsonb_build_object('value', i.value, 'source', i.source, 'at', i.created_at, 'person', i.person_id)
            order by i.created_at, i.key), '[]') from people m join identities i on i.person_id = m.id where m.root_id = w.id) as names,
        coalesce(
            (select c.name from people m join contacts c on c.person_id = m.id where m.root_id = w.id and c.name is not null
                order by c.id desc limit 1),
            (select s.metadata->>'name' from people m join sessions s on s.person_id = m.id where m.root_id = w.id
                and s.metadata->>'name' is not null order by s.id desc limit 1)) as name,
        t.count, t.last_at
    from page g cross join lateral (select x.* from persons x where x.account_id = $1 and x.id = g.id offset 0) w left join lateral (
        select count(*)::int as count, max(s.last_message_at) as last_at from people m join sessions s on s.person_id = m.id
        where m.root_id = w.id) t on true
    order by w.id desc
"""
# $4: a part of a name; $5: the forms of a phone that the words may be.
FOUND = """
    with page as materialized (select p.id from people_with($1, $4, $5) f(id) join people p on p.id = f.id
        where p.account_id = $1 and p.kind = 'person' and ($2::uuid is null or p.id < $2) order by p.id desc limit $3)
    select w.id, w.created_at, w.zone, w.opted_out_at, w.opted_out_by, w.opted_out_words,
        (select coalesce(jsonb_agg(jsonb_build_object('value', i.value, 'source', i.source, 'at', i.created_at, 'person', i.person_id)
            order by i.created_at, i.key), '[]') from people m join identities i on i.person_id = m.id where m.root_id = w.id) as names,
        coalesce(
            (select c.name from people m join contacts c on c.person_id = m.id where m.root_id = w.id and c.name is not null
                order by c.id desc limit 1),
            (select s.metadata->>'name' from people m join sessions s on s.person_id = m.id where m.root_id = w.id
                and s.metadata->>'name' is not null order by s.id desc limit 1)) as name,
        t.count, t.last_at
    from page g cross join lateral (select x.* from persons x where x.account_id = $1 and x.id = g.id offset 0) w left join lateral (
        select count(*)::int as count, max(s.last_message_at) as last_at from people m join sessions s on s.person_id = m.id
        where m.root_id = w.id) t on true
    order by w.id desc
"""
COUNT = "select count(*)::int from people p where p.account_id = $1 and p.root_id = p.id and p.kind = 'person'"
COUNT_FOUND = """
    select count(*)::int from people_with($1, $2, $3) f(id) join people p on p.id = f.id where p.account_id = $1 and p.kind = 'person'
"""
ONE = """
    select w.id, w.created_at, w.zone, w.opted_out_at, w.opted_out_by, w.opted_out_words,
        (select coalesce(jsonb_agg(jsonb_build_object('value', i.value, 'source', i.source, 'at', i.created_at, 'person', i.person_id)
            order by i.created_at, i.key), '[]') from people m join identities i on i.person_id = m.id where m.root_id = w.id) as names,
        coalesce(
            (select c.name from people m join contacts c on c.person_id = m.id where m.root_id = w.id and c.name is not null
                order by c.id desc limit 1),
            (select s.metadata->>'name' from people m join sessions s on s.person_id = m.id where m.root_id = w.id
                and s.metadata->>'name' is not null order by s.id desc limit 1)) as name,
        t.count, t.last_at
    from people p cross join lateral (select x.* from persons x where x.account_id = $1 and x.id = p.root_id offset 0) w left join lateral (
        select count(*)::int as count, max(s.last_message_at) as last_at from people m join sessions s on s.person_id = m.id
        where m.root_id = w.id) t on true
    where p.account_id = $1 and p.id = $2
"""
JOINS = """
    select j.id, j.a_id, j.b_id, j.evidence, j.detail, j.by, j.at, j.split_at, j.split_by from joins j
    where j.account_id = $1 and (j.a_id in (select selves($2)) or j.b_id in (select selves($2))) order by j.id
"""
TALKS = """
    select s.id, s.client_id, s.kind, s.title, s.tag, s.message_count, s.last_message_at, s.created_at, s.joined_into, s.person_id,
        s.closed_at is not null or coalesce(s.expires_at < now(), false) as ended, s.handoff_at is not null as handoff,
        coalesce(i.channel, 'web') as channel, c.name as client_name
    from sessions s join clients c on c.id = s.client_id left join integrations i on i.id = s.integration_id
    where s.account_id = $1 and s.person_id in (select selves($2)) and ($3::uuid is null or s.id <> $3)
    order by s.last_message_at desc nulls last, s.id desc limit $4
"""
JOIN = "select join_people(a.id, $2, $3, $4, $5, $6, true) from accounts a where a.id = $1"
SPLIT = "select split_join(a.id, $2, $3) from accounts a where a.id = $1"
SPLIT_NAME = "select split_name(a.id, $2, $3, $4) from accounts a where a.id = $1"
# What the assistant may read beside a conversation: those that it goes on for, unless they were cut off by a restart.
GATHERED = """
    with recursive before as (
        select s.id from sessions s where s.account_id = $1 and s.joined_into = $2
        union select s.id from before b join sessions s on s.joined_into = b.id)
    select m.id, m.role, m.source, m.content, m.position, m.created_at from before b join messages m on m.session_id = b.id
    where m.account_id = $1 and not m.hidden
        and m.created_at > coalesce((select max(h.created_at) from messages h where h.session_id = $2 and h.hidden), '-infinity')
    order by m.position desc limit $3
"""

Json = dict[str, Any]


async def page(db: Call, account: UUID, words: str, phones: list[str], after: UUID | None, limit: int) -> list[Json]:
    """Newest first, each a whole person. words: a part of a name; phones: names that they may be."""
    if not words:
        return [dict(r) for r in await db.fetch(LIST, account, after, limit)]
    with scope.itself():
        return [dict(r) for r in await db.fetch(FOUND, account, after, limit, pattern(words), clean(phones))]


async def count(db: Call, account: UUID, words: str, phones: list[str]) -> int:
    if not words:
        return int(await db.value(COUNT, account))
    with scope.itself():
        return int(await db.value(COUNT_FOUND, account, pattern(words), clean(phones)))


async def one(db: Call, account: UUID, person: UUID) -> Json | None:
    """The whole person of any of their ids."""
    row = await db.row(ONE, account, person)
    return dict(row) if row else None


async def joins(db: Call, account: UUID, person: UUID) -> list[Json]:
    """Those that stand and those that were taken back, oldest first."""
    return [dict(r) for r in await db.fetch(JOINS, account, person)]


async def talks(db: Call, account: UUID, person: UUID, limit: int, without: UUID | None = None) -> list[Json]:
    """Conversations of the whole person on all networks, the latest first."""
    return [dict(r) for r in await db.fetch(TALKS, account, person, without, limit)]


async def join(db: Call, account: UUID, a: UUID, b: UUID, evidence: str, detail: Json, by: str) -> UUID | None:
    """None when they are one person already, or not the account's."""
    found: UUID | None = await db.value(JOIN, account, a, b, evidence, clean(detail), clean(by))
    return found


async def split(db: Call, account: UUID, join: UUID, by: str) -> bool:
    """False when there is no such join that stands."""
    return bool(await db.value(SPLIT, account, join, clean(by)))


async def split_name(db: Call, account: UUID, person: UUID, key: str, by: str) -> UUID | None:
    """The new person of a name; None when it is not this one's, or their only one."""
    found: UUID | None = await db.value(SPLIT_NAME, account, person, clean(key), clean(by))
    return found


async def gathered(db: Call, account: UUID, session: UUID, limit: int) -> list[Json]:
    """Messages of the conversations that this one goes on for, newest first."""
    return [dict(r) for r in await db.fetch(GATHERED, account, session, limit)]
