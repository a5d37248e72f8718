"""Websites that are sources of collections: whose turn it is, which of their pages are still to be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.ids import uuid7
from hub.store.db import Call, Row, clean

PUT = """
    insert into sources (id, account_id, collection_id, address, depth, most, hours)
    select $3, $1, c.id, $4, $5, $6, $7 from collections c where c.account_id = $1 and c.id = $2
        and (select count(*) from sources s where s.collection_id = c.id and s.address <> $4) < $8
    on conflict (collection_id, address) do update set depth = excluded.depth, most = excluded.most, hours = excluded.hours,
        state = 'fetching', due_at = now(), attempts = 0, error = null, leased_until = null,
        run = sources.run + (sources.state <> 'fetching')::int,
        kind = case when sources.state = 'fetching' then sources.kind else 'site' end,
        robots = case when sources.state = 'fetching' then sources.robots end
    returning id
"""
ALL = """
    select s.id, s.address, s.kind, s.depth, s.most, s.hours, s.state, s.error, s.created_at, s.read_at,
        case when s.state <> 'fetching' and s.hours > 0 then s.due_at end as next_at,
        count(p.url) filter (where p.run = s.run)::int as found,
        count(p.url) filter (where p.state = 'waiting')::int as waiting,
        count(p.url) filter (where p.state = 'read')::int as read,
        count(p.url) filter (where p.state = 'refused')::int as refused
    from sources s left join source_pages p on p.source_id = s.id
    where s.account_id = $1 and s.collection_id = $2 and ($3::uuid is null or s.id = $3)
    group by s.id order by s.id
"""
REFUSED = """
    select url, error from source_pages where account_id = $1 and source_id = $2 and state = 'refused' order by url limit $3
"""
# A document that another source of the collection has too stays.
FORGET = """
    delete from documents d using source_pages p where d.account_id = $1 and d.collection_id = $2
        and p.source_id = $3 and p.document_id = d.id and ($4::text[] is null or p.url = any($4))
        and not exists (select 1 from source_pages o where o.document_id = d.id and o.source_id <> $3)
"""
REMOVE = "delete from sources where account_id = $1 and collection_id = $2 and id = $3"
# One of an account at a time: a site that hangs holds up nobody else's.
CLAIM = """
    update sources set leased_until = now() + make_interval(secs => $1), attempts = attempts + 1,
        run = run + (state = 'waiting')::int, kind = case when state = 'waiting' then 'site' else kind end,
        robots = case when state = 'waiting' then null else robots end, state = 'fetching'
    where id = (select id from sources s where due_at <= now() and (state = 'fetching' or state = 'waiting' and hours > 0)
        and (leased_until is null or leased_until <= now())
        and not exists (select from sources b where b.account_id = s.account_id and b.leased_until > now())
        order by due_at limit 1 for update skip locked)
    returning id, account_id, collection_id, address, kind, depth, most, hours, robots, pause, run, attempts, leased_until
"""
# What was read of a page counts while its document is there.
NEXT = """
    select p.url, p.depth, d.id as document_id, case when d.id is not null then p.etag end as etag,
        case when d.id is not null then p.modified end as modified, case when d.id is not null then p.digest end as digest,
        p.links
    from source_pages p left join documents d on d.id = p.document_id and d.account_id = p.account_id
    where p.source_id = $1 and p.state = 'waiting' order by p.depth, p.url limit 1
"""
AGAIN = "update source_pages set etag = null, modified = null, digest = null where source_id = $1 and account_id = $2"
STANDING = "select state from source_pages where source_id = $1 and url = $2 and run = $3"
REOPEN = "update source_pages set state = 'waiting', error = null where source_id = $1 and run = $2 and error = $3"
SEEN = """
    insert into source_pages as p (source_id, account_id, url, depth, run)
    select s.id, s.account_id, u.url, $4, s.run from sources s cross join unnest($3::text[]) with ordinality as u(url, n)
    where s.id = $1 and s.account_id = $2 and u.n <= s.most - (select count(*) from source_pages c
        where c.source_id = s.id and c.run = s.run)
    on conflict (source_id, url) do update set run = excluded.run, depth = excluded.depth, state = 'waiting', error = null
        where p.run < excluded.run
"""
CLOSE = """
    update source_pages set state = $3, error = $4, document_id = coalesce($5, document_id), etag = $6, modified = $7,
        digest = $8, links = $9 where source_id = $1 and url = $2
"""
STEPPED = """
    update sources set leased_until = null, attempts = 0, due_at = now() + make_interval(secs => pause),
        kind = $3, robots = $4, pause = $5
    where id = $1 and leased_until = $2
"""
ENDED = """
    update sources set state = 'waiting', leased_until = null, attempts = 0, read_at = now(), error = null,
        due_at = now() + make_interval(secs => hours * 3600)
    where id = $1 and leased_until = $2
"""
TROUBLED = "select exists (select 1 from source_pages where source_id = $1 and run = $2 and error like $3)"
GONE = "select url from source_pages where source_id = $1 and run < $2 limit 500"
DROPPED = "delete from source_pages where source_id = $1 and url = any($2)"
FAILED = """
    update sources set leased_until = null, error = $3,
        state = case when attempts >= $4 then case when hours > 0 then 'waiting' else 'failed' end else state end,
        due_at = now() + case when attempts >= $4 then make_interval(secs => greatest(1, hours) * 3600)
            else make_interval(secs => 30 * 2 ^ attempts) end,
        attempts = case when attempts >= $4 then 0 else attempts end
    where id = $1 and leased_until = $2
"""


@dataclass(frozen=True, slots=True)
class Source:
    """A website of a collection and how far its reading is. next_at: when it is read again; None: now, or never."""

    id: UUID
    address: str
    kind: str
    depth: int
    most: int
    hours: float
    state: str
    error: str | None
    created_at: datetime
    read_at: datetime | None
    next_at: datetime | None
    found: int
    waiting: int
    read: int
    refused: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A source taken for one step; robots: what the site asks of robots, None where that is not known yet."""

    id: UUID
    account_id: UUID
    collection_id: UUID
    address: str
    kind: str
    depth: int
    most: int
    hours: float
    robots: str | None
    pause: float
    run: int
    attempts: int
    leased_until: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """By what a page is known again: what its server says of it, its bytes. links: where it leads to."""

    etag: str | None = None
    modified: str | None = None
    digest: bytes | None = None
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """The next address to read, how far it is from the first, and what is known of it from the time before."""

    url: str
    depth: int
    document: UUID | None
    mark: Mark


async def put(
    db: Call, account: UUID, collection: UUID, address: str, depth: int, most: int, hours: float, many: int
) -> UUID | None:
    """Add a source, or read it again as if it were new; None when the collection has as many as it may, or is not there."""
    id: UUID | None = await db.value(PUT, account, collection, uuid7(), clean(address), depth, most, hours, many)
    if id is not None:
        await db.run(AGAIN, id, account)
    return id


async def every(db: Call, account: UUID, collection: UUID, id: UUID | None = None) -> list[Source]:
    return [Source(**dict(r)) for r in await db.fetch(ALL, account, collection, id)]


async def refused(db: Call, account: UUID, id: UUID, limit: int) -> list[Row]:
    """Addresses that were not read, and why."""
    return await db.fetch(REFUSED, account, id, limit)


async def remove(db: Call, account: UUID, collection: UUID, id: UUID) -> bool:
    """Remove a source with the documents it brought; call it inside a transaction."""
    await db.run(FORGET, account, collection, id, None)
    return await db.run(REMOVE, account, collection, id) == 1


async def claim(db: Call, seconds: float) -> Claimed | None:
    """The source whose turn it is, of all accounts."""
    row = await db.row(CLAIM, seconds)
    return Claimed(**dict(row)) if row else None


async def following(db: Call, source: Claimed) -> Page | None:
    """The next address to read."""
    row = await db.row(NEXT, source.id)
    if row is None:
        return None
    mark = Mark(row["etag"], row["modified"], row["digest"], tuple(row["links"]))
    return Page(row["url"], row["depth"], row["document_id"], mark)


async def standing(db: Call, source: Claimed, url: str) -> str | None:
    """What became of an address in this run; None: it has not met it."""
    state: str | None = await db.value(STANDING, source.id, url, source.run)
    return state


async def reopen(db: Call, source: Claimed, error: str) -> None:
    """Read after all what was refused with these words in this run."""
    await db.run(REOPEN, source.id, source.run, clean(error))


async def seen(db: Call, source: Claimed, urls: Sequence[str], depth: int) -> None:
    """Addresses that are to be read in this run, as many as the source may have."""
    await db.run(SEEN, source.id, source.account_id, [clean(u) for u in urls], depth)


async def close(
    db: Call, source: Claimed, url: str, error: str | None, document: UUID | None, mark: Mark = Mark()
) -> None:
    """An address was read, or refused with a reason."""
    known = (clean(mark.etag), clean(mark.modified), mark.digest, [clean(u) for u in mark.links])
    await db.run(CLOSE, source.id, url, "refused" if error else "read", clean(error), document, *known)


async def stepped(db: Call, source: Claimed, kind: str, robots: str | None, pause: float) -> None:
    await db.run(STEPPED, source.id, source.leased_until, kind, clean(robots), pause)


async def troubled(db: Call, source: Claimed, words: str) -> bool:
    """Whether pages of this run were refused with these words."""
    return bool(await db.value(TROUBLED, source.id, source.run, f"{words}%"))


async def gone(db: Call, source: Claimed) -> list[str]:
    """Addresses of an earlier run that this one did not meet."""
    return [r["url"] for r in await db.fetch(GONE, source.id, source.run)]


async def forget(db: Call, source: Claimed, urls: Sequence[str]) -> None:
    """Drop addresses with their documents; call it inside a transaction."""
    await db.run(FORGET, source.account_id, source.collection_id, source.id, list(urls))
    await db.run(DROPPED, source.id, list(urls))


async def drop_document(db: Call, source: Claimed, url: str) -> None:
    """The document of an address that is there no more."""
    await db.run(FORGET, source.account_id, source.collection_id, source.id, [url])


async def ended(db: Call, source: Claimed) -> None:
    """All of this run is read; the next one comes at its time."""
    await db.run(ENDED, source.id, source.leased_until)


async def failed(db: Call, source: Claimed, error: str, most: int) -> None:
    """Note why a step failed; after `most` in a row the run is given up."""
    await db.run(FAILED, source.id, source.leased_until, clean(error)[:500], most)
