"""Work in a team: whose a conversation is, labels, put away and back, priority, many at once, mentions, views."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from hub.chat.operators import triage
from hub.chat.turns.human import named
from hub.errors import Invalid
from tests.api.chatting import visiting
from tests.api.conftest import Api
from tests.api.test_tools_in_answers import calls
from tests.console.conftest import Desk, signed_in
from tests.console.test_inbox import listed
from tests.console.test_people import ON, watched
from tests.console.town import fill
from tests.fakes.model import says

Json = dict[str, Any]
INBOX = "/api/v1/inbox"


@pytest.fixture
async def foreign(api: Api) -> AsyncIterator[Desk]:
    """Somebody of another account."""
    account = await api.hub.db.value("select account_id from api_keys where tail = $1", api.foreign[-6:])
    found = await signed_in(api, account=account)
    yield found
    await found.http.close()


async def team(api: Api, name: str, *members: Desk) -> str:
    made = await api.ok("POST", f"{INBOX}/teams", {"name": name, "members": [str(m.who.id) for m in members]})
    return str(made["id"])


async def label(api: Api, name: str, colour: str = "red") -> str:
    return str((await api.ok("POST", f"{INBOX}/labels", {"name": name, "colour": colour}))["id"])


async def seen(desk: Desk, query: str) -> set[str]:
    return set(listed((await desk.get(f"/console/inbox?{query}")).text))


async def count(desk: Desk, tab: str) -> int:
    """What stands beside the name of a tab."""
    page = (await desk.get("/console/inbox?show=closed")).text
    found = re.findall(rf">{tab} <span class=\"n\">(\d+)", page)
    return int(found[0]) if found else 0


async def town(api: Api, many: int = 4) -> list[str]:
    """Conversations of nobody, the newest first."""
    return [str(s) for s in (await fill(api.hub, api.account, many))["sessions"]]


async def test_a_conversation_is_a_persons_a_teams_or_nobodys(desk: Desk, agent: Desk, viewer: Desk, api: Api) -> None:
    a, b, c, d = await town(api)
    sales = await team(api, "Sales", agent)
    await desk.post(f"/console/inbox/{a}/desk", to=f"o:{agent.who.id}")
    await desk.post(f"/console/inbox/{b}/desk", to=f"t:{sales}")
    assert await seen(agent, "show=mine") == {a} and await seen(desk, "show=mine") == set()
    assert await seen(agent, "show=team") == {b} and await seen(desk, "show=team") == set()
    assert await seen(desk, "show=unassigned") == {c, d} and await seen(desk, "show=all") == {a, b, c, d}
    assert (await count(agent, "Mine"), await count(agent, "My team"), await count(desk, "Unassigned")) == (1, 1, 2)
    assert await seen(desk, f"team={sales}") == {b} and await seen(desk, f"assignee={agent.who.id}") == {a}
    page = (await desk.get(f"/console/inbox/{a}")).text
    assert "Owner assigned it to Agent" in page and "→ Agent" in page
    await desk.post(f"/console/inbox/{a}/desk", to="none")
    assert await seen(desk, "show=unassigned") == {a, c, d}
    for nobody in (f"o:{viewer.who.id}", f"o:{uuid4()}", f"t:{uuid4()}", "x", "o:x"):
        assert (await desk.post(f"/console/inbox/{c}/desk", to=nobody)).status == 400, nobody
    assert (await viewer.post(f"/console/inbox/{c}/desk", to="none")).status == 403
    # A team that is deleted leaves its conversations.
    await api.call("DELETE", f"{INBOX}/teams/{sales}")
    assert b in await seen(desk, "show=unassigned")


async def test_what_is_taken_over_changes_hands(desk: Desk, agent: Desk, api: Api) -> None:
    async with visiting(api) as me:
        await me.prompt("Hello")
        here = f"/console/inbox/{me.session}"
        await desk.post(f"{here}/desk", to=f"o:{agent.who.id}")
        held = "select handoff_by from sessions where id = $1"
        assert await api.hub.db.value(held, me.session) is None, "the bot goes on answering"
        await desk.done(f"{here}/take")
        await desk.post(f"{here}/desk", to="none")
        await desk.post(f"{here}/desk", to=f"o:{agent.who.id}")
        assert await api.hub.db.value(held, me.session) == agent.who.id
        assert me.session in await seen(agent, "show=mine")


@pytest.mark.parametrize("way", ["round_robin", "least_busy"])
async def test_a_team_is_given_conversations_in_turn(desk: Desk, agent: Desk, api: Api, way: str) -> None:
    """Two of the team are there, one is away, one is there and of no team; four conversations at once."""
    sessions = await town(api)
    away, other = await signed_in(api, "agent"), await signed_in(api, "agent")
    sales = await team(api, "Sales", desk, agent, away)
    async with watched(desk), watched(agent), watched(away), watched(other):
        await away.done("/console/inbox/away", away="yes")
        sent = {"team": sales, "routing": way}
        await asyncio.gather(*(api.ok("PATCH", f"{INBOX}/conversations/{s}", sent) for s in sessions))
        rows = await api.hub.db.fetch(
            "select assignee_id, count(*) as many from session_order where account_id = $1 group by 1", api.account
        )
        assert {r["assignee_id"]: r["many"] for r in rows} == {desk.who.id: 2, agent.who.id: 2}
    for one in (away, other):
        await one.http.close()


async def test_while_nobody_of_a_team_is_there_it_is_the_teams(desk: Desk, api: Api) -> None:
    a, *_ = await town(api, 1)
    sales = await team(api, "Sales", desk)
    gone = "update operator_presence set here_at = now() - interval '1 hour' where account_id = $1"
    await api.hub.db.run(gone, api.account)
    got = await api.ok("PATCH", f"{INBOX}/conversations/{a}", {"team": sales, "routing": "round_robin"})
    assert (got["team"], got["assignee"]) == ("Sales", None)
    got = await api.call("PATCH", f"{INBOX}/conversations/{a}", {"routing": "least_busy"})
    assert (got.status, got.body["code"]) == (409, "nobody_here")


async def test_of_whom_nothing_is_said_stays(desk: Desk, agent: Desk, api: Api) -> None:
    a, b = await town(api, 2)
    sales, one = await team(api, "Sales", agent), f"{INBOX}/conversations/{a}"

    async def whose(sent: Json) -> tuple[Any, Any]:
        got = await api.ok("PATCH", one, sent)
        return got["team"], got["assignee"]

    assert await whose({"team": sales}) == ("Sales", None)
    assert await whose({"assignee": str(agent.who.id)}) == ("Sales", "Agent")
    assert await whose({"routing": "hand", "priority": "high"}) == ("Sales", "Agent")
    assert await whose({"team": None}) == (None, "Agent")
    assert await whose({"team": sales}) == ("Sales", "Agent")
    assert await whose({"assignee": None}) == ("Sales", None)
    async with watched(desk), watched(agent):
        for _ in range(3):  # of its team there is one alone
            assert await whose({"routing": "round_robin"}) == ("Sales", "Agent")
    sent = {"sessionIds": [a, b, a], "assignee": str(desk.who.id)}
    assert (await api.ok("POST", f"{INBOX}/conversations/bulk", sent))["done"] == 2
    assert (await api.ok("PATCH", one, {"priority": "low"}))["team"] == "Sales"


async def test_labels_are_a_businesss_own(desk: Desk, foreign: Desk, api: Api) -> None:
    a, b, *_ = await town(api)
    urgent, bill = await label(api, "Complaint"), await label(api, "Billing <b>", "teal")
    await desk.post(f"/console/inbox/{a}/desk", label=[urgent, bill])
    await desk.post(f"/console/inbox/{b}/desk", label=urgent)
    assert await seen(desk, f"label={urgent}") == {a, b} and await seen(desk, f"label={bill}") == {a}
    page = (await desk.get("/console/inbox")).text
    assert '<span class="tag c-teal">Billing &lt;b&gt;</span>' in page
    # What stood there when the form was opened and is not ticked any more goes; what a colleague set meanwhile stays.
    await desk.post(f"/console/inbox/{a}/desk", had=urgent, label=[])
    assert await seen(desk, f"label={urgent}") == {b} and await seen(desk, f"label={bill}") == {a}
    assert (await api.call("POST", f"{INBOX}/labels", {"name": "complaint"})).status == 409
    assert (await api.call("POST", f"{INBOX}/labels", {"name": "x", "colour": "#ffff00"})).status == 400
    assert (await foreign.post(f"/console/inbox/{a}/desk", label=urgent)).status == 404
    theirs = await api.call("POST", f"{INBOX}/labels", {"name": "Theirs"}, key=api.foreign)
    assert (await desk.post(f"/console/inbox/{a}/desk", label=theirs.body["id"])).status == 400
    assert (await api.call("PUT", f"{INBOX}/labels/{urgent}", {"name": "x"}, key=api.foreign)).status == 404
    await api.ok("DELETE", f"{INBOX}/labels/{urgent}")
    assert "Complaint" not in (await desk.get("/console/inbox")).text


async def test_a_label_in_the_bots_reason_is_set(desk: Desk, api: Api) -> None:
    refund = await label(api, "Refund")
    await label(api, "Fund", "grey")
    async with visiting(api) as me, watched(desk):
        await me.set(**ON)
        why = '{"reason": "Wants a refund for order 7."}'
        for _ in range(2):
            me.model.plan += [calls(("ask_for_human", why)), says("I have called somebody.")]
            await me.prompt("Give me my money back")
            assert await seen(desk, f"label={refund}") == {me.session}
            await desk.done(f"/console/inbox/{me.session}/back")
        [line] = (await api.ok("GET", f"{INBOX}/conversations"))["items"]
        assert [x["name"] for x in line["labels"]] == ["Refund"]
        page = (await desk.get(f"/console/inbox/{me.session}")).text
        assert page.count("was called") == 2 and page.count("The bot set the label Refund") == 1
    assert named("out of stock", "It is OUT OF STOCK!") and not named("fund", "a refund") and not named("a+b", "aab")


async def test_closed_until_the_person_writes(desk: Desk, api: Api) -> None:
    async with visiting(api) as me, visiting(api) as other:
        for one in (me, other):
            await one.prompt("Hello")
            await desk.post(f"/console/inbox/{one.session}/desk", stand="closed")
        assert await seen(desk, "") == set() and await seen(desk, "show=closed") == {me.session, other.session}
        await desk.done(f"/console/inbox/{me.session}/say", text="One word more.")
        assert me.session in await seen(desk, "show=closed"), "a word of ours opens nothing"
        await desk.done(f"/console/inbox/{me.session}/back")
        await me.prompt("One more thing")
        assert await seen(desk, "") == {me.session} and await seen(desk, "show=closed") == {other.session}
        # Found by words wherever it is.
        await desk.post(f"/console/inbox/{other.session}/desk", stand="open")
        assert other.session in await seen(desk, "")


async def test_put_away_until_a_time(desk: Desk, agent: Desk, api: Api) -> None:
    old, new = (await town(api))[3], (await town(api, 4))[0]
    await desk.post(f"/console/inbox/{old}/desk", to=f"o:{agent.who.id}")
    await desk.post(f"/console/inbox/{old}/desk", stand="hour")
    assert await seen(desk, "show=snoozed") == {old} and old not in await seen(desk, "")
    await triage.wake(api.hub)
    assert old in await seen(desk, "show=snoozed"), "not yet"
    await api.hub.db.run("update session_order set snoozed_until = now() where session_id = $1", old)
    for _ in range(2):
        await triage.wake(api.hub)
    first = listed((await desk.get("/console/inbox")).text)
    assert first[0] == old and new in first, "it is on top again"
    assert await seen(agent, "show=mentions") == {old} and await count(agent, "Mentions") == 1
    assert await seen(desk, "show=mentions") == set()
    await agent.post(f"/console/inbox/{old}/read")
    assert await seen(agent, "show=mentions") == set()
    assert "It was put away until now" in (await desk.get(f"/console/inbox/{old}")).text
    for wrong in ({"snoozeUntil": "2026-01-01T00:00:00Z"}, {"status": "open", "snoozeUntil": "2999-01-01T00:00:00Z"}):
        got = await api.call("PATCH", f"{INBOX}/conversations/{old}", {"status": "snoozed"} | wrong)
        assert got.status == 400, got.body
    at = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    got = await api.ok("PATCH", f"{INBOX}/conversations/{old}", {"status": "snoozed", "snoozeUntil": at})
    assert got["status"] == "snoozed" and got["snoozedUntil"]


def test_words_for_a_rest() -> None:
    zone, friday = ZoneInfo("America/Sao_Paulo"), datetime(2026, 11, 27, 22, 30, tzinfo=UTC)
    assert triage.rest("reply", zone, friday) is None
    assert triage.rest("hour", zone, friday) == friday + timedelta(hours=1)
    assert triage.rest("tomorrow", zone, friday) == datetime(2026, 11, 28, 12, tzinfo=UTC)
    assert triage.rest("monday", zone, friday) == datetime(2026, 11, 30, 12, tzinfo=UTC)
    with pytest.raises(Invalid):
        triage.rest("never", zone, friday)
