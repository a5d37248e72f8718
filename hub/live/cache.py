"""What was fetched from elsewhere, kept for a short time; losing it costs a fetch."""

import time
from collections import Counter, OrderedDict
from typing import Any
from uuid import UUID

import orjson
from arq.connections import ArqRedis

from hub.live.connect import DOWN

# Values that a process keeps itself, bytes of them, and what each weighs beside its own.
HERE, BYTES, APIECE = 500, 32_000_000, 500
LARGEST = 2_000_000


class Cache:
    """JSON values by account and name. Each process keeps the newest ones itself as well."""

    def __init__(self, redis: ArqRedis, prefix: str) -> None:
        self._redis: Any = redis
        self._prefix = f"{prefix}:c:"
        self._here: OrderedDict[str, tuple[float, Any, int]] = OrderedDict()
        self._bytes = Counter[str]()

    async def get(self, account: UUID, name: str) -> Any:
        """The value, or None when there is none (any more)."""
        key = f"{account}:{name}"
        until, value, _ = self._here.get(key, (0.0, None, 0))
        if until > time.monotonic():
            return value
        try:
            raw, left = await self._redis.pipeline(transaction=False).get(self._prefix + key).pttl(
                self._prefix + key
            ).execute()
        except DOWN:
            return None
        if raw is None:
            return None
        value = orjson.loads(raw)
        self._keep(account, key, value, max(0, left) / 1000, len(raw))
        return value

    async def of_group(self, account: UUID, group: str, name: str) -> Any:
        """A value of a group (see `put_in`)."""
        try:
            raw = await self._redis.hget(f"{self._prefix}{account}:g:{group}", name)
        except DOWN:
            return None
        return orjson.loads(raw) if raw is not None else None

    async def put_in(self, account: UUID, group: str, name: str, value: Any, seconds: float) -> None:
        """Keep a value with others that are forgotten together, for `seconds` after the last of them."""
        raw, key = orjson.dumps(value), f"{self._prefix}{account}:g:{group}"
        if len(raw) > LARGEST:
            return
        try:
            pipe = self._redis.pipeline(transaction=False)
            await pipe.hset(key, name, raw).pexpire(key, int(seconds * 1000)).execute()
        except DOWN:
            return

    async def drop(self, account: UUID, group: str) -> None:
        """Forget a group. No process keeps any of it itself."""
        try:
            await self._redis.delete(f"{self._prefix}{account}:g:{group}")
        except DOWN:
            return

    async def put(self, account: UUID, name: str, value: Any, seconds: float) -> None:
        """Keep a value; one that is too large, or kept for no time, is not kept."""
        raw = orjson.dumps(value)
        if seconds <= 0 or len(raw) > LARGEST:
            return
        key = f"{account}:{name}"
        self._keep(account, key, value, seconds, len(raw))
        try:
            await self._redis.set(self._prefix + key, raw, px=int(seconds * 1000))
        except DOWN:
            return

    def _keep(self, account: UUID, key: str, value: Any, seconds: float, size: int) -> None:
        """The oldest value goes of the account that has most here: one that keeps much costs the others no fetch."""
        self._drop(key)
        self._here[key] = (time.monotonic() + seconds, value, size + APIECE)
        self._bytes[str(account)] += size + APIECE
        while len(self._here) > HERE or self._bytes.total() > BYTES:
            [(most, _)] = self._bytes.most_common(1)
            self._drop(next(k for k in self._here if k.startswith(most)))

    def _drop(self, key: str) -> None:
        found = self._here.pop(key, None)
        if found is not None:
            whose = key.partition(":")[0]
            self._bytes[whose] -= found[2]
            if not self._bytes[whose]:
                del self._bytes[whose]
