"""From a ring to the start of the task it rings for."""

import asyncio
import random
import time
from typing import Any
from uuid import UUID

from hub import ids
from hub.jobs import at_once
from tests.bench.load import at
from tests.bench.place import Place
from tests.bench.report import Pace, ms, say, title


class Heard:
    """Stands where a worker's runner stands; notes when a turn would start."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[float] = asyncio.Queue()

    def turn(self, session: UUID, lane: Any = None) -> None:
        self.queue.put_nowait(time.monotonic())


async def measure(place: Place, pace: Pace) -> None:
    title("2. Bell")
    heard: Any = Heard()
    listening = asyncio.create_task(at_once.work(place.hub, heard))
    waits: list[float] = []
    try:
        await asyncio.sleep(1.0)
        for _ in range(int(pace.seconds * 25)):
            rung = time.monotonic()
            await place.hub.queue.turn(ids.uuid7(), 1)
            waits.append(await asyncio.wait_for(heard.queue.get(), 5) - rung)
            await asyncio.sleep(random.uniform(0.005, 0.03))
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    waits.sort()
    say("ring to start of the task", ms({"p50": at(waits, 0.5), "p99": at(waits, 0.99)}))
