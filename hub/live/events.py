"""Fan-out of deltas, new messages and cancellations between processes."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from hub.live.circuit import Valkey
from hub.live.connect import DOWN, heed_cancel
from hub.task_groups import end, first_to_end

log = logging.getLogger(__name__)

BACKLOG = 1000
READY_SECONDS, AGAIN_SECONDS = 1.0, 0.5
Event = dict[str, Any]


@dataclass(eq=False)
class _Topic:
    """ready: the subscription is confirmed, or Redis is known to be away."""

    listeners: set["asyncio.Queue[Event]"] = field(default_factory=set)
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class Events:
    """One subscription connection for a whole process, however many listeners it has."""

    def __init__(self, redis: Valkey, prefix: str) -> None:
        self._redis = redis
        self._prefix = f"{prefix}:e:"
        self._topics: dict[str, _Topic] = {}
        self._changed = asyncio.Event()
        self._unconfirmed: Counter[str] = Counter()
        self._away = False
        self._task: asyncio.Task[None] | None = None
        self._leaving: list[tuple[str, bytes]] = []
        self._flight = asyncio.Lock()

    async def publish(self, topic: str, event: Event) -> None:
        """Tell whoever listens now; nothing is kept. Lost when Redis is away."""
        try:
            await self._redis.publish(self._prefix + topic, orjson.dumps(event, default=str))
        except DOWN as e:
            log.warning("event not published: %s", type(e).__name__)

    async def tell(self, topic: str, event: Event) -> int:
        """As `publish`; how many processes hear it: none while Redis is away."""
        try:
            return int(await self._redis.publish(self._prefix + topic, orjson.dumps(event)))
        except DOWN:
            return 0

    async def publish_all(self, told: Iterable[tuple[str, Event]]) -> None:
        """Several events in one flight, with those of others who came while the last one was under way."""
        self._leaving += [(self._prefix + topic, orjson.dumps(event, default=str)) for topic, event in told]
        async with self._flight:
            leaving, self._leaving = self._leaving, []
            if not leaving:
                return  # somebody who waited before has taken them along
            flying = asyncio.create_task(self._fly(leaving))
            try:
                await asyncio.shield(flying)
            except asyncio.CancelledError:
                await asyncio.wait([flying])  # those of others are in it
                raise

    async def _fly(self, leaving: list[tuple[str, bytes]]) -> None:
        try:
            pipe: Any = self._redis.pipeline(transaction=False)
            for topic, event in leaving:
                pipe.publish(topic, event)
            await pipe.execute()
        except DOWN as e:
            log.warning("events not published: %s", type(e).__name__)

    def heard(self, topic: str) -> int:
        """How many listen to it in this process."""
        return len(self._topics[topic].listeners) if topic in self._topics else 0

    @asynccontextmanager
    async def listen(self, *topics: str) -> AsyncIterator["asyncio.Queue[Event]"]:
        """A queue that receives the events of these topics, published from now on."""
        inbox: asyncio.Queue[Event] = asyncio.Queue(BACKLOG)
        for topic in topics:
            self._topics.setdefault(topic, _Topic()).listeners.add(inbox)
        try:
            await self._until_heard(topics)
            yield inbox
        finally:
            for topic in topics:
                self._topics[topic].listeners.discard(inbox)
                if not self._topics[topic].listeners:
                    del self._topics[topic]
                    self._changed.set()

    async def _until_heard(self, topics: tuple[str, ...]) -> None:
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        waiting = [self._topics[t].ready for t in topics]
        if self._away or self._redis.circuit.away or all(ready.is_set() for ready in waiting):
            return
        try:
            async with asyncio.timeout(READY_SECONDS):
                for ready in waiting:
                    await ready.wait()
        except TimeoutError:
            log.warning("events are late")
            self._redis.circuit.open()

    async def _run(self) -> None:
        while True:
            bell: Any = self._redis.pubsub()
            try:
                await bell.subscribe(self._prefix)
                heed_cancel()
                self._unconfirmed.clear()
                self._away = False
                await first_to_end(self._subscribe(bell), self._hear(bell), self._redis.circuit.broken())
            except DOWN as e:
                log.warning("events are away: %s", type(e).__name__)
            finally:
                await bell.aclose()
            self._away = True
            for topic in self._topics.values():
                topic.ready.set()
            await asyncio.sleep(AGAIN_SECONDS)
            await self._redis.circuit.mended()

    async def _subscribe(self, bell: Any) -> None:
        """Make the connection's subscriptions those that somebody listens to."""
        have: dict[str, _Topic] = {}
        while True:
            self._changed.clear()
            wanted = dict(self._topics)
            fresh = [name for name, topic in wanted.items() if have.get(name) is not topic]
            gone = [name for name in have if name not in wanted]
            if fresh:
                self._unconfirmed.update(fresh)
                await bell.subscribe(*(self._prefix + name for name in fresh))
            if gone:
                await bell.unsubscribe(*(self._prefix + name for name in gone))
            heed_cancel()
            have = wanted
            await self._changed.wait()

    async def _hear(self, bell: Any) -> None:
        while True:
            message = await bell.get_message(timeout=30)
            if message is None:
                continue
            name = message["channel"].decode()[len(self._prefix) :]
            topic = self._topics.get(name)
            if message["type"] == "subscribe":
                self._unconfirmed[name] -= 1
                if self._unconfirmed[name] <= 0:
                    del self._unconfirmed[name]
                    if topic is not None:
                        topic.ready.set()
            elif message["type"] == "message" and topic is not None:
                _deliver(topic, orjson.loads(message["data"]))

    async def close(self) -> None:
        await end([self._task])


def _deliver(topic: _Topic, event: Event) -> None:
    for inbox in topic.listeners:
        if inbox.full():
            inbox.get_nowait()  # a slow listener loses the oldest: it re-reads from the database
        inbox.put_nowait(event)
