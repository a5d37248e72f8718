"""Files that are read beside everything else: scanned pages, pictures, recordings; step by step, each one committed.

A reading belongs to the text that its document had when the file came (`mark`): a document that was changed or removed
meanwhile takes nothing of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.domain import Json
from hub.ids import uuid7
from hub.store.db import Call, clean
from hub.store.documents import Given, Saved

# A document that has no text yet waits for no indexer; one that had some keeps it until the new one is read.
ADD = """
    with home as materialized (select id from collections where account_id = $1 and id = $2 for key share),
    saved as (
        insert into documents as d (id, account_id, collection_id, name, contents, reference, tags, metadata, sha256, notes, ring_at)
        select $3, $1, home.id, $4, '', $5, $6::text[], $7::jsonb, sha256(uuid_send($3)), $8::text[], now() + interval '100 years'
        from home
        on conflict (collection_id, name) do update set reference = excluded.reference, tags = excluded.tags,
            metadata = excluded.metadata, notes = excluded.notes, sha256 = excluded.sha256, version = d.version + 1,
            state = 'Queued', attempts = 0, error = null, leased_until = null, updated_at = now(), ring_at = excluded.ring_at
        returning d.id, d.sha256),
    added as (
        insert into readings as r (document_id, account_id, collection_id, kind, name, mime, raw, mark, whole)
        select saved.id, $1, $2, $9, $4, $10, $11::bytea, saved.sha256, true from saved
        on conflict (document_id) do update set kind = excluded.kind, mime = excluded.mime, raw = excluded.raw,
            mark = excluded.mark, whole = true, upto = 0, told = '', starts = '[]', notes = '{}', seen = '{}', hard = '{}',
            attempts = 0, error = null, ring_at = now(), leased_until = null)
    select id from saved
"""
BESIDE = """
    insert into readings as r (document_id, account_id, collection_id, kind, name, mime, raw, mark, whole)
    select d.id, d.account_id, d.collection_id, $3, d.name, $4, $5::bytea, d.sha256, false
    from documents d where d.account_id = $1 and d.id = $2
    on conflict (document_id) do update set kind = excluded.kind, mime = excluded.mime, raw = excluded.raw,
        mark = excluded.mark, whole = false, upto = 0, told = '', starts = '[]', notes = '{}', seen = '{}', hard = '{}',
        attempts = 0, error = null, ring_at = now(), leased_until = null
        where $6 or r.mark <> excluded.mark
"""
# One of each account, of the collection that had no turn for longest; the account that had none for longest first.
DUE = """
    with first as (
        select distinct on (r.account_id) r.account_id, r.document_id from readings r join collections c on c.id = r.collection_id
        where r.kind = any($1::text[]) and r.ring_at <= now() and (r.leased_until is null or r.leased_until <= now())
            and not exists (
                select from readings b where b.account_id = r.account_id and b.document_id = any($2::uuid[]) and b.kind = any($1))
        order by r.account_id, c.read_at nulls first, r.created_at, r.document_id)
    select document_id from first
    order by (select max(read_at) from collections c where c.account_id = first.account_id) nulls first, document_id limit $3
"""
# A try is counted before it is made: one that ends with the process counts too.
CLAIM = """
    with turn as (
        update readings set leased_until = now() + make_interval(secs => $2), attempts = attempts + 1
        where document_id = $1 and (leased_until is null or leased_until <= now())
        returning document_id, account_id, collection_id, kind, name, mime, raw, mark, whole, upto, told, starts, notes, seen,
            hard, attempts, leased_until, error),
    served as (update collections c set read_at = clock_timestamp() from turn where c.id = turn.collection_id)
    select * from turn
"""
HELD = """
    select true from readings r join documents d on d.id = r.document_id and d.sha256 = r.mark
    where r.document_id = $1 and r.leased_until = $2 for update of r
"""
STEPPED = """
    update readings set upto = $3, told = $4, starts = $5, notes = $6, seen = $7, hard = $8, attempts = 0, error = null,
        leased_until = null, ring_at = now()
    where document_id = $1 and leased_until = $2
"""
TOLD = "update documents set notes = $3 where id = $1 and sha256 = $2"
DONE = """
    update documents set contents = $3, sha256 = sha256(convert_to($3, 'UTF8')), notes = $4, places = $5, version = version + 1,
        state = 'Queued', attempts = 0, error = null, leased_until = null, pieces = null, pieces_done = 0, updated_at = now(),
        ring_at = now()
    where id = $1 and sha256 = $2
"""
GONE = "delete from readings where document_id = $1 and leased_until = $2"
LATER = """
    update readings set error = $3, leased_until = null, ring_at = now() + make_interval(secs => least(600, 10 * 2 ^ (attempts - 1)))
    where document_id = $1 and leased_until = $2
"""
REASON = "update documents set error = $3 where id = $1 and sha256 = $2"
FAILED = "update documents set error = $3, state = 'Failed', notes = '{}' where id = $1 and sha256 = $2"
STALE = "delete from chunks where document_id = $1"
RELEASED = """
    update readings set leased_until = null, attempts = greatest(0, attempts - 1) where document_id = $1 and leased_until = $2
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """A file taken for a step. attempts: tries in a row without a step, this one counted; see the table for the rest."""

    document_id: UUID
    account_id: UUID
    collection_id: UUID
    kind: str
    name: str
    mime: str
    raw: bytes
    mark: bytes
    whole: bool
    upto: int
    told: str
    starts: list[list[int]]
    notes: list[str]
    seen: list[int]
    hard: list[int]
    attempts: int
    leased_until: datetime
    error: str | None


async def add(db: Call, account: UUID, collection: UUID, given: Given, kind: str, mime: str, raw: bytes) -> Saved | None:
    """Create or change a document whose text is still to be read; None: there is no such collection."""
    id = uuid7()
    row = await db.row(
        ADD, account, collection, id, clean(given.name), given.reference, list(given.tags), given.metadata or {},
        list(given.notes), kind, clean(mime), raw,
    )
    return Saved(row["id"], given.name, "Created" if row["id"] == id else "Modified", True) if row else None


async def beside(db: Call, account: UUID, document: UUID, kind: str, mime: str, raw: bytes, anew: bool = True) -> None:
    """The same of a document some of whose text is read already. anew: also where this text is being read to its end."""
    await db.run(BESIDE, account, document, kind, clean(mime), raw, anew)


async def due(db: Call, kinds: Sequence[str], busy: Sequence[UUID], room: int) -> list[UUID]:
    """Documents whose files are to be read now, at most one of each account; of none that is at work already."""
    return [r["document_id"] for r in await db.fetch(DUE, list(kinds), list(busy), room)]


async def claim(db: Call, id: UUID, seconds: float) -> Reading | None:
    """Take a file for one step, unless someone else has it."""
    row = await db.row(CLAIM, id, seconds)
    return Reading(**dict(row)) if row else None


async def held(db: Call, one: Reading) -> bool:
    """Whether the claim still stands and the document is the same. Locks the row; what is wanted no more goes."""
    if await db.value(HELD, one.document_id, one.leased_until) is not None:
        return True
    await gone(db, one)
    return False


async def stepped(
    db: Call, one: Reading, upto: int, told: str, starts: list[list[int]], notes: list[str], seen: list[int], hard: list[int],
    so_far: str,
) -> None:
    """Keep what a step read. so_far: a sentence for the document."""
    await db.run(STEPPED, one.document_id, one.leased_until, upto, clean(told), starts, notes, seen, hard)
    await db.run(TOLD, one.document_id, one.mark, [so_far])


async def done(db: Call, one: Reading, text: str, notes: Sequence[str], places: Json | None) -> bool:
    """The document has its text and waits for the index; call it after `held`, in its transaction."""
    await gone(db, one)
    return await db.run(DONE, one.document_id, one.mark, clean(text), [clean(n) for n in notes], places) == 1


async def failed(db: Call, one: Reading, reason: str, for_good: bool) -> None:
    """Note why a try failed; call it after `held`. A document that has text of its own keeps it, and says what is missing."""
    words = clean(reason)[:500]
    if not for_good:
        await db.run(LATER, one.document_id, one.leased_until, words)
        if one.whole:
            await db.run(REASON, one.document_id, one.mark, words)
        return
    await gone(db, one)
    if not one.whole:
        await db.run(TOLD, one.document_id, one.mark, [f"Its scanned pages were not read: {words}"])
    elif await db.run(FAILED, one.document_id, one.mark, words):
        await db.run(STALE, one.document_id)


async def gone(db: Call, one: Reading) -> None:
    await db.run(GONE, one.document_id, one.leased_until)


async def release(db: Call, one: Reading) -> None:
    """Give a file back that nothing was done with; the try does not count."""
    await db.run(RELEASED, one.document_id, one.leased_until)
