"""A person when a person is needed: asked for in words, by the model, by a button; while people are there and not."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.accounts import desk as people
from hub.accounts.desk import Desk
from hub.chat.turns import human
from hub.chat.website import culture
from hub.console.desk import read, written
from hub.errors import Invalid
from hub.translations import Catalogues
from tests.api.chatting import Visitor, visiting
from tests.api.conftest import Api
from tests.api.test_tools_in_answers import calls
from tests.console.conftest import Desk as Browser
from tests.console.conftest import signed_in
from tests.console.test_inbox import listed
from tests.fakes.model import says

ON = {"sentinelOptions": {"enabledFunctions": ["AskForHuman"]}}
WISH = "I want to talk to a human, please"
STATE = "select state from human_requests where session_id = $1"


@asynccontextmanager
async def watched(browser: Browser) -> AsyncIterator[None]:
    """The inbox is open in front of somebody."""
    async with browser.http.get(f"{browser.api.url}/console/events?show=all") as stream:
        await stream.content.readany()
        yield


async def silent(me: Visitor) -> bool:
    return bool(await me.api.hub.db.value("select handoff_at is not null from sessions where id = $1", me.session))


async def test_while_somebody_is_there_they_are_called(desk: Browser, api: Api) -> None:
    async with visiting(api) as me, watched(desk):
        await me.prompt(WISH)
        assert not await silent(me), "without the switch it is a question like others"
        await me.set(**ON)
        asked = len(me.model.calls)
        said = (await me.prompt(WISH))["completionText"]
        assert "called a colleague" in said and len(me.model.calls) == asked
        assert await silent(me) and await api.hub.db.value(STATE, me.session) == "waiting"
        got = await me.call("POST", "/prompt", {"prompt": "Hello?"})
        assert got.status == 422 and got.body["code"] == "handoff", "the bot is silent"
        page = await desk.get("/console/inbox?show=asked")
        assert me.session in listed(page.text) and "asked for a person" in page.text and "data-due" in page.text
        page = await desk.get(f"/console/inbox/{me.session}")
        assert "A person was asked for in words" in page.text and "A person was called" in page.text
        await desk.done(f"/console/inbox/{me.session}/say", text="I am here.")
        assert await api.hub.db.value(STATE, me.session) == "answered"
        told = "select detail from happenings where session_id = $1 and kind = 'person_answered'"
        assert (await api.hub.db.value(told, me.session))["late"] is False
        assert me.session not in listed((await desk.get("/console/inbox?show=asked")).text)


async def test_while_nobody_is_there_an_address_is_asked_for(desk: Browser, api: Api) -> None:
    async with visiting(api) as me:
        await me.set(**ON)
        said = (await me.prompt("Quero falar com um atendente"))["completionText"]
        assert "e-mail" in said.lower() and not await silent(me)
        assert await api.hub.db.value(STATE, me.session) == "left"
        assert (await me.prompt("What do roses cost?"))["completionText"] == "Hello from the model.", "the bot goes on"
        assert "ana@example.com" in (await me.prompt("it is ana@example.com"))["completionText"]
        page = await desk.get("/console/inbox?show=asked")
        assert me.session in listed(page.text) and "ana@example.com" in page.text
        # An address that nobody asked for is a word to the bot.
        assert (await me.prompt("or bo@@example"))["completionText"] == "Hello from the model."
        # Another account sees nothing of it, and has people of its own.
        other = await signed_in(api, account=await api.hub.db.value("select id from accounts where name = 'Boreal'"))
        assert me.session not in listed((await other.get("/console/inbox?show=asked")).text)
        async with watched(other):
            await me.prompt("/human")
            assert not await silent(me)
        await other.http.close()


async def test_who_left_an_address_is_forgotten_by_it(desk: Browser, api: Api) -> None:
    """Two visitors whom nobody knows; each is one's own."""
    async with visiting(api) as me, visiting(api) as other:
        for one, address in ((me, "Ana@Example.com"), (other, "bo@example.com")):
            await one.set(**ON)
            await one.prompt(WISH)
            await one.prompt(address)
        ask = "/api/v1/contacts"
        await api.ok("DELETE", f"{ask}?email=ana@example.com")
        left = "select id::text from sessions where id = any($1::uuid[])"
        assert [r["id"] for r in await api.hub.db.fetch(left, [me.session, other.session])] == [str(other.session)]
        found = "select count(*) from happenings where session_id = $1"
        assert await api.hub.db.value(found, me.session) == 0
        assert await api.hub.db.value("select count(*) from human_requests where session_id = $1", me.session) == 0


async def test_who_was_left_alone_stays_in_sight_when_the_conversation_ends(desk: Browser, api: Api) -> None:
    async with visiting(api) as me:
        await me.set(**ON)
        await me.prompt(WISH)
        await me.prompt("ana@example.com")
        await api.hub.db.run("update sessions set closed_at = now() where id = $1", me.session)
        page = await desk.get("/console/inbox?show=asked")
        assert me.session in listed(page.text) and "asked for a person" in page.text
        await api.hub.db.run(
            "update human_requests set asked_at = now() - interval '8 days' where session_id = $1", me.session
        )
        assert me.session not in listed((await desk.get("/console/inbox?show=asked")).text)


async def test_whoever_is_away_is_not_called(desk: Browser, agent: Browser, viewer: Browser, api: Api) -> None:
    async with visiting(api) as me, watched(agent), watched(viewer):
        await me.set(**ON)
        assert "I am here" in (await agent.done("/console/inbox/away", away="yes")).text
        await me.prompt(WISH)
        assert not await silent(me), "one is away, the other only looks"
        await agent.done("/console/inbox/away", away="no")
        await me.prompt("/atendente")
        assert await silent(me)
    assert (await viewer.post("/console/inbox/away", away="yes")).status == 403


async def test_the_model_calls_a_person(desk: Browser, api: Api) -> None:
    async with visiting(api) as me:
        await me.set(**ON)
        ask = calls(("ask_for_human", '{"reason": "The order is lost."}'))
        me.model.plan.extend([ask, says("Nobody is here; your e-mail?")])
        await me.prompt("My order is lost")
        assert "No human colleague is here" in str(me.model.calls[-1].body["messages"]) and not await silent(me)
        async with watched(desk):
            me.model.plan.extend([ask, says("A colleague takes over.")])
            said = (await me.prompt("Still lost"))["completionText"]
            assert said == "A colleague takes over." and await silent(me), "the bot's own words are kept"
        assert "The order is lost." in (await desk.get(f"/console/inbox/{me.session}")).text
        assert me.model.calls[0].body["tools"][0]["function"]["name"] == "ask_for_human"


async def test_a_process_that_died_leaves_nobody_waiting(desk: Browser, api: Api) -> None:
    """Two accounts, of which one has settings that cannot be read."""
    db = api.hub.db
    async with visiting(api) as me, visiting(api) as other, watched(desk):
        theirs = await db.value("select id from accounts where name = 'Boreal' order by id desc")
        for one, account, at in ((other, theirs, "2 minutes"), (me, api.account, "1 minute")):
            await one.prompt("Hello")
            await db.run("update sessions set account_id = $1 where id = $2", account, one.session)
            await db.run(
                "insert into human_requests (session_id, account_id, state, asked_by, asked_at)"
                " values ($1, $2, 'asking', 'model', now() - $3::text::interval)", one.session, account, at,
            )
        await db.run("update accounts set parameters = '{\"desk\": {\"hours\": 7}}' where id = $1", theirs)
        await human.settle_left(api.hub)
        assert [await db.value(STATE, one.session) for one in (other, me)] == ["left", "waiting"]
        assert await silent(me) and not await silent(other)


async def test_colleagues_are_warned_once_before_it_is_late(desk: Browser, api: Api) -> None:
    async with visiting(api) as me, watched(desk):
        await me.set(**ON)
        await desk.done("/console/settings/people", targetMinutes="5", warnMinutes="2")
        await me.prompt(WISH)
        times = "select due_at - asked_at as due, due_at - warn_at as warn from human_requests where session_id = $1"
        row = await api.hub.db.row(times, me.session)
        assert row is not None and round(row["due"].total_seconds()) == 300 and row["warn"].total_seconds() == 120
        late = "select count(*) from happenings where kind = 'person_late' and session_id = $1"
        await human.settle_left(api.hub)
        assert await api.hub.db.value(late, me.session) == 0
        passed = "update human_requests set warn_at = now(), due_at = now() where session_id = $1"
        await api.hub.db.run(passed, me.session)
        for _ in range(2):
            await human.settle_left(api.hub)
        assert await api.hub.db.value(late, me.session) == 1
        await desk.done(f"/console/inbox/{me.session}/say", text="Sorry.")
        told = "select detail from happenings where session_id = $1 and kind = 'person_answered'"
        assert (await api.hub.db.value(told, me.session))["late"] is True


@pytest.mark.parametrize("routing", ["round_robin", "least_busy"])
async def test_those_who_are_there_are_called_in_turn(desk: Browser, agent: Browser, api: Api, routing: str) -> None:
    """Two who are there, one who is away, one of another account; two visitors who ask in the same instant."""
    away = await signed_in(api, "agent")
    foreign = await signed_in(api, account=await api.hub.db.value("select id from accounts where name = 'Boreal'"))
    async with (
        visiting(api) as me, visiting(api) as also, watched(desk), watched(agent), watched(away), watched(foreign)
    ):
        await away.done("/console/inbox/away", away="yes")
        await desk.done("/console/settings/people", routing=routing, targetMinutes="0")
        for one in (me, also):
            await one.set(**ON)
        await asyncio.gather(me.prompt(WISH), also.prompt(WISH))
        has = "select handoff_by from sessions where id = any($1::uuid[])"
        rows = await api.hub.db.fetch(has, [me.session, also.session])
        assert {r["handoff_by"] for r in rows} == {desk.who.id, agent.who.id}
        page = await desk.get(f"/console/inbox/{me.session}")
        assert re.search("(Owner|Agent) was called", page.text)
    for gone in (away, foreign):
        await gone.http.close()


async def test_a_conversation_is_given_to_a_colleague(desk: Browser, agent: Browser, viewer: Browser, api: Api) -> None:
    foreign = await signed_in(api, account=await api.hub.db.value("select id from accounts where name = 'Boreal'"))
    async with visiting(api) as me:
        await me.prompt("Hello")
        here = f"/console/inbox/{me.session}"
        page = await desk.get(f"{here}/desk")
        assert f'value="{agent.who.id}"' in page.text and f'value="{viewer.who.id}"' not in page.text
        page = await desk.done(f"{here}/give", operator=str(agent.who.id))
        assert "Owner gave it to Agent" in page.text
        assert me.session in listed((await agent.get("/console/inbox?show=mine")).text)
        for nobody in (foreign.who.id, viewer.who.id, "x"):
            assert (await desk.post(f"{here}/give", operator=str(nobody))).status == 400
        assert (await viewer.post(f"{here}/give", operator=str(agent.who.id))).status == 403
        assert (await foreign.post(f"{here}/give", operator=str(foreign.who.id))).status == 404
    await foreign.http.close()


async def test_hours_are_set_in_the_console_and_the_api(desk: Browser, agent: Browser, api: Api) -> None:
    page = await desk.done(
        "/console/settings/people", hours="Mon-Fri 9:00-18:00\nsat 09:00 - 13:00", awayText="Closed.",
        targetMinutes="20",
    )
    assert "mon-fri 09:00-18:00" in page.text and "Closed." in page.text
    refused = await desk.part("/console/settings/people", hours="mon-fri 9-18")
    assert refused.status == 400 and 'data-field="hours"' in refused.text
    assert (await agent.post("/console/settings/people", hours="")).status == 403
    found = await api.ok("GET", "/api/v1/inbox/settings")
    assert found["hours"][1] == {"days": ["sat"], "start": "09:00", "end": "13:00"} and found["targetMinutes"] == 20
    never = [{"days": ["mon"], "start": "00:00", "end": "00:01"}]
    assert (await api.ok("PUT", "/api/v1/inbox/settings", {"hours": never}))["awayText"] == "Closed."
    assert (await api.call("PUT", "/api/v1/inbox/settings", {"hours": [{"days": [], "start": "1"}]})).status == 400
    await api.ok("PUT", "/api/v1/inbox/settings", {"hours": []})
    assert await api.ok("GET", "/api/v1/inbox/available") == {"open": True, "here": False, "opensAt": None}
    assert (await api.ok("GET", "/api/v1/inbox/settings", key=api.foreign))["awayText"] == ""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/Sao_Paulo"))


@pytest.mark.parametrize(
    ("moment", "open", "next"),
    [
        ("2026-03-02 08:59", False, "2026-03-02 09:00"), ("2026-03-02 09:00", True, ""),
        ("2026-03-02 18:00", False, "2026-03-03 09:00"),
        ("2026-03-06 23:00", True, ""), ("2026-03-07 01:59", True, ""), ("2026-03-07 02:00", False, "2026-03-09 09:00"),
    ],
)
def test_hours_over_midnight_and_weekends(moment: str, open: bool, next: str) -> None:
    found = Desk.model_validate({"hours": read("mon-fri 09:00-18:00\nfri 22:00-02:00")})
    zone, now = ZoneInfo("America/Sao_Paulo"), at(moment)
    assert people.is_open(found, zone, now) is open
    if next:
        assert people.opening(found, zone, now) == at(next)
        assert people.deadline(found, zone, now)[0] == at(next).replace(minute=10)


@pytest.mark.parametrize(("code", "text"), [
    ("pt-BR", "seg-sex 09:00-18:00\nsáb, dom 10:00-14:00"), ("es", "lun-vie 09:00-18:00\nsáb, dom 10:00-14:00"),
])
def test_hours_in_ones_own_language(code: str, text: str) -> None:
    """Short or long, with accents or without, and in English still."""
    words = Catalogues().of(code)
    plain = Desk.model_validate({"hours": read("mon-fri 09:00-18:00\nsat, sun 10:00-14:00")}).hours
    assert written(plain, words) == text
    long = {"pt-BR": "Segunda-feira - Sexta-feira 9:00 às 18:00\nsab dom 10:00-14:00",
            "es": "lunes-viernes 9:00 a 18:00\nsabado, domingo 10:00-14:00"}[code]
    for said in (text, long, "mon-fri 09:00-18:00\nsat, sun 10:00-14:00"):
        assert Desk.model_validate({"hours": read(said, words)}).hours == plain, said
    with pytest.raises(Invalid, match=text.split()[0]):
        read("xyz 9-18", words)


def test_hours_as_people_write_them() -> None:
    text = "mon-fri 09:00-18:00\nsat, sun 10:00-14:00"
    assert written(Desk.model_validate({"hours": read(text)}).hours) == text
    assert read("fri-mon 9:00 to 12:00")[0]["days"] == ["fri", "sat", "sun", "mon"]
    wrong: Any
    for wrong in ("monday", "xyz 09:00-10:00", "mon 9-10"):
        with pytest.raises(Invalid):
            read(wrong)
    assert people.deadline(Desk(target_minutes=0), ZoneInfo("UTC"), datetime.now(UTC)) == (None, None)


@pytest.mark.parametrize("lang", culture.every())
def test_what_the_button_says_is_understood(lang: str) -> None:
    assert human.asks(culture.labels(lang)["humanLabel"])
    assert not human.asks("Can a human body float?") and not human.asks("x" * 200 + WISH)
