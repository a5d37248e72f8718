"""API keys: only their SHA-256 and last characters are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

FIND = """
    select k.id, k.account_id, k.kind, k.role, a.plan, k.expires_at, k.origins, k.models, k.limits,
        k.used_at is null or k.used_at < now() - interval '1 minute' as stale
    from api_keys k join accounts a on a.id = k.account_id
    where k.hash = $1 and (k.expires_at is null or k.expires_at > now())
"""
USED = """
    update api_keys set used_at = now() where id = $1 and (used_at is null or used_at < now() - interval '1 minute')
"""
ADD = """
    insert into api_keys (id, account_id, hash, tail, label, kind, expires_at, role, origins, models)
    values ($1, $2, $3, $4, $5, $6, now() + make_interval(days => $7), $8, $9, $10)
"""
LIST = """
    select id, expires_at, used_at, label, tail, kind, role, created_at, replaced_by, origins, models,
        limits, tags
    from api_keys where account_id = $1 order by id
"""
LOCK = """
    select id, expires_at, used_at, label, tail, kind, role, created_at, replaced_by, origins, models,
        limits, tags
    from api_keys where account_id = $1 and id = $2 for no key update
"""
REPLACE = """
    update api_keys set replaced_by = $3, expires_at = least(expires_at, now() + make_interval(secs => $4))
    where account_id = $1 and id = $2 returning expires_at
"""
SUCCEED = """
    insert into api_keys (id, account_id, hash, tail, label, kind, role, expires_at, origins, models, tags)
    select $3, account_id, $4, $5, label, kind, role, expires_at, origins, models, tags from api_keys
    where account_id = $1 and id = $2
"""
# In one order, so that two keys that manage each other never wait for one another.
LOCK_ALL = "select id from api_keys where account_id = $1 and id = any($2::uuid[]) order by id for no key update"
# Locked, so that a rotation that is under way is waited for.
REPLACED = "select replaced_by is not null from api_keys where account_id = $1 and id = $2 for share"
EDIT = """
    update api_keys set label = coalesce($3, label), tags = coalesce($4, tags),
        expires_at = case when $5 then $6 else expires_at end
    where account_id = $1 and id = $2
"""
REMOVE = "delete from api_keys where id = $1 and account_id = $2"

Json = dict[str, Any]


async def find(db: Call, key_hash: bytes) -> Json | None:
    """The key with this hash, unless it has expired; `stale`: its last use should be noted again."""
    row = await db.row(FIND, key_hash)
    return dict(row) if row else None


async def used(db: Call, id: UUID) -> None:
    await db.run(USED, id)


async def add(
    db: Call, id: UUID, account: UUID, *, key_hash: bytes, tail: str, label: str, kind: str, days: int | None,
    role: str, origins: Sequence[str] = (), models: Sequence[UUID] = (),
) -> None:
    await db.run(ADD, id, account, key_hash, tail, clean(label), kind, days, role, list(origins), list(models))


async def edit(
    db: Call, account: UUID, id: UUID, label: str | None, tags: Sequence[str] | None, expires: tuple[datetime | None] | None
) -> None:
    """None stays. expires: the moment, or None for never, in brackets of its own."""
    wanted = None if tags is None else [clean(t) for t in tags]
    await db.run(EDIT, account, id, clean(label), wanted, expires is not None, expires[0] if expires else None)


async def of_account(db: Call, account: UUID) -> list[Json]:
    return [dict(r) for r in await db.fetch(LIST, account)]


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, id, account) == 1


def expired(expires_at: datetime | None, now: datetime) -> bool:
    return expires_at is not None and expires_at <= now


async def lock(db: Call, account: UUID, id: UUID) -> Json | None:
    """A key as it is listed; until the transaction ends nobody else changes it."""
    row = await db.row(LOCK, account, id)
    return dict(row) if row else None


async def lock_all(db: Call, account: UUID, ids: Sequence[UUID]) -> None:
    """Keys that nobody else changes until the transaction ends."""
    await db.fetch(LOCK_ALL, account, list(ids))


async def replaced(db: Call, account: UUID, id: UUID) -> bool:
    """Whether another key has taken the place of this one."""
    return bool(await db.value(REPLACED, account, id))


async def succeed(
    db: Call, account: UUID, old: UUID, new: UUID, key_hash: bytes, tail: str, seconds: float
) -> datetime:
    """A key like the old one, which works for `seconds` more; until when."""
    await db.run(SUCCEED, account, old, new, key_hash, tail)
    ends: datetime = await db.value(REPLACE, account, old, new, seconds)
    return ends
