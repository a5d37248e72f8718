"""What waits in the journal becomes rows of its conversation, in order, of one integration by one process at a time.

Workers do it where they are: a process that takes calls tells them, and helps out only where nobody begins.
A call goes in the transaction that stores what it brought, so each is stored once whoever dies when. What cannot be
stored because of what it says goes to quarantine; everything else is tried again, so often, and what is behind it
waits. Other integrations never do.
"""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from channels.base import BadSignature, Hook, Link, Unreadable
from channels.inbound import Inbound
from hub import ids
from hub.chat.clients.link import open_link
from hub.chat.inbound.backlogs import Backlogs
from hub.chat.inbound.choices import asks
from hub.chat.inbound.intake import Intake, carry, items_of, lock_key
from hub.chat.inbound.reading import learned, read
from hub.errors import HubError
from hub.runtime import Hub
from hub.store import arrivals, scope
from hub.store.arrivals import REFUSED, TROUBLE, Arrival, Lease, Taken
from hub.store.db import of_data
from hub.store.inbox import Item
from hub.task_groups import first_to_end

log = logging.getLogger(__name__)

AT_ONCE = 4  # integrations that a process folds at the same time
MOST, ITEMS = 64, 512  # calls of one transaction, and what they may bring
AHEAD, BYTES = 4 * MOST, 2 << 20  # calls that are fetched at once, and their bytes
LEASE = 5.0
# Seconds: until it is looked again whether another process is done, and after trouble, at first and at most; and how
# long what a process has left lies.
BUSY, FIRST, PATIENCE, LEFT = 0.1, 0.5, 15.0, 2.0
# How often a call is tried, from when on alone, and as how many tries it counts where a program fails over it.
TRIES, ALONE, BROKEN = 60, 2, 20
RESTORED = 60.0  # seconds that this may take after a restore
# Seconds that are left to others between two looks while calls come, at most. Where more wait than are fetched at once,
# those that come go first: for so many times as long as it took, within bounds, until half of what may wait does.
REST, CROWDED, LONG, LOOKS = 0.05, 8.0, 1.0, 0.02
MORE = 0.0
SLICE = 0.001  # seconds of reading between two looks at what else is to be done
HEAD_START = 0.3  # seconds that workers have before a process that takes calls helps out
TOPIC = "fold"
LAST, LOOK = 5.0, 0.005  # seconds that what goes past the journal is waited for, and between two looks
AN_HOUR, LARGEST = 120, 1_000_000  # of the quarantine, as in `hub.chat.inbound.webhooks`
OFTEN = "could not be stored, however often it was tried"
VALUE = "could not be stored: a value in it is none that can be kept"


@dataclass(slots=True)
class _Group:
    """Calls from the first one on, with what each brought."""

    calls: list[Arrival] = field(default_factory=list)
    items: list[list[Item]] = field(default_factory=list)
    size: int = 0

    def add(self, call: Arrival, items: list[Item]) -> None:
        self.calls.append(call)
        self.items.append(items)
        self.size += len(items)

    def holds(self, more: int) -> bool:
        """Whether so many more items fit."""
        return not self.calls or (len(self.calls) < MOST and self.size + more <= ITEMS)


@dataclass(slots=True)
class _Line:
    """What is folded in one go. gone: calls that are out of the way. storing: a group that is being stored, while the
    next (`group`) is read."""

    held: Lease
    row: dict[str, Any]
    calls: Sequence[Arrival]
    gone: set[int] = field(default_factory=set)
    group: _Group = field(default_factory=_Group)
    storing: "asyncio.Task[None] | None" = None

    @property
    def first(self) -> int:
        """The call that is in the way of all others."""
        return next((c.id for c in self.calls if c.id not in self.gone), self.calls[-1].id)

    async def stored(self) -> None:
        """Raise what the group could not be stored for."""
        storing, self.storing = self.storing, None
        if storing is not None:
            await storing


class Folder:
    """The folding of one process."""

    def __init__(self, hub: Hub, intake: Intake, backlogs: Backlogs) -> None:
        self._hub = hub
        self._intake = intake
        self._backlogs = backlogs
        self._places = asyncio.Semaphore(AT_ONCE)
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._rung: set[UUID] = set()
        self._held: dict[UUID, Lease] = {}
        self._untold: set[UUID] = set()
        self._telling: asyncio.Task[None] | None = None
        self._helped = False  # whether others were told last
        self._closing = asyncio.Event()
        self._me = f"{hub.leases.me}/{secrets.token_hex(4)}"

    def ring(self, integration: UUID, after: float = 0.0) -> None:
        """Something waits for it; it is begun after so many seconds."""
        if self._closing.is_set():
            return
        self._rung.add(integration)
        if integration not in self._running:
            self._running[integration] = asyncio.create_task(self._work(integration, after))

    def tell(self, integration: UUID) -> None:
        """Something waits for it, to be folded by a worker, or by this process where none listens."""
        known = self._backlogs.known(integration)
        if known is not None and known.past:
            self.ring(integration)  # only this process knows when they are stored
            return
        self._untold.add(integration)
        if self._telling is None and not self._closing.is_set():
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        """One word about all that was said meanwhile."""
        try:
            while self._untold:
                told, self._untold = self._untold, set()
                self._helped = await self._hub.events.tell(TOPIC, {"of": [str(i) for i in told]}) > 0
                for integration in told:
                    self.ring(integration, HEAD_START if self._helped else 0.0)
        finally:
            self._telling = None

    async def sweep(self, seconds: float = LEFT) -> bool:
        """Take up what a process that died has left so long ago; whether there was any."""
        found = [] if self._closing.is_set() else await arrivals.left(self._hub.db, seconds)
        for integration in found:
            self.ring(integration)
        return bool(found)

    async def ended(self) -> None:
        """Wait until nothing is left of what was rung for."""
        while self._running:
            await asyncio.wait(self._running.values())

    async def close(self) -> None:
        """Finish what is begun; what is left another process takes up."""
        self._closing.set()
        if self._telling is not None:
            await asyncio.wait([self._telling])
        await self.ended()
        with suppress(HubError, *TROUBLE):
            await arrivals.release_all(self._hub.db, self._me)

    async def _work(self, integration: UUID, after: float) -> None:
        """Until nothing is left."""
        failures = 0
        try:
            with scope.itself():  # whose request began it is one of many
                await self._pause(after)
                while not self._closing.is_set():
                    pause, failures = await self._step(integration, failures)
                    if pause is None and integration not in self._rung:
                        return  # nothing is awaited between this look and being gone
                    await self._pause(pause or 0)
        finally:
            del self._running[integration]

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()

    async def _step(self, integration: UUID, failures: int) -> tuple[float | None, int]:
        """How long to wait for the next; None: nothing is left."""
        self._rung.discard(integration)
        try:
            if integration not in self._held:
                await self._after_those_past(integration)  # holding neither a place nor a lease meanwhile
            async with self._places:
                begun = time.monotonic()
                pause = await self._turn(integration)
            # Whoever rests is in nobody's place.
            return (await self._rested(integration, time.monotonic() - begun) if pause == MORE else pause), 0
        except Taken:
            self._held.pop(integration, None)
            return BUSY, failures
        except Exception as e:  # noqa: BLE001 - one that cannot be stored must not end the folding of others
            self._held.pop(integration, None)
            log.warning("calls of integration %s wait: %s: %s", integration, type(e).__name__, e)
            return min(PATIENCE, FIRST * 2 ** min(failures, 10)), failures + 1

    async def _turn(self, integration: UUID) -> float | None:
        """How long to wait; MORE: as long as it rests."""
        held = self._held.get(integration)
        if held is None:
            seconds = min(LEASE, self._hub.settings.lease_seconds)
            held = await arrivals.lease(self._hub.db, integration, self._me, seconds)
        if held is None:
            return await self._elsewhere(integration)
        self._held[integration] = held
        known = self._backlogs.known(integration)
        before = known.kept if known else 0
        calls = await arrivals.head(self._hub.db, integration, AHEAD, BYTES)
        row = await arrivals.endpoint(self._hub.db, integration) if calls else None
        if row is None:
            del self._held[integration]
            await arrivals.release(self._hub.db, held)
            self._backlogs.folded(integration, before, None)
            return None
        line = _Line(held, row, calls[:1] if calls[0].tries >= ALONE else calls)
        try:
            await self._fold(line)
        except Taken:
            raise
        except Exception as e:
            # Of no use where the database is away: then no try counts.
            tries = 1 if isinstance(e, (HubError, *TROUBLE)) else BROKEN
            await arrivals.missed(self._hub.db, held, line.first, tries, FIRST, PATIENCE)
            raise
        if self._helped or len(self._running) > AT_ONCE:
            # A lease that runs out in the line for a place would look as if its process had died over these calls.
            del self._held[integration]
            await arrivals.release(self._hub.db, held)
        if self._helped:
            self.tell(integration)
            return HEAD_START
        return MORE

    async def _rested(self, integration: UUID, took: float) -> float:
        """How long others go first; where calls of a crowd come that long was waited already."""
        known = self._backlogs.known(integration)
        if known is None or known.kept <= AHEAD or self._backlogs.presses(known):
            return min(REST, took) if integration in self._rung else 0.0
        left = min(LONG, CROWDED * took)
        while left > 0 and known.coming and not self._closing.is_set():
            await asyncio.sleep(LOOKS)
            left -= LOOKS
        return 0.0

    async def _elsewhere(self, integration: UUID) -> float | None:
        """Another process folds, or the integration is gone: look how much is left, as long as there is any."""
        known = self._backlogs.known(integration)
        if known is None or not known.kept:
            return None
        before = known.kept
        left = await arrivals.count(self._hub.db, integration, before)
        self._backlogs.folded(integration, before - left, None)
        return BUSY if left else None

    async def _after_those_past(self, integration: UUID) -> None:
        """What went past the journal before anything of its integration stood there is stored first."""
        for _ in range(int(LAST / LOOK)):
            known = self._backlogs.known(integration)
            if known is None or not known.past:
                return
            await asyncio.sleep(LOOK)

    async def _fold(self, line: _Line) -> None:
        """From the first on, as many as can be, in groups: one is stored while the next is read."""
        link, until = open_link(self._hub, line.row), time.monotonic() + SLICE
        try:
            for call in line.calls:
                if time.monotonic() > until:
                    await asyncio.sleep(0)  # others are served in between
                    until = time.monotonic() + SLICE
                if len(line.group.calls) >= MOST:
                    await self._hand(line)
                if not await self._added(line, link, call):
                    break
            await self._hand(line)
            await line.stored()
        finally:
            if line.storing is not None:
                await asyncio.wait([line.storing])

    async def _added(self, line: _Line, link: Link, call: Arrival) -> bool:
        """Whether those behind it can be stored with it, or after it."""
        if call.tries >= TRIES:
            await self._aside(line, call, OFTEN)
            return True
        begun = bool(line.group.calls) or line.storing is not None
        try:
            hook = Hook(call.headers, call.body, proved=True)
            arrived = await read(self._hub, line.row["channel"], link, hook)
            if begun and any(asks(line.row, one) for one in arrived):
                return False  # what it means hangs on what is stored before it
            items = await self._items(line.row, call, arrived)
            new = await learned(self._hub, line.row, arrived)  # where it fails the call is not to be stored
        except Exception as e:
            if isinstance(e, (Unreadable, BadSignature)) or (isinstance(e, REFUSED) and of_data(e)):
                await self._aside(line, call, VALUE if isinstance(e, REFUSED) else str(e))
                return True
            if begun:
                return False  # those before it first; then it is tried again as the first
            raise
        if not line.group.holds(len(items)):
            await self._hand(line)
        line.group.add(call, items)
        return not new

    async def _items(self, row: dict[str, Any], call: Arrival, arrived: Sequence[Inbound]) -> list[Item]:
        items = await items_of(self._hub.db, row, arrived, self._hub.settings.max_debounce_wait)
        if call.trace is not None:
            told: Mapping[str, Any] = {"messaging.batch.message_count": len(items)}
            with self._hub.tracing.within("ingest", attributes=told, parent=call.trace):
                carry(self._hub.tracing, items)
        return items

    async def _hand(self, line: _Line) -> None:
        """Begin to store what was read, once what is before it is stored."""
        await line.stored()
        group, line.group = line.group, _Group()
        if group.calls:
            line.storing = asyncio.create_task(self._store(line, group))

    async def _store(self, line: _Line, group: _Group) -> None:
        """All of them; in halves where what one of them says cannot be stored, one by one where something else is in
        the way."""
        try:
            await self._commit(line, group)
        except REFUSED as e:
            if (count := len(group.calls)) > 1:
                size = (count + 1) // 2 if of_data(e) else 1
                for at in range(0, count, size):
                    await self._store(line, _Group(group.calls[at : at + size], group.items[at : at + size]))
            elif of_data(e):
                await self._aside(line, group.calls[0], VALUE)
            else:
                raise

    async def _commit(self, line: _Line, group: _Group) -> None:
        # As those who go past the journal lock: contacts and sessions in one order; the order within one stays.
        items = sorted((item for brought in group.items for item in brought), key=lock_key)
        self._hub.reached("J3")
        stored = await arrivals.fold(self._hub.db, line.held, [c.id for c in group.calls], items)
        self._hub.reached("J4")
        line.gone.update(c.id for c in group.calls)
        self._backlogs.folded(line.held.integration, len(group.calls), sum(len(c.body) for c in group.calls))
        self._intake.announce(items, stored)

    async def _aside(self, line: _Line, call: Arrival, reason: str) -> None:
        """Into the quarantine, of which there may be enough already: more of the same tells nobody more."""
        self._intake.counts["quarantined"] = self._intake.counts.get("quarantined", 0) + 1
        integration = line.held.integration
        shown = await self._hub.limits.take("quarantine", f"{integration}:{LARGEST}", AN_HOUR, 3600.0) <= 0
        await arrivals.set_aside(self._hub.db, line.held, call.id, ids.uuid7(), reason, LARGEST, shown)
        line.gone.add(call.id)
        self._backlogs.folded(integration, 1, len(call.body))


@asynccontextmanager
async def _folding(hub: Hub, counts: dict[str, int] | None = None) -> AsyncIterator[Folder]:
    """By a process that takes no calls itself."""
    intake = Intake(hub.db, hub.queue)
    if counts is not None:
        intake.counts = counts
    folder = Folder(hub, intake, Backlogs())
    try:
        yield folder
    finally:
        await folder.close()
        await intake.close()


async def work(hub: Hub, counts: dict[str, int]) -> None:
    """For as long as the process lives: fold what others tell of, and what they have left. counts: by outcome."""
    async with _folding(hub, counts) as folder:
        await first_to_end(_hear(hub, folder), keep_looking(folder))


async def _hear(hub: Hub, folder: Folder) -> None:
    async with hub.events.listen(TOPIC) as heard:
        while True:
            for integration in (await heard.get())["of"]:
                folder.ring(UUID(integration))


async def fold_restored(hub: Hub) -> None:
    """In a database that nobody works with: what waited when it was copied."""
    async with _folding(hub) as folder:
        try:
            async with asyncio.timeout(RESTORED):
                while await folder.sweep(0):  # which looks at so many integrations at once
                    await folder.ended()
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            log.error("not all calls that waited in the journal were stored; erase again whom they may be of")


async def keep_looking(folder: Folder) -> None:
    """Sweep for ever."""
    while True:
        try:
            await folder.sweep()
        except (HubError, *TROUBLE) as e:
            log.debug("the journal is looked at again: %s", e)
        await asyncio.sleep(random.uniform(0.8, 1.2))
