"""A provider that keeps failing is left alone for a while; who was told to wait waits."""

from collections import deque

from hub.llm.types import Failed

FAILURES, WINDOW, PAUSE = 5, 30.0, 30.0
REMEMBERED = 2000
LONGEST_HOLD = 60.0


class Breaker:
    """Opens for PAUSE seconds after so many failures within WINDOW; then lets one call try."""

    def __init__(self, failures: int = FAILURES) -> None:
        self._most = failures
        self._failed: dict[str, deque[float]] = {}
        self._until: dict[str, float] = {}
        self._held: dict[str, tuple[float, Failed]] = {}

    def wait(self, key: str, now: float) -> float:
        """Seconds until a call may be made; 0.0: now (the first to hear it is the trial)."""
        until = self._until.get(key)
        if until is None:
            return 0.0
        if until > now:
            return until - now
        self._until[key] = now + PAUSE
        return 0.0

    def knows(self, key: str) -> bool:
        """Whether there is anything to be remembered of it."""
        return key in self._failed or key in self._until or key in self._held

    def stopped(self, key: str, now: float) -> bool:
        """Whether a call would be refused now; asking this is no trial."""
        return self._until.get(key, 0.0) > now or self.held(key, now) is not None

    def failed(self, key: str, now: float) -> None:
        if key not in self._failed and len(self._failed) >= REMEMBERED:
            self.succeeded(next(iter(self._failed)))
        times = self._failed.setdefault(key, deque(maxlen=self._most))
        times.append(now)
        if len(times) == self._most and now - times[0] <= WINDOW:
            self._until[key] = now + PAUSE

    def succeeded(self, key: str) -> None:
        """The provider answers, be it with a refusal."""
        self._failed.pop(key, None)
        self._until.pop(key, None)

    def left(self, key: str, now: float) -> None:
        """A call ended before anything was known: another one may try in its place."""
        if key in self._until:
            self._until[key] = min(self._until[key], now)

    def hold(self, key: str, e: Failed, now: float) -> None:
        """The provider said how long to wait; so long it is not asked."""
        if not e.retry_after:
            return
        if len(self._held) >= REMEMBERED:
            self._held = {k: v for k, v in self._held.items() if v[0] > now}
        if len(self._held) < REMEMBERED:
            self._held[key] = (now + min(e.retry_after, LONGEST_HOLD), e)

    def held(self, key: str, now: float) -> Failed | None:
        """The refusal that still holds, with the seconds that are left of it."""
        if not self._held:
            return None
        until, e = self._held.get(key, (0.0, None))
        if e is None:
            return None
        if until <= now:
            del self._held[key]
            return None
        return Failed(str(e), permanent=True, retry_after=until - now, details=e.details, code=e.code, kind=e.kind)
