"""arq's worker, woken by a message instead of by its clock."""

import asyncio
import logging
from typing import Any

from arq.worker import Worker

from hub.live.circuit import Valkey
from hub.live.connect import DOWN, heed_cancel
from hub.task_groups import end, first_to_end

log = logging.getLogger(__name__)

POLL = 0.5


class BellWorker(Worker):
    """Picks a job up when its bell rings; still looks by itself every half second: for what found no place, for what
    is to be tried again, and for what a lost bell told of. While it has nothing to do, each time twice as late, `poll`
    seconds at most."""

    poll = POLL

    @property
    def _valkey(self) -> Valkey:
        assert isinstance(self.pool, Valkey)
        return self.pool

    async def main(self) -> None:
        self.ctx["redis"] = self.pool
        woken = asyncio.Event()
        listener = asyncio.create_task(self._listen(woken))
        pause = POLL
        try:
            while True:
                woken.clear()
                worked = bool(self.tasks)
                await self._poll_iteration()
                pause = POLL if worked or self.tasks else min(2 * pause, max(POLL, self.poll))
                try:
                    async with asyncio.timeout(pause):
                        await woken.wait()
                except TimeoutError:
                    continue
        finally:
            await end([listener])

    async def _listen(self, woken: asyncio.Event) -> None:
        while True:
            bell: Any = self.pool.pubsub()
            try:
                await bell.subscribe(f"{self.queue_name}:wake")
                heed_cancel()
                await first_to_end(self._hear(bell, woken), self._valkey.circuit.broken())
            except DOWN as e:
                log.warning("the bell is away: %s", type(e).__name__)
                await asyncio.sleep(POLL)
            finally:
                await bell.aclose()
            await self._valkey.circuit.mended()

    async def _hear(self, bell: Any, woken: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        while True:
            message = await bell.get_message(ignore_subscribe_messages=True, timeout=30)
            if message is not None:
                for after in map(float, message["data"].split()):
                    # A little late rather than a little early: arq compares whole milliseconds.
                    loop.call_later(after + 0.002, woken.set) if after > 0 else woken.set()
