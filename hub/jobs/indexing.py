"""The one indexer of a machine: step after step, whose turn it is, for as long as the process lives."""

import asyncio
import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.errors import HubError
from hub.knowledge.index import Cuts, Indexer, Pace
from hub.runtime import Hub
from hub.store import indexing

log = logging.getLogger(__name__)

LOOK = 5.0  # seconds after which it looks for documents that nobody rang for
AGAIN = 1.0
LOCK = "indexing.lock"


async def work(hub: Hub) -> None:
    """Index what waits. Of several workers over one home one does it: a second model would only slow the first one."""
    indexer = Indexer(hub.db, hub.bulk, Cuts(), Pace(hub.settings.index_step_pieces, hub.settings.index_step_seconds))
    async with hub.events.listen("index") as rung:
        while True:
            with _alone(hub.settings.home) as alone:
                while alone and not hub.leases.closing and await _step(hub, indexer):
                    pass
                await _until(rung)


async def _step(hub: Hub, indexer: Indexer) -> bool:
    """Whether there was something to do; what fails is logged, and its document waits."""
    try:
        id = await indexing.next_document(hub.db)
        if id is not None:
            await indexer.step(id)
        return id is not None
    except (HubError, TimeoutError) as e:
        log.warning("indexing: %s", e)
    except Exception:
        log.exception("a step of indexing failed")
    await asyncio.sleep(AGAIN)
    return True


async def _until(rung: asyncio.Queue[dict[str, object]]) -> None:
    try:
        async with asyncio.timeout(LOOK):
            await rung.get()
    except TimeoutError:
        return
    while not rung.empty():
        rung.get_nowait()


@contextmanager
def _alone(home: Path) -> Iterator[bool]:
    """Whether no other process of this home indexes; the system lets go of the lock when a process dies."""
    try:
        file = (home / LOCK).open("a")
    except OSError:
        yield True  # no home of its own: it shares none with others
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
