"""Places of one worker, shared out fairly: by account, and within an account by network integration."""

from collections import Counter
from typing import TypeVar
from uuid import UUID

# Account and integration; empty where it is not known yet.
Lane = tuple[str, str]
Job = tuple[str, UUID]
UNKNOWN: Lane = ("", "")
LANES, WAITING = 1000, 20
K = TypeVar("K")


def lane_of(account: object, integration: object = None) -> Lane:
    return str(account), str(integration or "")


class Slots:
    """Who has a place, and who waits for one.

    The busiest never has all of them: of what the others leave, an account takes all but a tenth, and an integration
    all but a tenth of what its account may have. A place that becomes free goes to who has the fewest. What does not
    fit waits here, up to a bound; a sweep finds the rest.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lanes: Counter[Lane] = Counter()
        self._accounts: Counter[str] = Counter()
        self._waiting: dict[Lane, dict[Job, None]] = {}
        self.total = 0

    def fits(self, lane: Lane) -> bool:
        if self.total >= self._most:
            return False
        account = self._accounts[lane[0]]
        mine = self._most - (self.total - account)
        mine -= max(1, mine // 10) if mine > 1 else 0
        ours = mine - (account - self._lanes[lane])
        ours -= ours // 10
        return account < mine and self._lanes[lane] < ours

    def holds(self, lane: Lane) -> int:
        return self._lanes[lane]

    def take(self, lane: Lane) -> None:
        self.total += 1
        self._lanes[lane] += 1
        self._accounts[lane[0]] += 1

    def give(self, lane: Lane) -> None:
        self.total -= 1
        _less(self._lanes, lane)
        _less(self._accounts, lane[0])

    def wait(self, lane: Lane, job: Job) -> None:
        """Remember work for later; of one lane about as much as there are places, of unknown ones nothing."""
        queue = self._waiting.get(lane)
        if queue is None:
            if lane == UNKNOWN or len(self._waiting) >= LANES:
                return
            queue = self._waiting[lane] = {}
        if len(queue) < max(self._most, WAITING):
            queue.setdefault(job)

    def next(self) -> tuple[Lane, Job] | None:
        """The work that goes next, if any may: of the account, then the integration, with the fewest places; of equals,
        whose turn is the longest ago."""
        best = min(
            (lane for lane in self._waiting if self.fits(lane)),
            key=lambda lane: (self._accounts[lane[0]], self._lanes[lane]),
            default=None,
        )
        if best is None:
            return None
        queue = self._waiting.pop(best)
        job = next(iter(queue))
        del queue[job]
        if queue:
            self._waiting[best] = queue
        return best, job

    def forget(self, job: Job, lane: Lane) -> None:
        """It has a place now."""
        queue = self._waiting.get(lane)
        if queue is not None:
            queue.pop(job, None)
            if not queue:
                del self._waiting[lane]


def _less(counts: Counter[K], key: K) -> None:
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]
