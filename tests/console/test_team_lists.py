"""Work in a team, on many conversations: priority, many at once, mentions, views of one's own, what a refresh asks."""

import asyncio
import re
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from hub import ids
from hub.api.http.assets import FOLDER
from hub.chat.operators import triage
from hub.chat.operators.groups import COLOURS
from hub.chat.operators.inbox import mentioned
from hub.store.db import Db
from tests.api.conftest import Api
from tests.console.conftest import Desk
from tests.console.test_inbox import listed
from tests.console.test_team_work import INBOX, count, foreign, label, seen, town

__all__ = ["foreign"]


async def test_two_who_make_the_same_name_at_once(desk: Desk, api: Api) -> None:
    for thing in ("labels", "teams"):
        made = await asyncio.gather(*(api.call("POST", f"{INBOX}/{thing}", {"name": "Twice"}) for _ in range(4)))
        assert sorted(one.status for one in made) == [200, 409, 409, 409], thing
        others = [(await api.ok("POST", f"{INBOX}/{thing}", {"name": f"n{n}"}))["id"] for n in range(3)]
        renamed = await asyncio.gather(*(api.call("PUT", f"{INBOX}/{thing}/{i}", {"name": "One"}) for i in others))
        assert sorted(one.status for one in renamed) == [200, 409, 409], thing


async def test_the_more_urgent_come_first_page_by_page(desk: Desk, api: Api) -> None:
    sessions = await town(api, 12)
    for n, session in enumerate(sessions):
        await api.ok("PATCH", f"{INBOX}/conversations/{session}", {"priority": triage.PRIORITIES[n % 4]})
    wanted = [s for level in (3, 2, 1, 0) for n, s in enumerate(sessions) if n % 4 == level]
    newest = [x["sessionId"] for x in (await api.ok("GET", f"{INBOX}/conversations?limit=12"))["items"]]
    place = {s: n for n, s in enumerate(newest)}
    wanted = sorted(wanted, key=lambda s: (-(sessions.index(s) % 4), place[s]))
    found, cursor = [], ""
    while True:
        page = await api.ok("GET", f"{INBOX}/conversations?sort=priority&limit=5{cursor}")
        found += [x["sessionId"] for x in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert found == wanted
    assert listed((await desk.get("/console/inbox?sort=priority")).text) == wanted
    assert await seen(desk, "priority=urgent") == {s for n, s in enumerate(sessions) if n % 4 == 3}
    assert (await desk.get("/console/inbox?priority=x")).status == 400
    assert (await desk.get("/console/inbox?label=x")).status == 400
    assert (await api.call("GET", f"{INBOX}/conversations?cursor=x")).status == 400


async def test_many_at_once_and_what_could_not_be_done(desk: Desk, agent: Desk, foreign: Desk, api: Api) -> None:
    a, b, c, d = await town(api)
    bill = await label(api, "Billing")
    silent = await api.ok("POST", f"/api/v1/web-chat-client/{await api.client()}/sessions", {})
    page = await desk.post(
        "/console/inbox/bulk", chosen=[a, b, silent["sessionId"]], to=f"o:{agent.who.id}", label=bill, priority="high",
        stand="reply", query="show=snoozed", _from="/console/inbox",
    )
    page = await desk.get(page.headers["Location"])
    assert "Done with 2 conversations." in page.said and "Not done: " in page.said
    assert f"Visitor {silent['sessionId'][-4:]}: " in page.said and "nobody has said a word" in page.said
    assert await seen(agent, "show=snoozed") == {a, b} and await seen(desk, f"label={bill}&show=snoozed") == {a, b}
    # The same form again, as after a double click, does nothing more.
    once = uuid4().hex
    for _ in range(2):
        await desk_post_quietly(desk, chosen=[c, d], priority="urgent", once=once)
    told = await api.hub.db.value("select count(*) from happenings where session_id = $1 and kind = 'desk'", UUID(c))
    assert told == 1
    assert (await desk.post("/console/inbox/bulk", priority="low")).status == 400, "nothing was chosen"
    assert (await desk.post("/console/inbox/bulk", chosen=c)).status == 400, "nothing is to be done"
    assert (await desk.post("/console/inbox/bulk", chosen="x", priority="low")).status == 400
    sent = {"sessionIds": [a, c], "status": "closed"}
    got = await api.call("POST", f"{INBOX}/conversations/bulk", sent, key=api.foreign)
    assert got.status == 200 and got.body["done"] == 0 and len(got.body["failed"]) == 2
    assert {f["name"] for f in got.body["failed"]} == {"A conversation that is gone"}
    assert c in await seen(desk, "")
    assert (await api.call("POST", f"{INBOX}/conversations/bulk", {"sessionIds": [], "status": "closed"})).status == 400


async def desk_post_quietly(desk: Desk, **fields: Any) -> None:
    """A form whose second sending is the same deed."""
    csrf = (await desk.get("/console/settings")).csrf
    data = [(k, x) for k, v in {"csrf": csrf, **fields}.items() for x in (v if isinstance(v, list) else [v])]
    url = f"{desk.api.url}/console/inbox/bulk"
    async with desk.http.post(url, data=data, headers={"Sec-Fetch-Site": "same-origin"}, allow_redirects=False) as got:
        assert got.status == 303, await got.text()


async def test_who_is_named_in_a_note_is_told(desk: Desk, agent: Desk, api: Api) -> None:
    a, b, *_ = await town(api)
    await desk.done(f"/console/inbox/{a}/note", text="@Agent please look, mail agent@example.com")
    await desk.done(f"/console/inbox/{b}/note", text="I (@owner) have it; mail agent@agent")
    assert await seen(agent, "show=mentions") == {a} and await count(agent, "Mentions") == 1
    assert await count(desk, "Mentions") == 0, "nobody tells themselves"
    await agent.post(f"/console/inbox/{a}/read")
    assert await count(agent, "Mentions") == 0


def test_whom_a_name_means() -> None:
    ana, rib, anab, bo = (ids.uuid7() for _ in range(4))
    people = [
        {"id": ana, "name": "Ana"}, {"id": rib, "name": "Ana Ribeiro"}, {"id": anab, "name": "Anabela"},
        {"id": bo, "name": "Bo Müller"},
    ]
    for text, wanted in (
        ("@Ana Ribeiro?", [rib]), ("@ana, hi", [ana]), ("@Anabela", [anab]), ("@bo and @BO", [bo]), ("x@bo", []),
        ("@Bo Müllers", [bo]), ("@boa", []), ("@", []), ("@ana ribeiro @bo", [rib, bo]),
    ):
        assert mentioned(text, people) == wanted, text


async def test_views_are_each_operators_own(desk: Desk, agent: Desk, viewer: Desk, api: Api) -> None:
    a, b, *_ = await town(api)
    bill = await label(api, "Billing")
    await desk.post(f"/console/inbox/{a}/desk", label=bill)
    page = await desk.done("/console/inbox/views", name="Bills", query=f"show=waiting&label={bill}&sort=priority")
    assert ">Bills" in page.text and ">Bills" not in (await agent.get("/console/inbox")).text
    [address] = re.findall(r'href="(/console/inbox\?[^"]*)"[^>]*>Bills', page.text)
    assert set(listed((await desk.get(address.replace("&amp;", "&"))).text)) <= {a}
    await desk.done("/console/inbox/views", name="bills", query="show=mine")
    [view] = await api.hub.db.fetch("select id, name, filter from inbox_views where operator_id = $1", desk.who.id)
    assert (view["name"], view["filter"]) == ("bills", {"show": "mine"}), "the same name is another filter under it"
    assert (await agent.post(f"/console/inbox/views/{view['id']}/delete")).status == 404
    assert (await desk.post("/console/inbox/views", name=" ", query="")).status == 400
    await desk.done(f"/console/inbox/views/{view['id']}/delete")
    kept = await viewer.done("/console/inbox/views", name="Mine too", query="show=asked")
    assert "not part of it" not in kept.text
    kept = await viewer.done("/console/inbox/views", name="Searched", query="show=asked&q=invoice")
    assert "The words that are looked for are not part of it." in kept.text
    assert "Mine too" in (await viewer.get("/console/inbox")).text


async def test_who_writes_again_comes_to_those_who_saw_to_it(desk: Desk, agent: Desk, api: Api) -> None:
    """A conversation that ended: the next one of the same contact is the same people's, unless it was closed."""
    sessions = await town(api, 4)
    await desk.post(f"/console/inbox/{sessions[1]}/desk", to=f"o:{agent.who.id}", priority="high")
    await desk.post(f"/console/inbox/{sessions[2]}/desk", to=f"o:{agent.who.id}", stand="closed")
    again = """
        insert into sessions (id, account_id, client_id, integration_id, contact_id, kind, chat, last_user_at,
            last_message_at)
        select $2, account_id, client_id, integration_id, contact_id, 'channel', chat, now(), now() from sessions
        where id = $1
    """
    fresh = [ids.uuid7(), ids.uuid7()]
    for before, after in zip(sessions[1:3], fresh, strict=True):
        await api.hub.db.run("update sessions set closed_at = now() where id = $1", UUID(before))
        await api.hub.db.run(again, UUID(before), after)
    stand = "select session_id, assignee_id, priority from session_order where session_id = any($1)"
    rows = await api.hub.db.fetch(stand, fresh)
    assert {r["session_id"]: (r["assignee_id"], r["priority"]) for r in rows} == {
        fresh[0]: (agent.who.id, 2), fresh[1]: (None, 1)}


async def test_a_refresh_asks_little(desk: Desk, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list, its counts, the badge, and that somebody is here: however many conversations and views there are."""
    await town(api, 12)
    for n in range(5):
        await desk.done("/console/inbox/views", name=f"View {n}", query="show=waiting&priority=high")
    asked: list[str] = []
    real = Db._guard

    async def counting(self: Db, method: str, sql: str, args: Any) -> Any:
        if "left_arrivals" not in sql:  # the journal is looked at once a second
            asked.append(sql)
        return await real(self, method, sql, args)

    async with desk.http.get(f"{api.url}/console/events?show=mine") as stream:
        while b'hx-target="#tabs"' not in (await stream.content.readany()):
            pass
        mine = "update session_order set assignee_id = $2 where session_id = (select max(session_id::text)::uuid"
        mine += " from session_order where account_id = $1) returning session_id"
        session = await api.hub.db.value(mine, api.account, desk.who.id)
        monkeypatch.setattr(Db, "_guard", counting)
        await api.hub.events.publish(f"a:{api.account}", {"type": "desk", "sessions": [str(session)]})
        while str(session).encode() not in (await asyncio.wait_for(stream.content.readany(), 10)):
            pass
        monkeypatch.undo()
    # Whoever's stream it is, is looked up now and then; nothing is asked for each view or each conversation.
    assert sum("desk_page" in sql for sql in asked) == 1 == sum("desk_counts" in sql for sql in asked)
    assert len(asked) <= 6, asked


def test_labels_can_be_read_in_both_themes() -> None:
    """Each colour that can be chosen, as the style has it: 4.5 to 1 and more."""
    css = (FOLDER / "console.css").read_text()
    found = re.findall(r"\.c-(\w+)\{color:light-dark\((#\w+),(#\w+)\);background:light-dark\((#\w+),(#\w+)\)", css)
    assert {name for name, *_ in found} | {"grey"} == set(COLOURS), "grey is how every tag looks"
    for name, *inks in found:
        for ink, ground in zip(inks[:2], inks[2:], strict=True):
            light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, name


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(p * w for p, w in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


async def test_a_list_that_is_none_is_kept_by_nobody(desk: Desk, api: Api) -> None:
    for query in ("show=%00", "show=none", "show=mine&label=%00", "sort=%00", "priority=%ed%a0%80"):
        assert (await desk.post("/console/inbox/views", name="Odd", query=query)).status == 400, query
    id = "00000000-0000-0000-0000-000000000000"
    for after, status in (
        (f"2026-01-01T00:00:00~{id}~1", 200), (f"0001-01-01T00:00:00+14:00~{id}~1", 400),
        (f"9999-12-31T23:59:59-14:00~{id}~1", 400), (f"2026-01-01~{id}~{'9' * 5000}", 400), ("~~", 400),
    ):
        got = await desk.get(f"/console/inbox?after={quote(after)}")
        assert got.status == status, (after[:60], got.status)
