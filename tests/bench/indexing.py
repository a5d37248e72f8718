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
MOST = 300  # documents; there are always more than there is time for
TEXT = "The {n}th thing that a shop of this street sells is told of here, with its price and its place on the shelf. "


async def measure(place: Place, pace: Runs) -> None:
    title("11. Indexing: pieces a second and a core")
    seconds = 15.0 * pace.runs
    texts = ["\n\n".join(part(n, m) for n in range(8)) for m in range(MOST)]
    cut = [p.text for text in texts for p in pieces(text)]
    bulk = BulkEmbedder()
    try:
        await bulk.passages(cut[:1])
        say("the encoder alone", await _alone(bulk, cut, seconds))
        say("documents into the index", await _whole(place, bulk, texts, seconds))
    finally:
        await bulk.close()


def part(number: int, text: int) -> str:
    return f"## Part {number} of {text}\n\n" + TEXT.format(n=number + text * 9) * 6


async def _alone(bulk: BulkEmbedder, cut: list[str], seconds: float) -> str:
    began, done = time.monotonic(), 0
    while done < len(cut) and time.monotonic() - began < seconds:
        done += len(await bulk.passages(cut[done : done + 4]))
    return f"{done / (time.monotonic() - began):.1f} pieces/s"


async def _whole(place: Place, bulk: BulkEmbedder, texts: list[str], seconds: float) -> str:
    db, account = place.hub.db, uuid7()
    await db.run(ACCOUNT, account)
    shelf = await collections.create(db, account, "indexing", None, None)
    for start in range(0, len(texts), 100):
        some = list(enumerate(texts))[start : start + 100]
        await knowledge.save(db, account, shelf, [Given(f"doc {n}", text) for n, text in some])
    indexer, steps = Indexer(db, bulk, Cuts(), Pace()), 0
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    # As long as it takes on this machine: what is done in that time is counted.
    while time.monotonic() - began < seconds and (id := await indexing.next_document(db)) is not None:
        await indexer.step(id)
        steps += 1
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    count = await db.value("select count(*) from chunks where account_id = $1", account)
    await db.run("delete from collections where account_id = $1", account)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    beside = spent / max(1, count) * 1000
    return f"{count / took:.1f} pieces/s in {steps} steps; beside the encoder {beside:.1f} ms of processor a piece"
