"""A bell wakes the worker at once; a bell that is lost wakes it a moment later."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from arq import Retry
from arq.connections import ArqRedis
from arq.worker import func

from hub.jobs.bell import POLL, BellWorker
from hub.live.connect import DOWN
from hub.live.queue import Bell, Queue
from hub.processes.embedded import Server
from tests.live.conftest import opened
from tests.live.restart import start, stop


class Heard:
    """What the worker has run, and when."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    async def job(self, _: dict[str, Any], name: str) -> None:
        self.at[name] = time.monotonic()

    async def all(self, count: int, seconds: float = 5.0) -> None:
        end = time.monotonic() + seconds
        while len(self.at) < count:
            assert time.monotonic() < end, self.at
            await asyncio.sleep(0.005)


@asynccontextmanager
async def working(
    redis: ArqRedis, queue: Queue, places: int = 10, poll: float = POLL, heard: Heard | None = None
) -> AsyncIterator[Heard]:
    """A worker that is started again when Redis goes away, as the worker process does. poll: seconds, at rest."""
    heard = heard or Heard()

    async def forever() -> None:
        while True:
            worker = BellWorker(
                functions=[func(heard.job, name="job")],  # type: ignore[arg-type]  # a bound method is taken too
                redis_pool=redis,
                queue_name=queue.name(False),
                handle_signals=False,
                keep_result=0,
                max_jobs=places,
                job_serializer=redis.job_serializer,
                job_deserializer=redis.job_deserializer,
                log_results=False,
            )
            worker.poll = poll
            try:
                await worker.main()
            except DOWN:
                await asyncio.sleep(0.1)

    task = asyncio.create_task(forever())
    await asyncio.sleep(0.2)
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def bell(n: int, after: float = 0.0) -> Bell:
    return Bell("job", (str(n),), f"job:{n}:{time.monotonic_ns()}", after)


async def test_a_rung_job_starts_at_once(redis: ArqRedis, prefix: str) -> None:
    queue = Queue(redis, prefix)
    async with working(redis, queue) as heard:
        rung = {}
        for n in range(25):
            rung[str(n)] = time.monotonic()
            assert await queue.ring([bell(n)])
            await asyncio.sleep(0.03)
        await heard.all(25)
    waits = sorted(heard.at[n] - rung[n] for n in rung)
    assert statistics.median(waits) < 0.05, waits


async def test_a_deferred_job_is_neither_early_nor_late(redis: ArqRedis, prefix: str) -> None:
    queue = Queue(redis, prefix)
    async with working(redis, queue) as heard:
        began = time.monotonic()
        delays = {"1": 0.3, "2": 0.45, "3": 0.7}
        await queue.ring([bell(int(n), after) for n, after in delays.items()])
        await heard.all(3)
    for n, after in delays.items():
        assert after - 0.002 <= heard.at[n] - began < after + 0.2, n


async def test_a_job_without_a_bell_is_found(
    redis: ArqRedis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(redis, prefix)
    async with working(redis, queue) as heard:
        await redis.enqueue_job("job", "silent", _queue_name=queue.name(False))
        await heard.all(1, seconds=2)


class Tired(Heard):
    """Each is done the second time it is tried."""

    def __init__(self) -> None:
        super().__init__()
        self.tried: set[str] = set()

    async def job(self, _: dict[str, Any], name: str) -> None:
        if name not in self.tried:
            self.tried.add(name)
            raise Retry(defer=0.3)
        await super().job(_, name)


@pytest.mark.parametrize("heard", [Heard(), Tired()], ids=["no place", "tried again"])
async def test_what_found_no_place_or_is_tried_again_waits_for_no_other_bell(
    redis: ArqRedis, prefix: str, heard: Heard
) -> None:
    """However seldom a worker looks that has nothing to do."""
    queue = Queue(redis, prefix)
    async with working(redis, queue, places=1, poll=3600, heard=heard):
        assert await queue.ring([bell(n) for n in range(3)])
        await heard.all(3, seconds=20)


async def test_a_flushed_redis_goes_on(own: Server, prefix: str) -> None:
    async with opened(own.url, prefix) as redis:
        queue = Queue(redis, prefix)
        async with working(redis, queue) as heard:
            await queue.ring([bell(1, 0.4)])
            await redis.flushall()
            await queue.ring([bell(2)])
            await heard.all(1)
            assert list(heard.at) == ["2"]


async def test_a_restarted_redis_is_heard_again(own: Server, prefix: str) -> None:
    async with opened(own.url, prefix) as redis:
        queue = Queue(redis, prefix)
        async with working(redis, queue) as heard:
            await queue.ring([bell(1)])
            await heard.all(1)
            stop(own)
            assert not await queue.ring([bell(2)])
            await asyncio.sleep(0.3)
            start(own)
            await until(lambda: queue.ring([bell(3)]))
            await heard.all(2)
            await asyncio.sleep(0.7)  # by now the wake-up channel is heard again
            rung = time.monotonic()
            await queue.ring([bell(4)])
            await heard.all(3)
            assert heard.at["4"] - rung < 0.2


async def until(attempt: Callable[[], Any], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not await attempt():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)
