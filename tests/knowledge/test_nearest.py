"""What is kept of vectors in the process: it finds the nearest, follows what comes and goes, and stays small."""

from typing import Any
from uuid import UUID

import numpy as np

from hub.ids import uuid7
from hub.knowledge import collections, documents
from hub.knowledge.index import index_document
from hub.llm.embedder import Embedder
from hub.store import chunks, nearest, shelves
from hub.store.db import Db, Row
from hub.store.documents import Given
from hub.store.shelves import Shelf, Shelves
from tests.knowledge.business import vectors
from tests.knowledge.conftest import new_account
from tests.knowledge.test_recall import GIVEN

MANY, ASKED = 20_000, 60


class Watched(Db):
    """Notes how often signs were fetched."""

    fetched = 0

    async def row(self, sql: str, *args: Any) -> Row | None:
        self.fetched += "bit_send" in sql
        return await super().row(sql, *args)


def mixed(known: Any, many: int) -> Any:
    """Vectors between those of real texts, which lie nearer to each other than texts do."""
    dice = np.random.default_rng(1)
    one, other = dice.integers(0, len(known), (2, many))
    part = dice.uniform(0.3, 1, (many, 1))
    made = part * known[one] + (1 - part) * known[other] + dice.normal(size=(many, known.shape[1])) * 0.015
    made[: len(known)] = known
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_the_guess_holds_the_nearest_of_real_texts() -> None:
    told = vectors()
    known = np.array([v for name, v in sorted(told.items()) if name.startswith("p")])
    asked = np.array([v for name, v in sorted(told.items()) if name.startswith("q")][:ASKED])
    for made, least in ((known, 0.98), (mixed(known, MANY), 0.95)):
        ids, signs = np.arange(len(made)), shelves._rows(np.packbits(made > 0, axis=1))
        held = []
        for one in asked:
            exact = set(np.argsort(-(made @ one))[:50].tolist())
            held.append(len(exact & set(shelves.nearest([(ids, signs, -1)], [one.tolist()]))) / 50)
        assert np.mean(held) >= least, (len(made), np.mean(held))


async def _shelf(db: Db, account: UUID, given: Any) -> UUID:
    collection = uuid7()
    await db.run(GIVEN, account, collection, [chunks.vector_text(v) for v in given])
    return collection


async def test_signs_are_fetched_once_and_what_is_gone_is_gone(db: Db) -> None:
    watched = Watched(db.pool, 5.0, db.tenants)
    made = np.random.default_rng(2).normal(size=(60, 384))
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    mine, theirs = await new_account(db), await new_account(db)
    here, there = await _shelf(db, mine, made[:40]), await _shelf(db, theirs, made)
    asked = [made[7].tolist()]
    first = await nearest.near(watched, mine, [here], asked, 10)
    assert watched.fetched == 1 and first[0][1] > 0.99 and len(first) == 10
    assert await nearest.near(watched, mine, [here], asked, 10) == first and watched.fetched == 1
    assert await nearest.near(watched, mine, [there], asked, 10) == [], "another account's collection holds nothing"
    assert len(await nearest.near(watched, theirs, [there], asked, 100)) == 60 and watched.fetched == 2
    await db.run("delete from documents where id = (select document_id from chunks where id = $1)", first[0][0])
    assert await nearest.near(watched, mine, [here], asked, 9) == first[1:]
    # All of it made anew: what is kept of the old is not in the way.
    await db.run("delete from documents where account_id = $1", mine)
    await db.run(
        "insert into documents (id, account_id, collection_id, name, contents, sha256)"
        " values ($1, $2, $3, 'n', 'n', '')",
        new := uuid7(), mine, here)
    await db.run(
        "insert into chunks (account_id, collection_id, document_id, ordinal, content, embedding, words)"
        " values ($1, $2, $3, 0, 'n', $4::text::vector, '')", mine, here, new, chunks.vector_text(made[7]))
    await db.run("update collections set shelf = shelf + 1 where id = $1", here)
    again = await nearest.near(watched, mine, [here], asked, 10)
    assert len(again) == 1 and again[0][1] > 0.99


async def test_what_is_indexed_is_found_at_once(db: Db, embedder: Embedder) -> None:
    account = await new_account(db)
    collection = await collections.create(db, account, "c", None, None)
    [asked] = await embedder.queries(["bread"])
    assert await nearest.near(db, account, [collection], [asked], 10) == []
    for n in range(3):
        [saved] = await documents.save(db, account, collection, [Given(f"d{n}", f"Bread number {n}.")])
        await index_document(db, embedder, saved.id)
        assert len(await nearest.near(db, account, [collection], [asked], 10)) == n + 1
    [saved] = await documents.save(db, account, collection, [Given("d0", "Another text about rolls.")])
    await index_document(db, embedder, saved.id)
    assert len(await nearest.near(db, account, [collection], [asked], 10)) == 3


def test_the_oldest_makes_room() -> None:
    kept = Shelves(most=40_000)
    accounts = [uuid7() for _ in range(6)]
    for account in accounts:
        shelf: Shelf = kept.of((account, account, None))
        shelf.add(np.arange(200), np.zeros((6, 200), dtype=np.uint64))
        kept.tidy()
        assert kept.size <= 40_000
    assert len(kept.of((accounts[-1], accounts[-1], None)).ids) == 200
    assert len(kept.of((accounts[0], accounts[0], None)).ids) == 0
    kept.of((accounts[1], accounts[1], None)).add(np.arange(2000), np.zeros((6, 2000), dtype=np.uint64))
    kept.tidy()
    assert len(kept.of((accounts[1], accounts[1], None)).ids) == 2000, "the one that is asked is kept, however large"
