"""Webhook calls in a line: so many are stored at once, and whoever could not be within a second is refused at once."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from hub.errors import Overloaded

AT_ONCE, LEAST = 64, 16
LONGEST = 2000  # how many stand in line at most
# Of what is taken in the time that somebody may wait, so much may stand in line: nearly all of them are served.
SERVED, SEEN = 0.8, 64
# Seconds in line, and a sign that the line is as long as that already.
WAIT, FULL = 0.5, 0.45
# Calls of one address, in line or being stored; and how many of them go before those of an address with more.
MOST, FEW = 1000, 2
AGAIN = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    since: float
    turn: "asyncio.Future[None]"


class Crowd:
    """The calls of one process."""

    def __init__(self) -> None:
        self._busy = 0
        self._left: deque[float] = deque(maxlen=SEEN)  # when places were given on lately
        self._lines: tuple[deque[_Waiting], deque[_Waiting]] = (deque(), deque())
        self._of: Counter[UUID] = Counter()

    @property
    def full(self) -> bool:
        """Whether anybody waits: only then is a call refused."""
        return bool(self._lines[0] or self._lines[1])

    def refuses(self, client: UUID) -> bool:
        """Whether a call of this address would be refused now."""
        mine = self._of.get(client, 0)
        line = self._lines[mine >= FEW]
        if not line:
            return mine >= MOST
        aged = asyncio.get_running_loop().time() - line[0].since > FULL
        return mine >= MOST or aged or len(line) >= self._longest()

    def _longest(self) -> float:
        """How long a line may be, by how fast it went lately."""
        if len(self._left) < SEEN:
            return LONGEST
        rate = SEEN / max(1e-6, self._left[-1] - self._left[0])
        return min(LONGEST, max(LEAST, rate * WAIT * SERVED))

    @asynccontextmanager
    async def one(self, client: UUID) -> AsyncIterator[float]:
        """Be one of those that are stored; how long it was waited for. Raise Overloaded."""
        begun = asyncio.get_running_loop().time()
        if self.refuses(client):
            raise Overloaded(retry_after=AGAIN)
        line = self._lines[self._of[client] >= FEW]
        self._of[client] += 1
        try:
            await self._enter(line, begun)
            try:
                yield asyncio.get_running_loop().time() - begun
            finally:
                self._leave()
        finally:
            self._of[client] -= 1
            if not self._of[client]:
                del self._of[client]

    async def _enter(self, line: deque[_Waiting], now: float) -> None:
        if self._busy < AT_ONCE:
            self._busy += 1
            return
        one = _Waiting(now, asyncio.get_running_loop().create_future())
        line.append(one)
        try:
            async with asyncio.timeout(WAIT):
                await one.turn
        except (TimeoutError, asyncio.CancelledError) as e:
            if one in line:
                line.remove(one)
            if one.turn.done() and not one.turn.cancelled():
                self._leave()  # its turn came in the same moment
            if isinstance(e, TimeoutError):
                raise Overloaded(retry_after=AGAIN) from None
            raise

    def _leave(self) -> None:
        """Whoever waits for longest has the place, of an address with few calls first."""
        for line in self._lines:
            while line:
                one = line.popleft()
                if not one.turn.done():
                    one.turn.set_result(None)
                    self._left.append(asyncio.get_running_loop().time())
                    return
        self._left.clear()
        self._busy -= 1
