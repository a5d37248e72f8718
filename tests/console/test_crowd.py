"""Who else looks at a conversation, and who is writing in it: colleagues to each other, and to the visitor."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson

from hub.chat.news import of_account
from hub.chat.website.visitor_typing import MOST, VISITOR
from tests.api.chatting import Visitor, visiting
from tests.api.conftest import Api
from tests.console.conftest import Desk, signed_in

Words = Callable[[str], Awaitable[str]]


@asynccontextmanager
async def opened(desk: Desk, session: str) -> AsyncIterator[Words]:
    """The page of a conversation in front of somebody; what its stream says until some words."""
    async with desk.http.get(f"{desk.api.url}/console/events?session={session}") as stream:
        async def until(words: str) -> str:
            seen = ""
            while words not in seen:
                seen += (await asyncio.wait_for(stream.content.readany(), 20)).decode()
            return seen

        await until('hx-target="#crowd"')
        yield until


async def test_colleagues_see_each_other(desk: Desk, agent: Desk, api: Api) -> None:
    foreign = await signed_in(api, account=await api.hub.db.value(
        "select account_id from api_keys where tail = $1", api.foreign[-6:]))
    async with visiting(api) as me, visiting(api) as other:
        await me.prompt("Hello")
        await other.prompt("Hello")
        async with opened(desk, me.session) as mine:
            async with opened(agent, me.session) as theirs:
                await mine("Agent looks at this too")
                await theirs("Owner looks at this too")
                await agent.post(f"/console/inbox/{other.session}/typing", what="types")
                await agent.post(f"/console/inbox/{me.session}/typing", what="types")
                assert "Agent is writing" in await mine("Agent is writing")
                await agent.post(f"/console/inbox/{me.session}/typing", what="stops")
                await mine("Agent looks at this too")
            gone = await mine('hx-target="#crowd"')
            assert "Agent" not in gone.split('hx-target="#crowd"')[1].split("</hx-partial>")[0]
        assert (await foreign.post(f"/console/inbox/{me.session}/typing", what="types")).status == 404
        assert (await desk.post(f"/console/inbox/{me.session}/typing", what="x")).status == 400
    await foreign.http.close()


async def heard(me: Visitor, many: int) -> list[dict[str, object]]:
    """What the visitor's page is told of who is writing."""
    found: list[dict[str, object]] = []
    url = f"{me.api.url}{me.base}/events"
    async with me.api.http.get(url, headers={"Accept-Language": "pt-BR"}) as stream:
        kind = ""
        async for line in stream.content:
            name, _, value = line.decode().strip().partition(": ")
            kind = value if name == "event" else kind
            if name == "data" and kind == "typing":
                found.append(orjson.loads(value))
                if len(found) == many:
                    break
    return found


async def test_a_visitor_sees_that_a_person_writes(desk: Desk, viewer: Desk, api: Api) -> None:
    async with visiting(api) as me:
        await me.prompt("Hello")
        here = f"/console/inbox/{me.session}"
        await desk.post(f"{here}/typing", what="types")  # before it is theirs it is between colleagues
        await desk.done(f"{here}/take")
        listening = asyncio.create_task(heard(me, 2))
        while not api.hub.events.heard(f"s:{me.session}"):
            await asyncio.sleep(0.02)
        for what in ("types", "stops"):
            await desk.post(f"{here}/typing", what=what)
        told = await asyncio.wait_for(listening, 20)
        assert [one["active"] for one in told] == [True, False]
        assert told[0]["text"] == "Escrevendo…" and told[1]["text"] == "Uma pessoa vai responder."
        assert (await viewer.post(f"{here}/typing", what="types")).status == 403


async def test_a_visitor_who_writes_is_seen_as_far_as_the_business_wants(desk: Desk, api: Api) -> None:
    async with visiting(api, visitorTyping="draft") as me, visiting(api, visitorTyping="shown") as shown, \
            visiting(api) as hidden:
        for one, draft in ((me, True), (shown, False)):
            await one.prompt("Hello")
            async with opened(desk, one.session) as mine:
                for other in (hidden, me if one is shown else shown):
                    told = await other.call("POST", "/typing", {"active": True, "text": "somebody else's"})
                    assert told.status == 204
                sent = {"active": True, "text": "late <script>"}
                assert (await one.call("POST", "/typing", sent)).status == 204
                seen = await mine("The visitor is writing")
                assert ("late &lt;script&gt;" in seen) == draft and "somebody else" not in seen
                await one.call("POST", "/typing", {"active": False})
                assert "is writing" not in (await mine('hx-target="#visitor"')).rpartition("#visitor")[2]
        for wrong in ({"text": "x"}, {"active": True, "text": "x" * 2001}):
            assert (await me.call("POST", "/typing", wrong)).status == 400, wrong
        nobody = "/api/v1/public/chat-clients/wky_none/typing"
        assert (await api.call("POST", nobody, {"active": True}, key="")).status == 422
        keys = [k async for k in api.hub.redis.scan_iter("*late*")]
        stored = "select count(*) from messages where content::text like '%late %'"
        assert keys == [] and await api.hub.db.value(stored) == 0


async def test_a_page_that_tells_too_often_is_not_heard(desk: Desk, api: Api) -> None:
    async with visiting(api, visitorTyping="draft") as me, visiting(api, visitorTyping="draft") as other:
        async with api.hub.events.listen(of_account(api.account)) as heard:
            for n in range(MOST + 40):
                assert (await me.call("POST", "/typing", {"active": True, "text": str(n)})).status == 204
            await other.call("POST", "/typing", {"active": True, "text": "the other"})
            told: list[dict[str, Any]] = []
            while not told or told[-1].get("text") != "the other":
                told.append(await asyncio.wait_for(heard.get(), 20))
        mine = [e for e in told if e["type"] == VISITOR and me.session in e["sessions"]]
        assert 0 < len(mine) < MOST + 40
