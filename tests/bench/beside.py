"""A bot that is talked to while another account brings in thousands of documents."""

import asyncio
import time

import aiohttp

from hub.ids import uuid7
from hub.knowledge import collections, documents
from hub.store.documents import Given
from tests.bench.crowds import once
from tests.bench.indexing import part
from tests.bench.load import at
from tests.bench.place import Place
from tests.bench.report import Pace, say, title

MANY, FEW, TIMES = 10_000, 300, 40
LONG = 30.0  # seconds at least, so that several steps of indexing fall into them
ACCOUNT = "insert into accounts (id, name, salt) values ($1, 'import', 's')"
DONE = "select count(*) from chunks where account_id = $1"


async def measure(place: Place, pace: Pace) -> None:
    many = MANY if pace.runs > 1 else FEW
    title(f"A bot that chats while {many:,} documents of another account are indexed")
    async with place.web() as (_, port):
        with place.child("worker", "hub", "worker"):
            async with aiohttp.ClientSession() as http:
                for _ in range(3):
                    await once(place, http, port)
                alone = sorted([await once(place, http, port) for _ in range(TIMES)])
                account = await _import(place, many)
                before, began = await place.hub.db.value(DONE, account), time.monotonic()
                beside: list[float] = []
                while len(beside) < TIMES or time.monotonic() - began < LONG * pace.runs:
                    beside.append(await once(place, http, port))
                beside.sort()
                pace_now = (await place.hub.db.value(DONE, account) - before) / (time.monotonic() - began)
    await place.hub.db.run("delete from documents where account_id = $1", account)
    await place.empty()
    told = [at(times, share) * 1000 for share in (0.5, 0.95) for times in (alone, beside)]
    say("answer alone; beside, p50", f"{told[0]:.0f} ms; {told[1]:.0f} ms (ratio {told[1] / told[0]:.2f})")
    say("answer alone; beside, p95", f"{told[2]:.0f} ms; {told[3]:.0f} ms (ratio {told[3] / told[2]:.2f}, goal 1.3)")
    say("pieces indexed meanwhile", f"{pace_now:.1f}/s")


async def _import(place: Place, many: int) -> object:
    """Documents that wait, the first pieces of which can be found already."""
    db, account = place.hub.db, uuid7()
    await db.run(ACCOUNT, account)
    shelf = await collections.create(db, account, "import", None, None)
    for start in range(0, many, 100):
        given = [Given(f"doc {n}", "\n\n".join(part(m, n) for m in range(8))) for n in range(start, start + 100)]
        saved = await documents.save(db, account, shelf, given)
        await collections.ring(place.hub.queue, [s.id for s in saved])
    async with asyncio.timeout(300):
        while not await db.value(DONE, account):
            await asyncio.sleep(0.2)
    return account
