"""Embedders of accounts: which one is used, which is being filled, and how far it has come.

Vectors are made in the order of the pieces' ids, collection by collection, and each step is committed with how far it
reached: a process that ends loses one step.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.store.chunks import vector_text
from hub.store.db import Call, Row, clean

ALL = """
    select id, account_id, address, model, dimension, width, low, high, secret, state, error, created_at, active_at, leased_until
    from embedders where account_id = $1 and state <> 'leaving' order by state
"""
ACTIVE = """
    select id, account_id, address, model, dimension, width, low, high, secret, state, error, created_at, active_at, leased_until
    from embedders where account_id = $1 and state = 'active'
"""
ADD = "insert into embedders (id, account_id, address, model, dimension, secret) values ($2, $1, $3, $4, $5, $6)"
RENEW = """
    update embedders set secret = $3, error = null, attempts = 0, ring_at = now() where account_id = $1 and id = $2
"""
LEAVE = """
    update embedders set state = 'leaving', secret = null, ring_at = now(), leased_until = null
    where account_id = $1 and state = any($2)
"""
PROGRESS = """
    select (select count(*) from chunks c where c.account_id = $1)::int as pieces,
        (select count(*) from vectors v join embedders e on e.id = v.embedder_id where e.account_id = $1 and e.id = $2)::int as done
"""
DUE = """
    select id, failed from (
        select id, attempts > 0 as failed, ring_at, row_number() over (partition by attempts > 0 order by ring_at) as place
        from embedders where ring_at <= now() and (leased_until is null or leased_until <= now()) and id <> all($1)) d
    where not failed or place <= $3 order by ring_at limit $2
"""
CLAIM = """
    update embedders set leased_until = now() + make_interval(secs => $2), attempts = attempts + 1
    where id = $1 and (leased_until is null or leased_until <= now()) 
    returning id, account_id, address, model, dimension, width, low, high, secret, state, error, created_at, active_at, leased_until, attempts
"""
NEXT = """
    select c.id, coalesce(s.upto, 0) as upto from collections c
        left join embedder_shelves s on s.collection_id = c.id and s.embedder_id = $2
    where c.account_id = $1 and exists (
        select from chunks p where p.account_id = $1 and p.collection_id = c.id and p.id > coalesce(s.upto, 0))
    order by c.id limit 1
"""
PIECES = """
    select id, content from chunks where account_id = $1 and collection_id = $2 and id > $3 order by id limit $4
"""
# The claim still stands. Locks the row.
STEPPED = """
    update embedders set leased_until = null, attempts = 0, error = null, ring_at = now() + make_interval(secs => $3)
    where id = $1 and leased_until = $2 and state <> 'leaving'
"""
MEASURED = "update embedders set width = $2, low = $3, high = $4 where id = $1"
PUT = """
    insert into vectors (piece_id, embedder_id, account_id, collection_id, embedding)
    select c.id, $2, $1, $3, u.embedding::vector from unnest($4::bigint[], $5::text[]) as u(id, embedding)
        join chunks c on c.id = u.id and c.account_id = $1 and c.collection_id = $3
    for key share of c
    on conflict (piece_id, embedder_id) do update set embedding = excluded.embedding
"""
REACHED = """
    insert into embedder_shelves (embedder_id, account_id, collection_id, upto)
    select $2, $1, c.id, $4 from collections c where c.account_id = $1 and c.id = $3 for key share of c
    on conflict (embedder_id, collection_id) do update set upto = excluded.upto
"""
REPLACED = "update embedders set state = 'leaving', secret = null, ring_at = now() where account_id = $1 and state = 'active'"
ACTIVATED = "update embedders set state = 'active', active_at = now() where account_id = $1 and id = $2 and state = 'filling'"
FAILED = """
    update embedders set leased_until = null, error = $3,
        ring_at = now() + make_interval(secs => least(600, 5 * 2 ^ least(attempts, 10)))
    where id = $1 and leased_until = $2
"""
FREED = "update embedders set leased_until = null, attempts = greatest(0, attempts - 1) where id = $1 and leased_until = $2"
EMPTIED = "delete from vectors where piece_id in (select piece_id from vectors where embedder_id = $1 limit 2000) and embedder_id = $1"
REMOVED = "delete from embedders where id = $1 and state = 'leaving'"


@dataclass(frozen=True, slots=True)
class Embedder:
    """secret: its key under seal. width: numbers of its vectors, low and high: what its cosines mean; None: not known yet."""

    id: UUID
    account_id: UUID
    address: str
    model: str
    dimension: int | None
    width: int | None
    low: float | None
    high: float | None
    secret: bytes | None
    state: str
    error: str | None
    created_at: datetime
    active_at: datetime | None
    leased_until: datetime | None
    attempts: int = 0


async def every(db: Call, account: UUID) -> list[Embedder]:
    """The one that is used and the one that is being filled, as far as there are any."""
    return [Embedder(**dict(r)) for r in await db.fetch(ALL, account)]


async def active(db: Call, account: UUID) -> Embedder | None:
    row = await db.row(ACTIVE, account)
    return Embedder(**dict(row)) if row else None


async def add(db: Call, account: UUID, id: UUID, address: str, model: str, dimension: int | None, secret: bytes | None) -> None:
    """In place of one that is still being filled; call it inside a transaction."""
    await db.run(LEAVE, account, ["filling"])
    await db.run(ADD, account, id, clean(address), clean(model), dimension, secret)


async def renew(db: Call, account: UUID, id: UUID, secret: bytes | None) -> None:
    """Another key for the same embedder; it is asked again at once."""
    await db.run(RENEW, account, id, secret)


async def leave(db: Call, account: UUID, states: Sequence[str]) -> int:
    return await db.run(LEAVE, account, list(states))


async def progress(db: Call, account: UUID, id: UUID) -> tuple[int, int]:
    """Pieces of the account, and for how many of them the embedder's vectors are there."""
    row = await db.row(PROGRESS, account, id)
    return (row["pieces"], row["done"]) if row else (0, 0)


async def due(db: Call, busy: Sequence[UUID], most: int, few: int) -> list[tuple[UUID, bool]]:
    """Embedders of all accounts that may have something to do, without those that are at it, and whether each failed the
    last time; few: at most so many that did."""
    return [(r["id"], r["failed"]) for r in await db.fetch(DUE, list(busy), most, few)]


async def claim(db: Call, id: UUID, seconds: float) -> Embedder | None:
    row = await db.row(CLAIM, id, seconds)
    return Embedder(**dict(row)) if row else None


async def following(db: Call, one: Embedder, many: int) -> tuple[UUID, list[Row]] | None:
    """The next pieces without its vectors, all of one collection; None when there are none."""
    shelf = await db.row(NEXT, one.account_id, one.id)
    if shelf is None:
        return None
    return shelf["id"], await db.fetch(PIECES, one.account_id, shelf["id"], shelf["upto"], many)


async def stepped(db: Call, one: Embedder, seconds: float = 0.0) -> bool:
    """Close a step, the next comes in so many seconds; false when the claim no longer stands. Locks the row."""
    return await db.run(STEPPED, one.id, one.leased_until, seconds) == 1


async def measured(db: Call, one: Embedder, width: int, low: float, high: float) -> None:
    await db.run(MEASURED, one.id, width, low, high)


async def put(
    db: Call, one: Embedder, collection: UUID, ids: Sequence[int], vectors: Sequence[Sequence[float]]
) -> None:
    """Vectors of pieces, the last of which says how far the collection is; call it after `stepped`, in its transaction."""
    told = await asyncio.to_thread(lambda: [vector_text(v) for v in vectors])
    await db.run(PUT, one.account_id, one.id, collection, list(ids), told)
    await db.run(REACHED, one.account_id, one.id, collection, ids[-1])


async def activated(db: Call, one: Embedder) -> None:
    """From now on searches use it, and no more the one before; call it inside a transaction."""
    await db.run(REPLACED, one.account_id)
    await db.run(ACTIVATED, one.account_id, one.id)


async def failed(db: Call, one: Embedder, error: str) -> None:
    await db.run(FAILED, one.id, one.leased_until, clean(error)[:500])


async def freed(db: Call, one: Embedder) -> None:
    """Give it back as it was: nothing was done."""
    await db.run(FREED, one.id, one.leased_until)


async def emptied(db: Call, one: Embedder) -> bool:
    """Remove some of its vectors; when none is left, itself. Whether it is gone."""
    if await db.run(EMPTIED, one.id):
        return False
    await db.run(REMOVED, one.id)
    return True


