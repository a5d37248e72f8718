"""Files that take long to read: pictures of text one at a time, for they take a core; recordings beside each other.

Each account has one of either kind at work at a time, so that a service that hangs for one holds up nobody else.
"""

import asyncio
import logging
from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from hub.child_processes import Children
from hub.domain import Json
from hub.engine.media import hears_files, said_in
from hub.knowledge.readings import step
from hub.runtime import Hub
from hub.store import readings
from hub.task_groups import end

log = logging.getLogger(__name__)

LOOK = 2.0
# Kinds that share their places, and how many there are.
LANES: Mapping[tuple[str, ...], int] = MappingProxyType({("pdf", "picture"): 1, ("audio",): 8})


async def work(hub: Hub) -> None:
    """For as long as the process lives; of several workers each takes what the others have not."""
    # Not those of uploads, which would wait for it.
    children = Children(at_once=1)
    running: dict[UUID, tuple[tuple[str, ...], asyncio.Task[None]]] = {}
    try:
        while True:
            running = {id: one for id, one in running.items() if not one[1].done()}
            for kinds, places in LANES.items():
                room = places - sum(lane == kinds for lane, _ in running.values())
                if room > 0 and not hub.leases.closing:
                    for id in await _due(hub, kinds, list(running), room):
                        running[id] = kinds, asyncio.create_task(_one(hub, children, id))
            await asyncio.sleep(LOOK)
    finally:
        await end([task for _, task in running.values()])


async def _due(hub: Hub, kinds: tuple[str, ...], busy: list[UUID], room: int) -> list[UUID]:
    try:
        return await readings.due(hub.db, kinds, busy, room)
    except Exception:
        log.exception("files that are to be read could not be looked up")
        return []


async def _one(hub: Hub, children: Children, id: UUID) -> None:
    async def hear(account: UUID, collection: UUID, name: str, mime: str, raw: bytes, seconds: float) -> Json:
        gateway = await hears_files(hub, account, collection)
        return await said_in(hub, account, gateway, name, mime, raw, seconds)

    try:
        if await step(hub.db, children, hear, id):
            await hub.queue.index()
    except Exception:
        log.exception("a file could not be read")
