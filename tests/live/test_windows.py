"""Windows: all of one may be used at once, and what is left is told."""

import asyncio

import pytest
from arq.connections import ArqRedis

from hub.live import limits
from hub.live.limits import Limits


async def test_a_window_tells_what_is_left(redis: ArqRedis, prefix: str) -> None:
    limit = Limits(redis, prefix)
    seen = [await limit.count("s", "ana", 3, 60) for _ in range(5)]
    assert [w.remaining for w in seen] == [2, 1, 0, 0, 0]
    assert [w.over for w in seen] == [False, False, False, True, True]
    assert all(w.limit == 3 and 50 < w.reset <= 60 for w in seen)
    assert not (await limit.count("s", "bob", 3, 60)).over


async def test_the_next_window_begins_anew(redis: ArqRedis, prefix: str) -> None:
    limit = Limits(redis, prefix)
    assert [(await limit.count("s", "ana", 1, 0.3)).over for _ in range(2)] == [False, True]
    await asyncio.sleep(0.4)
    assert not (await limit.count("s", "ana", 1, 0.3)).over


async def test_without_redis_each_process_counts(
    away: ArqRedis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REMEMBERED", 3)
    limit = Limits(away, prefix)
    async with asyncio.timeout(15):
        assert [(await limit.count("s", "ana", 2, 60)).over for _ in range(3)] == [False, False, True]
    for n in range(9):
        limit._count_here(f"k{n}", 0.001)
        await asyncio.sleep(0.002)
    limit._count_here("last", 1)
    assert len(limit._windows) <= 5
