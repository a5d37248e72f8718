"""Stopping an answer: whenever and however often it is stopped, its stream ends, and the conversation goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any
from uuid import UUID

import pytest

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


async def test_whose_stop_a_library_swallows(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """`asyncio.wait_for` of Python 3.11 does, where a stop comes at the moment its own wait ends: the answer stops with
    its next words all the same."""
    real: Any = asyncio.wait_for
    async with visiting(api, MANY) as me:
        session, leases, fired = UUID(me.session), api.hub.leases, asyncio.Event()

        async def wait_for(fut: Any, timeout: float | None) -> Any:
            lease = leases._held.get(session)
            if lease is None or lease.task is not asyncio.current_task() or not me.model.open or fired.is_set():
                return await real(fut, timeout)
            fired.set()
            task = asyncio.ensure_future(fut)
            task.add_done_callback(lambda _: leases.cancel(session))
            return await real(task, timeout)

        me.model.default = says(*(f"w{n} " for n in range(WORDS)), delay=EVERY)
        monkeypatch.setattr(asyncio, "wait_for", wait_for)
        chunks = await real(me.stream("Tell me"), 20)
        assert fired.is_set() and chunks[-1] == "[DONE]" and f"w{WORDS - 1}" not in text_of(chunks)
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
