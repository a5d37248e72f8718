"""Workflows and their versions."""

from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

ADD = "insert into workflows (id, account_id, name) values ($1, $2, $3) on conflict do nothing"
ADD_VERSION = """
    insert into workflow_versions (workflow_id, account_id, version, definition, sealed) values ($2, $1, $3, $4, $5)
"""
NEXT = """
    update workflows set version = version + 1, name = $3, updated_at = now() where account_id = $1 and id = $2
    returning version
"""
GET = """
    select w.id, w.name, w.version, w.created_at, w.updated_at, v.definition, v.sealed from workflows w
    join workflow_versions v on v.workflow_id = w.id and v.version = coalesce($3, w.version)
    where w.account_id = $1 and w.id = $2
"""
LIST = """
    select id, name, version, created_at, updated_at from workflows
    where account_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3
"""
VERSIONS = """
    select version, definition, sealed, created_at from workflow_versions
    where account_id = $1 and workflow_id = $2 and ($3::int is null or version > $3) order by version limit $4
"""
REMOVE = "delete from workflows where account_id = $1 and id = $2"

Json = dict[str, Any]


async def add(db: Call, account: UUID, id: UUID, name: str, definition: Json, sealed: bytes | None) -> None:
    """With its first version, unless there is one of this id; inside a transaction."""
    if await db.run(ADD, id, account, clean(name)) == 1:
        await db.run(ADD_VERSION, account, id, 1, clean(definition), sealed)


async def revise(db: Call, account: UUID, id: UUID, name: str, definition: Json, sealed: bytes | None) -> int | None:
    """The number of the new version; None when there is no such workflow. Inside a transaction."""
    version: int | None = await db.value(NEXT, account, id, clean(name))
    if version is not None:
        await db.run(ADD_VERSION, account, id, version, clean(definition), sealed)
    return version


async def get(db: Call, account: UUID, id: UUID, version: int | None = None) -> Json | None:
    """With the definition of a version, by default the newest."""
    row = await db.row(GET, account, id, version)
    return dict(row) if row else None


async def listed(db: Call, account: UUID, before: UUID | None, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(LIST, account, before, limit)]


async def versions(db: Call, account: UUID, id: UUID, after: int | None, limit: int) -> list[Json]:
    """Oldest first."""
    return [dict(r) for r in await db.fetch(VERSIONS, account, id, after, limit)]


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    """With its runs."""
    return await db.run(REMOVE, account, id) == 1
