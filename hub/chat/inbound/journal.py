"""In a crowd a webhook call is kept as it came, in few commits, and folded into its conversation behind that.

A call that comes while few others do is folded by the process that kept it, at once, where its connection took it
(`hub.chat.inbound.alone`), and goes past the journal where it came the usual way, as long as none of its integration
waits there: whoever was acknowledged first stays first. Where people's words are sealed everything goes past it: nobody
knows yet whose words a body holds.
"""

import asyncio
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

from hub.chat.inbound.backlogs import Backlogs
from hub.errors import Overloaded
from hub.runtime import Hub
from hub.store import arrivals, scope
from hub.store.arrivals import Kept
from hub.store.db import of_data

CALM = 8  # calls of a process that go past the journal at once
LARGEST = 1 << 20  # bytes of a body; a larger one waits until what is before it is folded
GROUP, BYTES = 256, 4 << 20  # of one commit
AGAIN = 5.0
LONGEST, LOOK = 2.0, 0.02  # seconds that a large body waits, and between two looks

Done = Callable[[Exception | None], None]
Own = Callable[[int], None]
Waiting = tuple[Kept, Done, Own | None]


class Journal:
    """The calls of one process on their way in."""

    def __init__(self, hub: Hub, backlogs: Backlogs, ring: Callable[[UUID], None]) -> None:
        """ring: tells who folds that something came for an integration."""
        self._hub = hub
        self._backlogs = backlogs
        self._ring = ring
        self._past = 0
        self._waiting: list[Waiting] = []
        self._flushing: asyncio.Task[None] | None = None

    def wants(self, integration: UUID, size: int) -> bool:
        """Whether a call is to be kept here; if not, it goes past."""
        mine = self._backlogs.known(integration)
        crowded = self._past >= CALM or (mine is not None and (mine.waits or mine.barred > 0))
        return crowded and self.takes(size)

    def alone(self, integration: UUID, size: int) -> bool:
        """Whether a call is to be kept here and folded by this process at once."""
        return self._backlogs.own < CALM and self._backlogs.alone(integration, CALM) and self.takes(size)

    def takes(self, size: int) -> bool:
        """Whether such a body may be kept at all."""
        return self._hub.db.keys is None and size <= LARGEST

    @contextmanager
    def past(self, integration: UUID) -> Iterator[None]:
        """Around what is stored at once."""
        mine = self._backlogs.of(integration)
        mine.past += 1
        self._past += 1
        try:
            yield
        finally:
            mine.past -= 1
            self._past -= 1
            self._backlogs.tidy(integration)

    async def keep(self, call: Kept) -> None:
        """Return when it is committed. Raise Overloaded when too much waits."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.put(call, functools.partial(_settle, done))
        await done

    def put(self, call: Kept, done: Done, own: Own | None = None) -> None:
        """The same for who does not wait: `done` is told once it is committed, or why it is not. own: folds it then,
        given its number; without it others are told. Raise Overloaded."""
        mine = self._backlogs.of(call.integration)
        if mine.barred or self._backlogs.full(mine):
            self._backlogs.tidy(call.integration)
            raise Overloaded(retry_after=AGAIN)
        self._backlogs.comes(call.integration, len(call.body))
        if own is not None:
            self._backlogs.taken(call.integration)
        self._waiting.append((call, done, own))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())

    async def clear(self, integration: UUID) -> None:
        """Wait for a while until nothing of it waits, whoever kept it, while nothing more is kept here."""
        mine = self._backlogs.of(integration)
        mine.barred += 1
        self._ring(integration)
        try:
            for _ in range(int(LONGEST / LOOK)):
                if not mine.coming and not await arrivals.count(self._hub.db, integration, 1):
                    return
                await asyncio.sleep(LOOK)
        finally:
            mine.barred -= 1
            self._backlogs.tidy(integration)

    async def _flush(self) -> None:
        try:
            with scope.itself():  # whose request began it is one of many
                while self._waiting:
                    await self._write(self._take())
        finally:
            self._flushing = None

    def _take(self) -> list[Waiting]:
        size, count = 0, 0
        for call, _, _ in self._waiting[:GROUP]:
            size += len(call.body)
            if count and size > BYTES:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _write(self, group: Sequence[Waiting]) -> None:
        try:
            self._hub.reached("J1")
            there = await arrivals.keep(self._hub.db, [call for call, _, _ in group])
            self._hub.reached("J2")
        except Exception as e:  # noqa: BLE001 - every caller must hear of it
            if len(group) > 1 and of_data(e):
                for one in group:  # such as a call of an integration that is removed in this moment
                    await self._write([one])
            else:
                self._ended(group, {}, e)
            return
        for integration in self._ended(group, there, Overloaded(retry_after=AGAIN)):
            self._ring(integration)

    def _ended(self, group: Sequence[Waiting], there: Mapping[UUID, list[int]], error: Exception) -> set[UUID]:
        """Tell everybody; whose calls are for others to fold."""
        numbers, left = {integration: iter(of) for integration, of in there.items()}, set()
        for call, done, own in group:
            number = next(numbers[call.integration]) if call.integration in numbers else None
            self._backlogs.came(call.integration, len(call.body), number is not None)
            done(None if number is not None else error)
            if own is None or number is None:
                if own is not None:
                    self._backlogs.given(call.integration, 1)
                if number is not None:
                    left.add(call.integration)
            else:
                own(number)
        return left

    async def close(self) -> None:
        """Wait for what is being committed."""
        while self._flushing is not None:
            await asyncio.wait([self._flushing])


def _settle(done: "asyncio.Future[None]", error: Exception | None) -> None:
    if done.done():
        return  # nobody waits any more
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
