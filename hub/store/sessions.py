"""Sessions as an account manages them (visitors: visitors.py; the pipeline: turns.py)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

CLOSE_EXPIRED = """
    update sessions set closed_at = now(), due_at = null
    where client_id = $2 and account_id = $1 and tag = $3 and kind = 'web' and closed_at is null and expires_at <= now()
"""
# A live session with the tag is renewed; what is not given stays.
START = """
    insert into sessions as s (id, account_id, client_id, kind, tag, key_hash, key_sealed, extra_context,
        context_location, context_sealed, metadata, expires_at)
    select $1, c.account_id, c.id, 'web', $4, $5, $6, $7, $8, $11, coalesce($9, '{}'::jsonb),
        now() + make_interval(secs => $10)
    from clients c where c.id = $3 and c.account_id = $2
    on conflict (client_id, tag) where kind = 'web' and tag is not null and closed_at is null do update set
        extra_context = coalesce($7, s.extra_context), context_location = coalesce($8, s.context_location),
        context_sealed = case when $8::text is null then s.context_sealed else $11 end,
        metadata = coalesce($9, s.metadata), expires_at = excluded.expires_at
    returning s.id, s.key_sealed
"""
LIST = """
    select s.id, s.tag, s.extra_context, s.key_sealed, s.created_at, s.last_message_at, s.message_count, s.token_count,
        s.kind, s.title, s.expires_at, s.closed_at, s.handoff_at is not null as handoff, i.channel
    from sessions s left join integrations i on i.id = s.integration_id
    where s.client_id = $2 and s.account_id = $1 and ($3 = '' or s.id = any($4::uuid[]) or position(lower($3) in s.id::text) > 0
        or position(lower($3) in lower(s.tag)) > 0 or position(lower($3) in lower(s.extra_context)) > 0) and ($5::uuid is null or s.id < $5)
    order by s.id desc limit $6
"""
EVERY = "select count(*) from sessions s where s.client_id = $2 and s.account_id = $1"
COUNT = """
    select count(*) from sessions s where s.client_id = $2 and s.account_id = $1 and ($3 = '' or s.id = any($4::uuid[]) or position(lower($3) in s.id::text) > 0
        or position(lower($3) in lower(s.tag)) > 0 or position(lower($3) in lower(s.extra_context)) > 0)
"""
KEYS = """
    select id, key_sealed from sessions where client_id = $2 and account_id = $1 and key_sealed is not null and id > $3
    order by id limit $4
"""
GET = """
    select s.id, s.client_id, s.tag, s.extra_context, s.context_location, s.context_sealed, s.metadata, s.key_sealed, s.created_at,
        s.last_message_at, s.message_count, s.token_count, s.kind, s.title, s.expires_at, s.closed_at,
        s.handoff_at is not null as handoff, i.channel
    from sessions s left join integrations i on i.id = s.integration_id
    where s.id = $3 and s.client_id = $2 and s.account_id = $1
"""
EDIT = """
    update sessions set
        extra_context = case when $4::jsonb ? 'extraContext' then $4->>'extraContext' else extra_context end,
        context_location = case when $4 ? 'contextLocation' then $4->>'contextLocation' else context_location end,
        context_sealed = case when $4 ? 'contextLocation' then $6 else context_sealed end,
        metadata = case when $4 ? 'metadata' then $4->'metadata' else metadata end,
        title = case when $4 ? 'title' then $4->>'title' else title end,
        expires_at = case when $5::float8 is null then expires_at else now() + make_interval(secs => $5) end
    where id = $3 and client_id = $2 and account_id = $1 and ($5::float8 is null or closed_at is null)
"""
REMOVE = "delete from sessions where id = $3 and client_id = $2 and account_id = $1"

Json = dict[str, Any]


async def close_expired(db: Call, account: UUID, client: UUID, tag: str) -> None:
    """End the expired session of a tag, so that a new one can have it."""
    await db.run(CLOSE_EXPIRED, account, client, clean(tag))


async def start(
    db: Call, account: UUID, client: UUID, id: UUID, *, tag: str | None, key: tuple[bytes, bytes],
    extra_context: str | None, context: tuple[str | None, bytes | None], metadata: Json | None, seconds: float,
) -> tuple[UUID, bytes] | None:
    """The id and the sealed key of the new session or the tag's live one; `key` is (hash, sealed), `context` the
    address of the context without its query, and the whole one sealed where there is one.

    None when the client is not the account's.
    """
    row = await db.row(
        START, id, account, client, clean(tag), *key, clean(extra_context), context[0],
        clean(metadata), seconds, context[1],
    )
    return (row["id"], row["key_sealed"]) if row else None


async def of_client(
    db: Call, account: UUID, client: UUID, filter: str, keyed: list[UUID], before: UUID | None, limit: int
) -> list[Json]:
    """Newest first; `keyed`: those whose key the filter is a part of."""
    return [dict(r) for r in await db.fetch(LIST, account, client, clean(filter), keyed, before, limit)]


async def count(db: Call, account: UUID, client: UUID, filter: str, keyed: list[UUID]) -> int:
    if not filter:
        return int(await db.value(EVERY, account, client))
    return int(await db.value(COUNT, account, client, clean(filter), keyed))


async def keys(db: Call, account: UUID, client: UUID, after: UUID, limit: int) -> list[tuple[UUID, bytes]]:
    """The sealed keys of the sessions behind one, in the order of their ids."""
    return [(r["id"], r["key_sealed"]) for r in await db.fetch(KEYS, account, client, after, limit)]


async def get(db: Call, account: UUID, client: UUID, id: UUID) -> Json | None:
    row = await db.row(GET, account, client, id)
    return dict(row) if row else None


async def edit(
    db: Call, account: UUID, client: UUID, id: UUID, fields: Json, seconds: float | None, sealed: bytes | None = None
) -> bool:
    """Replace the fields given by their documented names; renew when `seconds` is given. sealed: of a contextLocation
    with a query, the whole."""
    return await db.run(EDIT, account, client, id, clean(fields), seconds, sealed) == 1


async def remove(db: Call, account: UUID, client: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, client, id) == 1


def live(row: Json, now: datetime) -> bool:
    return row["closed_at"] is None and (row["expires_at"] is None or row["expires_at"] > now)
