"""Skills: instructions that a model takes up when it needs them."""

from typing import Any
from uuid import UUID

import asyncpg

from hub.store.db import Call, clean

ADD = """
    insert into skills (id, account_id, slug, description, instructions, options, secrets)
    values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing
"""
LIST = """
    select id, slug, description, created_at, jsonb_array_length(options->'allowedToolsNames') as tools
    from skills where account_id = $1 order by id desc
"""
GET = """
    select id, slug, description, instructions, options, secrets, created_at from skills
    where account_id = $1 and id = $2
"""
LOCK = """
    select id, slug, description, instructions, options, secrets, created_at from skills
    where account_id = $1 and id = $2 for no key update
"""
LOCK_SLUG = """
    select id, slug, description, instructions, options, secrets, created_at from skills
    where account_id = $1 and lower(slug) = lower($2) for no key update
"""
CHOSEN = """
    select id, slug, description, instructions, options, secrets, created_at from skills
    where account_id = $1 and id = any($2) order by array_position($2, id)
"""
PAGE = """
    select id, slug, description, instructions, options, secrets, created_at from skills
    where account_id = $1 and lower(slug) > $2 order by lower(slug) limit $3
"""
EDIT = """
    update skills set slug = $3, description = $4, instructions = $5, options = $6, secrets = $7, updated_at = now()
    where account_id = $1 and id = $2
"""
REMOVE = "delete from skills where account_id = $1 and id = $2"
CLEAR = "delete from skills where account_id = $1"
FOREIGN = """
    select w.id from unnest($2::uuid[]) w(id)
    where not exists (select 1 from skills s where s.id = w.id and s.account_id = $1) limit 1
"""

Json = dict[str, Any]


async def add(
    db: Call, account: UUID, id: UUID, *, slug: str, description: str | None, instructions: str, options: Json,
    secrets: bytes | None,
) -> bool:
    """False when the account has this slug already, in whatever case."""
    values = (slug, clean(description), clean(instructions), clean(options), secrets)
    return await db.run(ADD, id, account, *values) == 1


async def every(db: Call, account: UUID) -> list[Json]:
    """Newest first; `tools` counts the allowed ones."""
    return [dict(r) for r in await db.fetch(LIST, account)]


async def get(db: Call, account: UUID, id: UUID, *, lock: bool = False) -> Json | None:
    row = await (db.row(LOCK, account, id) if lock else db.row(GET, account, id))
    return dict(row) if row else None


async def by_slug(db: Call, account: UUID, slug: str) -> Json | None:
    """The skill of this slug, in whatever case, locked until the transaction ends."""
    row = await db.row(LOCK_SLUG, account, slug)
    return dict(row) if row else None


async def chosen(db: Call, account: UUID, ids: list[UUID]) -> list[Json]:
    """Those of the ids that are skills of the account, in the order of the ids."""
    return [dict(r) for r in await db.fetch(CHOSEN, account, ids)]


async def page(db: Call, account: UUID, after: str, limit: int) -> list[Json]:
    """Skills behind a slug, in the order of their slugs in lower case."""
    return [dict(r) for r in await db.fetch(PAGE, account, after, limit)]


async def edit(
    db: Call, account: UUID, id: UUID, *, slug: str, description: str | None, instructions: str, options: Json,
    secrets: bytes | None,
) -> bool:
    """False when another skill has the slug; the transaction is of no use then."""
    values = (slug, clean(description), clean(instructions), clean(options), secrets)
    try:
        return await db.run(EDIT, account, id, *values) == 1
    except asyncpg.UniqueViolationError:
        return False


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, id) == 1


async def clear(db: Call, account: UUID) -> int:
    return await db.run(CLEAR, account)


async def foreign(db: Call, account: UUID, ids: list[UUID]) -> UUID | None:
    """The first of these skills that is not the account's."""
    found: UUID | None = await db.value(FOREIGN, account, ids)
    return found
