"""A bot that answers from its documents while another account imports thousands of them through the same hub."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from itertools import count
from uuid import UUID

import aiohttp
import orjson

from hub.accounts.keys import grant
from hub.ids import uuid7
from hub.knowledge import collections, documents
from hub.store.documents import Given
from tests.bench.crowds import once
from tests.bench.indexing import part
from tests.bench.load import at
from tests.bench.place import MODES, Place
from tests.bench.report import Pace, say, title

MANY, FEW, TIMES, OWN = 10_000, 1_500, 40, 20
LONG = 30.0  # seconds at least, so that several steps of indexing fall into them
PATIENCE = 300.0
ACCOUNT = "insert into accounts (id, name, salt) values ($1, 'import', 's')"
DONE = "select count(*) from chunks where account_id = $1"
WAITING = "select count(*) from documents where account_id = $1 and state = 'Queued'"
SHELF = """
    update gateways g set parameters = g.parameters || jsonb_build_object('knowledgeCollections', $2::jsonb)
    from clients c where c.id = $1 and c.gateway_id = g.id returning g.account_id
"""
Ask = Callable[[], Awaitable[float]]


async def measure(place: Place, pace: Pace) -> None:
    many = MANY if pace.runs > 1 else FEW
    title(f"A bot that answers from {OWN} documents while another account imports {many:,}")
    db, account = place.hub.db, uuid7()
    await db.run(ACCOUNT, account)
    async with place.web() as (_, port), aiohttp.ClientSession() as http:
        with place.child("worker", "hub", "worker"):
            numbers = count()

            async def ask() -> float:
                """Each question is another one: its vector is made anew."""
                return await once(place, http, port, f"What does the {next(numbers)}th thing on the shelf cost?")

            await _own(place)
            alone = await _timed(ask, 0.0, 3 + TIMES)
            bringing = asyncio.create_task(_import(place, http, port, account, many))
            during = [await ask() for _ in range(2)]
            while not bringing.done():
                during.append(await ask())
            await bringing
            before, began = await _until(place, account), time.monotonic()
            beside = await _timed(ask, LONG * pace.runs, TIMES)
            rate = (await db.value(DONE, account) - before) / (time.monotonic() - began)
            left = await db.value(WAITING, account)
            await db.run("delete from collections where account_id = $1", account)
            alone += await _timed(ask, 0.0, TIMES)
    await place.empty()
    for what, times in (("while they come in", during), ("while they are indexed", beside)):
        told = [(at(sorted(t), share) * 1000) for share in (0.5, 0.95) for t in (alone[3:], times)]
        p50 = f"p50 {told[0]:.0f}, {told[1]:.0f} ms (ratio {told[1] / told[0]:.2f})"
        p95 = f"p95 {told[2]:.0f}, {told[3]:.0f} ms (ratio {told[3] / told[2]:.2f}, goal 1.3)"
        say(f"answer alone, {what}", f"{p50}; {p95}")
    say("pieces indexed meanwhile; documents left", f"{rate:.1f}/s; {left:,}")


async def _timed(ask: Ask, seconds: float, least: int) -> list[float]:
    began, times = time.monotonic(), list[float]()
    while len(times) < least or time.monotonic() - began < seconds:
        times.append(await ask())
    return times


async def _own(place: Place) -> None:
    """What the bot answers from; the worker indexes it."""
    db, client = place.hub.db, place.clients[MODES[0]]
    account = await db.value("select account_id from clients where id = $1", client)
    shelf = await collections.create(db, account, "own", None, None)
    await db.run(SHELF, client, [str(shelf)])
    saved = await documents.save(db, account, shelf, [Given(f"own {n}", part(n, 1)) for n in range(OWN)])
    await collections.ring(place.hub.queue, [s.id for s in saved])
    async with asyncio.timeout(PATIENCE):
        while await db.value(WAITING, account):
            await asyncio.sleep(0.2)


async def _import(place: Place, http: aiohttp.ClientSession, port: int, account: UUID, many: int) -> None:
    """One file of JSON lines, as another business sends it."""
    shelf = await collections.create(place.hub.db, account, "import", None, None)
    key = await grant(place.hub.db, account, "import", None)
    url = f"http://127.0.0.1:{port}/api/v1/collections/{shelf}/documents"
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/jsonl"}
    async with http.post(url, data=_lines(many), headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        told = orjson.loads(await answer.read())
    assert told["enqueued"] == many, told


async def _lines(many: int) -> AsyncIterator[bytes]:
    for n in range(many):
        line = {"docid": f"doc {n}", "text": "\n\n".join(part(m, n) for m in range(8))}
        yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


async def _until(place: Place, account: UUID) -> int:
    """The first pieces can be found: indexing is under way."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while not await place.hub.db.value(DONE, account):
                await asyncio.sleep(0.2)
    return int(await place.hub.db.value(DONE, account))
