"""Rate limits that hold across processes (GCRA)."""

import time
from typing import Any

from arq.connections import ArqRedis

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
REMEMBERED = 10_000


class Limits:
    """`take` says how long to wait; without Redis each process limits on its own."""

    def __init__(self, redis: ArqRedis, prefix: str) -> None:
        self._script: Any = redis.register_script(_GCRA)
        self._prefix = f"{prefix}:rl:"
        self._local: dict[str, float] = {}

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
        now = time.monotonic()
        if len(self._local) > REMEMBERED:
            self._local = {k: v for k, v in self._local.items() if v > now}
        new = max(self._local.get(key, now), now) + step
        if new - now > room:
            return new - now - room
        self._local[key] = new
        return 0.0
