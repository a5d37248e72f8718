"""One connection pool for jobs, limits and events."""

import asyncio
from typing import Any

import orjson
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from hub.live.circuit import DOWN, LIMIT, Valkey

__all__ = ["DOWN", "connect", "decode", "encode", "heed_cancel"]


def encode(job: dict[str, Any]) -> bytes:
    """arq's default is pickle: whoever can write to Redis could run code. JSON cannot."""
    return orjson.dumps(job, default=str)


def decode(data: bytes) -> dict[str, Any]:
    job: dict[str, Any] = orjson.loads(data)
    job["a"] = tuple(job.get("a") or ())
    return job


def connect(url: str, queue: str, size: int = 50) -> Valkey:
    """Open a lazy pool; nothing is sent before the first command, and no command waits longer than a second."""
    pool: Any = BlockingConnectionPool.from_url(
        url,
        max_connections=size,
        timeout=LIMIT,
        socket_timeout=LIMIT,
        socket_connect_timeout=LIMIT,
        socket_keepalive=True,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 1),
    )
    return Valkey(
        pool_or_conn=pool, job_serializer=encode, job_deserializer=decode, default_queue_name=f"{queue}:jobs"
    )


def heed_cancel() -> None:
    """Call after a command in an endless task: `wait_for` of Python 3.11, which the client uses for
    its writes, may swallow a cancellation, and the task would go on for ever."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
