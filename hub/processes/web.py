"""The web process."""

import asyncio
from contextlib import AsyncExitStack

from hub.api.app import build_app
from hub.api.http.app_keys import SPOOL
from hub.chat.inbound.intake import Intake
from hub.checkpoints import Reached, unwatched
from hub.config import Settings
from hub.jobs import sweeps
from hub.processes.connections import serve
from hub.processes.lifetime import listening, until_signal
from hub.processes.metrics import serve_metrics, web_metrics
from hub.runtime import open_hub
from hub.store import turns
from hub.store.migrate import demand
from hub.task_groups import end

IN_FLIGHT = 5.0


async def main(settings: Settings, reached: Reached = unwatched) -> None:
    """Serve until SIGTERM: stop listening, finish what is being answered, commit what was taken in."""
    async with open_hub(settings, reached) as hub:
        await demand(hub.db)
        intake = Intake(hub.db, hub.queue)
        app = build_app(hub, intake)

        async def beat() -> None:
            behind, waiting = intake.behind.taken(), app[SPOOL].waiting
            try:
                await turns.lag(hub.db, behind.places, waiting or ())
                await sweeps.beat(hub, "web", behind.everybody or waiting is None)
            except BaseException:
                intake.behind.back(behind)
                raise

        background = [
            asyncio.create_task(sweeps.every(settings.lease_seconds / 3, lambda: sweeps.renew(hub))),
            asyncio.create_task(sweeps.hear_cancels(hub)),
            asyncio.create_task(sweeps.every(sweeps.MEASURE, lambda: sweeps.measure(hub), at_once=True)),
            asyncio.create_task(sweeps.every(sweeps.gap(settings.lease_seconds) / 3, beat, at_once=True)),
        ]
        try:
            # Metrics of `hub up`'s processes need different ports: the web process has the first one.
            async with serve_metrics(settings, lambda: web_metrics(hub, intake)), AsyncExitStack() as serving:
                with listening(settings.host, settings.port, "--port"):
                    await serving.enter_async_context(serve(
                        app, settings.host, settings.port, settings.header_seconds,
                        settings.idle_seconds, IN_FLIGHT,
                    ))
                await until_signal()
        finally:
            await intake.close()
            await end(background)
            await sweeps.leave(hub)
