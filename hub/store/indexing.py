"""The way of documents into the index: whose turn it is, steps that are committed as they are made, how far it has come.

A step is fenced by the version of the text and by the lease itself: a document that was changed, removed or taken up by
somebody else meanwhile takes nothing of it.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.domain import Json
from hub.store.db import Call, clean

# The account, then the collection that has waited longest since it was served; in it the small ones and of these the
# new ones, and every fourth time the one that waits longest, so that a large one comes to its turn beside many small.
NEXT = """
    with shelves as (
        select id, served_at, turns, max(served_at) over (partition by account_id) as account_served from collections),
    shelf as materialized (
        select id, turns from shelves s where exists (
            select 1 from documents d where d.collection_id = s.id and d.state = 'Queued' and d.ring_at <= now()
                and (d.leased_until is null or d.leased_until <= now()))
        order by account_served nulls first, served_at nulls first, id limit 1)
    select d.id from shelf cross join lateral (
        select id from documents where collection_id = shelf.id and state = 'Queued' and ring_at <= now()
            and (leased_until is null or leased_until <= now())
        order by case when shelf.turns % 4 < 3 then floor(ln(1 + octet_length(contents) / 4000)) end,
            case when shelf.turns % 4 < 3 then null else updated_at end, updated_at desc, id
        limit 1) d
"""
# A try is counted before it is made: one that ends with the process counts too.
CLAIM = """
    update documents set leased_until = now() + make_interval(secs => $2), attempts = attempts + 1
    where id = $1 and state = 'Queued' and (leased_until is null or leased_until <= now())
    returning id, account_id, collection_id, name, version, renew, attempts, leased_until, error
"""
CONTENTS = "select contents, places from documents where id = $1 and version = $2"
HELD = "select true from documents where id = $1 and version = $2 and leased_until = $3 and state = 'Queued'"
STEPPED = """
    update documents set pieces = $4, pieces_done = $5, attempts = 0, error = null, leased_until = null, ring_at = now()
    where id = $1 and version = $2 and leased_until = $3 and state = 'Queued'
"""
INDEXED = """
    update documents set state = 'Indexed', indexed_version = version, indexed_at = now(), renew = false
    where id = $1 and version = $2 and state = 'Queued'
"""
FAILED = """
    update documents set error = $4, leased_until = null,
        state = case when attempts >= $5 then 'Failed' else state end,
        ring_at = now() + make_interval(secs => least(600, 10 * 2 ^ (attempts - 1)))
    where id = $1 and version = $2 and leased_until = $3 and state = 'Queued' returning state, pieces, pieces_done, renew
"""
# What stands in the index of an older text goes when the new one cannot come; that of the same text stays.
STALE = "delete from chunks where document_id = $1 and version <> $2"
RELEASED = """
    update documents set leased_until = null, attempts = greatest(0, attempts - 1)
    where id = $1 and version = $2 and leased_until = $3 and state = 'Queued'
"""
SERVED = """
    update collections set served_at = clock_timestamp(), turns = (turns + 1) % 1000000, paced_at = now(),
        pace_pieces = case when paced_at > now() - interval '1 minute' then
            case when pace_began < now() - interval '5 minutes' then pace_pieces / 2 else pace_pieces end else 0 end + $2,
        pace_began = case when paced_at > now() - interval '1 minute' then
            case when pace_began < now() - interval '5 minutes' then pace_began + (now() - pace_began) / 2 else pace_began end
            else now() - make_interval(secs => $3) end
    where id = $1
"""
COUNT = "update collections set shelf = shelf + 1 where id = $1"
UNDER_WAY = """
    select id from documents
    where account_id = $1 and collection_id = $2 and id = any($3) and state = 'Queued' and error is null
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A document taken for a step, as it was at `version`. renew: no vector of an older version may be kept.

    attempts: tries in a row without a step, this one counted; error: why the last one failed.
    """

    id: UUID
    account_id: UUID
    collection_id: UUID
    name: str
    version: int
    renew: bool
    attempts: int
    leased_until: datetime
    error: str | None


async def next_document(db: Call) -> UUID | None:
    """The document whose turn it is, of all accounts."""
    row = await db.row(NEXT)
    return row["id"] if row else None


async def claim(db: Call, id: UUID, seconds: float) -> Claimed | None:
    """Take a waiting document for one step, unless someone else has it."""
    row = await db.row(CLAIM, id, seconds)
    return Claimed(**dict(row)) if row else None


async def contents(db: Call, claimed: Claimed) -> tuple[str, Json | None] | None:
    """The text and where its pages or rows begin; None when it was changed or removed."""
    row = await db.row(CONTENTS, claimed.id, claimed.version)
    return (row["contents"], row["places"]) if row else None


async def held(db: Call, claimed: Claimed) -> bool:
    """Whether the claim still stands: the document was neither changed nor removed."""
    return await db.value(HELD, claimed.id, claimed.version, claimed.leased_until) is not None


async def count(db: Call, claimed: Claimed) -> None:
    """Pieces come into the collection: first in their transaction, so that they become visible in the order of their ids.

    Whoever removes the collection takes it before its documents too.
    """
    await db.run(COUNT, claimed.collection_id)


async def stepped(db: Call, claimed: Claimed, pieces: int, done: int) -> bool:
    """Close a step; false when the claim no longer stands. Locks the row."""
    return await db.run(STEPPED, claimed.id, claimed.version, claimed.leased_until, pieces, done) == 1


async def indexed(db: Call, claimed: Claimed) -> None:
    """All pieces of this version are in the index; call it after `stepped`, in its transaction."""
    await db.run(INDEXED, claimed.id, claimed.version)


async def failed(db: Call, claimed: Claimed, error: str, most: int) -> str | None:
    """Note why a try failed; the `most`-th in a row gives the document up. Returns the state it leads to."""
    row = await db.row(FAILED, claimed.id, claimed.version, claimed.leased_until, clean(error)[:500], most)
    if row is None:
        return None
    if row["state"] == "Failed" and not row["renew"]:
        await db.run(STALE, claimed.id, claimed.version)
    return str(row["state"])


async def release(db: Call, claimed: Claimed) -> None:
    """Give a document back that nothing was done with; the try does not count."""
    await db.run(RELEASED, claimed.id, claimed.version, claimed.leased_until)


async def served(db: Call, collection: UUID, pieces: int, seconds: float) -> None:
    """A collection has had its turn: so many pieces were made in so many seconds."""
    await db.run(SERVED, collection, pieces, seconds)


async def under_way(db: Call, account: UUID, collection: UUID, ids: list[UUID]) -> list[UUID]:
    """Those of the documents that wait, or that someone is indexing, and did not fail."""
    return [r["id"] for r in await db.fetch(UNDER_WAY, account, collection, ids)]
