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
TOGETHER = 16
RUN = 50  # steps after which another one may have the place


async def work(hub: Hub) -> None:
    """For as long as the process lives; of several workers each takes what the others have not."""
    running: dict[UUID, asyncio.Task[None]] = {}
    try:
        while True:
            running = {id: task for id, task in running.items() if not task.done()}
            room = TOGETHER - len(running)
            if room > 0 and not hub.leases.closing:
                for id in await _due(hub, list(running), room):
                    running[id] = asyncio.create_task(_steps(hub, id))
            await asyncio.sleep(LOOK)
    finally:
        await end(list(running.values()))


async def _due(hub: Hub, busy: list[UUID], room: int) -> list[UUID]:
    try:
        return await embedders.due(hub.db, busy, room)
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
