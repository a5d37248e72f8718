"""Documents on their way to the index: once per version, all or nothing."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from hub.errors import Overloaded
from hub.knowledge import collections, documents
from hub.knowledge.chunk import pieces
from hub.knowledge.index import TRIES, index_document
from hub.knowledge.search import search
from hub.live.queue import Queue
from hub.llm.embedder import Embedder, Vector
from hub.store.db import Db
from hub.store.documents import Given, Saved

LONG = "\n\n".join(f"## Part {n}\n\n" + f"Sentence about subject number {n}. " * 12 for n in range(6))


class Counting(Embedder):
    """Notes what is embedded; fails or waits when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.embedded: list[str] = []
        self.broken = False
        self.go = asyncio.Event()
        self.go.set()

    async def passages(self, texts: Sequence[str]) -> list[Vector]:
        await self.go.wait()
        if self.broken:
            raise Overloaded("Out of breath.")
        self.embedded += texts
        return await super().passages(texts)


@pytest.fixture
async def counting() -> Counting:
    return Counting()


class Shelf:
    """One collection."""

    def __init__(self, db: Db, queue: Queue, account: UUID, id: UUID) -> None:
        self.db, self.queue, self.account, self.id = db, queue, account, id

    async def put(self, text: str, name: str = "doc") -> Saved:
        return await documents.put(self.db, self.queue, self.account, self.id, Given(name, text))

    async def chunks(self) -> list[str]:
        return [r["content"] for r in await self.db.fetch("select content from chunks order by document_id, ordinal")]

    async def state(self, saved: Saved) -> str:
        return (await documents.get(self.db, self.account, self.id, saved.id)).state


@pytest.fixture
async def shelf(db: Db, queue: Queue, account: UUID) -> Shelf:
    return Shelf(db, queue, account, await collections.create(db, account, "c", None, None))


async def test_indexed_once(db: Db, counting: Counting, shelf: Shelf) -> None:
    saved = await shelf.put(LONG)
    assert await shelf.state(saved) == "Queued"
    await asyncio.gather(*(index_document(db, counting, saved.id) for _ in range(5)))
    assert await shelf.state(saved) == "Indexed"
    expected = [p.text for p in pieces(LONG)]
    assert await shelf.chunks() == counting.embedded == expected
    await index_document(db, counting, saved.id)
    assert counting.embedded == expected


async def test_only_changed_pieces_are_embedded_again(db: Db, counting: Counting, shelf: Shelf) -> None:
    saved = await shelf.put(LONG)
    await index_document(db, counting, saved.id)
    counting.embedded.clear()
    await shelf.put(LONG.replace("number 3", "number three"))
    await index_document(db, counting, saved.id)
    assert len(counting.embedded) == 1
    assert "number three" in counting.embedded[0]
    assert len(await shelf.chunks()) == len(pieces(LONG))


async def test_a_text_that_changes_meanwhile_wins(db: Db, counting: Counting, shelf: Shelf) -> None:
    saved = await shelf.put("The old text.")
    counting.go.clear()
    old = asyncio.create_task(index_document(db, counting, saved.id))
    await asyncio.sleep(0.1)
    await shelf.put("The new text.")
    new = asyncio.create_task(index_document(db, counting, saved.id))
    await asyncio.sleep(0.1)
    counting.go.set()
    await asyncio.gather(old, new)
    assert await shelf.chunks() == ["The new text."]
    assert await shelf.state(saved) == "Indexed"


async def test_a_document_removed_meanwhile_leaves_nothing(db: Db, counting: Counting, shelf: Shelf) -> None:
    saved = await shelf.put("Text.")
    counting.go.clear()
    task = asyncio.create_task(index_document(db, counting, saved.id))
    await asyncio.sleep(0.1)
    await documents.remove(db, shelf.account, shelf.id, saved.id)
    counting.go.set()
    await task
    assert await shelf.chunks() == []


async def test_failures_are_counted_and_cancel(db: Db, counting: Counting, shelf: Shelf) -> None:
    saved = await shelf.put("Text.")
    counting.broken = True
    for _ in range(TRIES):
        assert await shelf.state(saved) == "Queued"
        with pytest.raises(Overloaded):
            await index_document(db, counting, saved.id)
    found = await documents.get(db, shelf.account, shelf.id, saved.id)
    assert (found.state, found.error) == ("Failed", "Out of breath.")
    counting.broken = False
    assert (await shelf.put("Text.")).queued
    await index_document(db, counting, saved.id)
    assert await shelf.state(saved) == "Indexed"


async def test_vectors_are_made_anew(db: Db, queue: Queue, counting: Counting, shelf: Shelf) -> None:
    saved = await shelf.put("Text.")
    await index_document(db, counting, saved.id)
    assert await collections.reindex(db, queue, shelf.account, shelf.id) == 1
    assert await collections.reindex(db, queue, shelf.account, shelf.id) == 0
    assert (await shelf.chunks(), await shelf.state(saved)) == (["Text."], "Queued")
    assert [p.name for p in await search(db, counting, shelf.account, [shelf.id], ["Text."])] == ["doc"]
    await index_document(db, counting, saved.id)
    assert counting.embedded == ["Text."] * 2
    assert (await shelf.chunks(), await shelf.state(saved)) == (["Text."], "Indexed")


async def test_what_is_indexed_meanwhile_is_made_anew(
    db: Db, queue: Queue, counting: Counting, shelf: Shelf
) -> None:
    saved = await shelf.put(LONG)
    await index_document(db, counting, saved.id)
    await shelf.put(LONG.replace("number 3", "number three"))
    counting.go.clear()
    old = asyncio.create_task(index_document(db, counting, saved.id))
    await asyncio.sleep(0.1)
    assert await collections.reindex(db, queue, shelf.account, shelf.id) == 1
    counting.go.set()
    await old
    assert await shelf.state(saved) == "Queued"
    counting.embedded.clear()
    await index_document(db, counting, saved.id)
    assert len(counting.embedded) == len(pieces(LONG))


async def test_a_removed_document_is_not_found(db: Db, counting: Counting, shelf: Shelf) -> None:
    saved = await shelf.put("The secret ingredient is cardamom.")
    await index_document(db, counting, saved.id)
    assert await search(db, counting, shelf.account, [shelf.id], ["secret ingredient"])
    await documents.remove(db, shelf.account, shelf.id, saved.id)
    assert await search(db, counting, shelf.account, [shelf.id], ["secret ingredient"]) == []
    assert await shelf.chunks() == []
