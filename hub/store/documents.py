"""Documents of collections: writing and reading them. Their way to the index: `hub.store.indexing`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.domain import Json
from hub.ids import uuid7
from hub.store.db import Call, Row, clean, pattern

PUT = """
    with given as materialized (
        select g.*, sha256(convert_to(g.contents, 'UTF8')) as sha from jsonb_to_recordset($3::jsonb) as g(
            id uuid, name text, contents text, reference text, tags text[], metadata jsonb, notes text[], places jsonb)),
    home as materialized (select id from collections where account_id = $1 and id = $2 for key share),
    saved as (
        insert into documents as d
            (id, account_id, collection_id, name, contents, reference, tags, metadata, sha256, notes, places)
        select g.id, $1, home.id, g.name, g.contents, g.reference, g.tags, g.metadata, g.sha, g.notes, g.places
        from given g, home order by g.name
        on conflict (collection_id, name) do update set
            contents = excluded.contents, reference = excluded.reference, tags = excluded.tags,
            metadata = excluded.metadata, sha256 = excluded.sha256, notes = excluded.notes, places = excluded.places,
            updated_at = now(),
            version = d.version + (d.sha256 <> excluded.sha256)::int,
            state = case when d.sha256 <> excluded.sha256 or d.state in ('Cancelled', 'Failed') then 'Queued' else d.state end,
            attempts = case when d.sha256 <> excluded.sha256 or d.state in ('Cancelled', 'Failed') then 0 else d.attempts end,
            error = case when d.sha256 <> excluded.sha256 or d.state in ('Cancelled', 'Failed') then null else d.error end,
            leased_until = case when d.sha256 <> excluded.sha256 then null else d.leased_until end,
            pieces = case when d.sha256 <> excluded.sha256 then null else d.pieces end,
            pieces_done = case when d.sha256 <> excluded.sha256 then 0 else d.pieces_done end,
            ring_at = now()
        where (d.sha256, d.reference, d.tags, d.metadata, d.notes) is distinct from
            (excluded.sha256, excluded.reference, excluded.tags, excluded.metadata, excluded.notes)
            or d.state in ('Cancelled', 'Failed')
        returning d.id, d.name, d.state)
    select g.name, coalesce(s.id, d.id) as id,
        case when s.id is null then 'Unchanged' when s.id = g.id then 'Created' else 'Modified' end as outcome,
        coalesce(s.state = 'Queued', false) as queued
    from given g left join saved s on s.name = g.name
        left join documents d on d.account_id = $1 and d.collection_id = $2 and d.name = g.name
"""
FIND = """
    select id, updated_at, name, reference, tags, left(contents, 200) as preview, state
    from documents where account_id = $1 and collection_id = $2
        and ($3::text[] is null or tags @> $3) and ($4::text is null or reference = $4)
        and ($5::text is null or contents ilike $5) and ($6::text is null or name ilike $6)
        and ($7::uuid is null or id = $7) and ($8::text is null or contents ilike $8 or name ilike $8)
        and ($9::text is null or state = $9)
    order by
        case $10::text when 'created_at_asc' then created_at when 'updated_at_asc' then updated_at
            when 'indexed_at_asc' then indexed_at end asc nulls last,
        case $10::text when 'created_at_desc' then created_at when 'updated_at_desc' then updated_at
            when 'indexed_at_desc' then indexed_at end desc nulls last,
        id desc
    limit $11 offset $12
"""
COUNT = """
    select count(*) from documents where account_id = $1 and collection_id = $2
        and ($3::text[] is null or tags @> $3) and ($4::text is null or reference = $4)
        and ($5::text is null or contents ilike $5) and ($6::text is null or name ilike $6)
        and ($7::uuid is null or id = $7) and ($8::text is null or contents ilike $8 or name ilike $8)
        and ($9::text is null or state = $9)
"""
ONE = """
    select id, name, state, error, contents, reference, tags, created_at, updated_at, indexed_at, metadata, pieces,
        pieces_done, notes
    from documents where account_id = $1 and collection_id = $2 and id = $3
"""
REMOVE = "delete from documents where account_id = $1 and collection_id = $2 and id = $3"
PURGE = """
    delete from documents where id in (select id from documents where account_id = $1 and collection_id = $2 limit 500)
"""
# The pieces stay until new ones take their place, so that a search never finds nothing meanwhile. A document that
# is being indexed at this moment is a new version: what is under way with its old vectors comes to nothing.
REQUEUE = """
    update documents set state = 'Queued', attempts = 0, error = null, indexed_at = null, leased_until = null,
        ring_at = now(), renew = true, version = version + 1, pieces = null, pieces_done = 0
    where id in (select id from documents where account_id = $1 and collection_id = $2
        and (state <> 'Queued' or not renew)
        and not exists (select from readings r where r.document_id = documents.id and r.whole) limit 2000)
    returning id
"""
EXPORT = """
    select name, contents, reference, tags, metadata from documents
    where account_id = $1 and collection_id = $2 and name > $3 order by name limit $4
"""
REFERENCED = """
    select id, collection_id, name, left(contents, $4) as content, left(contents, 1500) as head, reference, metadata from (
        select d.*, row_number() over (partition by d.collection_id, d.reference order by d.id) as place
        from documents d join unnest($2::uuid[], $3::text[]) as w(collection_id, reference)
            on d.collection_id = w.collection_id and d.reference = w.reference
        where d.account_id = $1) d
    where place <= $5 order by id
"""


@dataclass(frozen=True, slots=True)
class Given:
    """A document as it is handed in; `name` is its key in the collection.

    notes: what its file held that could not be read. places: where its pages or rows begin (`hub.knowledge.places`).
    """

    name: str
    contents: str
    reference: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Json | None = None
    notes: tuple[str, ...] = ()
    places: Json | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """outcome: Created | Modified | Unchanged; queued: it waits for the index now."""

    id: UUID
    name: str
    outcome: str
    queued: bool


@dataclass(frozen=True, slots=True)
class Listed:
    id: UUID
    updated_at: datetime
    name: str
    reference: str | None
    tags: list[str]
    preview: str
    state: str


@dataclass(frozen=True, slots=True)
class Document:
    id: UUID
    name: str
    state: str
    error: str | None
    contents: str
    reference: str | None
    tags: list[str]
    created_at: datetime
    updated_at: datetime
    indexed_at: datetime | None
    metadata: Json
    pieces: int | None
    pieces_done: int
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Find:
    """Conditions of a listing, all of which must hold."""

    tags: tuple[str, ...] = ()
    reference: str | None = None
    content: str | None = None
    name: str | None = None
    id: UUID | None = None
    anywhere: str | None = None


async def put(db: Call, account: UUID, collection: UUID, given: list[Given]) -> list[Saved]:
    """Create or change documents by name; names must differ. One that another call just made may be missing."""
    rows = await db.fetch(PUT, account, collection, [_row(g) for g in given])
    return [Saved(r["id"], r["name"], r["outcome"], r["queued"]) for r in rows if r["id"]]


async def find(
    db: Call, account: UUID, collection: UUID, find: Find, state: str | None, order: str, limit: int, offset: int
) -> list[Listed]:
    rows = await db.fetch(FIND, account, collection, *_filter(find), state, order, limit, offset)
    return [Listed(**dict(r)) for r in rows]


async def count(db: Call, account: UUID, collection: UUID, find: Find, state: str | None) -> int:
    return int(await db.value(COUNT, account, collection, *_filter(find), state))


def _filter(find: Find) -> tuple[Any, ...]:
    return (
        list(find.tags) or None, find.reference, _like(find.content), _like(find.name), find.id, _like(find.anywhere),
    )


async def one(db: Call, account: UUID, collection: UUID, id: UUID) -> Document | None:
    row = await db.row(ONE, account, collection, id)
    return Document(**dict(row)) if row else None


async def remove(db: Call, account: UUID, collection: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, collection, id) == 1


async def purge(db: Call, account: UUID, collection: UUID) -> int:
    """Remove some hundred documents; 0 when none is left."""
    return await db.run(PURGE, account, collection)


async def requeue(db: Call, account: UUID, collection: UUID) -> list[UUID]:
    """Queue some thousand documents to be embedded anew; empty when all are."""
    return [r["id"] for r in await db.fetch(REQUEUE, account, collection)]


async def export(db: Call, account: UUID, collection: UUID, after: str, limit: int) -> list[Given]:
    """The next documents in the order of their names."""
    rows = await db.fetch(EXPORT, account, collection, after, limit)
    return [Given(r["name"], r["contents"], r["reference"], tuple(r["tags"]), r["metadata"]) for r in rows]


async def referenced(
    db: Call, account: UUID, places: list[tuple[UUID, str]], characters: int, most: int
) -> list[Row]:
    """Documents that carry one of the references of a collection, at most `most` of each."""
    wanted = list(dict.fromkeys(places))
    return await db.fetch(REFERENCED, account, [c for c, _ in wanted], [r for _, r in wanted], characters, most)


def _row(given: Given) -> dict[str, Any]:
    return {
        "id": str(uuid7()),
        "name": clean(given.name),
        "contents": clean(given.contents),
        "reference": clean(given.reference),
        "tags": clean(given.tags),
        "metadata": clean(given.metadata or {}),
        "notes": clean(list(given.notes)),
        "places": given.places,
    }


def _like(text: str | None) -> str | None:
    return pattern(text) if text is not None else None
