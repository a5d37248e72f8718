"""A Valkey that takes everything and never answers: one call finds out, nobody else waits for it."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
import pytest

from hub.chat.inbound.webhooks import Verdict
from hub.config import Settings
from hub.live.limits import Limits
from tests.api.chatting import Visitor, visiting
from tests.api.conftest import Api, keys_of, providing, serving
from tests.console.conftest import Desk, signed_in
from tests.flows.net import net
from tests.flows.proxy import Hole, hole
from tests.flows.test_answers import BODIES
from tests.flows.world import world

# Calls that were under way when it fell silent, and none for each that came after.
BEGUN = 4
# A worker looks by itself as well.
POLLS = 4


@dataclass
class Shop:
    api: Api
    hole: Hole
    visitor: Visitor
    desk: Desk

    async def falls_silent(self) -> None:
        """The first call after that finds out."""
        self.hole.dark = True
        assert await self.api.hub.limits.take("s", "first", 5, 60) == 0.0
        assert self.api.hub.redis.circuit.away

    async def comes_back(self) -> None:
        self.hole.heal()
        async with asyncio.timeout(60):
            await self.api.hub.redis.circuit.mended()
        assert not self.api.hub.redis.circuit.away
        assert await self.api.hub.redis.ping()


@pytest.fixture(autouse=True)
def given_up() -> Iterator[None]:
    """A connection that is given up while it is being made may have been made all the same; asyncio leaves it to the
    collector, which must not tell of it in somebody else's test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
async def shop(settings: Settings) -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        between = await stack.enter_async_context(hole(settings.redis_url.get_secret_value()))
        provider = await stack.enter_async_context(providing())
        reached = settings.changed(redis_url=between.url, public_url="http://127.0.0.1:9", requests_per_minute=1000)
        hub, url = await stack.enter_async_context(serving(reached, provider))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        api = Api(hub, url, *await keys_of(hub), http)
        visitor = await stack.enter_async_context(visiting(api))
        desk = await signed_in(api)
        stack.push_async_callback(desk.http.close)
        yield Shop(api, between, visitor, desk)


async def test_every_door_goes_on_and_the_pause_ends_by_itself(shop: Shop) -> None:
    await shop.visitor.prompt("before")
    await shop.falls_silent()
    for n in range(5):
        assert await shop.visitor.prompt(f"hello {n}")
        assert (await shop.visitor.stream(f"streamed {n}"))[-1] == "[DONE]"
        assert (await shop.desk.get("/console")).status == 200
        assert (await shop.desk.get("/console/inbox")).status == 200
        sent = {"model": shop.visitor.gateway, "messages": [{"role": "user", "content": "hi"}]}
        assert (await shop.api.call("POST", "/v1/chat/completions", sent)).status == 200
    assert len(shop.hole.asked) <= BEGUN, shop.hole.asked
    await shop.comes_back()
    assert shop.api.hub.redis.circuit.pauses == 1
    count = len(shop.hole.asked)
    await shop.visitor.prompt("after")
    assert len(shop.hole.asked) == count


async def test_webhooks_are_stored_and_answered_without_a_bell(settings: Settings) -> None:
    async with hole(settings.redis_url.get_secret_value()) as between, net() as calls:
        async with world(settings.changed(redis_url=between.url), calls) as w:
            await w.knock("telegram", BODIES["telegram"]("before"))
            await w.settle()
            between.dark = True
            for n in range(8):
                assert await w.knock("telegram", BODIES["telegram"](f"hello {n}")) is Verdict.STORED
            await w.settle()
            assert await w.hub.db.value("select count(*) from inbox where state <> 'answered'") == 0
            assert len(between.asked) <= BEGUN + POLLS, between.asked
            between.heal()
            async with asyncio.timeout(60):
                await w.hub.redis.circuit.mended()
            assert await w.hub.queue.turn(w.client, 1)


async def test_listeners_hear_again_when_it_is_back(shop: Shop) -> None:
    events = shop.api.hub.events
    async with events.listen("here") as heard:
        await shop.falls_silent()
        async with events.listen("there"):
            pass
        await shop.comes_back()
        async with asyncio.timeout(60):
            while heard.empty():
                await events.publish("here", {"n": 1})
                await asyncio.sleep(0.05)
    assert len(shop.hole.asked) <= 1


@pytest.mark.parametrize("rule, allowed", [("local", 3), ("open", 6), ("closed", 0)])
async def test_limits_that_cannot_be_asked_do_as_they_are_set(shop: Shop, rule: str, allowed: int) -> None:
    await shop.falls_silent()
    limits = Limits(shop.api.hub.redis, "t", rule)  # type: ignore[arg-type]  # one of the three
    assert sum([await limits.take("s", "ana", 3, 60) == 0.0 for _ in range(6)]) == allowed
    assert sum([not (await limits.count("s", "ana", 3, 60)).over for _ in range(6)]) == allowed
    assert len(shop.hole.asked) == 1
