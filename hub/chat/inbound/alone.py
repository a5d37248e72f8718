"""Calls that come while few others do: acknowledged once they are kept, and folded at once by the process that kept
them, out of its memory: no lease is taken and nothing is read again.

Whatever is in the way (somebody else folds, a body that cannot be read, trouble of the database), they are left to
whoever folds (`hub.chat.inbound.folding`), as everything that stands in the journal.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from channels.base import BadSignature, Hook, Link, Unreadable
from hub.chat.inbound.backlogs import Backlogs
from hub.chat.inbound.choices import asks
from hub.chat.inbound.intake import Intake, items_of, lock_key
from hub.chat.inbound.reading import learned, read
from hub.errors import HubError
from hub.runtime import Hub
from hub.store import arrivals, scope
from hub.store.arrivals import REFUSED, TROUBLE, Kept, Taken
from hub.store.inbox import Item

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mine:
    """A call, and whose it is. changed: told where something is learned about its integration."""

    row: dict[str, Any]
    link: Link
    call: Kept
    changed: Callable[[], None]


Line = list[tuple[int, Mine]]


class Alone:
    """The folding of what a process has just kept."""

    def __init__(self, hub: Hub, intake: Intake, backlogs: Backlogs, tell: Callable[[UUID], None]) -> None:
        """tell: tells who folds what is left here."""
        self._hub = hub
        self._intake = intake
        self._backlogs = backlogs
        self._tell = tell
        self._lines: dict[UUID, Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, mine: Mine, number: int) -> None:
        """Fold it, behind those of its integration that are being folded here. number: of the call in the journal."""
        line = self._lines.get(mine.call.integration)
        if line is not None:
            line.append((number, mine))
            return
        self._lines[mine.call.integration] = [(number, mine)]
        task = asyncio.create_task(self._work(mine.call.integration))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:  # a fault of ours; they are left as well
            log.error("calls that came alone were not folded: %s: %s", type(error).__name__, error)

    async def close(self) -> None:
        """Wait for what is being folded."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _work(self, integration: UUID) -> None:
        """Until none is left; those that come meanwhile are folded together."""
        line = self._lines[integration]
        try:
            with scope.itself():  # whose request began it is one of many
                while line:
                    await self._fold(integration, line)
        except Taken:
            pass
        except (HubError, Unreadable, BadSignature, *REFUSED, *TROUBLE) as e:
            log.info("calls of integration %s are left to be folded: %s: %s", integration, type(e).__name__, e)
        finally:
            del self._lines[integration]
            if line:
                self._backlogs.given(integration, len(line))
                self._tell(integration)

    async def _fold(self, integration: UUID, line: Line) -> None:
        """The first ones, as many as need nothing that the others tell. Raise Taken."""
        ready: list[Item] = []
        count, before = 0, list(line)
        for _, mine in before:
            row, hook = mine.row, Hook(mine.call.headers, mine.call.body, proved=True)
            arrived = await read(self._hub, row["channel"], mine.link, hook)
            if count and any(asks(row, one) for one in arrived):
                break  # what it means hangs on what is stored before it
            ready += await items_of(self._hub.db, row, arrived, self._hub.settings.max_debounce_wait)
            count += 1
            if await learned(self._hub, row, arrived):
                mine.changed()
                break
        await self._store(integration, before[:count], ready)
        del line[:count]
        self._backlogs.folded(integration, count, sum(len(mine.call.body) for _, mine in before[:count]))
        self._backlogs.given(integration, count)

    async def _store(self, integration: UUID, folded: Sequence[tuple[int, Mine]], ready: Sequence[Item]) -> None:
        items = sorted(ready, key=lock_key)
        self._hub.reached("J5")
        stored = await arrivals.fold_kept(self._hub.db, integration, [number for number, _ in folded], items)
        self._hub.reached("J6")
        self._intake.announce(items, stored)
