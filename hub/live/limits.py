"""Rate limits that hold across processes: smooth ones (GCRA), and windows whose rest is told."""

import time
from dataclasses import dataclass
from typing import Any, Literal

from arq.connections import ArqRedis

from hub.errors import Overloaded
from hub.live.connect import DOWN

# KEYS[1]: theoretical arrival time. ARGV: emission interval and tolerance in microseconds.
_GCRA = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local tat = tonumber(redis.call('GET', KEYS[1]) or now)
if tat < now then tat = now end
local new = tat + tonumber(ARGV[1])
local over = new - now - tonumber(ARGV[2])
if over > 0 then return over end
redis.call('SET', KEYS[1], string.format('%.0f', new), 'PX', math.ceil((new - now) / 1000) + 1)
return 0
"""
# KEYS[1]: what the window has used. ARGV: its length in milliseconds. All of a window may be used at once.
_WINDOW = """
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {used, redis.call('PTTL', KEYS[1])}
"""
# The same for more than one at a time. Nothing is counted where nothing is left; the last one may go over.
_SPEND = """
local used = tonumber(redis.call('GET', KEYS[1]) or 0)
if used >= tonumber(ARGV[2]) then return {used, redis.call('PTTL', KEYS[1]), 0} end
local new = redis.call('INCRBY', KEYS[1], ARGV[1])
if used == 0 then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return {new, redis.call('PTTL', KEYS[1]), 1}
"""
# KEYS[1]: what a window has used, unless it is over. ARGV: what is to be added or taken off.
_ADJUST = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local new = math.max(0, tonumber(redis.call('GET', KEYS[1])) + tonumber(ARGV[1]))
redis.call('SET', KEYS[1], string.format('%.0f', new), 'KEEPTTL')
return new
"""
REMEMBERED = 10_000
# When to come again where nothing is let through while Redis is away.
AWAY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Window:
    """limit: of one window. remaining: how much of it is left. reset: seconds until the next one.
    over: this one was too many."""

    limit: int
    remaining: int
    reset: float
    over: bool


class Limits:
    """`take` says how long to wait. unasked: what holds while Redis is away; local: each process for itself."""

    def __init__(self, redis: ArqRedis, prefix: str, unasked: Literal["local", "open", "closed"] = "local") -> None:
        self._script: Any = redis.register_script(_GCRA)
        self._window: Any = redis.register_script(_WINDOW)
        self._spend: Any = redis.register_script(_SPEND)
        self._adjust: Any = redis.register_script(_ADJUST)
        self._prefix = f"{prefix}:rl:"
        self._unasked = unasked
        self._local: dict[str, float] = {}
        self._windows: dict[str, tuple[float, int]] = {}

    async def take(self, scope: str, who: str, count: int, seconds: float) -> float:
        """0.0 when allowed, else seconds to wait. At most `count` in a burst and per `seconds`."""
        step, room = seconds / count, seconds
        key = f"{self._prefix}{scope}:{who}"
        try:
            over = await self._script(keys=[key], args=[int(step * 1e6), int(room * 1e6)])
            return int(over) / 1e6
        except DOWN:
            return self._take_here(key, step, room)

    def _take_here(self, key: str, step: float, room: float) -> float:
        if self._unasked != "local":
            return AWAY_SECONDS if self._unasked == "closed" else 0.0
        now = time.monotonic()
        if len(self._local) > REMEMBERED:
            self._local = {k: v for k, v in self._local.items() if v > now}
        new = max(self._local.get(key, now), now) + step
        if new - now > room:
            return new - now - room
        self._local[key] = new
        return 0.0

    async def count(self, scope: str, who: str, limit: int, seconds: float, alone: bool = True) -> Window:
        """Count one in the window of `seconds` that begins with the first one. alone: whether this process counts for
        itself while Redis is away. Raise Overloaded when not."""
        key = f"{self._prefix}{scope}:{who}"
        try:
            used, left = await self._told(self._window, key, int(seconds * 1000))
            return _window(limit, int(used), int(left) / 1000)
        except DOWN:
            _demand(alone)
            if self._unasked != "local":
                return _window(limit, limit + 1 if self._unasked == "closed" else 0, AWAY_SECONDS)
            return _window(limit, *self._count_here(key, seconds))

    def _count_here(self, key: str, seconds: float) -> tuple[int, float]:
        end, used = self._here(key, seconds)
        self._windows[key] = (end, used + 1)
        return used + 1, end - time.monotonic()

    async def spend(
        self, scope: str, who: str, amount: int, limit: int, seconds: float, alone: bool = True
    ) -> Window:
        """The same for `amount` of something: over when nothing is left, and then not counted."""
        key = f"{self._prefix}{scope}:{who}"
        try:
            used, left, done = await self._told(self._spend, key, amount, limit, int(seconds * 1000))
            return Window(limit, max(0, limit - int(used)), max(0.0, int(left) / 1000), not done)
        except DOWN:
            _demand(alone)
            end, used = self._here(key, seconds)
            if used < limit:
                self._windows[key] = (end, used + amount)
            return Window(limit, max(0, limit - used - amount), max(0.0, end - time.monotonic()), used >= limit)

    async def adjust(self, scope: str, who: str, amount: int) -> None:
        """It was more, or less (negative), than was counted."""
        key = f"{self._prefix}{scope}:{who}"
        try:
            await self._told(self._adjust, key, amount)
        except DOWN:
            if key in self._windows:
                end, used = self._windows[key]
                self._windows[key] = (end, max(0, used + amount))

    async def _told(self, script: Any, key: str, *args: int) -> Any:
        return await script(keys=[key], args=list(args))

    def _here(self, key: str, seconds: float) -> tuple[float, int]:
        """The end of this process's own window, and what it has used."""
        now = time.monotonic()
        if len(self._windows) > REMEMBERED:
            self._windows = {k: v for k, v in self._windows.items() if v[0] > now}
        end, used = self._windows.get(key, (now + seconds, 0))
        return (now + seconds, 0) if end <= now else (end, used)


def _demand(alone: bool) -> None:
    if not alone:
        raise Overloaded("What this key uses cannot be counted now; try again in a few seconds.", retry_after=5)


def _window(limit: int, used: int, left: float) -> Window:
    return Window(limit, max(0, limit - used), max(0.0, left), used > limit)
