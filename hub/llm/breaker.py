"""A provider that keeps failing is left alone for a while."""

from collections import deque

FAILURES, WINDOW, PAUSE = 5, 30.0, 30.0
REMEMBERED = 2000


class Breaker:
    """Opens for PAUSE seconds after FAILURES failures within WINDOW; then lets one call try."""

    def __init__(self) -> None:
        self._failed: dict[str, deque[float]] = {}
        self._until: dict[str, float] = {}

    def wait(self, key: str, now: float) -> float:
        """Seconds until a call may be made; 0.0: now (the first to hear it is the trial)."""
        until = self._until.get(key)
        if until is None:
            return 0.0
        if until > now:
            return until - now
        self._until[key] = now + PAUSE
        return 0.0

    def failed(self, key: str, now: float) -> None:
        if key not in self._failed and len(self._failed) >= REMEMBERED:
            self.succeeded(next(iter(self._failed)))
        times = self._failed.setdefault(key, deque(maxlen=FAILURES))
        times.append(now)
        if len(times) == FAILURES and now - times[0] <= WINDOW:
            self._until[key] = now + PAUSE

    def succeeded(self, key: str) -> None:
        self._failed.pop(key, None)
        self._until.pop(key, None)
