"""The worker process: turns, sends, media, indexing."""

import asyncio
import logging
from typing import Any

from arq.worker import func

from hub.chat.inbound import folding
from hub.checkpoints import Reached, unwatched
from hub.config import Settings
from hub.errors import HubError
from hub.jobs import at_once, embedding, indexing, notices, reading, sweeps, tasks
from hub.jobs.bell import BellWorker
from hub.jobs.runner import Runner
from hub.live.connect import DOWN
from hub.processes.lifetime import until_signal
from hub.processes.metrics import serve_metrics, worker_metrics
from hub.runtime import Hub, open_hub
from hub.store import outcomes
from hub.store.migrate import demand
from hub.task_groups import end

log = logging.getLogger(__name__)

# More than voices take (hub.jobs.tasks).
BULK_JOBS = 6
BULK_POLL = 2.0  # seconds between two looks at what nobody waits for so soon, where its bell was lost


async def main(settings: Settings, reached: Reached = unwatched) -> None:
    """Work until SIGTERM, then finish what runs and give back what cannot finish."""
    async with open_hub(settings, reached) as hub:
        await demand(hub.db)
        runner = Runner(hub)
        running = [asyncio.create_task(t) for t in (*background(hub, runner), _rehearsed(hub))]
        try:
            async with serve_metrics(settings, lambda: worker_metrics(hub, runner)):
                await until_signal()
                await runner.drain(settings.drain_seconds)
        finally:
            await end(running)
            await sweeps.leave(hub)


def background(hub: Hub, runner: Runner) -> list[Any]:
    """What a worker does all the time, as coroutines to be run side by side."""
    s = hub.settings
    return [
        at_once.work(hub, runner),
        listen(hub, runner, bulk=False),
        listen(hub, runner, bulk=True),
        sweeps.every(s.sweep_seconds, lambda: sweeps.sweep(hub, runner)),
        sweeps.every(s.lease_seconds / 3, lambda: sweeps.renew(hub)),
        sweeps.every(sweeps.MEASURE, lambda: sweeps.measure(hub), at_once=True),
        sweeps.every(sweeps.gap(s.lease_seconds) / 3, lambda: sweeps.beat(hub, "worker"), at_once=True),
        sweeps.every(s.sweep_seconds, lambda: sweeps.settle(hub, runner), rests=sweeps.RESTS),
        indexing.work(hub),
        embedding.work(hub),
        reading.work(hub),
        sweeps.every(sweeps.RETURN, lambda: sweeps.tidy(hub, runner)),
        sweeps.every(s.sweep_seconds, lambda: sweeps.outreach(hub), rests=sweeps.RESTS),
        sweeps.every(sweeps.INDEX, lambda: sweeps.learn(hub), at_once=True),
        *(sweeps.every(sweeps.INDEX, lambda: sweeps.websites(hub)) for _ in range(sweeps.LANES)),
        sweeps.every(s.sweep_seconds, lambda: sweeps.studio(hub, runner), rests=sweeps.RESTS),
        sweeps.every(sweeps.RETURN, lambda: sweeps.hand_back(hub)),
        sweeps.every(sweeps.RETURN, lambda: sweeps.rested(hub)),
        sweeps.every(sweeps.INDEX, lambda: sweeps.people(hub)),
        sweeps.every(sweeps.INDEX, lambda: sweeps.greet(hub)),
        sweeps.every(s.sweep_seconds, lambda: sweeps.told(hub), rests=sweeps.RESTS),
        sweeps.every(sweeps.RETURN, lambda: sweeps.happened(hub, runner)),
        notices.work(hub),
        sweeps.hear_cancels(hub),
        folding.work(hub, runner.arrived),
    ]


async def _rehearsed(hub: Hub) -> None:
    try:
        await outcomes.rehearse(hub.db)
    except HubError as e:
        log.warning("the first messages take longer: %s", e)


async def listen(hub: Hub, runner: Runner, bulk: bool) -> None:
    """Hear bells for as long as the process lives; a Redis that is away is waited for."""
    while True:
        worker = BellWorker(
            functions=_BULK if bulk else _TURNS,
            redis_pool=hub.redis,
            queue_name=hub.queue.name(bulk),
            ctx={"hub": hub, "runner": runner, "speaking": []},
            handle_signals=False,
            max_jobs=BULK_JOBS if bulk else hub.settings.jobs,
            job_timeout=600 if bulk else 30,
            keep_result=0,
            max_tries=1000,
            health_check_interval=60,
            job_serializer=hub.redis.job_serializer,
            job_deserializer=hub.redis.job_deserializer,
            log_results=False,
        )
        if bulk:
            worker.poll = BULK_POLL
        try:
            await worker.main()
        except DOWN as e:
            log.warning("Redis is away, the sweep goes on alone: %s", type(e).__name__)
            await asyncio.sleep(0.5)


_TURNS = [
    func(tasks.turn, name="turn"),
    func(tasks.turns, name="turns"),
    func(tasks.send, name="send"),
    func(tasks.failed, name="failed"),
    func(tasks.acknowledge, name="acknowledge"),
    func(tasks.run, name="run"),
]
_BULK = [
    func(tasks.fetch_media, name="media"),
    func(tasks.outreach, name="outreach"),
    func(tasks.learn, name="learn"),
    func(tasks.speak, name="speak"),
]
