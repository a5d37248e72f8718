"""What many ask for at the same moment, in few statements: whatever comes while they run goes into the next, together."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hub.errors import HubError
from hub.store import scope
from hub.store.arrivals import TROUBLE

log = logging.getLogger(__name__)

RUNNING = 2  # statements at a time
A = TypeVar("A")
R = TypeVar("R")


class Alone(Exception):
    """It has to be done by itself: somebody holds it locked, or one of the group cannot be done."""


@dataclass(slots=True)
class _One(Generic[A, R]):
    item: A
    weight: int
    done: "asyncio.Future[R]"


class Together(Generic[A, R]):
    """statement: does these, and gives what became of each by its place; who is not among them is done alone. most: of one
    statement; heaviest: of one statement, too, so that nobody waits long for others."""

    def __init__(self, statement: Callable[[Sequence[A]], Awaitable[dict[int, R]]], most: int, heaviest: int) -> None:
        self._statement = statement
        self._most, self._heaviest = most, heaviest
        self._waiting: list[_One[A, R]] = []
        self._flushing: set[asyncio.Task[None]] = set()

    async def ask(self, item: A, weight: int) -> R:
        """Raise Alone, or what the database raised of all of them."""
        if weight > self._heaviest:
            raise Alone
        one = _One(item, weight, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        # Beside another only where a whole group waits: the fuller they are, the less each costs.
        if not self._flushing or (len(self._flushing) < RUNNING and len(self._waiting) >= self._most):
            self._flushing.add(asyncio.create_task(self._flush()))
        try:
            # What has begun is done to its end, whoever waits for it.
            found: R = await one.done
            return found
        finally:
            if one in self._waiting:
                self._waiting.remove(one)

    async def _flush(self) -> None:
        group: list[_One[A, R]] = []
        me = asyncio.current_task()
        try:
            with scope.itself():  # for all of them
                while self._waiting:
                    group = self._next()
                    await self._together(group)
        except Exception:  # a fault of ours: each of them goes alone
            log.exception("what many asked for cannot be done together")
        finally:
            # At once, not when its end is told: who asks in between would count on it.
            self._flushing = {one for one in self._flushing if one is not me}
            # Whatever became of this: nobody waits for ever, and who is told to go alone is in no other group.
            left, self._waiting = self._waiting, []
            for one in (*group, *left):
                _fail(one.done, Alone())

    def _next(self) -> list[_One[A, R]]:
        weight, count = 0, 0
        for one in self._waiting[: self._most]:
            weight += one.weight
            if count and weight > self._heaviest:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _together(self, group: list[_One[A, R]]) -> None:
        try:
            found = await self._statement([one.item for one in group])
        except (HubError, *TROUBLE) as e:
            log.warning("%d cannot be done together: %s", len(group), type(e).__name__)
            for one in group:
                _fail(one.done, e if isinstance(e, HubError) else Alone())
            return
        for place, one in enumerate(group):
            if place not in found:
                _fail(one.done, Alone())
            elif not one.done.done():
                one.done.set_result(found[place])

    async def close(self) -> None:
        """Wait for what is being done."""
        while self._flushing:
            await asyncio.wait(self._flushing)


def _fail(done: "asyncio.Future[R]", error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
