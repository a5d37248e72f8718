"""What is remembered of keys and gateways for a moment: looked up once for all who wait, gone when it is changed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from hub.accounts.keys import Keyring
from hub.accounts.model_lookup import Directory
from hub.chat.inbound.intake import Intake
from hub.chat.inbound.webhooks import Call, Receiver, Verdict
from hub.errors import NotFound, Unauthorized
from hub.ids import uuid7
from hub.store.db import Row
from tests.api.door import Door

MANY = 20


@dataclass
class Slow:
    """The database, whose answers to questions of one row are kept back for as long as somebody likes."""

    db: Any
    asked: list[str] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.db, name)

    async def row(self, sql: str, *args: Any) -> Row | None:
        self.asked.append(sql)
        found: Row | None = await self.db.row(sql, *args)
        await self.open.wait()
        return found

    async def reached(self, count: int) -> None:
        while len(self.asked) < count:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def several(slow: Slow, look: Callable[[], Awaitable[Any]]) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Many who look at once, while the first question is kept back."""
    tasks = [asyncio.ensure_future(look()) for _ in range(MANY)]
    await slow.reached(1)
    try:
        yield tasks
    finally:
        slow.open.set()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_many_who_come_at_once_look_a_key_up_once(door: Door) -> None:
    slow = Slow(door.hub.db)
    ring = Keyring(slow)
    async with several(slow, lambda: ring.caller(door.key)) as tasks:
        slow.open.set()
        found = await asyncio.gather(*tasks)
    assert {who.account_id for who in found} == {door.account} and len(slow.asked) == 1


async def test_a_key_that_is_deleted_while_it_is_looked_up_is_refused_at_once(door: Door) -> None:
    slow = Slow(door.hub.db)
    ring = Keyring(slow)
    mine = "select id from api_keys where account_id = $1 and kind = 'private'"
    key: UUID = await door.hub.db.value(mine, door.account)
    async with several(slow, lambda: ring.caller(door.key)):
        await door.hub.db.run("delete from api_keys where id = $1", key)
        ring.forget(key)
        late = asyncio.ensure_future(ring.caller(door.key))
        await slow.reached(2)
        slow.open.set()
        with pytest.raises(Unauthorized):
            await late
    with pytest.raises(Unauthorized):  # nor did the look that began before leave anything behind
        await ring.caller(door.key)


async def test_a_gateway_that_is_deleted_while_it_is_looked_up_is_gone_at_once(door: Door) -> None:
    id = await door.gateway()
    slow = Slow(door.hub.db)
    directory = Directory(replace(door.hub, db=slow))  # type: ignore[arg-type]  # with the database behind it
    async with several(slow, lambda: directory.find(door.account, id)):
        await door.hub.db.run("delete from gateways where id = $1", UUID(id))
        directory.forget(door.account)
        late = asyncio.ensure_future(directory.find(door.account, id))
        await slow.reached(2)
        slow.open.set()
        with pytest.raises(NotFound):
            await late
    assert sum("from gateways" in sql for sql in slow.asked) == 2
    with pytest.raises(NotFound):
        await directory.find(door.account, id)


async def test_a_crowd_of_webhooks_looks_its_address_up_once(door: Door) -> None:
    slow = Slow(door.hub.db)
    hub = replace(door.hub, db=slow)  # type: ignore[arg-type]  # with the database behind it
    intake = Intake(hub.db, hub.queue)
    receiver, call, other = Receiver(hub, intake), *(Call("telegram", uuid7(), "secret", {}) for _ in range(2))
    async with several(slow, lambda: receiver.admits(call)) as tasks:
        beside = asyncio.ensure_future(receiver.admits(other))
        await slow.reached(2)
        slow.open.set()
        assert set(await asyncio.gather(*tasks, beside)) == {Verdict.UNKNOWN}
    assert len(slow.asked) == 2
    await intake.close()
