"""Limits hold over all processes together, and without Redis in each."""

import asyncio
import time

import pytest
from arq.connections import ArqRedis

from hub.errors import Overloaded
from hub.live import limits
from hub.live.limits import Limits
from hub.processes.embedded import Server
from tests.live.conftest import opened
from tests.live.restart import stop

HOUR = 3600.0  # so long that nothing is due again while a busy machine asks


async def allowed(
    limit: Limits, count: int, seconds: float, *, who: str = "ana", calls: int = 1
) -> int:
    return sum([await limit.take("s", who, count, seconds) == 0.0 for _ in range(calls)])


async def test_a_burst_is_allowed_and_no_more(redis: ArqRedis, prefix: str) -> None:
    limit = Limits(redis, prefix)
    assert await allowed(limit, 5, HOUR, calls=20) == 5
    wait = await limit.take("s", "ana", 5, HOUR)
    assert 600 < wait <= 720, "the next one is due after a fifth of the time"


async def test_two_processes_never_exceed_together(
    redis_url: str, redis: ArqRedis, prefix: str
) -> None:
    async with opened(redis_url, prefix) as other:
        both = (Limits(redis, prefix), Limits(other, prefix))
        # As many at once as a busy machine asks within the second after which Redis counts as away.
        got = [await asyncio.gather(*(allowed(both[n % 2], 30, HOUR) for n in range(20))) for _ in range(10)]
    assert sum(map(sum, got)) == 30


async def test_over_time_the_rate_holds(redis: ArqRedis, prefix: str) -> None:
    limit, began, got = Limits(redis, prefix), time.monotonic(), 0
    while got < 25:
        got += await allowed(limit, 10, 0.5)
        await asyncio.sleep(0.005)
    spent = time.monotonic() - began
    assert got <= 10 + spent / 0.5 * 10 + 1


async def test_who_waits_as_told_is_allowed(redis: ArqRedis, prefix: str) -> None:
    limit = Limits(redis, prefix)
    while not (wait := await limit.take("s", "ana", 2, 0.4)):  # a busy machine may take as long as one becomes due
        pass
    await asyncio.sleep(wait + 0.005)
    assert await limit.take("s", "ana", 2, 0.4) == 0.0


async def test_everyone_has_a_limit_of_their_own(redis: ArqRedis, prefix: str) -> None:
    limit = Limits(redis, prefix)
    assert await allowed(limit, 1, 60, who="ana", calls=2) == 1
    assert await allowed(limit, 1, 60, who="bob", calls=2) == 1
    assert await limit.take("other", "ana", 1, 60) == 0.0


async def test_what_is_over_is_forgotten(redis: ArqRedis, prefix: str) -> None:
    limit = Limits(redis, prefix)
    await limit.take("s", "ana", 10, 20)
    [key] = await redis.keys(f"{prefix}:rl:*")
    assert 0 < await redis.pttl(key) <= 2001, "once it would be allowed again anyhow"


async def test_without_redis_it_is_still_limited(away: ArqRedis, prefix: str) -> None:
    limit = Limits(away, prefix)
    async with asyncio.timeout(15):
        assert await allowed(limit, 3, 60, calls=6) == 3
    assert 10 < await limit.take("s", "ana", 3, 60) <= 20
    assert await limit.take("s", "bob", 3, 60) == 0.0


async def test_a_redis_that_dies_does_not_open_the_gate(own: Server, prefix: str) -> None:
    async with opened(own.url, prefix) as redis:
        limit = Limits(redis, prefix)
        assert await allowed(limit, 5, 60, calls=9) == 5
        stop(own)
        assert await allowed(limit, 5, 60, calls=9) <= 5


async def test_the_memory_for_that_has_an_end(
    away: ArqRedis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REMEMBERED", 50)
    limit = Limits(away, prefix)
    for n in range(120):
        limit._take_here(f"k{n}", 0.0001, 0.001)
    await asyncio.sleep(0.01)
    limit._take_here("last", 1, 1)
    assert len(limit._local) <= 51


async def test_what_is_spent_is_shared_and_put_right(redis: ArqRedis, redis_url: str, prefix: str) -> None:
    """Tokens: all that is left may be taken at once, and what was not used is given back; another key has its own."""
    async with opened(redis_url, prefix) as other:
        one, two = Limits(redis, prefix), Limits(other, prefix)
        assert not (await one.spend("t", "ana", 80, 100, 60)).over
        last = await two.spend("t", "ana", 100, 100, 60)
        assert (last.over, last.remaining) == (False, 0)
        assert (await one.spend("t", "ana", 1, 100, 60)).over and not (await one.spend("t", "bob", 1, 100, 60)).over
        await two.adjust("t", "ana", -150)
        assert (await one.spend("t", "ana", 5, 100, 60)).remaining == 65
        await one.adjust("t", "nobody", -5)
        assert (await one.spend("t", "nobody", 5, 100, 60)).remaining == 95


async def test_what_is_spent_without_redis(away: ArqRedis, prefix: str) -> None:
    alone = Limits(away, prefix)
    assert not (await alone.spend("t", "ana", 100, 100, 60)).over
    assert (await alone.spend("t", "ana", 1, 100, 60)).over
    await alone.adjust("t", "ana", -50)
    assert not (await alone.spend("t", "ana", 1, 100, 60)).over
    for call in (alone.spend("t", "ana", 1, 100, 60, alone=False), alone.count("t", "ana", 100, 60, alone=False)):
        with pytest.raises(Overloaded):
            await call
