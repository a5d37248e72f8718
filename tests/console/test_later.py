"""Send later: planned in a conversation, changed and taken back there, sent once and in its place."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from hub import ids
from hub.chat.operators import planned
from hub.chat.operators.planned import Plan
from hub.errors import Conflict
from hub.store import planned as rows
from tests.api.chatting import visiting
from tests.api.conftest import Api, keys_of
from tests.console.conftest import Desk
from tests.console.town import fill

DUE = """
    update planned_messages set at = now() - interval '1 second', look_at = now() - interval '1 second' where id = $1
"""
EARLIER = "update planned_messages set look_at = look_at - make_interval(secs => $2) where id = $1"
OPEN = """
    select s.id from sessions s left join integrations i on i.id = s.integration_id where s.account_id = $1
        and s.closed_at is null and coalesce(i.channel, 'web') = $2 and s.client_id is not null
    order by s.id desc limit 1
"""
SAID = "select content->>'text' as text, content->>'by' as by, source from messages where session_id = $1 and id = $2"


async def talk(api: Api, channel: str) -> UUID:
    """An open conversation on a network, or of the website (web)."""
    await fill(api.hub, api.account, 14)
    found: UUID = await api.hub.db.value(OPEN, api.account, channel)
    await api.hub.db.run("update sessions set last_user_at = now() where id = $1", found)
    return found


async def plan(api: Api, session: UUID, text: str, hours: float = 1, **more: Any) -> UUID:
    wanted = Plan(text, datetime.now(UTC) + timedelta(hours=hours), **more)
    return await planned.add(api.hub, api.account, session, wanted, None, "Ana")


async def due(api: Api, *ids: UUID) -> None:
    for id in ids:
        await api.hub.db.run(DUE, id)
    await planned.fire(api.hub)


async def state(api: Api, id: UUID) -> tuple[str, str | None]:
    row = await api.hub.db.row("select state, reason from planned_messages where id = $1", id)
    assert row is not None
    return row["state"], row["reason"]


async def test_it_is_planned_on_the_clock_of_whoever_writes(desk: Desk, api: Api) -> None:
    session = await talk(api, "telegram")
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    place = f"/console/inbox/{session}/later"
    page = await desk.post(place, text="See you <soon>", at=f"{day}T09:30", zone="America/Sao_Paulo")
    assert page.status == 303
    text = (await desk.get(f"/console/inbox/{session}")).text
    assert "See you &lt;soon&gt;" in text and "at 09:30 (America/Sao_Paulo" in text
    [one] = await api.ok("GET", f"/api/v1/inbox/conversations/{session}/planned")
    assert one["at"].startswith(f"{day}T12:30") and one["author"] == desk.who.name and one["state"] == "planned"
    form = await desk.get(f"{place}/{one['id']}")
    assert f'value="{day}T09:30"' in form.text
    version = form.text.split('name="version" value="')[1][:32]
    sent = {"text": "See you at ten", "at": f"{day}T10:00", "zone": "Europe/Lisbon", "version": version}
    assert "changed" in (await desk.done(f"{place}/{one['id']}", **sent)).said
    stale = await desk.post(f"{place}/{one['id']}", **sent)
    assert stale.status == 409
    await desk.post(f"{place}/{one['id']}/cancel")
    assert "See you at ten" not in (await desk.get(f"/console/inbox/{session}")).text
    assert await state(api, UUID(one["id"])) == ("cancelled", None)


async def test_what_is_being_written_is_planned_where_it_stands_and_cancelled_comes_back(desk: Desk, api: Api) -> None:
    session, other = await talk(api, "telegram"), await talk(api, "web")
    part = await desk.get(f"/console/inbox/{session}/later", **{"HX-Request": "true"})
    assert f'hx-post="/console/inbox/{session}/later"' in part.text and "<html" not in part.text
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    for where, text in ((session, "the one"), (other, "the other")):
        sent = {"text": text, "at": f"{day}T09:30", "zone": "UTC", "beside": "yes"}
        got = await desk.part(f"/console/inbox/{where}/later", **sent)
        assert got.status == 200 and text in got.text
    [one] = await api.ok("GET", f"/api/v1/inbox/conversations/{session}/planned")
    [two] = await api.ok("GET", f"/api/v1/inbox/conversations/{other}/planned")
    gone = await desk.part(f"/console/inbox/{session}/later/{one['id']}/cancel")
    assert '<span class="said" id="draft"' in gone.text and ">the one</span>" in gone.text
    assert (await desk.part(f"/console/inbox/{session}/later/{one['id']}/cancel")).status == 409
    assert (await desk.part(f"/console/inbox/{session}/later/{two['id']}/cancel")).status == 404
    wrong = await desk.part(f"/console/inbox/{session}/later", text="x", at="", zone="UTC", beside="yes")
    assert wrong.status == 400 and "must say when" in wrong.text


async def test_what_cannot_be_planned_says_why(desk: Desk, api: Api, viewer: Desk) -> None:
    session = await talk(api, "web")
    place, rest = f"/console/inbox/{session}/later", f"/api/v1/inbox/conversations/{session}/planned"
    late = (datetime.now(UTC) + timedelta(days=400)).isoformat()
    for fields, words in (
        ({"text": "x", "at": "", "zone": "UTC"}, "must say when"), ({"text": "x", "at": "2020-01-01T09:00"}, "At"),
        ({"text": "x", "at": late}, "within the next year"), ({"text": "", "at": "2029-01-01T09:00"}, "is empty"),
        ({"text": "x", "at": "2029-01-01T09:00", "zone": "Mars/Base"}, "zone"),
    ):
        got = await desk.post(place, **fields)
        assert got.status == 400 and words.lower() in got.text.lower(), (fields, got.text[-600:])
    for sent in ({"content": "x", "at": "2020-01-01T09:00:00Z"}, {"content": "x", "at": "2027-01-01T09:00:00"}):
        assert (await api.call("POST", rest, sent)).status == 400, sent
    assert (await viewer.post(place, text="x", at="2027-06-01T09:00")).status == 403
    assert (await api.call("GET", rest, key=api.foreign)).status == 404
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert (await api.call("POST", rest, {"content": "x", "at": soon}, key=api.foreign)).status == 404


async def test_it_is_sent_once_in_its_place_whoever_else_looks(api: Api) -> None:
    session = await talk(api, "telegram")
    first, second = await plan(api, session, "one", 1), await plan(api, session, "two", 2)
    waits = await plan(api, session, "not yet", 3)
    for id in (first, second):
        await api.hub.db.run(DUE, id)
    await api.hub.db.run("update planned_messages set at = at - interval '1 minute' where id = $1", first)
    await asyncio.gather(*(planned.fire(api.hub) for _ in range(4)))
    await planned.fire(api.hub)
    assert [await state(api, i) for i in (first, second, waits)] == [("sent", None)] * 2 + [("planned", None)]
    rows = await api.hub.db.fetch(
        "select content->>'text' as text from messages where session_id = $1 and id = any($2) order by position",
        session, [first, second],
    )
    assert [r["text"] for r in rows] == ["one", "two"]
    sent = "select message_id from outbox where session_id = $1 and message_id = any($2) order by id"
    parts = await api.hub.db.fetch(sent, session, [first, second])
    assert [p["message_id"] for p in parts] == [first, second]
    row = await api.hub.db.row(SAID, session, first)
    assert row is not None and (row["by"], row["source"]) == ("Ana", "operator")


async def test_a_scheduler_that_died_over_it_leaves_it_to_the_next(api: Api) -> None:
    session = await talk(api, "web")
    id = await plan(api, session, "after a crash")
    await api.hub.db.run(DUE, id)
    taken = await rows.take(api.hub.db, api.account, 30.0)
    assert taken is not None and taken["id"] == id
    await planned.fire(api.hub)
    assert await state(api, id) == ("planned", None), "whoever took it has its time for it"
    await due(api, id)
    assert await state(api, id) == ("sent", None)
    assert await api.hub.db.value("select count(*) from messages where id = $1", id) == 1


async def test_a_crowd_of_them_lets_schedules_be_looked_at_in_between(api: Api) -> None:
    await planned.fire(api.hub)
    made = [await plan(api, await talk(api, "web"), f"{n} of three") for n in range(3)]
    for id in made:
        await api.hub.db.run(DUE, id)
    assert [await planned.fire(api.hub, most=2) for _ in range(3)] == [2, 1, 0]
    assert [await state(api, id) for id in made] == [("sent", None)] * 3


async def test_a_crowd_of_one_account_comes_beside_anothers_and_not_before_it(api: Api) -> None:
    other = Api(api.hub, api.url, *await keys_of(api.hub), api.http)
    await planned.fire(api.hub)
    crowd = [await plan(api, session, f"{n} of many") for session in [await talk(api, "web")] for n in range(20)]
    crowd += [await plan(api, session, f"{n} of many") for session in [await talk(api, "telegram")] for n in range(20)]
    few = [await plan(other, session, f"{n} of two") for session in [await talk(other, "web")] for n in range(2)]
    for n, id in enumerate([*crowd, *few]):  # the crowd's are all older
        await api.hub.db.run(DUE, id)
        await api.hub.db.run(EARLIER, id, 100 - n)
    assert await planned.fire(api.hub, most=6) == 6
    assert [await state(other, id) for id in few] == [("sent", None)] * 2
    assert [(await state(api, id))[0] for id in crowd].count("sent") == 4
    while await planned.fire(api.hub):
        pass
    assert [await state(api, id) for id in crowd] == [("sent", None)] * 40


async def test_many_at_once_plan_no_more_than_there_may_be(api: Api) -> None:
    session, another = await talk(api, "web"), await talk(api, "telegram")
    for n in range(planned.MOST - 2):
        await plan(api, session, f"message {n}")
    tried = [plan(api, session, f"late {n}") for n in range(6)] + [plan(api, another, "elsewhere")]
    said = await asyncio.gather(*tried, return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in said) == 4 and isinstance(said[-1], UUID)
    assert await rows.count(api.hub.db, api.account, session) == planned.MOST


async def test_a_conversation_that_ended_takes_no_message_and_the_operator_is_told(desk: Desk, api: Api) -> None:
    session = await talk(api, "web")
    at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    await desk.post(f"/console/inbox/{session}/later", text="too late", at=at, zone="UTC")
    [one] = await api.ok("GET", f"/api/v1/inbox/conversations/{session}/planned")
    await api.hub.db.run("update sessions set closed_at = now() where id = $1", session)
    await due(api, UUID(one["id"]))
    assert await state(api, UUID(one["id"])) == ("failed", "ended")
    assert await api.hub.db.value("select count(*) from messages where id = $1", UUID(one["id"])) == 0
    assert "Not sent: the conversation had ended" in (await desk.get(f"/console/inbox/{session}")).text
    told = "select count(*) from operator_notices where operator_id = $1 and session_id = $2 and seen_at is null"
    assert await api.hub.db.value(told, desk.who.id, session) == 1
    again = await api.call("PUT", f"/api/v1/inbox/conversations/{session}/planned/{one['id']}", {"content": "x"})
    assert again.status in (404, 409)
    await desk.post(f"/console/inbox/{session}/later/{one['id']}/cancel")
    assert "too late" not in (await desk.get(f"/console/inbox/{session}")).text


async def test_the_24_hours_of_whatsapp(desk: Desk, api: Api) -> None:
    db, shut, open_ = api.hub.db, await talk(api, "zapi"), await talk(api, "telegram")
    link = await db.value("select integration_id from sessions where id = $1", shut)
    await db.run("update integrations set channel = 'kapso' where id = $1", link)
    soon, far = await plan(api, shut, "within", 2), await plan(api, shut, "beyond", 30)
    text = (await desk.get(f"/console/inbox/{shut}")).text
    assert text.count("24 hours are over") == 1, "of the one alone that will be too late"
    await db.run("update sessions set last_user_at = now() - interval '25 hours' where id = $1", shut)
    other = await plan(api, open_, "elsewhere")
    await due(api, soon, far, other)
    assert await state(api, soon) == ("failed", "window") and await state(api, far) == ("failed", "window")
    assert await state(api, other) == ("sent", None), "one of another network goes all the same"
    assert "only a template reaches them" in (await desk.get(f"/console/inbox/{shut}")).text


async def test_a_request_that_is_sent_again_plans_nothing_twice(api: Api) -> None:
    session, id = await talk(api, "web"), uuid4()
    rest = f"/api/v1/inbox/conversations/{session}/planned"
    sent = {"content": "once", "at": (datetime.now(UTC) + timedelta(days=1)).isoformat(), "id": str(id)}
    made = [await api.ok("POST", rest, sent) for _ in range(2)]
    assert made[0] == made[1] and made[0]["id"] == str(id)
    assert [o["content"] for o in await api.ok("GET", rest)] == ["once"]
    other = await talk(api, "telegram")
    assert (await api.call("POST", f"/api/v1/inbox/conversations/{other}/planned", sent)).status == 404
    changed = await api.ok("PUT", f"{rest}/{id}", {"content": "twice", "timeZone": "Europe/Lisbon"})
    assert (changed["content"], changed["timeZone"], changed["at"]) == ("twice", "Europe/Lisbon", made[0]["at"])
    await api.ok("DELETE", f"{rest}/{id}")
    assert (await api.call("DELETE", f"{rest}/{id}")).status == 409
    assert await api.ok("GET", rest) == []


async def test_what_fails_again_and_again_comes_to_an_end_and_holds_up_nobody_else(api: Api) -> None:
    session, other = await talk(api, "telegram"), await talk(api, "web")
    id, fine = await plan(api, session, "never"), await plan(api, other, "fine")
    await api.hub.db.run("update planned_messages set tries = $2 where id = $1", id, planned.TRIES)
    await due(api, id, fine)
    assert await state(api, id) == ("failed", "trouble") and await state(api, fine) == ("sent", None)


async def test_one_that_breaks_keeps_nobody_elses_waiting(api: Api) -> None:
    session, other = await talk(api, "telegram"), await talk(api, "web")
    link = await api.hub.db.value("select integration_id from sessions where id = $1", session)
    await api.hub.db.run("update integrations set channel = 'gone' where id = $1", link)
    id, fine = await plan(api, session, "over a network that is not there"), await plan(api, other, "fine")
    await api.hub.db.run("update planned_messages set look_at = now() - interval '1 minute' where id = $1", id)
    await api.hub.db.run(DUE, fine)
    await api.hub.db.run("update planned_messages set at = now() - interval '1 hour' where id = $1", id)
    await planned.fire(api.hub)
    assert await state(api, id) == ("planned", None) and await state(api, fine) == ("sent", None)


async def test_the_same_request_twice_at_once_is_one_plan(api: Api) -> None:
    session, id = await talk(api, "web"), uuid4()
    sent = {"content": "once", "at": (datetime.now(UTC) + timedelta(days=1)).isoformat(), "id": str(id)}
    rest = f"/api/v1/inbox/conversations/{session}/planned"
    made = await asyncio.gather(*(api.ok("POST", rest, sent) for _ in range(6)))
    assert {one["id"] for one in made} == {str(id)}
    assert [one["id"] for one in await api.ok("GET", rest)] == [str(id)]


@pytest.mark.parametrize("id", [
    UUID("0190aaaa-0000-4000-8000-00000000000a"), UUID("0190bbbb-0000-7000-8000-00000000000b"), uuid4(), ids.uuid7(),
    None,
], ids=["random, as if long ago", "by a clock of long ago", "random", "of now", "none"])
async def test_whatever_its_id_the_model_knows_that_it_was_said(api: Api, id: UUID | None) -> None:
    """History is looked for by ids since the conversation began, and what callers name things by may be anything."""
    async with visiting(api) as me:
        await me.prompt("Hello")
        rest = f"/api/v1/inbox/conversations/{me.session}/planned"
        at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        given = {"id": str(id)} if id else {}
        made = [await api.ok("POST", rest, {"content": text, "at": at, **more})
                for text, more in (("We close at noon.", given), ("And open at two.", {}))]
        assert id is None or made[0]["id"] == str(id)
        await due(api, *(UUID(one["id"]) for one in made))
        assert [text for _, text in await me.said()][-2:] == ["We close at noon.", "And open at two."]
        await me.prompt("When do you close?")
        asked = [m["content"] for m in me.asked if m["role"] == "assistant"]
        assert "We close at noon." in str(asked) and "And open at two." in str(asked)
