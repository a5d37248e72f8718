"""Indexing in steps: whose turn it is, what is kept when it is cut off, what is told when it cannot be done."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from hub.errors import Overloaded
from hub.knowledge import collections, documents
from hub.knowledge.chunk import pieces
from hub.knowledge.index import TRIES, Cuts, Indexer, Pace, index_document
from hub.knowledge.search import search
from hub.live.queue import Queue
from hub.llm.bulk import BulkEmbedder
from hub.llm.embedder import DIMENSION, Embedder, Vector
from hub.store import indexing
from hub.store.db import Db
from hub.store.documents import Document, Given
from tests.knowledge.conftest import new_account

# A book of 900 kB; only its middle and its end tell of some things.
CHAPTERS = [f"## Chapter {n}\n\n" + f"The subject number {n} is told of here. " * 16 for n in range(1370)]
CHAPTERS[700] += "\n\nThe amaranth is watered on Tuesdays."
BOOK = "\n\n".join(CHAPTERS)


class Flat:
    """Vectors at no cost; breaks, stops or waits where it is told to."""

    def __init__(self) -> None:
        self.embedded: list[str] = []
        self.broken: set[str] = set()
        self.slow = False
        self.begun = asyncio.Event()

    async def passages(self, texts: Sequence[str]) -> list[Vector]:
        self.begun.set()
        if self.slow:
            await asyncio.Event().wait()
        if any(word in text for word in self.broken for text in texts):
            raise Overloaded("Out of breath.")
        self.embedded += texts
        return [[float(n == len(text) % DIMENSION) for n in range(DIMENSION)] for text in texts]


class Shelf:
    def __init__(self, db: Db, queue: Queue, account: UUID, id: UUID) -> None:
        self.db, self.queue, self.account, self.id = db, queue, account, id

    async def put(self, text: str, name: str = "doc") -> UUID:
        return (await documents.put(self.db, self.queue, self.account, self.id, Given(name, text))).id

    async def doc(self, id: UUID) -> Document:
        return await documents.get(self.db, self.account, self.id, id)

    async def count(self) -> int:
        return int(await self.db.value("select count(*) from chunks where collection_id = $1", self.id))


@pytest.fixture
async def shelf(db: Db, queue: Queue, account: UUID) -> Shelf:
    return Shelf(db, queue, account, await collections.create(db, account, "c", None, None))


@pytest.fixture
async def other(db: Db, queue: Queue) -> Shelf:
    account = await new_account(db)
    return Shelf(db, queue, account, await collections.create(db, account, "c", None, None))


def indexer(db: Db, embedder: Flat, size: int = 100, seconds: float = 60) -> Indexer:
    return Indexer(db, embedder, Cuts(), Pace(size, seconds))


async def test_a_large_text_is_found_step_by_step(db: Db, shelf: Shelf, embedder: Embedder) -> None:
    assert len(BOOK) > 900_000
    flat, id, whole = Flat(), await shelf.put(BOOK), len(pieces(BOOK))
    work = indexer(db, flat, 200)
    assert await work.step(id)
    found = await shelf.doc(id)
    assert (found.state, found.pieces, found.pieces_done, await shelf.count()) == ("Queued", whole, 200, 200)
    told = await collections.get(db, shelf.account, shelf.id)
    assert (told.pieces, told.pieces_done) == (whole, 200)
    assert told.per_second and told.seconds_left
    steps = 1
    while await work.step(id):
        steps += 1
        assert len(flat.embedded) == 200 * steps == (await shelf.doc(id)).pieces_done
    found = await shelf.doc(id)
    assert (found.state, found.pieces_done, await shelf.count()) == ("Indexed", whole, whole)
    assert flat.embedded == [p.text for p in pieces(BOOK)]
    [best, *_] = await search(db, embedder, shelf.account, [shelf.id], ["watering the amaranth"], min_score=0)
    assert "Tuesdays" in best.content


KILLED = """
import asyncio, os, signal, sys
from uuid import UUID
from hub.knowledge.index import Pace, index_document
from hub.store.db import open_db

class Dies:
    calls = 0
    async def passages(self, texts):
        self.calls += 1
        if self.calls > 10:
            os.kill(os.getpid(), signal.SIGKILL)
        return [[1.0] + [0.0] * 383 for _ in texts]

async def main():
    async with open_db(sys.argv[1], 2) as db:
        await index_document(db, Dies(), UUID(sys.argv[2]), Pace(12, 1.0))

asyncio.run(main())
"""


async def test_a_kill_loses_one_step_at_most(db: Db, dsn: str, shelf: Shelf) -> None:
    text = "\n\n".join(CHAPTERS[:100])
    id, whole = await shelf.put(text), len(pieces(text))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, dsn, str(id), cwd=Path(__file__).parents[2]
    )
    assert await child.wait() == -signal.SIGKILL
    found = await shelf.doc(id)
    assert (found.state, found.pieces_done, await shelf.count()) == ("Queued", 36, 36)
    flat = Flat()
    work = indexer(db, flat)
    assert await work.step(id) is False  # the claim of the dead one stands for its time
    await db.run("update documents set leased_until = now()")
    while await work.step(id):
        pass
    assert ((await shelf.doc(id)).state, await shelf.count(), len(flat.embedded)) == ("Indexed", whole, whole - 36)


async def test_what_kills_again_and_again_is_given_up(db: Db, shelf: Shelf) -> None:
    id, flat = await shelf.put("Text."), Flat()
    for _ in range(TRIES):
        assert await indexing.claim(db, id, 0) is not None
    assert await indexer(db, flat).step(id) is False
    found = await shelf.doc(id)
    assert (found.state, flat.embedded) == ("Failed", []) and "ended while it worked" in str(found.error)


async def test_a_step_has_a_time_limit_and_says_so(db: Db, shelf: Shelf, other: Shelf) -> None:
    id, flat = await shelf.put("Text."), Flat()
    flat.slow = True
    for _ in range(TRIES):
        with pytest.raises(TimeoutError):
            await indexer(db, flat, seconds=0.01).step(id)
    found = await shelf.doc(id)
    assert (found.state, found.error) == ("Failed", "The text could not be turned into vectors within 0.01 seconds.")
    assert (await collections.get(db, shelf.account, shelf.id)).failed == 1
    flat.slow = False
    neighbour = await other.put("Text of others.")
    assert await indexing.next_document(db) == neighbour
    await shelf.put("Text.")
    await index_document(db, flat, id)
    assert (await shelf.doc(id)).state == "Indexed"


async def test_a_slow_machine_makes_shorter_steps(db: Db, shelf: Shelf) -> None:
    class Slow(Flat):
        async def passages(self, texts: Sequence[str]) -> list[Vector]:
            await asyncio.sleep(0.3)
            return await super().passages(texts)

    id, slow = await shelf.put("\n\n".join(CHAPTERS[:10])), Slow()
    assert await indexer(db, slow, 10, seconds=1.0).step(id)
    found = await shelf.doc(id)
    assert (found.state, found.error, found.pieces_done) == ("Queued", None, 4)


async def test_the_pieces_that_can_be_made_are_found_beside_one_that_cannot(db: Db, shelf: Shelf) -> None:
    text = "\n\n".join(CHAPTERS[:40])
    id, flat = await shelf.put(text), Flat()
    flat.broken = {"number 25 "}
    for _ in range(20):
        if (await shelf.doc(id)).state != "Queued":
            break
        try:
            await indexer(db, flat, 16).step(id)
        except Overloaded:
            continue
    found = await shelf.doc(id)
    assert (found.state, found.error, found.pieces_done, await shelf.count()) == ("Failed", "Out of breath.", 25, 25)


async def test_being_stopped_is_no_try(db: Db, shelf: Shelf) -> None:
    id, flat = await shelf.put("Text."), Flat()
    flat.slow = True
    task = asyncio.create_task(indexer(db, flat).step(id))
    await flat.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = await db.row("select attempts, leased_until from documents")
    assert row is not None and tuple(row) == (0, None)


async def test_a_document_that_goes_or_changes_stops_the_step_within_a_slice(db: Db, shelf: Shelf) -> None:
    text = "\n\n".join(CHAPTERS[:60])
    for change in ("delete from documents", "update documents set version = version + 1"):
        id, flat = await shelf.put(text, change), Flat()

        class Changing(Flat):
            async def passages(self, texts: Sequence[str]) -> list[Vector]:
                await db.run(change)  # noqa: B023 - it is used within the loop
                return await flat.passages(texts)  # noqa: B023

        assert await indexer(db, Changing(), 50).step(id) is False
        assert (len(flat.embedded), await shelf.count()) == (4, 0)


async def test_turns_go_round_and_small_ones_first(db: Db, queue: Queue, shelf: Shelf, other: Shelf) -> None:
    flat = Flat()
    await shelf.put(BOOK[:300_000], "large")
    for n in range(5):
        await shelf.put(f"Small text {n}.", f"small {n}")
    second = Shelf(db, queue, shelf.account, await collections.create(db, shelf.account, "second", None, None))
    await second.put("Text of the second collection.", "second")
    await other.put("Text of another account.", "other")
    work = indexer(db, flat, 8)
    turns: list[str] = []
    while (id := await indexing.next_document(db)) is not None and len(turns) < 12:
        turns.append(await db.value("select name from documents where id = $1", id))
        await work.step(id)
    # The other account is second, the other collection third: neither waits for the import beside it.
    assert {"other", "second"} <= set(turns[:3]) and turns[:3].count("small 4") == 1
    assert "large" in turns[:8] and all(f"small {n}" in turns for n in range(5))


async def test_the_same_piece_is_embedded_once_in_an_account(db: Db, shelf: Shelf, other: Shelf) -> None:
    flat, text = Flat(), "\n\n".join(CHAPTERS[:10])
    for where, name in ((shelf, "a"), (shelf, "b"), (other, "a")):
        await index_document(db, flat, await where.put(text, name))
    assert len(flat.embedded) == 2 * len(pieces(text))
    vectors = await db.fetch("select distinct content, embedding::text from chunks where collection_id = $1", shelf.id)
    assert (len(vectors), await shelf.count()) == (len(pieces(text)), 2 * len(pieces(text)))


async def test_one_text_under_two_names_is_found_once(db: Db, shelf: Shelf, embedder: Embedder) -> None:
    for name in ("prices.pdf", "prices (copy).pdf", "prices-final.pdf"):
        await index_document(db, embedder, await shelf.put("A night in the blue room costs 90 euros.", name))
    await index_document(db, embedder, await shelf.put("A night in the red room costs 70 euros.", "red"))
    found = await search(db, embedder, shelf.account, [shelf.id], ["price of a night"], top=2, min_score=0)
    assert sorted(p.content.split()[4] for p in found) == ["blue", "red"]


async def test_a_changed_large_text_is_found_by_its_new_words_only(db: Db, shelf: Shelf) -> None:
    flat = Flat()
    old, new = "\n\n".join(CHAPTERS[:30]), "\n\n".join(CHAPTERS[:29] + ["## Chapter 29\n\n" + "It is new. " * 30])
    id = await shelf.put(old)
    await index_document(db, flat, id)
    flat.embedded.clear()
    await shelf.put(new)
    await index_document(db, flat, id, Pace(4, 60))
    assert len(flat.embedded) == 1
    rows = await db.fetch("select content from chunks order by ordinal")
    assert [r["content"] for r in rows] == [p.text for p in pieces(new)]


@pytest.fixture
async def bulk() -> AsyncIterator[BulkEmbedder]:
    bulk = BulkEmbedder(idle=0.05)
    yield bulk
    await bulk.close()


async def test_documents_are_embedded_beside_and_alike(bulk: BulkEmbedder, embedder: Embedder) -> None:
    texts = ["A night costs 90 euros.", "a\0b", "\ud800", "Olá"]
    here, there = await embedder.passages(texts), await bulk.passages(texts)
    assert max(abs(a - b) for one, two in zip(here, there, strict=True) for a, b in zip(one, two, strict=True)) < 1e-3
    process = bulk._process
    assert process is not None
    await process.wait()  # it ends by itself when nothing is to be done, and starts again
    assert len(await bulk.passages(["x"])) == 1


async def test_a_process_that_is_killed_or_given_up_is_replaced(bulk: BulkEmbedder) -> None:
    await bulk.passages(["x"])
    task = asyncio.create_task(bulk.passages(["palavra " * 400] * 200))
    await asyncio.sleep(0.1)
    assert bulk._process is not None
    os.kill(bulk._process.pid, signal.SIGKILL)
    with pytest.raises(Overloaded, match="ended in the middle"):
        await task
    task = asyncio.create_task(bulk.passages(["palavra " * 400] * 200))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bulk._process is None
    assert len(await bulk.passages(["x"])) == 1
