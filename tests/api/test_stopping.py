"""Stopping an answer: whenever and however often it is stopped, its stream ends, and the conversation goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from uuid import UUID

from hub.api.http.sse import produced
from hub.live.leases import Leases
from tests.api.alone import api, provider
from tests.api.chatting import Visitor, text_of, visiting
from tests.api.conftest import Api
from tests.fakes.model import says

__all__ = ["api", "provider"]

WORDS, EVERY = 200, 0.02
MANY = {"messagesPerHour": 0, "maxMessages": 0}


async def _stopped(me: Visitor, after: float, times: int) -> None:
    me.model.default = says(*(f"w{n} " for n in range(WORDS)), delay=EVERY)
    asked = len(me.model.calls)
    task = asyncio.create_task(me.stream("Tell me"))
    while len(me.model.calls) == asked:
        await asyncio.sleep(0.005)
    await asyncio.sleep(after)
    assert {got.status for got in await asyncio.gather(*(me.call("DELETE") for _ in range(times)))} == {200}
    chunks = await asyncio.wait_for(task, 20)
    assert chunks[-1] == "[DONE]" and f"w{WORDS - 1}" not in text_of(chunks)


async def test_at_many_moments_and_more_than_once(api: Api) -> None:
    """Several conversations at once, each stopped again and again, by one who presses it once or often."""

    async def one(n: int) -> None:
        async with visiting(api, MANY) as me:
            for k in range(6):
                await _stopped(me, 0.05 + 0.013 * (6 * n + k), 1 + (n + k) % 3)
            me.model.default = says("Next.")
            assert (await me.prompt("And now"))["completionText"] == "Next."

    await asyncio.gather(*(one(n) for n in range(4)))


async def test_whose_stop_a_library_swallows(api: Api) -> None:
    """`asyncio.wait_for` of Python 3.11 does at times: the answer stops with its next words all the same."""
    async with visiting(api, MANY) as me:
        leases = api.hub.leases
        me.model.default = says(*(f"w{n} " for n in range(WORDS)), delay=EVERY)
        task = asyncio.create_task(me.stream("Tell me"))
        while UUID(me.session) not in leases.held() or not me.model.calls:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
        lease = leases._held[UUID(me.session)]
        # As it looks when the cancellation was swallowed: the task counts as cancelled and goes on.
        lease.stopped, lease.asked = True, lease.asked + 1
        chunks = await asyncio.wait_for(task, 20)
        assert chunks[-1] == "[DONE]" and f"w{WORDS - 1}" not in text_of(chunks)
        assert (await me.said())[-1][1].startswith("w0")


async def test_a_session_held_anew_is_not_stopped_for_what_was_before() -> None:
    """And whoever was stopped twice does not count as cancelled behind it."""
    leases, session = Leases(), UUID(int=1)
    me = asyncio.current_task()
    assert me is not None
    with leases.hold(session, 1) as old:
        assert leases.cancel(session)
        assert leases.cancel(session)
        with leases.hold(session, 2) as new:
            assert (old.stopped, new.stopped, new.asked) == (True, False, 0)
            new.heed()
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                assert me.cancelling() == 2
    assert not me.cancelling() and not leases.held()


async def test_a_stream_ends_whose_maker_counts_as_cancelled() -> None:
    async def work(put: Callable[[str], Awaitable[None]]) -> None:
        me = asyncio.current_task()
        assert me is not None
        me.cancel()
        try:
            await put("a")
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            await put("b")

    async with asyncio.timeout(10), aclosing(produced(work)) as pieces:
        assert "b" in [piece async for piece in pieces]
