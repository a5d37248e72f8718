"""Collections of documents."""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any
from uuid import UUID

from hub.ids import uuid7
from hub.store.db import Call, Row, clean

ADD = "insert into collections (id, account_id, name, context, tags) values ($1, $2, $3, $4, $5)"
EDIT = """
    update collections set name = coalesce($3::jsonb->>'name', name), tags = coalesce($4::text[], tags), updated_at = now(),
        context = case when $3 ? 'context' then $3->>'context' else context end
    where account_id = $1 and id = $2
"""
ALL = """
    select c.id, c.name, c.context, c.tags, c.created_at, c.updated_at,
        count(d.id) as total,
        count(d.id) filter (where d.state = 'Indexed') as indexed,
        count(d.id) filter (where d.state = 'Queued') as queued,
        count(d.id) filter (where d.state = 'Cancelled') as cancelled,
        count(d.id) filter (where d.state = 'Failed') as failed,
        -- A text that is not cut yet has a piece for some 700 bytes.
        coalesce(sum(coalesce(d.pieces, 1 + octet_length(d.contents) / 700)) filter (where d.state = 'Queued'), 0)::int
            as pieces,
        coalesce(sum(d.pieces_done) filter (where d.state = 'Queued'), 0)::int as pieces_done,
        case when c.paced_at > now() - interval '2 minutes' and c.paced_at > c.pace_began
            then c.pace_pieces / extract(epoch from c.paced_at - c.pace_began)::float8 end as per_second
    from collections c left join documents d on d.collection_id = c.id
    where c.account_id = $1 and ($2::uuid is null or c.id = $2)
    group by c.id order by c.id desc
"""
NAMED = "select id, name, context, tags from collections where account_id = $1 order by id"
KNOWN = "select id from collections where account_id = $1 and id = any($2)"
CONTEXTS = "select name, context from collections where account_id = $1 and id = any($2) and context <> '' order by id"
REMOVE = "delete from collections where account_id = $1 and id = $2"


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection and how many of its documents are in each state.

    pieces, pieces_done: of the documents that wait for the index; per_second: pieces made lately, None when none were.
    """

    id: UUID
    name: str
    context: str | None
    tags: list[str]
    created_at: datetime
    updated_at: datetime
    total: int
    indexed: int
    queued: int
    cancelled: int
    failed: int
    pieces: int
    pieces_done: int
    per_second: float | None

    @property
    def seconds_left(self) -> int | None:
        """How long what waits will take at the pace of the last minutes."""
        if self.pieces <= self.pieces_done or not self.per_second:
            return None
        return ceil((self.pieces - self.pieces_done) / self.per_second)


async def add(db: Call, account: UUID, name: str, context: str | None, tags: list[str]) -> UUID:
    id = uuid7()
    await db.run(ADD, id, account, clean(name), clean(context), clean(tags))
    return id


async def edit(db: Call, account: UUID, id: UUID, fields: dict[str, Any], tags: list[str] | None) -> bool:
    """Change `name` and `context` where they are given, and tags unless None."""
    return await db.run(EDIT, account, id, clean(fields), clean(tags)) == 1


async def every(db: Call, account: UUID) -> list[Collection]:
    return [_collection(r) for r in await db.fetch(ALL, account, None)]


async def one(db: Call, account: UUID, id: UUID) -> Collection | None:
    row = await db.row(ALL, account, id)
    return _collection(row) if row else None


async def named(db: Call, account: UUID) -> list[dict[str, Any]]:
    """id, name, context and tags of up to a thousand collections, the oldest first."""
    return [dict(r) for r in await db.fetch(NAMED, account)]


async def known(db: Call, account: UUID, ids: list[UUID]) -> set[UUID]:
    """Those of the ids that are collections of the account."""
    return {r["id"] for r in await db.fetch(KNOWN, account, ids)}


async def contexts(db: Call, account: UUID, ids: list[UUID]) -> list[tuple[str, str]]:
    """Name and context text of the collections that have one."""
    return [(r["name"], r["context"]) for r in await db.fetch(CONTEXTS, account, ids)]


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, id) == 1


def _collection(row: Row) -> Collection:
    return Collection(**dict(row))
