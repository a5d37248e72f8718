"""The pieces of collections that are nearest to a question: guessed by their signs in this process, then compared whole.

Pieces that were removed are not found any more when they are compared; new ones are fetched before, if there are any.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from hub.later import later
from hub.store.chunks import vector_text
from hub.store.db import Db
from hub.store.shelves import Key, Part, Shelf, coded, nearest, read

if TYPE_CHECKING:
    import numpy as np
else:
    np = later("numpy")

VERSIONS = "select id, shelf from collections where account_id = $1 and id = any($2)"
SIGNS = """
    select count(*) as pieces, string_agg(int8send(id) || substr(bit_send(signs), 5), '') as told from (
        select id, signs from chunks where account_id = $1 and collection_id = $2 and id > $3 order by id limit $4) p
"""
OF_EMBEDDER = """
    select count(*) as pieces, string_agg(int8send(piece_id) || substr(varbit_send(signs), 5), '') as told from (
        select piece_id, signs from vectors where account_id = $1 and collection_id = $2 and embedder_id = $5
            and piece_id > $3 order by piece_id limit $4) p
"""
# The pieces between two ids, their numbers in two bytes each.
CODES = """
    select count(*) as pieces, string_agg(int8send(id) || substr(halfvec_send(embedding::halfvec), 5), '') as told
    from chunks where account_id = $1 and collection_id = $2 and id between $3 and $4
"""
# The asked vectors are read once, not for each piece.
COSINES = """
    with asked as materialized (select v::vector(384) as v from unnest($2::text[]) v)
    select array_agg(id) as ids, array_agg(cosine) as cosines from (
        select c.id, (select max(-(c.embedding <#> a.v)) from asked a) as cosine
        from unnest($3::bigint[]) as n(id) cross join lateral (
            select id, embedding from chunks where id = n.id and account_id = $1 offset 0) c) found
"""
COSINES_OF_EMBEDDER = """
    with asked as materialized (select v::vector as v from unnest($2::text[]) v)
    select array_agg(piece_id) as ids, array_agg(cosine) as cosines from (
        select w.piece_id, (select max(-(w.embedding <#> a.v)) from asked a) as cosine
        from unnest($3::bigint[]) as n(id) cross join lateral (
            select piece_id, embedding from vectors
            where piece_id = n.id and account_id = $1 and embedder_id = $4 offset 0) w) found
"""
# Beyond which piece the vectors of an account's own embedder are still to be made, of those collections where any are.
BEYOND = """
    select c.id, coalesce(s.upto, 0) as upto from unnest($2::uuid[]) as c(id)
        left join embedder_shelves s on s.collection_id = c.id and s.embedder_id = $3 and s.account_id = $1
    where exists (select from chunks p where p.account_id = $1 and p.collection_id = c.id and p.id > coalesce(s.upto, 0))
"""
PART = 20_000  # pieces that are fetched at once
CODED = 4000  # codes that one search fetches: a large collection has all of them after some searches
STALE = 0.1  # part of the guessed that may be gone before it is guessed again


@dataclass(frozen=True, slots=True)
class Theirs:
    """An embedder of the account's own: its vectors of the terms, and what makes cosines of the hub's own of its."""

    id: UUID
    vectors: Sequence[Sequence[float]]
    shift: float
    factor: float


async def near(
    db: Db, account: UUID, collections: Sequence[UUID], vectors: Sequence[Sequence[float]], many: int,
    theirs: Theirs | None = None,
) -> list[tuple[int, float]]:
    """Pieces and their cosines, the nearest first.

    Where the account has an embedder of its own its vectors count; those of the hub for pieces that have no other yet.
    """
    if theirs is None and not vectors:
        return []
    if theirs is None:
        found = await _found(db, account, dict.fromkeys(collections, 0), vectors, many)
    else:
        far = await _found(db, account, dict.fromkeys(collections, 0), theirs.vectors, many, theirs.id)
        found = [(id, theirs.shift + theirs.factor * cosine) for id, cosine in far]
        rows = await db.fetch(BEYOND, account, list(collections), theirs.id)
        if rows and vectors:
            found += await _found(db, account, {r["id"]: r["upto"] for r in rows}, vectors, many)
    return sorted(dict(found).items(), key=lambda f: (-f[1], f[0]))[:many]


async def _found(
    db: Db, account: UUID, beyond: Mapping[UUID, int], vectors: Sequence[Sequence[float]], many: int,
    embedder: UUID | None = None,
) -> list[tuple[int, float]]:
    """beyond: of each collection the id after which its pieces count."""
    told = [vector_text(v) for v in vectors]
    for again in (True, False):
        rows = await db.fetch(VERSIONS, account, list(beyond))
        parts = []
        for one in rows:
            shelf = await _current(db, (account, one["id"], embedder), one["shelf"])
            parts.append(Part(shelf.ids, shelf.signs, shelf.codes, shelf.scales, beyond[one["id"]]))
        ids = await asyncio.to_thread(nearest, parts, vectors, many)
        if embedder is None:
            row = await db.row(COSINES, account, told, ids)
        else:
            row = await db.row(COSINES_OF_EMBEDDER, account, told, ids, embedder)
        found = list(zip(row["ids"] or (), row["cosines"] or (), strict=True)) if row else []
        missing = set(ids).difference(id for id, _ in found)
        if missing:
            db.shelves.gone(account, missing, embedder)
        if not (again and len(missing) > STALE * len(ids)):
            break
        # Much was removed, or made anew: what is left of it would hide what is there.
        db.shelves.forget(account)
    return found


async def _current(db: Db, key: Key, version: int) -> Shelf:
    shelf = db.shelves.of(key)
    async with shelf.turn:
        # What an embedder was given later than the pieces came is not told by the count of pieces.
        if shelf.version != version or key[2] is not None:
            await _fetch(db, key, shelf)
            shelf.version = version
        if key[2] is None and shelf.uncoded:
            await _code(db, key, shelf)
    db.shelves.tidy()
    return shelf


async def _fetch(db: Db, key: Key, shelf: Shelf) -> None:
    account, collection, embedder = key
    while True:
        after = int(shelf.ids[-1]) if len(shelf.ids) else 0
        if embedder is None:
            row = await db.row(SIGNS, account, collection, after, PART)
        else:
            row = await db.row(OF_EMBEDDER, account, collection, after, PART, embedder)
        if row is None or not row["pieces"]:
            return
        shelf.add(*await asyncio.to_thread(read, bytes(row["told"]), row["pieces"]))
        if row["pieces"] < PART:
            return


async def _code(db: Db, key: Key, shelf: Shelf) -> None:
    """The codes of the next pieces; one that is gone meanwhile is not kept."""
    ids = shelf.ids[len(shelf.scales) :][:CODED]
    row = await db.row(CODES, key[0], key[1], int(ids[0]), int(ids[-1]))
    if row is None or not row["pieces"]:
        shelf.drop(ids)
        return
    there, codes, scales = await asyncio.to_thread(coded, bytes(row["told"]), row["pieces"])
    shelf.drop(np.setdiff1d(ids, there))
    known = np.isin(there, ids)
    shelf.code(codes[known], scales[known])
