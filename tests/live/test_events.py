"""Events reach whoever listens now, on its own topic, in this process or another."""

import asyncio
from typing import Any

import pytest

from hub.live.circuit import Valkey
from hub.live.events import BACKLOG, Event, Events
from hub.processes.embedded import Server
from tests.live.conftest import opened
from tests.live.restart import start, stop


@pytest.fixture
async def events(redis: Valkey, prefix: str) -> Any:
    one = Events(redis, prefix)
    yield one
    await one.close()


async def got(inbox: "asyncio.Queue[Event]", count: int, seconds: float = 3.0) -> list[Event]:
    async with asyncio.timeout(seconds):
        return [await inbox.get() for _ in range(count)]


async def test_what_is_published_once_listening_is_heard(redis: Valkey, prefix: str) -> None:
    """At once, without a pause: whoever listens first and asks then must miss nothing."""
    for n in range(20):
        events = Events(redis, prefix)
        async with events.listen("a") as inbox:
            await events.publish("a", {"n": n})
            assert await got(inbox, 1) == [{"n": n}]
            async with events.listen("b") as other:
                await events.publish("b", {"m": n})
                assert await got(other, 1) == [{"m": n}]
        await events.close()


async def test_every_listener_of_a_topic_hears_and_nobody_else(
    redis: Valkey, events: Events, prefix: str
) -> None:
    elsewhere = Events(redis, prefix)
    async with (
        events.listen("a") as one,
        events.listen("a") as two,
        events.listen("b") as other,
        elsewhere.listen("a", "b") as both,
    ):
        for n in range(3):
            await elsewhere.publish("a", {"n": n})
        await events.publish("b", {"n": "b"})
        for inbox in (one, two):
            assert await got(inbox, 3) == [{"n": 0}, {"n": 1}, {"n": 2}]
        assert await got(other, 1) == [{"n": "b"}]
        assert len(await got(both, 4)) == 4
        await asyncio.sleep(0.05)
        assert one.empty() and two.empty() and other.empty() and both.empty()
    await elsewhere.close()


async def test_a_topic_nobody_listens_to_is_left(
    redis: Valkey, events: Events, prefix: str
) -> None:
    async def listeners() -> int:
        await asyncio.sleep(0.05)
        [(_, count)] = await redis.pubsub_numsub(f"{prefix}:e:a")
        return int(count)

    async with events.listen("a") as one:
        async with events.listen("a"):
            assert await listeners() == 1, "one subscription for the process"
        assert await listeners() == 1
        await events.publish("a", {"n": 1})
        assert await got(one, 1) == [{"n": 1}]
    assert await listeners() == 0


async def test_a_slow_listener_keeps_the_newest(events: Events) -> None:
    async with events.listen("a") as slow, events.listen("a") as quick:
        for n in range(BACKLOG + 50):
            await events.publish("a", {"n": n})
        heard = -1
        while heard < BACKLOG + 49:
            heard = (await got(quick, 1))[0]["n"]
        kept = [slow.get_nowait()["n"] for _ in range(slow.qsize())]
        assert kept == list(range(50, BACKLOG + 50))


async def test_many_at_once_share_one_connection(redis: Valkey, events: Events) -> None:
    async def visit(n: int) -> Event:
        async with events.listen(f"v{n}") as inbox:
            await events.publish(f"v{n}", {"n": n})
            return (await got(inbox, 1))[0]

    assert [e["n"] for e in await asyncio.gather(*(visit(n) for n in range(50)))] == list(range(50))
    subscribed = [
        c
        for c in await redis.client_list()
        if c.get("name") == "" and int(c["sub"]) > 0 and c["cmd"] in ("subscribe", "unsubscribe")
    ]
    assert len([c for c in subscribed if c["sub"] == "1"]) <= 1
    assert not events._topics


async def test_a_listener_that_is_cancelled_leaves_nothing(events: Events) -> None:
    async def wait() -> None:
        async with events.listen("a") as inbox:
            await inbox.get()

    tasks = [asyncio.create_task(wait()) for _ in range(20)]
    for n, task in enumerate(tasks):
        await asyncio.sleep(0.002 * (n % 3))
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not events._topics
    async with events.listen("a") as inbox:
        await events.publish("a", {"n": 1})
        assert await got(inbox, 1) == [{"n": 1}]


async def test_without_redis_nothing_is_raised(away: Valkey, prefix: str) -> None:
    events = Events(away, prefix)
    async with asyncio.timeout(8):
        async with events.listen("a") as inbox:
            await events.publish("a", {"n": 1})
            assert inbox.empty()
        await events.close()


async def test_a_restarted_redis_is_listened_to_again(own: Server, prefix: str) -> None:
    async with opened(own.url, prefix) as redis:
        events = Events(redis, prefix)
        async with events.listen("a") as inbox:
            stop(own)
            await events.publish("a", {"n": 0})
            start(own)
            async with asyncio.timeout(8):
                while inbox.empty():
                    await events.publish("a", {"n": 1})
                    await asyncio.sleep(0.05)
            assert inbox.get_nowait() == {"n": 1}
        await events.close()


class Counting:
    """A Valkey that counts flights."""

    def __init__(self, redis: Valkey) -> None:
        self._redis = redis
        self.flights = 0

    def pipeline(self, transaction: bool) -> Any:
        self.flights += 1
        return self._redis.pipeline(transaction=transaction)


async def test_what_is_told_while_a_flight_is_under_way_goes_with_the_next(redis: Valkey, prefix: str) -> None:
    counting: Any = Counting(redis)
    hearing, telling = Events(redis, prefix), Events(counting, prefix)
    async with hearing.listen("a") as inbox:
        await asyncio.gather(*(telling.publish_all([("a", {"n": n}), ("b", {"n": n})]) for n in range(20)))
        assert await got(inbox, 20) == [{"n": n} for n in range(20)]
        assert counting.flights == 2
        stopped = asyncio.create_task(telling.publish_all([("a", {"n": 20})]))
        await asyncio.sleep(0)
        stopped.cancel()
        await telling.publish_all([("a", {"n": 21})])
        assert (await got(inbox, 1))[0]["n"] in (20, 21), "whoever stops stops nobody else"
    await hearing.close()


class Slow:
    """A Valkey whose flights take off when they are let."""

    def __init__(self, redis: Valkey) -> None:
        self._redis = redis
        self.boarded, self.let = asyncio.Queue[None](), asyncio.Event()

    def pipeline(self, transaction: bool) -> Any:
        pipe: Any = self._redis.pipeline(transaction=transaction)
        execute = pipe.execute

        async def later() -> Any:
            self.boarded.put_nowait(None)
            await self.let.wait()
            return await execute()

        pipe.execute = later
        return pipe


async def test_who_stops_in_flight_takes_nothing_of_others_along(redis: Valkey, prefix: str) -> None:
    slow: Any = Slow(redis)
    hearing, telling = Events(redis, prefix), Events(slow, prefix)
    async with hearing.listen("a") as one, hearing.listen("b") as other:
        stopped = asyncio.create_task(telling.publish_all([("a", {"n": 1})]))
        await slow.boarded.get()
        second = asyncio.create_task(telling.publish_all([("a", {"n": 2})]))
        theirs = asyncio.create_task(telling.publish_all([("b", {"n": 3})]))
        await asyncio.sleep(0)
        slow.let.set()
        await stopped
        slow.let.clear()
        await slow.boarded.get()  # of both
        second.cancel()
        await asyncio.sleep(0)
        slow.let.set()
        await asyncio.gather(second, theirs, return_exceptions=True)
        assert second.cancelled() and not theirs.cancelled()
        assert await got(other, 1) == [{"n": 3}] and await got(one, 2) == [{"n": 1}, {"n": 2}]
    await hearing.close()
