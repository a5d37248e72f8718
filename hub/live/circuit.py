"""Nobody waits for a Valkey that does not answer: the first call finds out, the others are told at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from arq.connections import ArqRedis
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as NotAnswered

from hub.task_groups import end

log = logging.getLogger(__name__)

DOWN = (RedisError, OSError, TimeoutError)
# What says that the server cannot be reached; a refusal of a command does not.
_UNREACHED = (NotConnected, NotAnswered, OSError, TimeoutError)
LIMIT = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.5
T = TypeVar("T")


class Paused(NotConnected):
    """Not asked: it did not answer a moment ago, and has not since."""


class Circuit:
    """`ask` is what is tried, again and again and beside everybody's calls, until it is answered."""

    def __init__(self, ask: Callable[[], Awaitable[object]]) -> None:
        self._ask = ask
        self._trouble = asyncio.Event()
        self._mending: asyncio.Task[None] | None = None
        self.pauses = 0

    @property
    def away(self) -> bool:
        return self._trouble.is_set()

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """The call's result, within a second. Raise one of DOWN."""
        if self.away:
            raise Paused("Valkey does not answer")
        try:
            async with asyncio.timeout(LIMIT):
                return await call()
        except _UNREACHED:
            self.open()
            raise

    def open(self) -> None:
        """From now on calls are refused at once, until a try of our own is answered."""
        if self.away:
            return
        self.pauses += 1
        self._trouble.set()
        log.warning("Valkey does not answer: the hub goes on without it")
        self._mending = asyncio.create_task(self._mend())

    async def broken(self) -> None:
        """Wait until it does not answer (any more); raise Paused then. For who only listens."""
        await self._trouble.wait()
        raise Paused("Valkey does not answer")

    async def mended(self) -> None:
        """Wait until it answers (again)."""
        while self._mending is not None and not self._mending.done():
            await asyncio.wait([self._mending])

    async def _mend(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(LIMIT):
                    await self._ask()
                break
            except DOWN:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        self._trouble.clear()
        log.warning("Valkey answers again")

    async def close(self) -> None:
        await end([self._mending])


class _Batch(Pipeline):
    """A pipeline whose flights go through the circuit."""

    circuit: Circuit

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        return await self.circuit.run(lambda: Pipeline.execute(self, raise_on_error))

    async def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        return await self.circuit.run(lambda: Pipeline.immediate_execute_command(self, *args, **options))  # type: ignore[no-untyped-call]  # redis


class Valkey(ArqRedis):
    """The client of everything in the hub."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.circuit = Circuit(self._try)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        return await self.circuit.run(lambda: ArqRedis.execute_command(self, *args, **options))  # type: ignore[no-untyped-call]  # redis

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        batch = _Batch(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        batch.circuit = self.circuit
        return batch

    async def _try(self) -> None:
        # What is open leads to where nobody answered; a new connection may lead elsewhere.
        await self.connection_pool.disconnect(inuse_connections=False)
        await ArqRedis.execute_command(self, "PING")  # type: ignore[no-untyped-call]  # redis

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await self.circuit.close()
        await super().aclose(close_connection_pool)
