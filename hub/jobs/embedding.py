"""Embedders of accounts: each that has something to do is a task of its own; one that hangs holds up nobody else."""

import asyncio
import logging
from uuid import UUID

from hub.knowledge.embedders import step
from hub.runtime import Hub
from hub.store import embedders
from hub.task_groups import end

log = logging.getLogger(__name__)

LOOK = 1.0
# Places, and how many of them those may have that failed the last time: they may take a minute to fail again.
TOGETHER, DOUBTFUL = 24, 8
RUN = 50  # steps after which another one may have the place


async def work(hub: Hub) -> None:
    """For as long as the process lives; of several workers each takes what the others have not."""
    running: dict[UUID, tuple[bool, asyncio.Task[None]]] = {}
    try:
        while True:
            running = {id: one for id, one in running.items() if not one[1].done()}
            room = TOGETHER - len(running)
            if room > 0 and not hub.leases.closing:
                few = DOUBTFUL - sum(failed for failed, _ in running.values())
                for id, failed in await _due(hub, list(running), room, few):
                    running[id] = failed, asyncio.create_task(_steps(hub, id))
            await asyncio.sleep(LOOK)
    finally:
        await end([task for _, task in running.values()])


async def _due(hub: Hub, busy: list[UUID], room: int, few: int) -> list[tuple[UUID, bool]]:
    try:
        return await embedders.due(hub.db, busy, room, few)
    except Exception:
        log.exception("what embedders have to do could not be looked up")
        return []


async def _steps(hub: Hub, id: UUID) -> None:
    try:
        for _ in range(RUN):
            if hub.leases.closing or not await step(hub.db, hub.elsewhere, id):
                return
    except Exception:
        log.exception("a step of an embedder failed")
