"""Models that are slow, cut off, busy, broken or silent: the contact gets exactly one answer, and a next one."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import cast
from uuid import UUID

import pytest
from aiohttp import web

from hub.chat import texts
from hub.chat.website import prompts
from hub.config import Settings
from hub.store.web_sessions import Visit
from tests.fakes.model import Act, Json, cut, event, hangs, raw, refuses, says
from tests.flows.rig import Rig, echo, rig
from tests.flows.test_answers import say

FAILURES: dict[str, Act] = {
    "cut in the middle": cut("You said ", "some"),
    "ended too early": cut("You said ", "some", abort=False),
    "busy": refuses(429, "slow down", {"Retry-After": "0"}),
    "broken": refuses(500, "internal secret-of-the-server"),
    "empty": says(""),
    "garbage": raw(b"data: {not json\n\ndata: \xff\xfe\n\n"),
    "a page": raw(b"<html>Bad gateway</html>", "text/html"),
}
SORRY = {"telegram": texts.say("fallback", "en"), "zapi": texts.say("fallback", "pt")}


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    async with rig(settings.changed(turn_seconds=4), work=True) as one:
        yield one


@pytest.mark.parametrize("failure", FAILURES)
async def test_one_failure_is_not_noticed(r: Rig, failure: str) -> None:
    r.model.plan.append(FAILURES[failure])
    await say(r.w, "telegram", "hello #a1-1")
    await r.w.settle()
    assert r.net.final() == ["You said #a1-1"]
    assert await r.db.value("select outcome from turns") == "answered"


@pytest.mark.parametrize(("failure", "channel"), list(zip(FAILURES, ["telegram", "zapi"] * 4, strict=False)))
async def test_failure_for_good_is_said_and_the_next_message_works(r: Rig, failure: str, channel: str) -> None:
    r.model.default = FAILURES[failure]
    await say(r.w, channel, "hello #a1-1")
    await r.w.settle()
    assert r.net.final() == [SORRY[channel]], "in the contact's language"
    row = await r.db.row("select outcome, error from turns")
    assert row["outcome"] == "failed" and len(row["error"]) > 15
    assert "Traceback" not in row["error"] and r.model.url not in row["error"]
    r.model.default = echo()
    await say(r.w, channel, "again #a1-2")
    await r.w.settle()
    assert r.net.final() == [SORRY[channel], "You said #a1-2"]


async def test_a_model_that_never_answers_is_given_up(settings: Settings) -> None:
    async with rig(settings.changed(turn_seconds=1.5), work=True) as r:
        r.model.default = hangs()
        await say(r.w, "telegram", "hello #a1-1")
        await r.w.settle()
        assert r.net.final() == [SORRY["telegram"]]
        row = await r.db.row("select outcome, error from turns")
        assert row["outcome"] == "failed" and "time" in row["error"]
        r.model.default = echo()
        await say(r.w, "telegram", "again #a1-2")
        await r.w.settle()
        assert r.net.final()[-1] == "You said #a1-2"


async def test_a_slow_answer_keeps_its_lease(settings: Settings) -> None:
    async with rig(settings.changed(lease_seconds=1, turn_seconds=10), work=True) as r:
        r.model.default = echo(2.4)
        await say(r.w, "telegram", "hello #a1-1")
        await r.w.settle()
        assert r.net.final() == ["You said #a1-1"]
        assert len(r.model.calls) == 1, "nobody else took it"


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_turn_is_stopped_where_it_runs(settings: Settings, elsewhere: bool) -> None:
    async with rig(settings, work=not elsewhere, mode={"telegram": "draft"}) as r:
        if elsewhere:
            r.start()
        over = asyncio.Event()
        r.model.plan.append(_says_no_more_than("So far", over))
        await say(r.w, "telegram", "hello #a1-1")
        try:
            # Somebody reads what has been said so far, and presses stop until it stops.
            await r.w.until(lambda: any(d.text == "So far" for d in r.net.drafts))
            session = await r.db.value("select id from sessions")
            await r.w.until(lambda: _stopped(r, session))
        finally:
            over.set()
        await r.w.settle()
        assert r.net.final() == ["So far"]
        row = await r.db.row("select outcome, error from turns")
        assert tuple(row) == ("cancelled", None)
        await say(r.w, "telegram", "again #a1-2")
        await r.w.settle()
        assert r.net.final() == ["So far", "You said #a1-2"]


def _says_no_more_than(text: str, over: asyncio.Event) -> Act:
    """Not until that, however long it takes."""

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        await out.write(event({"role": "assistant", "content": text}))
        await over.wait()
        return out

    return act


async def _stopped(r: Rig, session: UUID) -> bool:
    await prompts.cancel(r.w.hub, cast(Visit, SimpleNamespace(session_id=session)))
    return bool(await r.db.value("select count(*) from turns"))
