"""How much waits in the journal, as far as a process knows: it only guides, what is true is in the database."""

import time
from collections import deque
from dataclasses import dataclass, field
from uuid import UUID

HALF = 0.5
SIZE, SHARE = 2560, 4  # bytes of a call; how many times as much may wait of all as of one
# From how many on it counts how long the first has waited: fewer are in nobody's way, they wait for something else.
# Seconds that are looked at as one moment.
CROWD, SOME, STEP = 256, 4, 0.5


@dataclass(slots=True)
class Backlog:
    """Of an integration. coming: calls that are being kept; kept: that are, and not folded; own: of both, those
    that this process folds itself at once; past: that go past the journal now; barred: how many wait until nothing is
    before them."""

    coming: int = 0
    kept: int = 0
    own: int = 0
    size: int = 0
    past: int = 0
    barred: int = 0
    ages: deque[list[float]] = field(default_factory=deque)  # since when how many are kept, the oldest first

    @property
    def count(self) -> int:
        return self.coming + self.kept

    @property
    def waits(self) -> bool:
        return self.count > 0

    def grew(self, now: float) -> None:
        """One more is kept."""
        self.kept += 1
        if self.ages and now - self.ages[-1][0] < STEP:
            self.ages[-1][1] += 1
        else:
            self.ages.append([now, 1])

    def shrank(self, count: int) -> None:
        """The oldest ones are not any more."""
        self.kept -= count
        while count and self.ages:
            gone = min(count, int(self.ages[0][1]))
            self.ages[0][1] -= gone
            count -= gone
            if not self.ages[0][1]:
                self.ages.popleft()

    def age(self) -> float:
        """Seconds that the oldest has been kept."""
        return time.monotonic() - self.ages[0][0] if self.ages else 0.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may wait of one integration, and of all of a process, where each still has its share: calls and bytes.
    seconds: how long the first of a crowd may."""

    each: int
    each_bytes: int
    all: int
    all_bytes: int
    seconds: float = float("inf")

    @property
    def crowd(self) -> int:
        return min(CROWD, self.each // SOME)


def bounds(calls: int, seconds: float = float("inf")) -> Bounds:
    """Where so many may wait of one, so long."""
    return Bounds(calls, SIZE * calls, SHARE * calls, SHARE * SIZE * calls, seconds)


class Backlogs:
    """Of all integrations that something waits for. count, size, own: of all together."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        """bounds: None where nothing is kept."""
        self.bounds = bounds
        self._of: dict[UUID, Backlog] = {}
        self.count = 0
        self.size = 0
        self.own = 0

    def known(self, integration: UUID) -> Backlog | None:
        return self._of.get(integration)

    def of(self, integration: UUID) -> Backlog:
        """To be changed; `tidy` forgets it when it says nothing."""
        return self._of.setdefault(integration, Backlog())

    def comes(self, integration: UUID, size: int) -> None:
        """A call is being kept."""
        mine = self.of(integration)
        mine.coming += 1
        self._more(mine, 1, size)

    def alone(self, integration: UUID, few: int) -> bool:
        """Whether a call that comes now may be folded by this process at once: nothing else waits, or goes past."""
        mine = self._of.get(integration)
        return mine is None or (mine.count == mine.own < few and not mine.past and not mine.barred)

    def taken(self, integration: UUID) -> None:
        """A call that is being kept is to be folded so."""
        self.of(integration).own += 1
        self.own += 1

    def given(self, integration: UUID, count: int) -> None:
        """So many are no longer: they are folded, were not kept, or are left to whoever folds."""
        self.of(integration).own -= count
        self.own -= count
        self.tidy(integration)

    def came(self, integration: UUID, size: int, kept: bool) -> None:
        """It is kept, or was not."""
        mine = self.of(integration)
        mine.coming -= 1
        if kept:
            mine.grew(time.monotonic())
        else:
            self._more(mine, -1, -size)
            self.tidy(integration)

    def folded(self, integration: UUID, count: int, size: int | None) -> None:
        """So many fewer wait; another process may have kept some of them. size: None where it is not known."""
        mine = self.of(integration)
        gone = min(count, mine.kept)
        if size is None:
            size = mine.size * gone // max(1, mine.count)
        mine.shrank(gone)
        self._more(mine, -gone, -(min(size, mine.size) if mine.waits else mine.size))
        self.tidy(integration)

    def full(self, mine: Backlog) -> bool:
        """Whether no more of it may wait. Who has little waiting is not refused for what others have: of all together
        each has no less than its share."""
        most = self.bounds
        if most is None or mine.count >= most.each or mine.size >= most.each_bytes:
            return most is not None
        if mine.count > most.crowd and mine.age() > most.seconds:
            return True
        if self.count < most.all and self.size < most.all_bytes:
            return False
        share = max(1, len(self._of))
        return mine.count >= most.all // share or mine.size >= most.all_bytes // share

    def presses(self, mine: Backlog) -> bool:
        """Whether so much of it waits, or of all, that it is to be folded whatever comes."""
        most = self.bounds
        if most is None:
            return True
        own = max(mine.count / most.each, mine.size / most.each_bytes, mine.age() / most.seconds)
        return max(own, self.count / most.all, self.size / most.all_bytes) > HALF

    def _more(self, mine: Backlog, count: int, size: int) -> None:
        mine.size += size
        self.count += count
        self.size += size

    def tidy(self, integration: UUID) -> None:
        if self._of.get(integration) == Backlog():
            del self._of[integration]
