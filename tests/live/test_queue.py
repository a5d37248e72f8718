"""Bells: one round trip, arq's own format, never an exception."""

import time
from typing import Any
from uuid import uuid4

import pytest
from arq.connections import ArqRedis
from arq.constants import job_key_prefix
from arq.jobs import Job, JobStatus, deserialize_job_raw

from hub.live import queue as queue_module
from hub.live.connect import decode
from hub.live.queue import TOGETHER, Bell, Due, Queue, turn_bell, turn_bells


@pytest.fixture
def queue(redis: ArqRedis, prefix: str) -> Queue:
    return Queue(redis, prefix)


async def test_a_job_is_what_arq_would_have_written(
    redis: ArqRedis, queue: Queue, prefix: str
) -> None:
    session = uuid4()
    before = time.time() * 1000
    assert await queue.turn(session, 7, 5.0)
    raw = await redis.get(f"{job_key_prefix}t:{session}:7")
    assert raw is not None
    function, args, kwargs, tries, at = deserialize_job_raw(raw, deserializer=decode)
    assert (function, args, kwargs) == ("turn", (str(session),), {}) and not tries
    assert before - 1 <= at <= time.time() * 1000
    job = Job(f"t:{session}:7", redis, f"{prefix}:jobs", decode)
    assert await job.status() == JobStatus.deferred
    info = await job.info()
    assert info and info.function == "turn" and info.score == pytest.approx(before + 5000, abs=2000)


async def test_many_bells_are_one_round_trip(
    redis: ArqRedis, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips = []
    pool: Any = redis.connection_pool
    take = pool.get_connection

    async def counted(*args: Any, **more: Any) -> Any:
        trips.append(args)
        return await take(*args, **more)

    monkeypatch.setattr(pool, "get_connection", counted)
    assert await queue.ring(
        [turn_bell(uuid4(), n, n % 3) for n in range(100)]
        + [Bell("index", ("x",), "i:1", bulk=True)]
    )
    assert len(trips) == 1
    assert await redis.zcard(queue.name(False)) == 66 and await redis.zcard(queue.name(True)) == 1
    assert len(await queue.heard(100)) == 34


async def test_what_is_to_be_done_now_is_heard_once_in_order(queue: Queue) -> None:
    first, second = uuid4(), uuid4()
    assert await queue.turn(first, 1, lane=("account", "integration")) and await queue.send(second, "mark")
    assert await queue.ring([Bell("failed", ("x", {}), "w:1"), Bell("turn", (str(first),), "t", bulk=True)])
    assert await queue.heard(1) == [["turn", str(first), "account", "integration"]]
    assert await queue.heard(5) == [["send", str(second)]], "what arq is to keep a time or tries of stands elsewhere"
    assert await queue.heard(5) == []


async def test_what_nobody_hears_is_forgotten_the_oldest_first(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no worker lives; its sweep finds the rest."""
    monkeypatch.setattr(queue_module, "MOST", 3)
    sessions = [uuid4() for _ in range(5)]
    for n, session in enumerate(sessions):
        assert await queue.turn(session, n)
    assert [bell[1] for bell in await queue.heard(10)] == [str(s) for s in sessions[2:]]


async def test_rung_twice_it_is_one_job(redis: ArqRedis, queue: Queue) -> None:
    session = uuid4()
    assert await queue.turn(session, 1, 5.0) and await queue.turn(session, 1, 1.0)
    assert await redis.zcard(queue.name(False)) == 1


async def test_a_job_outlives_its_waiting_and_then_goes_by_itself(
    redis: ArqRedis, queue: Queue
) -> None:
    session = uuid4()
    await queue.turn(session, 1, 60.0)
    left = await redis.pttl(f"{job_key_prefix}t:{session}:1")
    assert 3_600_000 < left <= 3_660_000


async def test_nothing_to_ring_asks_nothing(away: ArqRedis, prefix: str) -> None:
    assert await Queue(away, prefix).ring([])


async def test_a_redis_that_is_away_is_told_not_raised(away: ArqRedis, prefix: str) -> None:
    queue = Queue(away, prefix)
    assert not await queue.turn(uuid4(), 1)
    assert not await queue.send(uuid4(), "x")
    assert not await queue.index()
    assert queue.failures == 3
    assert await queue.heard(1) == []


async def test_two_prefixes_share_a_redis(redis: ArqRedis) -> None:
    a, b = Queue(redis, "ta"), Queue(redis, "tb")
    assert {a.name(False), a.name(True)}.isdisjoint({b.name(False), b.name(True)})


def test_a_conversation_is_told_of_once_and_many_share_a_job() -> None:
    lane = ("account", "integration")
    crowd = [Due(uuid4(), 1, 0.0, lane) for _ in range(2 * TOGETHER)]
    late, alone = Due(uuid4(), 4, 2.001, lane), Due(uuid4(), 9, 2.5, ("other", ""))
    # Its first message waits for more; its last says when it is due.
    told_before = Due(late.session, 3, 0.0, lane)
    bells = turn_bells([*crowd, told_before, late, alone])
    assert [b.function for b in bells] == ["turns", "turns", "turn", "turn"]
    assert [whose[0] for b in bells[:2] for whose in b.args] == [str(d.session) for d in crowd]
    assert bells[2:] == [turn_bell(d.session, d.seq, d.after, d.lane) for d in (late, alone)]
    assert len({b.id for b in bells}) == len(bells)
