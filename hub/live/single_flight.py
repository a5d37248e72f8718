"""Work that several ask for at once and that is done once."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Flights:
    """Of this process. The work goes on when one of those who wait goes away."""

    def __init__(self) -> None:
        self._flying: dict[Hashable, asyncio.Task[Any]] = {}

    async def one(self, name: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What the work returns or raises; who comes while it is being done gets the same."""
        task = self._flying.get(name)
        if task is None:
            task = self._flying[name] = asyncio.create_task(work())
            task.add_done_callback(lambda done: self._landed(name, done))
        return await asyncio.shield(task)

    def _landed(self, name: Hashable, task: "asyncio.Task[Any]") -> None:
        del self._flying[name]
        if not task.cancelled():
            task.exception()  # heard by whoever waits; when nobody does any more, nobody needs to

    async def close(self) -> None:
        """Wait for what is being done."""
        while self._flying:
            await asyncio.gather(*self._flying.values(), return_exceptions=True)
