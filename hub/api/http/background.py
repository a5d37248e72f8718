"""Work that a request began and does not wait for."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Hashable
from typing import Any

log = logging.getLogger(__name__)

LAST_SECONDS = 5.0


class Errands:
    """Each runs to its end, whoever goes away; a process that stops waits a little for them."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._asked: dict[Hashable, bool] = {}

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)

    def once(self, name: Hashable, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """The same for work of which one at a time is enough; asked for while it runs, it is done once more."""
        if name in self._asked:
            self._asked[name] = True
            return
        self._asked[name] = True
        self.start(self._repeated(name, work))

    async def _repeated(self, name: Hashable, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            while self._asked[name]:
                self._asked[name] = False
                await work()
        finally:
            del self._asked[name]

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("an errand failed", exc_info=error)

    async def close(self, _: object = None) -> None:
        """What is not done in time is left to another process."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=LAST_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
