"""A bell for what is to be done now is heard by one worker, whatever stands before it in the list."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

from hub.config import Settings
from hub.jobs import at_once
from hub.runtime import Hub, open_hub
from hub.task_groups import end


class Heard:
    """Stands where a worker's runner stands."""

    def __init__(self) -> None:
        self.turns: list[UUID] = []
        self.any = asyncio.Event()

    def turn(self, session: UUID, lane: Any = None) -> None:
        self.turns.append(session)
        self.any.set()


@asynccontextmanager
async def workers(settings: Settings, count: int) -> AsyncIterator[list[tuple[Hub, Heard]]]:
    async with AsyncExitStack() as stack:
        made: list[tuple[Hub, Heard]] = []
        for _ in range(count):
            hub, heard = await stack.enter_async_context(open_hub(settings)), Heard()
            runner: Any = heard
            stack.push_async_callback(end, [asyncio.create_task(at_once.work(hub, runner))])
            made.append((hub, heard))
        async with asyncio.timeout(20):
            while sum([await hub.redis.publish(f"{hub.queue.prefix}:e:now", b"{}") for hub, _ in made]) < count * count:
                await asyncio.sleep(0.01)
        yield made


async def until(heard: list[Heard], count: int) -> list[UUID]:
    async with asyncio.timeout(20):
        while len(found := [s for one in heard for s in one.turns]) < count:
            await asyncio.sleep(0.01)
    return found


async def test_each_is_heard_by_one_of_two_workers(settings: Settings) -> None:
    async with workers(settings, 2) as made:
        sessions = [uuid4() for _ in range(60)]
        await asyncio.gather(*(made[n % 2][0].queue.turn(s, n) for n, s in enumerate(sessions)))
        found = await until([heard for _, heard in made], len(sessions))
        assert sorted(found) == sorted(sessions)
        assert await made[0][0].queue.heard(1) == []


async def test_a_bell_of_another_release_is_passed_over(settings: Settings) -> None:
    async with workers(settings, 1) as [(hub, heard)]:
        session = uuid4()
        unheard = (b'["unheard", "x"]', b'["turn", "no session"]', b'["turn"]', b'["turns", "x"]', b'["turn", 7]')
        for odd in (*unheard, b"[]", b"7", b"x"):
            await hub.redis.execute_command("RPUSH", hub.queue.direct, odd)
        assert await hub.queue.turn(session, 1)
        assert await until([heard], 1) == [session]


async def test_who_ends_leaves_them_to_others(settings: Settings) -> None:
    async with workers(settings, 2) as [(ending, left), (_, heard)]:
        ending.leases.closing = True
        for rung in range(2):  # what it was asking for when it was told to end, it has heard
            await ending.queue.turn(uuid4(), 1)
            await until([heard, left], rung + 1)
        before, sessions = len(left.turns), [uuid4() for _ in range(20)]
        for n, session in enumerate(sessions):
            assert await ending.queue.turn(session, n)
        assert set(sessions) <= set(await until([heard], 22 - before))
        assert len(left.turns) == before
