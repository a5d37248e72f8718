"""Runs turns, sends, workflows and webhooks of one worker process as tasks, so that a bell is answered at once."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

from hub.chat.outbound import delivery, doubts, strays
from hub.chat.turns import turn
from hub.errors import Overloaded
from hub.jobs.claims import Claims
from hub.jobs.slots import UNKNOWN, Job, Lane, Slots, lane_of
from hub.runtime import Hub
from hub.store import turns
from hub.store.doubts import Doubt
from hub.store.strays import Left, Stray
from hub.studio import outgoing_webhooks
from hub.studio.aresgen.workflow import engine
from hub.task_groups import end

BEHIND = ("run", "hook")
AGAIN = 1.0
log = logging.getLogger(__name__)


class Runner:
    """At most `settings.jobs` at a time, shared fairly (see hub.jobs.slots); what does not fit waits.

    A turn never runs inside an arq job: a Redis that restarts, or arq's time limit, must not stop it.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._running: dict[Job, asyncio.Task[None]] = {}
        self._slots = Slots(hub.settings.jobs)
        self._claims = Claims(hub.db, hub.leases.me, hub.settings.lease_seconds, turn.HISTORY, hub.db.few)
        self.swept = UUID(int=0)
        self.counts: dict[str, int] = {}
        self.arrived: dict[str, int] = {}

    def turn(self, session: UUID, lane: Lane = UNKNOWN) -> None:
        self._people(("turn", session), lane)

    def send(self, session: UUID, lane: Lane = UNKNOWN) -> None:
        self._people(("send", session), lane)

    def doubt(self, doubt: Doubt) -> bool:
        """False when there is no place for it now."""
        part = doubt.part
        job, lane = ("doubt", UUID(part["key"])), lane_of(part["account_id"], part["integration_id"])
        if self._hub.leases.closing or job in self._running or not self._slots.fits(lane):
            return False
        self._start(job, lane, doubts.settle(self._hub, doubt))
        return True

    def stray(self, stray: Stray) -> bool:
        """False where there is no place for it now."""
        job, lane = ("stray", stray.session), lane_of(stray.account, stray.integration)
        if self._hub.leases.closing or job in self._running or not self._slots.fits(lane):
            return False
        self._start(job, lane, strays.remove(self._hub, stray))
        return True

    def left(self, one: Left) -> bool:
        """The same of a placeholder whose id is known."""
        job, lane = ("left", one.session), lane_of(one.account, one.integration)
        if self._hub.leases.closing or job in self._running or not self._slots.fits(lane):
            return False
        self._start(job, lane, strays.take_away(self._hub, one))
        return True

    def run(self, run: UUID) -> None:
        self._behind(("run", run), engine.execute(self._hub, run))

    def hook(self, endpoint: UUID) -> None:
        self._behind(("hook", endpoint), outgoing_webhooks.deliver(self._hub, endpoint))

    async def _turn(self, session: UUID) -> None:
        if self._hub.leases.closing:
            return
        claimed = await self._claims.claim(session)
        done = None if claimed is None else await turn.take(self._hub, claimed)
        if done is not None:
            self.counts[done.outcome] = self.counts.get(done.outcome, 0) + 1

    def _people(self, job: Job, lane: Lane) -> None:
        if self._hub.leases.closing or job in self._running:
            return
        if self._slots.fits(lane):
            self._slots.forget(job, lane)
            self._start(job, lane, self._turn(job[1]) if job[0] == "turn" else delivery.resume(self._hub, job[1]))
        else:
            self._slots.wait(lane, job)

    def _behind(self, job: Job, work: Coroutine[Any, Any, None]) -> None:
        # Work that nobody waits for takes at most half of the places: people are answered meanwhile.
        most = self._hub.settings.jobs
        full = self._slots.total >= most or sum(k in BEHIND for k, _ in self._running) >= max(1, most // 2)
        if self._hub.leases.closing or job in self._running or full:
            work.close()
            return
        self._start(job, (job[0], ""), work)

    def _start(self, job: Job, lane: Lane, work: Coroutine[Any, Any, None]) -> None:
        self._slots.take(lane)
        task = self._running[job] = asyncio.create_task(self._guard(*job, work))
        task.add_done_callback(lambda _: self._over(job, lane))

    def _over(self, job: Job, lane: Lane) -> None:
        """A place is free: who waits has it."""
        del self._running[job]
        self._slots.give(lane)
        while (following := self._slots.next()) is not None:
            self._people(following[1], following[0])

    async def _guard(self, kind: str, session: UUID, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Overloaded as e:
            log.warning("%s of %s stopped, it will be taken up again: %s", kind, session, e)
            if kind == "turn":
                await self._hand_back(session)
        except Exception:  # the worker must go on; the lease runs out and the work is taken up again
            log.exception("%s of %s failed", kind, session)

    async def _hand_back(self, session: UUID) -> None:
        """The database was away in the middle of a turn: as soon as it is back, somebody begins it again."""
        until = time.monotonic() + self._hub.settings.lease_seconds
        while time.monotonic() < until:
            try:
                await turns.hand_back(self._hub.db, self._hub.leases.me, session, after=AGAIN)
                return
            except Overloaded:
                await asyncio.sleep(AGAIN)

    @property
    def busy(self) -> int:
        return len(self._running)

    async def drain(self, seconds: float) -> None:
        """Take nothing new; give running turns time to end."""
        self._hub.leases.closing = True
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=seconds)
        await end(list(self._running.values()))
        await self._claims.close()
