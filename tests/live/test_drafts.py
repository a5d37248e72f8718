"""Answers in the making: each piece in its own turn's draft, and none for longer than its time."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from arq.connections import ArqRedis

from hub.config import Settings
from hub.live.connect import connect
from hub.live.drafts import KEPT_MS, Drafts


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[ArqRedis]:
    found = connect(settings.redis_url.get_secret_value(), settings.queue)
    yield found
    await found.aclose(close_connection_pool=True)


async def test_pieces_go_into_their_own_turn_and_renew_it(redis: ArqRedis, settings: Settings) -> None:
    session, old, new = uuid4(), uuid4(), uuid4()
    drafts, key = Drafts(redis, settings.queue, session), f"{settings.queue}:d:{session}"
    await drafts.begin(old)
    await redis.pexpire(key, 5000)
    await drafts.add(old, 0, "Grüße")
    assert await drafts.read() == (str(old), "Grüße") and 5000 < await redis.pttl(key) <= KEPT_MS
    await drafts.begin(new)
    await drafts.add(old, 5, " late")
    assert await drafts.read() == (str(new), "")
    await drafts.end()
    await drafts.add(new, 0, "late")
    assert await drafts.read() is None and not await redis.exists(key)
