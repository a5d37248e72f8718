"""The scheduler process: APScheduler as the clock, PostgreSQL as the truth."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from hub.checkpoints import Reached, unwatched
from hub.config import Settings
from hub.jobs import resealing, sweeps
from hub.outreach import firing
from hub.processes.backups import nightly
from hub.processes.lifetime import until_signal
from hub.runtime import Hub, open_hub
from hub.store import turns
from hub.store.migrate import demand
from hub.task_groups import end

log = logging.getLogger(__name__)

TICK = 1.0
RESEAL, MINUTE = 3600.0, 60.0
STALLED = 3.0


async def main(settings: Settings, reached: Reached = unwatched) -> None:
    """Tick until SIGTERM. Any number of schedulers may run: whoever ticks first takes what is due."""
    async with open_hub(settings, reached) as hub:
        await demand(hub.db)
        clock = Clock(hub)
        watching = asyncio.create_task(clock.watch())
        clock.start()
        try:
            await until_signal()
        finally:
            await end([watching])
            clock.stop()
            await turns.leave(hub.db, hub.leases.me)


class Clock:
    """APScheduler rings; what is due is decided by the database's time, never by this machine's."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._ticked = time.monotonic()
        self._busy = False

    def start(self) -> None:
        self._add(self._tick, TICK, "tick")
        self._add(self._beat, sweeps.BEAT, "beat")
        self._add(self._housekeeping, sweeps.HOUSEKEEPING, "housekeeping")
        self._add(self._reseal, RESEAL, "reseal")
        if self._hub.settings.backup_at:
            self._add(self._nightly, MINUTE, "nightly")
        self._scheduler.start()

    def _add(self, work: Callable[[], Awaitable[None]], seconds: float, name: str) -> None:
        options: dict[str, Any] = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        self._scheduler.add_job(
            work, "interval", seconds=seconds, id=name, next_run_time=datetime.now(UTC), **options
        )

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)

    async def watch(self) -> None:
        """Wake the clock when it stands still: put back by an hour, APScheduler would wait for an hour."""
        while True:
            await asyncio.sleep(TICK)
            if self._busy or time.monotonic() - self._ticked < STALLED:
                continue
            log.warning("the clock of this machine was changed or held up; the scheduler goes on")
            self._ticked = time.monotonic()
            now = datetime.now(UTC)
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=now)
            self._scheduler.wakeup()

    async def _tick(self) -> None:
        self._busy = True
        try:
            await _logged(firing.tick(self._hub))
        finally:
            self._busy, self._ticked = False, time.monotonic()

    async def _beat(self) -> None:
        await _logged(turns.beat(self._hub.db, self._hub.leases.me, "scheduler"))

    async def _housekeeping(self) -> None:
        await _logged(sweeps.housekeeping(self._hub))

    async def _reseal(self) -> None:
        await _logged(resealing.run(self._hub))


    async def _nightly(self) -> None:
        await _logged(nightly.run(self._hub))


async def _logged(work: Awaitable[object]) -> None:
    try:
        await work
    except Exception:  # a tick that fails must not end the clock
        log.exception("a tick failed")
