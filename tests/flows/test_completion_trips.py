"""How often a completion makes the hub wait for its servers: counted on the wire."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub.config import Settings
from tests.api.door import Door, opened
from tests.flows import proxy
from tests.flows.proxy import Flights
from tests.flows.test_round_trips import named

MANY = 12


@dataclass
class Wires:
    """The API whose two servers are reached through counting proxies."""

    door: Door
    gateway: str
    postgres: Flights
    redis: Flights

    async def ask(self, stream: bool) -> None:
        async with self.door.post(model=self.gateway, stream=stream) as r:
            assert r.status == 200, await r.text()
            await r.read()

    async def counted(self, stream: bool) -> tuple[list[str], list[str]]:
        """What one completion asks while its key and its gateway are remembered, which is for a second: one that took
        longer to come is asked again."""
        asked: tuple[list[str], list[str]] = [], []
        for _ in range(10):
            await self.ask(stream)
            self.postgres.take()
            self.redis.take()
            await self.ask(stream)
            asked = [named(q) for q in self.postgres.take()], self.redis.take()
            if len(asked[0]) == 1:
                break
        return asked


@pytest.fixture
async def wires(settings: Settings) -> AsyncIterator[Wires]:
    folder = Path(tempfile.mkdtemp(prefix="hub-wire-", dir="/tmp"))
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        dsn, postgres = await stack.enter_async_context(
            proxy.postgres(settings.database_url.get_secret_value(), folder)
        )
        url, redis = await stack.enter_async_context(proxy.redis(settings.redis_url.get_secret_value()))
        changed = settings.changed(database_url=dsn, redis_url=url, aresgen_per_minute=0, requests_per_minute=0)
        door = await stack.enter_async_context(opened(changed))
        yield Wires(door, await door.gateway(), postgres, redis)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_completion_costs_one_flight_to_postgresql_and_none_to_valkey(wires: Wires, stream: bool) -> None:
    assert await wires.counted(stream) == (["usage_add"], [])
