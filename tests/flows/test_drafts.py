"""Telegram's drafts: an answer seen while it is made, and sent as if nobody had seen it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from hub.config import Settings
from tests.fakes.model import says
from tests.flows.net import Call, Json
from tests.flows.picky import Picky, picky
from tests.flows.rig import Rig, echo, rig
from tests.flows.test_answers import say, telegram
from tests.flows.world import make

ARGUMENTS = '{"day": "Monday"}'
BOOK: Json = {"index": 0, "id": "c1", "type": "function", "function": {"name": "book", "arguments": ARGUMENTS}}
NO_METHOD = {"ok": False, "error_code": 404, "description": "Not Found: method not found"}


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    async with picky() as net, rig(settings, work=True, net=net) as one:
        await one.db.run("update integrations set mode = 'draft' where channel = 'telegram'")
        yield one


def net(r: Rig) -> Picky:
    assert isinstance(r.net, Picky)
    return r.net


def drafts(r: Rig, since: int = 0) -> list[Json]:
    return [c.body for c in r.net.calls[since:] if c.path.endswith("/sendMessageDraft")]


def methods(calls: list[Call]) -> list[str]:
    return [c.path.rsplit("/", 1)[-1] for c in calls if "/bot" in c.path]


async def test_an_answer_is_seen_while_it_is_made_and_sent_once(r: Rig) -> None:
    r.model.default = says("One **two**", " three", " four", delay=0.7)
    await say(r.w, "telegram", "hello")
    await r.w.settle()
    shown = drafts(r)
    assert shown[-1]["text"].startswith("One <b>two</b> three") and len({d["text"] for d in shown}) >= 2
    assert len({d["draft_id"] for d in shown}) == 1 and int(shown[0]["draft_id"]) != 0
    assert methods(r.net.calls)[-1] == "sendMessage", "nothing is shown behind the answer"
    assert set(methods(r.net.calls)) == {"sendMessageDraft", "sendMessage"}, "no placeholder, and no typing beside it"
    assert net(r).final() == ["One <b>two</b> three four"]
    assert await r.db.value("select count(*) from outbox") == 1


async def test_who_waits_for_the_first_word_sees_that_somebody_thinks(r: Rig) -> None:
    r.model.default = echo(3.6)
    await say(r.w, "telegram", "hello #a1-1")
    await r.w.settle()
    first = drafts(r)[0]
    assert first["text"] == "" and "parse_mode" not in first


async def test_a_tool_call_does_not_end_the_sight_of_it(r: Rig) -> None:
    """What was said before the tool is said again under another id, and goes on; what is sent comes after all of it."""

    async def book(request: web.Request) -> web.Response:
        await asyncio.sleep(1.2)
        return web.Response(text="Booked.")

    r.net.replies += [("/book", book)]
    shape = {"type": "object", "properties": {"day": {"type": "string"}}}
    function = {"name": "book", "description": "Books.", "callbackUrl": f"{r.net.url}/book", "headers": {}}
    tools = {"protocolFunctions": [function | {"contentFormat": shape}]}
    await r.db.run("update gateways set parameters = parameters || $1", tools)

    async def books(request: web.Request, body: Json) -> web.StreamResponse:
        heard = [m for m in body["messages"] if m["role"] == "tool"]
        said = says("It is done.", delay=0.8) if heard else says("One moment. ", delay=0.2, tool_calls=[BOOK])
        return await said(request, body)

    r.model.default = books
    await say(r.w, "telegram", "hello")
    await r.w.settle()
    shown = [(d["draft_id"], d["text"]) for d in drafts(r)]
    assert shown[0][1].startswith("One moment.") and shown[-1][1].startswith("One moment.")
    assert len({number for number, _ in shown}) >= 2
    assert methods(r.net.calls)[-1] == "sendMessage"
    assert net(r).final() == ["One moment.", "It is done."]


async def test_a_bot_that_may_not_show_drafts_types_and_is_not_asked_again_for_a_while(r: Rig) -> None:
    net(r).refuse("sendMessageDraft", 404, NO_METHOD)
    r.model.default = echo(3.0)
    await say(r.w, "telegram", "hello #a1-1")
    await r.w.settle()
    assert len(drafts(r)) == 1 and "sendChatAction" in methods(r.net.calls)
    assert net(r).final() == ["You said #a1-1"]
    await say(r.w, "telegram", "hello #a1-2")
    await r.w.settle()
    assert len(drafts(r)) == 1
    assert net(r).final() == ["You said #a1-1", "You said #a1-2"]


async def test_one_bot_s_refusal_is_not_another_s(r: Rig) -> None:
    """Two bots: the drafts of one are refused, of the other shown; then the first one's hang. Both answer."""
    other = await make(r.w.hub, r.net, {"telegram": "draft"})
    await r.db.run("update gateways set parameters = $1", {"baseAddress": f"{r.model.url}/v1", "modelName": "fake-1"})
    net(r).refuse("sendMessageDraft", 404, NO_METHOD, when=lambda b: str(b.get("chat_id")) == "700")
    r.model.default = echo(3.0)
    await say(r.w, "telegram", "hello #a1-1")
    await say(other, "telegram", "", _from(701, "hello #b1-1"))
    await r.w.settle()
    assert [d["chat_id"] for d in drafts(r)].count("700") == 1
    assert len([d for d in drafts(r) if str(d["chat_id"]) == "701"]) >= 2
    assert sorted(net(r).final()) == ["You said #a1-1", "You said #b1-1"]


async def test_drafts_that_hang_hold_no_answer_up(r: Rig) -> None:
    ended: list[str] = []

    async def never(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        ended.append(request.path)
        return web.Response(status=504)

    r.net.replies += [("sendMessageDraft", never)]
    r.model.default = echo(1.8)
    await say(r.w, "telegram", "hello #a1-1")
    await r.w.settle()
    assert net(r).final() == ["You said #a1-1"]
    assert ended == [], "nobody waited for it"
    assert await r.db.value("select state from outbox") == "sent"


async def test_a_worker_that_dies_while_it_shows_an_answer_leaves_nothing_behind(settings: Settings) -> None:
    async with picky() as provider, rig(settings, net=provider) as r:
        await r.db.run("update integrations set mode = 'draft' where channel = 'telegram'")
        r.model.plan.append(says(*["One "] * 200, delay=0.2))
        await say(r.w, "telegram", "hello #a1-1")
        worker = r.start()
        await r.w.until(lambda: any(d["text"] for d in drafts(r)))
        worker.kill()
        assert await r.db.value("select count(*) from outbox") == 0
        await r.hurry()
        r.start()
        await r.w.settle()
        assert provider.final() == ["You said #a1-1"] and methods(r.net.calls)[-1] == "sendMessage"
        await r.one_answer()


async def test_groups_keep_their_placeholder(r: Rig) -> None:
    await r.db.run("update integrations set groups = 'all'")
    chat = {"id": -100200300, "type": "supergroup", "title": "Friends"}
    body = telegram("hello #a1-1")
    body["message"]["chat"] = chat
    await say(r.w, "telegram", "", body)
    await r.w.settle()
    assert drafts(r) == [] and {"sendMessage", "editMessageText"} <= set(methods(r.net.calls))
    assert net(r).final() == ["You said #a1-1"]


async def test_an_answer_whose_sending_nobody_confirms_is_not_said_twice(r: Rig) -> None:
    net(r).plan = lambda path: "lost" if path.endswith("sendMessage") else "ok"
    await say(r.w, "telegram", "hello #a1-1")
    await r.w.until(lambda: r.db.value("select count(*) = 1 from outbox where state = 'unknown'"))
    assert net(r).final() == ["You said #a1-1"]


def _from(person: int, text: str) -> dict[str, Any]:
    body = telegram(text)
    body["message"]["chat"] = {"id": person, "type": "private"}
    body["message"]["from"] |= {"id": person}
    return body
