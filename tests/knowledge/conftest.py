"""An account, a queue and the embedder for the tests of knowledge."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from hub.ids import uuid7
from hub.live.connect import connect
from hub.live.queue import Queue
from hub.llm.embedder import Embedder
from hub.store.db import Db

ACCOUNT = "insert into accounts (id, name, salt) values ($1, 'test', 'salt')"


@pytest.fixture
async def account(db: Db) -> UUID:
    return await new_account(db)


@pytest.fixture
async def embedder() -> AsyncIterator[Embedder]:
    embedder = Embedder()
    yield embedder
    await embedder.close()


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[Queue]:
    name = f"t{uuid4().hex[:12]}"
    redis = connect(redis_url, name)
    yield Queue(redis, name)
    await redis.aclose(close_connection_pool=True)


async def new_account(db: Db) -> UUID:
    id = uuid7()
    await db.run(ACCOUNT, id)
    return id
