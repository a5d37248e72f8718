"""Webhook calls in a line: so many are stored at once, and whoever could not be within a second is refused at once.

A call is counted from where it arrives: a flood comes in faster than any of it gets as far as the line.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
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
# Seconds in which a call that arrived is heard of again, or was none; and in which it is known how fast the line goes.
ARRIVING, KNOWN = 0.05, 60.0


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    since: float
    turn: "asyncio.Future[None]"


class Crowd:
    """The calls of one process."""

    def __init__(self) -> None:
        self._busy = 0
        self._left: deque[float] = deque(maxlen=SEEN)  # when places were given on lately
        self._rate: tuple[float, float] | None = None  # how many a second, and when that was
        self._lines: tuple[deque[_Waiting], deque[_Waiting]] = (deque(), deque())
        self._of: Counter[UUID] = Counter()
        self._coming = [0, 0]  # of each line: who will stand in it, but does not yet
        self._arriving: Counter[UUID] = Counter()
        self._forgetting: asyncio.TimerHandle | None = None

    def refuses(self, client: UUID) -> bool:
        """Whether a call of this address would be refused now."""
        return self._refuses(self._of.get(client, 0), 0)

    def turns_away(self, client: UUID) -> bool:
        """The same where it has just come in and nobody has looked at it. False: it is counted from now on."""
        mine = self._of.get(client, 0) + self._arriving.get(client, 0)
        if self._refuses(mine, self._arriving.total() if mine >= FEW else 0):
            return True
        self._arriving[client] += 1
        if self._forgetting is None:
            self._forgetting = asyncio.get_running_loop().call_later(ARRIVING, self._forget)
        return False

    def _forget(self) -> None:
        self._forgetting = None
        self._arriving.clear()

    @contextmanager
    def coming(self, client: UUID) -> Iterator[None]:
        """Around what is done before a call stands in line."""
        if self._arriving.get(client, 0) > 0:
            self._arriving[client] -= 1
        rank = self.comes(client)
        try:
            yield
        finally:
            self.came(client, rank)

    def comes(self, client: UUID) -> bool:
        """The same for what is not done by whoever begins it: what this gives is told to `came` in the end."""
        rank = self._of[client] >= FEW
        self._of[client] += 1
        self._coming[rank] += 1
        return rank

    def came(self, client: UUID, rank: bool) -> None:
        self._coming[rank] -= 1
        self._gone(client)

    def _gone(self, client: UUID) -> None:
        self._of[client] -= 1
        if not self._of[client]:
            del self._of[client]

    def _refuses(self, mine: int, arriving: int) -> bool:
        line = self._lines[mine >= FEW]
        before = len(line) + self._coming[mine >= FEW] + arriving
        if not before or mine >= MOST:
            return mine >= MOST
        aged = bool(line) and asyncio.get_running_loop().time() - line[0].since > FULL
        return aged or before >= AT_ONCE - self._busy + self._longest()

    def _longest(self) -> float:
        """How long a line may be, by how fast it went lately."""
        if len(self._left) == SEEN:
            self._rate = SEEN / max(1e-6, self._left[-1] - self._left[0]), self._left[-1]
        if self._rate is None or asyncio.get_running_loop().time() - self._rate[1] > KNOWN:
            return LONGEST
        return min(LONGEST, max(LEAST, self._rate[0] * WAIT * SERVED))

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
            self._gone(client)

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
