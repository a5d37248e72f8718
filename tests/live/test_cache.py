"""What is cached belongs to one account, ends in time, and is not missed."""

import asyncio
from collections import Counter
from uuid import uuid4

from arq.connections import ArqRedis

from hub.live import cache
from hub.live.cache import Cache

MINE, THEIRS = uuid4(), uuid4()


async def test_a_value_is_shared_by_processes_and_not_by_accounts(redis: ArqRedis, prefix: str) -> None:
    one, other = Cache(redis, prefix), Cache(redis, prefix)
    await one.put(MINE, "list", {"a": [1]}, 60)
    assert await one.get(MINE, "list") == await other.get(MINE, "list") == {"a": [1]}
    assert await one.get(THEIRS, "list") is None and await other.get(THEIRS, "list") is None


async def test_a_value_ends(redis: ArqRedis, prefix: str) -> None:
    one, other = Cache(redis, prefix), Cache(redis, prefix)
    await one.put(MINE, "list", 1, 0.1)
    assert await other.get(MINE, "list") == 1
    await asyncio.sleep(0.15)
    assert await one.get(MINE, "list") is None and await other.get(MINE, "list") is None
    await one.put(MINE, "none", 1, 0)
    assert await one.get(MINE, "none") is None


async def test_too_much_is_not_kept(redis: ArqRedis, prefix: str) -> None:
    one = Cache(redis, prefix)
    await one.put(MINE, "large", "x" * (cache.LARGEST + 1), 60)
    assert await one.get(MINE, "large") is None
    for n in range(cache.HERE + 5):
        await one.put(MINE, str(n), n, 60)
    assert len(one._here) == cache.HERE and await one.get(MINE, "0") == 0, "the other copy is in Redis"


async def test_without_redis_a_process_has_its_own(away: ArqRedis, prefix: str) -> None:
    one = Cache(away, prefix)
    await one.put(MINE, "a", 1, 60)
    assert await one.get(MINE, "a") == 1 and await one.get(MINE, "b") is None


async def test_one_account_that_keeps_much_costs_another_nothing_and_memory_has_an_end(
    away: ArqRedis, prefix: str
) -> None:
    """What they share: the values that a process keeps itself, and its memory."""
    one = Cache(away, prefix)
    for n in range(3):
        await one.put(THEIRS, str(n), n, 60)
    for n in range(cache.BYTES // 1_000_000 + 10):
        await one.put(MINE, str(n), "x" * 1_000_000, 60)
    for n in range(cache.HERE):
        await one.put(MINE, f"small {n}", n, 60)
    assert [await one.get(THEIRS, str(n)) for n in range(3)] == [0, 1, 2]
    assert one._bytes.total() <= cache.BYTES and len(one._here) <= cache.HERE
    assert one._bytes == Counter(
        {str(a): sum(v[2] for k, v in one._here.items() if k.startswith(str(a))) for a in (MINE, THEIRS)}
    )
    assert await one.get(MINE, f"small {cache.HERE - 1}") == cache.HERE - 1
