"""An embedder that fails or hangs is left alone for a while by those who can do without vectors."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from hub.llm.breaker import Breaker

log = logging.getLogger(__name__)

PATIENCE = 10.0  # seconds; its first answer takes one or two on a quiet machine, while its model is read
EVERYBODY = "*"
# What an embedder raises whose library, file or memory is not there.
AILING = (ImportError, OSError, RuntimeError, ValueError, MemoryError)

T = TypeVar("T")


class Rest:
    """Who got nothing asks again after a pause (`hub.llm.breaker`): a question that takes too long costs nobody else
    their vectors. When several have got nothing shortly after each other, all do without."""

    def __init__(self, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic) -> None:
        self.patience, self._clock = patience, clock
        self._own, self._all = Breaker(1), Breaker()

    async def tried(self, whose: Sequence[UUID], work: Callable[[], Awaitable[T]], seconds: float) -> T | None:
        """What the work makes; None where it fails, is not done in time, or is not tried now. whose: account or
        collections; each rests alone. seconds: what there is; less than the patience tells nothing of an embedder."""
        keys, now = list(map(str, whose)), self._clock()
        if self._all.stopped(EVERYBODY, now) or any(self._own.stopped(k, now) for k in keys):
            return None
        for breaker, key in self._places(keys):
            breaker.wait(key, now)  # one tries after a pause, the others go on doing without
        try:
            async with asyncio.timeout(min(seconds, self.patience)):
                made = await work()
        except TimeoutError:
            self._failed(keys, known=seconds >= self.patience)
            log.warning("the embedder took too long; it was done without vectors")
            return None
        except AILING:
            self._failed(keys, known=True)
            log.exception("the embedder failed; it was done without vectors")
            return None
        except BaseException:
            self._left(keys)
            raise
        for breaker, key in self._places(keys):
            breaker.succeeded(key)
        return made

    def _places(self, keys: Sequence[str]) -> list[tuple[Breaker, str]]:
        return [(self._all, EVERYBODY), *((self._own, k) for k in keys)]

    def _failed(self, keys: Sequence[str], known: bool) -> None:
        now = self._clock()
        if not known:
            self._left(keys)
            return
        # Questions of one that failed side by side, of whatever collections, are one failure.
        if not any(self._own.stopped(k, now) for k in keys):
            self._all.failed(EVERYBODY, now)
        for key in keys:
            self._own.failed(key, now)

    def _left(self, keys: Sequence[str]) -> None:
        now = self._clock()
        for breaker, key in self._places(keys):
            breaker.left(key, now)
