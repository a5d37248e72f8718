"""Ring a job by name. A bell carries ids, nothing else, and a lost one costs one sweep."""

import logging
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from arq.connections import ArqRedis
from arq.constants import job_key_prefix
from arq.jobs import serialize_job

from hub.live.connect import DOWN, encode

log = logging.getLogger(__name__)

LIVES_MS = 3_600_000
Lane = tuple[str, str]
# Conversations of one job: a worker takes them up together, and others shall have some too.
TOGETHER = 16
# What a worker takes up in the moment in which it is rung for; the topic that tells of it; and how many of these bells
# wait where nobody hears them.
AT_ONCE = frozenset(("turn", "turns", "send"))
NOW, MOST = "now", 10_000


@dataclass(frozen=True, slots=True)
class Bell:
    """One job: function, arguments, unique id, seconds to wait; bulk jobs run apart from turns."""

    function: str
    args: tuple[Any, ...]
    id: str
    after: float = 0.0
    bulk: bool = False

    @property
    def now(self) -> bool:
        """Whether it needs nothing of what arq keeps about a job: a time, tries, a result."""
        return self.after <= 0 and not self.bulk and self.function in AT_ONCE


class Queue:
    """Rings bells in one round trip. A Redis that is away is logged, never raised."""

    def __init__(self, redis: ArqRedis, prefix: str) -> None:
        self._redis = redis
        self.prefix = prefix
        self.failures = 0

    def name(self, bulk: bool) -> str:
        return f"{self.prefix}:bulk" if bulk else f"{self.prefix}:jobs"

    @property
    def direct(self) -> str:
        """Where bells stand that are heard at once."""
        return f"{self.prefix}:{NOW}"

    async def ring(self, bells: Iterable[Bell], news: Iterable[tuple[str, Any]] = ()) -> bool:
        """In one round trip: what is to be heard at once goes into a list; the rest is written as arq does in three.

        news: events (topic, content) that go along, for whoever listens (see hub.live.events).
        """
        rung, told = list(bells), list(news)
        if not rung and not told:
            return True
        direct = [orjson.dumps([bell.function, *bell.args]) for bell in rung if bell.now]
        try:
            pipe: Any = self._redis.pipeline(transaction=False)
            if direct:
                pipe.rpush(self.direct, *direct)
                told.append((NOW, {}))
            self._jobs(pipe, [bell for bell in rung if not bell.now])
            for topic, event in told:
                pipe.publish(f"{self.prefix}:e:{topic}", orjson.dumps(event))
            answers = await pipe.execute()
            if direct and answers[0] > MOST:
                await self._redis.ltrim(self.direct, -MOST, -1)  # type: ignore[misc]  # redis: of both its clients
        except DOWN as e:
            self.failures += 1
            log.warning("bell not rung, the sweep will find the work: %s", type(e).__name__)
            return False
        return True

    def _jobs(self, pipe: Any, bells: Sequence[Bell]) -> None:
        """Written as arq does."""
        now = time.time_ns() // 1_000_000
        due: dict[bool, dict[str, int]] = {}
        for bell in bells:
            due.setdefault(bell.bulk, {})[bell.id] = now + int(bell.after * 1000)
            job = serialize_job(bell.function, bell.args, {}, None, now, serializer=encode)
            pipe.psetex(job_key_prefix + bell.id, LIVES_MS + int(bell.after * 1000), job)
        for bulk, scores in due.items():
            pipe.zadd(self.name(bulk), scores)
            times = sorted({math.ceil(b.after * 100) / 100 for b in bells if b.bulk == bulk})
            pipe.publish(f"{self.name(bulk)}:wake", " ".join(map(str, times)))

    async def heard(self, most: int) -> list[list[Any]]:
        """The first of the bells that are heard at once, so many at most: function and arguments. They are gone."""
        try:
            found: Any = await self._redis.lpop(self.direct, most)  # type: ignore[misc]  # redis: of both its clients
        except DOWN:
            return []
        return [_read(one) for one in found or ()]

    async def turn(self, session: UUID, seq: int, after: float = 0.0, lane: Lane | None = None) -> bool:
        return await self.ring([turn_bell(session, seq, after, lane)])

    async def send(self, session: UUID, mark: str, after: float = 0.0, lane: Lane | None = None) -> bool:
        return await self.ring([send_bell(session, mark, after, lane)])

    async def index(self) -> bool:
        """There are documents to index: every worker hears it, and one takes them up in their order."""
        return await self.ring([], [("index", {})])


def _read(bell: bytes) -> list[Any]:
    """Nothing of what is no bell."""
    try:
        found = orjson.loads(bell)
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def turn_bell(session: UUID, seq: int, after: float = 0.0, lane: Lane | None = None) -> Bell:
    """lane: account and integration, where they are known: whose place it will take."""
    # The sequence in the id: arq drops a job whose id is running, which would lose a wake-up.
    return Bell("turn", (str(session), *(lane or ())), f"t:{session}:{seq}", after)


@dataclass(frozen=True, slots=True)
class Due:
    """A conversation in which something waits, in `after` seconds."""

    session: UUID
    seq: int
    after: float
    lane: Lane


def turn_bells(due: Iterable[Due]) -> list[Bell]:
    """One for each conversation, by what it was told last, and many of the same moment in one job."""
    last = {one.session: one for one in due}
    moments: dict[float, list[Due]] = {}
    for one in last.values():
        moments.setdefault(math.ceil(one.after * 100) / 100, []).append(one)
    bells = []
    for after, found in moments.items():
        for at in range(0, len(found), TOGETHER):
            some = found[at : at + TOGETHER]
            if len(some) == 1:
                bells.append(turn_bell(some[0].session, some[0].seq, some[0].after, some[0].lane))
            else:
                whose = tuple([str(d.session), *d.lane] for d in some)
                bells.append(Bell("turns", whose, f"T:{some[0].session}:{some[0].seq}:{len(some)}", after))
    return bells


def send_bell(session: UUID, mark: str, after: float = 0.0, lane: Lane | None = None) -> Bell:
    return Bell("send", (str(session), *(lane or ())), f"s:{session}:{mark}", after)
