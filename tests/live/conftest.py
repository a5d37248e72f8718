"""Connections to the test's Redis, and a Redis of one's own to stop."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from hub.live.circuit import Valkey
from hub.live.connect import connect
from hub.processes.embedded import Server, start_valkey


@pytest.fixture
def prefix() -> str:
    return f"t{uuid4().hex[:12]}"


@asynccontextmanager
async def opened(url: str, prefix: str) -> AsyncIterator[Valkey]:
    redis = connect(url, prefix)
    try:
        yield redis
    finally:
        await redis.aclose(close_connection_pool=True)


@pytest.fixture
async def redis(redis_url: str, prefix: str) -> AsyncIterator[Valkey]:
    async with opened(redis_url, prefix) as one:
        yield one


@pytest.fixture
async def away(prefix: str) -> AsyncIterator[Valkey]:
    """A Redis that nobody runs."""
    async with opened("redis://127.0.0.1:1/0", prefix) as one:
        yield one


@pytest.fixture
def own() -> Iterator[Server]:
    """A Valkey of this test's own, which may be stopped."""
    folder = Path(tempfile.mkdtemp(prefix="hub-valkey-", dir="/tmp"))
    server = start_valkey(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
