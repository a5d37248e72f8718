"""A worker dies around a tool (C7): what was done is not done twice, and what is unknown is called so."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.config import Settings
from tests.fakes.model import Act, says
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import say

Json = dict[str, Any]
ARGUMENTS = '{"day": "Monday"}'
BOOK: Json = {"index": 0, "id": "c1", "type": "function", "function": {"name": "book", "arguments": ARGUMENTS}}


class Callback:
    """The customer's server: counts what it was asked to do."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: list[str | None] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers.get("Idempotency-Key"))
        return web.Response(text="Booked as number 7.")


@pytest.fixture
async def callback() -> AsyncIterator[Callback]:
    found = Callback()
    app = web.Application()
    app.router.add_post("/", found.handle)
    async with TestServer(app) as server:
        found.url = str(server.make_url("/"))
        yield found


@pytest.fixture
async def r(settings: Settings, callback: Callback) -> AsyncIterator[Rig]:
    async with rig(settings.changed(lease_seconds=1)) as one:
        function = {
            "name": "book", "description": "Books a day.", "callbackUrl": callback.url, "headers": {},
            "contentFormat": {"type": "object", "properties": {"day": {"type": "string"}}},
        }  # fmt: skip
        await one.db.run(
            "update gateways set parameters = parameters || $1", {"protocolFunctions": [function]}
        )
        one.model.default = booking()
        yield one


def booking() -> Act:
    """Asks for the tool once, then says what it heard of it."""

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        heard = [m["content"] for m in body["messages"] if m["role"] == "tool"]
        return await (says(f"Heard: {heard[-1]}") if heard else says(tool_calls=[BOOK]))(request, body)

    return act


async def test_a_call_that_was_done_is_not_done_again(r: Rig, callback: Callback) -> None:
    await say(r.w, "zapi", "book #a1-1")
    await r.dies_at("C8")
    assert len(callback.keys) == 1 and await r.count("select count(*) from turns") == 0
    r.start()
    await r.w.settle()
    await r.one_answer()
    assert r.net.final() == ["Heard: Booked as number 7."] and len(callback.keys) == 1


async def test_c7_a_call_whose_outcome_is_unknown_is_not_repeated(r: Rig, callback: Callback) -> None:
    await say(r.w, "zapi", "book #a1-1")
    await r.dies_at("C7")
    assert callback.keys == [] and await r.count("select state from turn_steps") == "started"
    r.start()
    await r.w.settle()
    await r.one_answer()
    [said] = r.net.final()
    assert "not known whether" in said and callback.keys == []


async def test_the_name_of_a_call_is_its_own(r: Rig, callback: Callback) -> None:
    r.start()
    await say(r.w, "zapi", "book #a1-1")
    await r.w.settle()
    await say(r.w, "zapi", "again #a1-2")
    r.model.plan.extend([says(tool_calls=[BOOK]), says("Twice.")])
    await r.w.until(lambda: len(r.net.final()) == 2)
    await r.w.settle()
    assert len(callback.keys) == len(set(callback.keys)) == 2 and None not in callback.keys
    rows = await r.db.fetch("select role, content from messages order by position")
    assert [x["role"] for x in rows[:4]] == ["user", "assistant", "tool", "assistant"]
    assert rows[1]["content"]["tool_calls"][0]["function"]["name"] == "book"
    assert await r.count("select message_count from sessions") == 4, "tools are no messages of the conversation"
