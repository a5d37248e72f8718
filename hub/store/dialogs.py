"""Conversations of the families without chat clients (ARES, Characters, AresGen): sessions with a name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store import personal
from hub.store.db import Call, clean

START = """
    insert into sessions (id, account_id, kind, name, user_id, title, settings, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, now()) on conflict do nothing
"""
FIND = """
    select id, account_id, kind, name, user_id, title, settings, message_count, spoken_count, created_at, updated_at, last_message_at
    from sessions where account_id = $1 and kind = $2 and name = $3 and user_id is not distinct from $4
"""
TAKEN = "select exists (select 1 from sessions where account_id = $1 and kind = $2 and name = $3)"
# Two statements: an index finds a user, and those of nobody, but not one that may be either.
OF_USER = """
    select id, account_id, kind, name, user_id, title, settings, message_count, spoken_count, created_at, updated_at, last_message_at
    from sessions
    where account_id = $1 and kind = $2 and name is not null and user_id = $3
        and ($4::timestamptz is null or (updated_at, id) < ($4, $5::uuid))
    order by updated_at desc, id desc limit $6
"""
OF_NOBODY = """
    select id, account_id, kind, name, user_id, title, settings, message_count, spoken_count, created_at, updated_at, last_message_at
    from sessions
    where account_id = $1 and kind = $2 and name is not null and user_id is null
        and ($3::timestamptz is null or (updated_at, id) < ($3, $4::uuid))
    order by updated_at desc, id desc limit $5
"""
COUNT = """
    select count(*) from sessions where account_id = $1 and kind = $2 and name is not null and user_id is not distinct from $3
"""
# In the order in which they were made.
MADE = """
    select id, account_id, kind, name, user_id, title, settings, message_count, spoken_count, created_at, updated_at, last_message_at
    from sessions where account_id = $1 and kind = $2 and name is not null and ($3::uuid is null or id < $3)
    order by id desc limit $4
"""
EDIT = """
    update sessions set title = $4, settings = settings || $5, updated_at = now()
    where id = $1 and account_id = $2 and kind = $3
"""
SETTINGS = """
    update sessions set settings = coalesce(settings, '{}') || $4 where id = $1 and account_id = $2 and kind = $3
"""
REMOVE = "delete from sessions where id = $1 and account_id = $2 and kind = $3"
# In one statement: a conversation that was deleted meanwhile takes nothing.
RECORD = """
    with mine as (
        update sessions set message_count = message_count + jsonb_array_length($4), token_count = token_count + $5,
            spoken_count = spoken_count + (select count(*)::int from jsonb_array_elements($4) m
                where m->>'role' in ('user', 'assistant')
                    and (m->'content'->>'text' <> '' or m->'content' ? 'attachments')),
            title = coalesce(title, $6), last_message_at = now(), updated_at = now()
        where id = $1 and account_id = $2 and kind = $3
        returning id, account_id)
    insert into messages (id, account_id, session_id, role, source, content)
    select (m->>'id')::uuid, mine.account_id, mine.id, m->>'role', m->>'source', m->'content'
    from mine, jsonb_array_elements($4) with ordinality e(m, o) order by e.o
    returning id, created_at
"""
LATEST = """
    select * from (
        select id, role, source, content, position, created_at from messages
        where session_id = $1 and account_id = $2 and not hidden and ($3::bigint is null or position < $3)
        order by position desc limit $4) newest
    order by position
"""

Json = dict[str, Any]


async def start(
    db: Call, id: UUID, account: UUID, kind: str, name: str, user: UUID | None, title: str | None, settings: Json
) -> bool:
    """False when the name is taken."""
    return await db.run(START, id, account, kind, clean(name), user, clean(title), clean(settings)) == 1


async def find(db: Call, account: UUID, kind: str, name: str, user: UUID | None) -> Json | None:
    row = await db.row(FIND, account, kind, clean(name), user)
    return dict(row) if row else None


async def taken(db: Call, account: UUID, kind: str, name: str) -> bool:
    return bool(await db.value(TAKEN, account, kind, clean(name)))


async def newest(
    db: Call, account: UUID, kind: str, user: UUID | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[Json]:
    """Last changed first; `before`: when the last one of the page before was changed, and its id."""
    at, id = before or (None, None)
    if user is None:
        return [dict(r) for r in await db.fetch(OF_NOBODY, account, kind, at, id, limit)]
    return [dict(r) for r in await db.fetch(OF_USER, account, kind, user, at, id, limit)]


async def count(db: Call, account: UUID, kind: str, user: UUID | None) -> int:
    return int(await db.value(COUNT, account, kind, user))


async def made(db: Call, account: UUID, kind: str, before: UUID | None, limit: int) -> list[Json]:
    """Newest first, of all users."""
    return [dict(r) for r in await db.fetch(MADE, account, kind, before, limit)]


async def edit(db: Call, account: UUID, kind: str, id: UUID, title: str | None, settings: Json) -> bool:
    """Set the title; add `settings` to those there are."""
    return await db.run(EDIT, id, account, kind, clean(title), clean(settings)) == 1


async def settle(db: Call, account: UUID, kind: str, id: UUID, settings: Json) -> None:
    """Add settings to those there are; the title stays."""
    await db.run(SETTINGS, id, account, kind, clean(settings))


async def remove(db: Call, account: UUID, kind: str, id: UUID) -> bool:
    """With its messages."""
    return await db.run(REMOVE, id, account, kind) == 1


async def record(
    db: Call, account: UUID, kind: str, id: UUID, messages: Sequence[Json], tokens: int, title: str | None
) -> dict[UUID, datetime]:
    """Add messages {id, role, source, content} in order; when each was stored. Empty: there is no such
    conversation any more. `title` is set where there is none."""
    given = await personal.within(db, account, id, messages, "content")
    rows = await db.fetch(RECORD, id, account, kind, given, tokens, clean(title))
    return {r["id"]: r["created_at"] for r in rows}


async def latest(db: Call, account: UUID, id: UUID, limit: int | None, before: int | None = None) -> list[Json]:
    """The newest messages (before a position; None: all), oldest first."""
    return [dict(r) for r in await db.fetch(LATEST, id, account, before, limit)]
