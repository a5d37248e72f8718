"""A session that goes away while somebody waits for its answer."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import aiohttp
import pytest

from hub.config import Settings
from tests.api.alone import api, provider
from tests.api.chatting import Visitor, events, text_of, visiting
from tests.api.conftest import Answer, Api, Provider, serving
from tests.fakes.model import says

__all__ = ["api", "provider"]

GONE = (422, "session_ended")
SLOW = says(*(f"w{n} " for n in range(200)), delay=0.1)


async def _asked(me: Visitor, api: Api | None = None) -> "asyncio.Task[Answer]":
    """A prompt on its way, whose model is speaking."""
    calls = len(me.model.calls)
    task = asyncio.create_task((api or me.api).call("POST", me.base + "/prompt", {"prompt": "Tell me"}, key=""))
    while len(me.model.calls) == calls:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)
    return task


async def _session(me: Visitor) -> None:
    await me.api.ok("DELETE", f"/api/v1/web-chat-client/{me.client}/sessions/{me.session}")


async def _client(me: Visitor) -> None:
    await me.api.ok("DELETE", f"/api/v1/web-chat-client/{me.client}")


@pytest.mark.parametrize("delete", [_session, _client])
async def test_a_waiting_prompt_ends_with_its_session(api: Api, delete: Callable[[Visitor], Awaitable[None]]) -> None:
    async with visiting(api) as me, visiting(api) as other:
        me.model.default = SLOW
        other.model.default = says("Still ", "here.", delay=1.0)
        task, neighbour = await _asked(me), await _asked(other)
        await delete(me)
        got = await asyncio.wait_for(task, 10)
        assert (got.status, got.body["code"]) == GONE
        assert got.body["details"]["completionText"].startswith("w0 ")
        # Nobody pays for what nobody hears; what was made is charged, and the neighbour is answered.
        assert (await asyncio.wait_for(neighbour, 10)).body["completionText"] == "Still here."
        assert (await me.call("GET")).status == 422


async def test_a_stream_and_a_page_end_with_the_session(api: Api) -> None:
    async with visiting(api) as me:
        me.model.default = SLOW
        page = asyncio.create_task(me.call("GET", "/events"))
        stream = asyncio.create_task(me.call("POST", "/stream", {"prompt": "Tell me"}))
        while not me.model.calls:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        await _session(me)
        chunks = events(str((await asyncio.wait_for(stream, 10)).body))
        assert chunks[-1] == "[DONE]" and text_of(chunks).startswith("w0 ")
        assert "session_ended" in str(chunks[-2])
        assert "w0" in str((await asyncio.wait_for(page, 10)).body)


async def test_a_prompt_that_never_came_to_its_turn(api: Api, settings: Settings, provider: Provider) -> None:
    """It waits in one process for a turn of another, and the session is deleted."""
    async with visiting(api) as me, serving(settings, provider) as (hub, url), aiohttp.ClientSession() as http:
        me.model.default = SLOW
        there = Api(hub, url, me.api.account, me.api.key, me.api.public, me.api.foreign, http)
        first = await _asked(me, there)
        second = asyncio.create_task(me.call("POST", "/prompt", {"prompt": "And then"}))
        waiting = "select count(*) from inbox where session_id = $1"
        while await me.api.hub.db.value(waiting, UUID(me.session)) < 2:
            await asyncio.sleep(0.02)
        await _session(me)
        for task in (second, first):
            got = await asyncio.wait_for(task, 15)
            assert (got.status, got.body["code"]) == GONE


async def test_a_lost_lease_does_not_end_the_request(api: Api) -> None:
    """Another process has the session: whoever waits here gets that process's answer."""
    async with visiting(api) as me:
        me.model.default = SLOW
        task, leases, session = await _asked(me), me.api.hub.leases, UUID(me.session)
        me.model.default = says("Anew.")
        held = leases.held()
        # As when a sweep has given the session to somebody who died at once.
        await me.api.hub.db.run(
            "update sessions set epoch = epoch + 1, lease_until = null, owner = null where id = $1", session
        )
        leases.keep(held, set())
        got = await asyncio.wait_for(task, 40)
        assert (got.status, got.body["completionText"]) == (200, "Anew.")
        assert await me.said() == [("user", "Tell me"), ("assistant", "Anew.")]
