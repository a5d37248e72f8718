"""The short road of completions when something is wrong: whose it is, it stays theirs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from asyncpg import NotNullViolationError

from hub.config import Settings
from hub.domain import Usage
from hub.llm import exchange, openai, straight
from hub.llm.prices import bill
from tests.api.door import Door, account_of, opened
from tests.fakes.model import event, hangs, refuses, says, serve, whole

MANY = 40


@pytest.fixture
async def other(door: Door) -> AsyncIterator[Door]:
    """The same API as another account sees it, over a model server of its own."""
    async with serve() as model:
        model.default = whole("Here I am.")
        yield replace(door, **await account_of(door.hub), model=model)


async def answered(door: Door, id: str, stream: bool = False) -> int:
    async with door.post(model=id, stream=stream) as r:
        await r.read()
        return int(r.status)


async def until(condition: Callable[[], int], wanted: int) -> None:
    """Wait for a count that surely comes."""
    while condition() != wanted:
        await asyncio.sleep(0.01)


async def test_a_provider_that_hangs_keeps_nobody_else_waiting(door: Door, other: Door) -> None:
    door.model.default = hangs()
    mine, theirs = await door.gateway(), await other.gateway()
    waiting = [asyncio.create_task(answered(door, mine, n % 2 == 0)) for n in range(MANY)]
    try:
        await until(lambda: door.model.open, MANY)
        for stream in (False, True):
            assert await answered(other, theirs, stream) == 200
    finally:
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    await until(lambda: door.model.gone, MANY)
    await door.hub.meter.settled()
    assert not await door.billed() and await other.billed()


async def test_a_provider_that_fails_is_paused_for_its_own_key_alone(door: Door, other: Door) -> None:
    door.model.default, other.model.default = refuses(500), refuses(500)
    mine = await door.gateway(tries=1)
    theirs = await other.gateway(baseAddress=f"{door.model.url}/v1", apiKey="sk-another", tries=1)
    assert [await answered(door, mine) for _ in range(6)] == [502] * 6
    assert len(door.model.calls) == 5, "the sixth was not asked"
    door.model.default = says("Hi")
    assert await answered(other, theirs) == 200
    async with door.post(model=mine) as r:
        assert r.status == 502 and (await r.json())["error"]["code"] == "model_paused"


async def test_usage_that_cannot_be_written_loses_nobody_elses(door: Door, other: Door) -> None:
    meter, key = door.hub.meter, uuid4()
    rows = bill("m", Usage(1, 1))
    wrong = [{**row, "sku": None} for row in rows]
    meter.later(door.account, wrong, key=key, gateway=None)
    meter.later(other.account, rows, key=key, gateway=None)
    waits = asyncio.create_task(meter.add(door.account, rows))
    with pytest.raises(NotNullViolationError):
        await meter.add(door.account, wrong)
    await waits
    await meter.settled()
    assert len(await door.billed()) == len(await other.billed()) == 2


async def test_who_leaves_takes_the_question_along(door: Door) -> None:
    door.model.default = hangs()
    id = await door.gateway()
    for n, stream in enumerate((False, True), 1):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await answered(door, id, stream)
        await until(lambda: door.model.gone, n)


async def test_a_model_that_takes_long_is_streamed(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "SLOW", 0.05)
    door.model.plan += [says("Long", delay=0.2), says("after")]
    id = await door.gateway()
    assert [await answered(door, id) for _ in range(2)] == [200, 200]
    assert ["stream" in c.body for c in door.model.calls] == [False, True]


async def test_what_answers_in_streams_alone_does_so_after_a_long_answer_too(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai, "SLOW", 0.05)
    monkeypatch.setattr(openai, "STREAMED", 0.0)
    door.model.plan += [refuses(400, "This model only supports stream mode."), says("Long", delay=0.2), says("after")]
    id = await door.gateway(tries=1)
    assert [await answered(door, id) for _ in range(2)] == [200, 200]
    assert ["stream" in c.body for c in door.model.calls] == [False, True, True]


@pytest.mark.parametrize("stream", [False, True])
async def test_limits_of_time_hold(door: Door, stream: bool) -> None:
    door.model.default = hangs()
    id = await door.gateway(timeLimits={"firstToken": 0.1})
    async with door.post(model=id, stream=stream) as r:
        assert r.status == 502 and (await r.json())["error"]["code"] == "model_timeout"
    assert len(door.model.calls) == 1 and "stream" in door.model.calls[0].body


async def test_where_a_balance_is_checked_usage_is_written_first(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(opened(settings.changed(billing=True)))
        await door.hub.db.run("update accounts set balance = 5 where id = $1", door.account)
        id = await door.gateway()
        assert await answered(door, id) == 200
        rows = await door.hub.db.fetch("select 1 from usage where gateway_id = $1", UUID(id))
        assert len(rows) == 3
        await door.hub.db.run("update accounts set balance = 0 where id = $1", door.account)
        while await answered(door, id) != 402:
            pass  # for a second at most, in which the account is remembered


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_without_end_is_not_held_without_end(
    door: Door, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    """What says nothing (comments, say) counts as well."""
    for place in (exchange, straight):
        monkeypatch.setattr(place, "ANSWER_SIZE", 100_000)
    sent: list[int] = []

    async def comments(request: web.Request, body: object) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        await out.write(event({"content": "a"}))
        while True:
            await out.write(b": %b\n\n" % (b"x" * 10_000))
            sent.append(10_000)
            await asyncio.sleep(0)

    door.model.default = comments
    async with door.post(model=await door.gateway(tries=1), stream=stream) as r:
        told = await r.read()
    assert b"too large" in told or r.status == 502
    assert sum(sent) < 5_000_000
