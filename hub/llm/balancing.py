"""Which of several places of one model is asked first: by weight or by how fast it answered, resting ones last."""

import random
import time
from collections.abc import Callable, Sequence

REMEMBERED = 5000
# Seconds: how long a place rests after it limited requests without a word of how long; how long a measure counts.
REST, FRESH = 20.0, 300.0
LONGEST_REST = 300.0
# Share of the newest measure.
NEWEST = 0.3
LEAST_LATENCY = "LeastLatency"


class Balancer:
    """Remembers of each place, by its key, until when it rests and how fast it answers."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._rests: dict[str, float] = {}
        self._seconds: dict[str, tuple[float, float]] = {}

    def limited(self, key: str, seconds: float | None) -> None:
        """It answered that it is asked too often."""
        self._bound()
        rest = REST if seconds is None else min(seconds, LONGEST_REST)
        self._rests[key] = time.monotonic() + rest

    def answered(self, key: str, seconds: float) -> None:
        """It said its first word."""
        self._bound()
        now = time.monotonic()
        old, until = self._seconds.get(key, (seconds, 0.0))
        found = seconds if until < now else old + NEWEST * (seconds - old)
        self._seconds[key] = (found, now + FRESH)
        self._rests.pop(key, None)

    def order(self, places: Sequence[tuple[str, int, bool]], strategy: str | None) -> list[int]:
        """Numbers of the places (key, weight, whether it is to be left alone), the one to ask first at the head."""
        now = time.monotonic()

        def rank(number: int) -> tuple[bool, bool, float]:
            key, weight, down = places[number]
            resting = down or self._rests.get(key, 0.0) > now
            if strategy == LEAST_LATENCY:
                seconds, until = self._seconds.get(key, (0.0, 0.0))
                # One that nobody knows yet is tried first.
                measure = seconds if until > now else self._chance() * -1.0
                return weight <= 0, resting, measure
            return weight <= 0, resting, -(self._chance() ** (1.0 / weight)) if weight > 0 else self._chance()

        # A reserve (weight 0) is asked before one that rests.
        return sorted(range(len(places)), key=lambda n: ((r := rank(n))[1], r[0], r[2]))

    def _bound(self) -> None:
        for known in (self._rests, self._seconds):
            if len(known) >= REMEMBERED:
                known.clear()
