"""The tick of a scheduler: what is due becomes an occurrence, once, whoever ticks.

Any number of schedulers may tick at the same moment: each takes rows that no other holds, and an
occurrence is one row keyed by (schedule, time). Whoever dies in between leaves nothing half done.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub import ids
from hub.chat.operators import planned
from hub.live.queue import Bell
from hub.outreach import releasing
from hub.outreach.catchup import settle
from hub.runtime import Hub
from hub.store import schedules
from hub.store.db import Db

BATCH = 500
ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Ticked:
    """rows: schedules looked at. fired: occurrences that may go now; missed: that will not."""

    rows: int = 0
    fired: int = 0
    missed: int = 0

    def __add__(self, other: "Ticked") -> "Ticked":
        return Ticked(self.rows + other.rows, self.fired + other.fired, self.missed + other.missed)


async def tick(hub: Hub, batch: int = BATCH) -> Ticked:
    """Fire what is due now, in groups of `batch`, and ring for the workers after each."""
    total = Ticked()
    for _ in range(ROUNDS):
        done = await group(hub.db, batch)
        total += done
        if done.fired:
            await ring(hub)
        if done.rows < batch:
            break
    if await releasing.release(hub.db):
        await ring(hub)
    await planned.fire(hub)
    return total


async def group(db: Db, batch: int) -> Ticked:
    """One transaction: due schedules, their occurrences, their next times."""
    async with db.transaction() as tx:
        due = await schedules.due(tx, batch)
        fired: list[tuple[UUID, UUID, datetime, str | None]] = []
        moved = []
        for row in due:
            found = settle(row, row["now"])
            fired += [(ids.uuid7(), row["id"], at, None) for at in found.fires]
            if found.missed is not None:
                fired.append((ids.uuid7(), row["id"], found.missed[0], found.missed[1]))
            moved.append((row["id"], found.next_at))
        if fired:
            await schedules.fire(tx, fired)
        if moved:
            await schedules.advance(tx, moved)
    missed = sum(1 for f in fired if f[3] is not None)
    return Ticked(len(due), len(fired) - missed, missed)


async def ring(hub: Hub) -> None:
    """Tell a worker that something may go out; a lost bell costs one sweep."""
    await hub.queue.ring([Bell("outreach", (), f"o:{ids.uuid7()}", bulk=True)])
