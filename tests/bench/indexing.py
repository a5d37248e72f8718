"""How many pieces a second are indexed, by the whole way and by the encoder alone."""

import resource
import time

from hub.ids import uuid7
from hub.knowledge import collections
from hub.knowledge import documents as knowledge
from hub.knowledge.chunk import pieces
from hub.knowledge.index import Cuts, Indexer, Pace
from hub.llm.bulk import BulkEmbedder
from hub.store import indexing
from hub.store.documents import Given
from tests.bench.place import Place
from tests.bench.report import Pace as Runs
from tests.bench.report import say, title

ACCOUNT = "insert into accounts (id, name, salt) values ($1, 'indexing', 's')"
TEXT = "The {n}th thing that a shop of this street sells is told of here, with its price and its place on the shelf. "


async def measure(place: Place, pace: Runs) -> None:
    title("11. Indexing: pieces a second and a core")
    many = 60 if pace.runs > 1 else 3
    texts = ["\n\n".join(_part(n, m) for n in range(8)) for m in range(many)]
    cut = [p.text for text in texts for p in pieces(text)]
    bulk = BulkEmbedder()
    try:
        await bulk.passages(cut[:1])
        alone = await _alone(bulk, cut)
        whole = await _whole(place, bulk, texts, len(cut))
    finally:
        await bulk.close()
    say(f"the encoder alone, {len(cut)} pieces", alone)
    say(f"{many} documents into the index", whole)


def _part(number: int, text: int) -> str:
    return f"## Part {number} of {text}\n\n" + TEXT.format(n=number + text * 9) * 6


async def _alone(bulk: BulkEmbedder, cut: list[str]) -> str:
    began = time.monotonic()
    for start in range(0, len(cut), 4):
        await bulk.passages(cut[start : start + 4])
    return f"{len(cut) / (time.monotonic() - began):.1f} pieces/s"


async def _whole(place: Place, bulk: BulkEmbedder, texts: list[str], count: int) -> str:
    db, account = place.hub.db, uuid7()
    await db.run(ACCOUNT, account)
    shelf = await collections.create(db, account, "indexing", None, None)
    await knowledge.save(db, account, shelf, [Given(f"doc {n}", text) for n, text in enumerate(texts)])
    indexer, steps = Indexer(db, bulk, Cuts(), Pace()), 0
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    while (id := await indexing.next_document(db)) is not None:
        await indexer.step(id)
        steps += 1
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    beside = (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) / count * 1000
    return f"{count / took:.1f} pieces/s in {steps} steps; beside the encoder {beside:.1f} ms of processor a piece"
