"""A flood at the door: it asks the database no more than one call does, and is counted before it stands in line."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer

from hub.api.app import build_app
from hub.api.http.app_keys import CROWD
from hub.chat.inbound.crowd import AT_ONCE, FEW, LONGEST, MOST, SEEN, Crowd
from hub.chat.inbound.intake import Intake
from hub.chat.inbound.webhooks import Call, Receiver, Verdict
from hub.config import Settings
from hub.errors import Overloaded
from hub.runtime import Hub, open_hub
from hub.task_groups import end
from tests.flows.net import Net
from tests.flows.world import SECRET, World, make

MANY = 200
HEADERS = {"x-telegram-bot-api-secret-token": SECRET}


class Asked:
    """A database that counts what it is asked, answers when it is let, and fails when it is told to."""

    def __init__(self, hub: Hub) -> None:
        self._db = hub.db
        self.keys = hub.db.keys
        self.count = self.values = 0
        self.may = asyncio.Event()
        self.fail: BaseException | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    async def row(self, sql: str, *args: Any) -> Any:
        self.count += 1
        await self.may.wait()
        if self.fail is not None:
            raise self.fail
        return await self._db.row(sql, *args)

    async def value(self, sql: str, *args: Any) -> Any:
        self.values += 1
        return await self._db.value(sql, *args)


@pytest.fixture
async def hub(settings: Settings) -> AsyncIterator[Hub]:
    async with open_hub(settings) as one:
        yield one


@pytest.fixture
async def world(hub: Hub) -> World:
    return await make(hub, Net(url=hub.settings.telegram_api_url), {"telegram": "reconcile"})


async def test_a_flood_asks_once_whose_address_it_is(hub: Hub, world: World) -> None:
    asked, intake = Asked(hub), Intake(hub.db, hub.queue)
    receiver = Receiver(replace(hub, db=asked), intake)  # type: ignore[arg-type]  # it counts calls, like a Db
    call = Call("telegram", world.client, SECRET, HEADERS)
    flood = [asyncio.create_task(receiver.admits(call)) for _ in range(MANY)]
    gone = flood.pop(0)  # who asked first does not wait for it
    await asyncio.sleep(0)
    await end([gone])
    asked.may.set()
    assert set(await asyncio.gather(*flood)) == {Verdict.STORED}
    assert asked.count == 1
    # What fails, fails for all that waited, and is asked again by the next.
    receiver._known.clear()
    asked.fail = Overloaded("away")
    ends = await asyncio.gather(*(receiver.admits(call) for _ in range(MANY)), return_exceptions=True)
    assert {type(e) for e in ends} == {Overloaded} and asked.count == 2
    asked.fail = None
    assert await receiver.admits(call) is Verdict.STORED and asked.count == 3
    await intake.close()


async def test_a_guessed_address_costs_one_question_and_for_a_while_no_other(hub: Hub, world: World) -> None:
    asked, intake = Asked(hub), Intake(hub.db, hub.queue)
    asked.may.set()
    receiver = Receiver(replace(hub, db=asked), intake)  # type: ignore[arg-type]  # it counts calls, like a Db
    guessed = [Call("telegram", uuid4(), SECRET, HEADERS) for _ in range(5)]
    for call in guessed * 2:
        assert await receiver.admits(call) is Verdict.UNKNOWN
    assert (asked.count, asked.values) == (len(guessed), 0)
    await intake.close()


async def test_whose_address_it_is_is_asked_again_before_it_is_forgotten(hub: Hub, world: World) -> None:
    """Nobody waits for it, however slow the database is; and of another address it is asked apart."""
    asked, intake = Asked(hub), Intake(hub.db, hub.queue)
    receiver = Receiver(replace(hub, db=asked), intake)  # type: ignore[arg-type]  # it counts calls, like a Db
    asked.may.set()
    call = Call("telegram", world.client, SECRET, HEADERS)
    assert await receiver.admits(call) is Verdict.STORED
    [(place, (until, kept))] = receiver._known.items()
    receiver._known[place] = (until - 0.5, kept)  # as if half a second had passed
    asked.may.clear()
    assert [await receiver.admits(call) for _ in range(20)] == [Verdict.STORED] * 20
    await asyncio.sleep(0)
    assert asked.count == 2, "one question, for the next second"
    asked.may.set()
    while receiver._known[place][0] <= until:
        await asyncio.sleep(0)
    assert asked.count == 2
    await intake.close()


async def test_what_arrives_at_once_is_counted_before_anybody_looks_at_it() -> None:
    crowd, one, other = Crowd(), uuid4(), uuid4()
    away = [crowd.turns_away(one) for _ in range(MOST + 5)]
    assert away.count(True) == 5 and not any(away[:MOST])
    assert not crowd.turns_away(other), "nobody else is turned away for it"
    # What was none, or is answered by now, is forgotten.
    while crowd.turns_away(one):
        await asyncio.sleep(0.01)


async def test_where_the_line_is_known_to_be_slow_no_more_comes_in_than_it_serves() -> None:
    crowd, one, other = Crowd(), uuid4(), uuid4()
    let = asyncio.Semaphore(0)

    async def come(client: UUID) -> None:
        async with crowd.one(client):
            await let.acquire()

    # So many that somebody always waits; then their places are given on slowly.
    flood = [asyncio.create_task(come(one)) for _ in range(AT_ONCE + SEEN + 1)]
    await asyncio.sleep(0)
    for _ in range(SEEN):
        let.release()
        await asyncio.sleep(0.001)
    allowed = crowd._longest()
    assert allowed < LONGEST, "it is known how fast it goes"
    for _ in flood:
        let.release()
    await asyncio.gather(*flood)
    # The line is gone; how fast it went is remembered, for the beginning of the next flood.
    assert crowd._longest() == allowed
    came = [crowd.turns_away(one) for _ in range(MOST)].count(False)
    assert came <= AT_ONCE + allowed + 1
    assert [crowd.turns_away(other) for _ in range(FEW)] == [False] * FEW
    # Who has begun to be looked at counts as well, and no longer as somebody who arrives.
    with crowd.coming(one):
        assert crowd.turns_away(one)
    assert not crowd.refuses(other)


async def test_strangers_who_are_looked_up_keep_nobody_out(hub: Hub, world: World) -> None:
    """However many addresses are guessed at, and however slow the database is: nobody else is refused for them."""
    asked, intake = Asked(hub), Intake(hub.db, hub.queue)
    app = build_app(replace(hub, db=asked), intake)  # type: ignore[arg-type]  # it answers when it is let
    path = "/api/v1/webhooks/telegram/{}/{}"
    async with TestClient(TestServer(app)) as http:
        strangers = [
            asyncio.create_task(http.post(path.format(uuid4(), "guessed"), data=b"{}")) for _ in range(AT_ONCE + 10)
        ]
        try:
            while asked.count < len(strangers):
                await asyncio.sleep(0.01)
            crowd = app[CROWD]
            assert not crowd.refuses(uuid4()) and sum(crowd._coming) == 0
        finally:
            asked.may.set()
            answers = await asyncio.gather(*strangers)
        assert {a.status for a in answers} == {404}
    await intake.close()
