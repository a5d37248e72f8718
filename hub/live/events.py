"""Fan-out of deltas, new messages and cancellations between processes."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from arq.connections import ArqRedis

from hub.live.connect import DOWN

log = logging.getLogger(__name__)

BACKLOG = 1000
Event = dict[str, Any]


class Events:
    """One subscription connection for a whole process, however many listeners it has."""

    def __init__(self, redis: ArqRedis, prefix: str) -> None:
        self._redis = redis
        self._prefix = f"{prefix}:e:"
        self._listeners: dict[str, set[asyncio.Queue[Event]]] = {}
        self._pubsub: Any = None
        self._task: asyncio.Task[None] | None = None

    async def publish(self, topic: str, event: Event) -> None:
        """Tell whoever listens now; nothing is kept. Lost when Redis is away."""
        try:
            await self._redis.publish(self._prefix + topic, orjson.dumps(event, default=str))
        except DOWN as e:
            log.warning("event not published: %s", type(e).__name__)

    @asynccontextmanager
    async def listen(self, *topics: str) -> AsyncIterator["asyncio.Queue[Event]"]:
        """A queue that receives the events of these topics, published from now on."""
        inbox: asyncio.Queue[Event] = asyncio.Queue(BACKLOG)
        fresh = [t for t in topics if not self._listeners.get(t)]
        for topic in topics:
            self._listeners.setdefault(topic, set()).add(inbox)
        if self._task is None:
            self._task = asyncio.create_task(self._read())
        elif fresh:
            await self._command("subscribe", fresh)
        try:
            yield inbox
        finally:
            for topic in topics:
                self._listeners[topic].discard(inbox)
            gone = [t for t in topics if not self._listeners[t]]
            for topic in gone:
                del self._listeners[topic]
            if gone:
                await self._command("unsubscribe", gone)

    async def _command(self, name: str, topics: list[str]) -> None:
        if self._pubsub is None:
            return
        try:
            await getattr(self._pubsub, name)(*(self._prefix + t for t in topics))
        except DOWN as e:
            log.warning("%s failed: %s", name, type(e).__name__)

    async def _read(self) -> None:
        while True:
            try:
                self._pubsub = self._redis.pubsub()
                await self._pubsub.subscribe(self._prefix, *(self._prefix + t for t in self._listeners))
                while True:
                    message = await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=30)
                    if message is not None:
                        self._deliver(message)
            except DOWN as e:
                log.warning("events are away: %s", type(e).__name__)
                await asyncio.sleep(0.5)

    def _deliver(self, message: Event) -> None:
        topic = message["channel"].decode()[len(self._prefix) :]
        event = orjson.loads(message["data"])
        for inbox in self._listeners.get(topic, ()):
            if inbox.full():
                inbox.get_nowait()  # a slow listener loses the oldest: it re-reads from the database
            inbox.put_nowait(event)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._pubsub is not None:
            await self._pubsub.aclose()
