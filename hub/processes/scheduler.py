"""The scheduler process: APScheduler as the clock, PostgreSQL as the truth."""

import logging
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from hub.config import Settings
from hub.jobs import sweeps
from hub.processes.lifetime import until_signal
from hub.runtime import Hub, open_hub
from hub.store import turns

log = logging.getLogger(__name__)


async def main(settings: Settings) -> None:
    """Tick until SIGTERM. Any number of schedulers may run: each piece of work has one leader."""
    async with open_hub(settings) as hub:
        clock = AsyncIOScheduler(timezone="UTC")
        options = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        clock.add_job(_guarded, "interval", [hub], seconds=sweeps.HOUSEKEEPING, **options)
        clock.add_job(_beat, "interval", [hub], seconds=sweeps.BEAT, next_run_time=datetime.now(UTC), **options)
        clock.start()
        try:
            await until_signal()
        finally:
            clock.shutdown(wait=False)
            await turns.leave(hub.db, hub.leases.me)


async def _beat(hub: Hub) -> None:
    await _logged(turns.beat(hub.db, hub.leases.me, "scheduler"))


async def _guarded(hub: Hub) -> None:
    await _logged(sweeps.housekeeping(hub))


async def _logged(work: object) -> None:
    try:
        await work  # type: ignore[misc]
    except Exception:  # a tick that fails must not end the clock
        log.exception("a tick failed")
