"""What is kept of vectors in the process: it finds the nearest, follows what comes and goes, and stays small."""

from typing import Any
from uuid import UUID

import numpy as np

from hub.ids import uuid7
from hub.knowledge import collections, documents
from hub.knowledge.index import index_document
from hub.knowledge.search import COUNT, SCALE, SUPPORT, WHOLE
from hub.llm.embedder import Embedder
from hub.store import chunks, finding, nearest, shelves
from hub.store.db import Db, Row
from hub.store.documents import Given
from hub.store.finding import Wanted
from hub.store.shelves import Shelf, Shelves
from tests.knowledge.business import vectors
from tests.knowledge.conftest import new_account
from tests.knowledge.test_recall import GIVEN

MANY, ASKED = 20_000, 60
MORE = (
    GIVEN.replace("insert into collections (id, account_id, name) values ($2, $1, 'c')", "select $2::uuid as id")
    .replace(" returning id),\n    docs", "),\n    docs")
    .replace("'d' || n", "'more' || n").replace("'d' || given.n", "'more' || given.n")
)


class Watched(Db):
    """Notes how often signs and codes were fetched, how many vectors were compared, and which words were said to be
    common."""

    fetched = coded = compared = 0
    common: list[str] = []

    async def row(self, sql: str, *args: Any) -> Row | None:
        self.fetched += "bit_send" in sql
        self.coded += sql == nearest.CODES
        if sql == nearest.COSINES:
            self.compared = len(args[2])
        return await super().row(sql, *args)

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        if sql == finding.SEARCH:
            self.common = list(args[-1])
        return await super().fetch(sql, *args)


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
    mix = mixed(known, MANY)
    for made, coded, least in ((known, False, 0.98), (mix, False, 0.95), (known, True, 0.98), (mix, True, 0.98)):
        ids, signs = np.arange(len(made)), shelves._rows(np.packbits(made > 0, axis=1))
        sent = np.concatenate([ids.astype(">i8")[:, None].view(np.uint8), made.astype(">f2").view(np.uint8)], axis=1)
        codes = shelves.coded(sent.tobytes(), len(made))[1:] if coded else ()
        held = []
        for one in asked:
            exact = set(np.argsort(-(made @ one))[:50].tolist())
            guessed = shelves.nearest([shelves.Part(ids, signs, *codes)], [one.tolist()], 50)
            held.append(len(exact & set(guessed)) / 50)
            assert not coded or len(guessed) <= 50 + shelves.SPARE
        assert np.mean(held) >= least, (len(made), coded, np.mean(held))


async def test_few_vectors_are_read_once_the_codes_are_there(db: Db) -> None:
    watched = Watched(db.pool, 5.0, db.tenants)
    made = np.random.default_rng(3).normal(size=(400, 384))
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    mine = await new_account(db)
    here = await _shelf(db, mine, made)
    for asked in made[:3]:
        exact = np.sort(made @ asked)[::-1][:20]
        found = await nearest.near(watched, mine, [here], [asked.tolist()], 20)
        assert np.allclose([cosine for _, cosine in found], exact, atol=1e-5), "as PostgreSQL compares them, in order"
        assert watched.compared <= 20 + shelves.SPARE and watched.coded == 1
    # What is removed behind the back of this process, and what comes beside it, changes nothing of that.
    gone = [int(id) for id, _ in found[:5]]
    await db.run("delete from documents where id in (select document_id from chunks where id = any($1))", gone)
    more = np.random.default_rng(4).normal(size=(30, 384))
    await db.run(MORE, mine, here, [chunks.vector_text(v / np.linalg.norm(v)) for v in more])
    await db.run("update collections set shelf = shelf + 1 where id = $1", here)
    for _ in range(2):
        again = await nearest.near(watched, mine, [here], [made[2].tolist()], 20)
        assert not {id for id, _ in again} & set(gone) and watched.compared <= 20 + shelves.SPARE
    assert watched.coded == 2 and db.shelves.of((mine, here, None)).coded


async def test_a_word_that_very_many_pieces_have_is_looked_up_once(db: Db) -> None:
    watched = Watched(db.pool, 5.0, db.tenants)
    accounts = [await new_account(db) for _ in range(2)]
    shelf = []
    for account, many in zip(accounts, (1001, 5), strict=True):
        shelf.append(uuid7())
        await db.run(
            "with c as (insert into collections (id, account_id, name) values ($2, $1, 'c')),"
            " d as (insert into documents (id, account_id, collection_id, name, contents, sha256)"
            "     select gen_random_uuid(), $1, $2, 'd' || n, 'x', sha256(n::text::bytea)"
            "     from generate_series(1, $3::int) n returning id, name)"
            " insert into chunks (account_id, collection_id, document_id, ordinal, content, embedding, words)"
            " select $1, $2, id, 0, 'x', $4::text::vector, to_tsvector('simple', 'asked1'"
            "     || case name when 'd3' then ' asked2' else '' end) from d",
            account, shelf[-1], many, chunks.vector_text([1.0] + [0.0] * 383))
    wanted = Wanted(5, -1.0, "rrf", SCALE, SUPPORT, COUNT, WHOLE)
    vector = [0.0, 1.0] + [0.0] * 382

    async def asked(n: int) -> list[Row]:
        words = ["asked1", "asked2"]
        return await finding.search(watched, accounts[n], [shelf[n]], [vector], words, ["", ""], ["en"], wanted)

    first = await asked(0)
    assert watched.common == [] and first[0]["name"] == "d3"
    again = await asked(0)
    assert watched.common == ["asked1"]
    assert [dict(r) for r in again] == [dict(r) for r in first], "what is known of a word changes no answer"
    await asked(1)
    assert watched.common == [], "of another collection nothing is known by that"
    await asked(1)
    assert watched.common == [], "five pieces are not many"


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
