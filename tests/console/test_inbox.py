"""The inbox: who is listed, long conversations in pages, what operators do, and what changes while they look."""

import asyncio
import re
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from aiohttp import FormData

from hub.chat.news import tell
from hub.console import live
from hub.store import contacts, people
from tests.api.chatting import PNG, visiting
from tests.api.conftest import Api
from tests.browser.payloads import PAYLOADS
from tests.conftest import owning
from tests.console.alone import api, provider
from tests.console.conftest import HERE, Desk
from tests.console.town import MESSAGE, fill

__all__ = ["api", "provider"]


def listed(text: str) -> list[str]:
    return re.findall(r'id="talk-([0-9a-f-]+)"', text)


async def test_lists_filters_search_and_pages(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 34, by=desk.who.id)
    first = listed((await desk.get("/console/inbox")).text)
    assert len(first) == 30
    [after] = re.findall(r'after=([^"]+)">Older', (await desk.get("/console/inbox")).text)
    second = listed((await desk.get(f"/console/inbox?after={after}")).text)
    assert len(second) == 4 and set(first + second) == {str(s) for s in town["sessions"]}
    mine = listed((await desk.get("/console/inbox?show=mine")).text)
    assert len(mine) == 7 == len(listed((await desk.get("/console/inbox?show=person")).text))
    assert not set(mine) & set(listed((await desk.get("/console/inbox?show=bot")).text))
    waiting = (await desk.get("/console/inbox?show=waiting")).text
    assert len(listed(waiting)) == 11 and re.search(r'class="badge">[1-9]', waiting)
    found = await desk.get("/console/inbox?q=mei")
    assert found.text.count("Mei Lin") >= 2 and found.text.count("Almeida") and len(listed(found.text)) == 3
    assert (await desk.get("/console/inbox?show=nonsense")).status == 400
    assert (await desk.get("/console/inbox?after=nonsense")).status == 400


async def test_one_person_is_one_card_with_all_conversations(desk: Desk, api: Api) -> None:
    """On three networks, joined from two; a stranger beside them; and two again after a split."""
    town = await fill(api.hub, api.account, 4)
    db, sessions = api.hub.db, town["sessions"]
    names = [(api.account, [n]) for n in ("phone:5531990000123", "tg:700", "user:mallory")]
    ana, also, stranger = await people.ensure(db, names, "message")
    for person, some in ((ana, sessions[:2]), (also, sessions[2:3]), (stranger, sessions[3:])):
        await db.run("update sessions set person_id = $1 where id = any($2)", person, some)
    assert len(listed((await desk.get("/console/inbox")).text)) == 3
    join = await contacts.join(db, api.account, ana, also, "operator", {"reason": "same voice"}, "Carla")
    first = listed((await desk.get("/console/inbox")).text)
    assert len(first) == 2 and str(sessions[3]) in first
    page = (await desk.get(f"/console/inbox/{sessions[0]}")).text
    others = page.split('id="others"')[1].split("</ul>")[0]
    assert set(re.findall(r"inbox/([0-9a-f-]+)", others)) == {str(s) for s in sessions[1:3]}
    card = page.split('id="names"')[1].split("</dl>")[0]
    assert "5531990000123" in card and "700" in card and "mallory" not in card and "same voice" in page
    # Found by the phone without its ninth digit, as one.
    assert len(listed((await desk.get("/console/inbox?q=%2B55+31+9000-0123")).text)) == 1
    got = await desk.post(f"/console/inbox/{sessions[0]}/split", join=str(join))
    assert got.status in (200, 303) and len(listed((await desk.get("/console/inbox")).text)) == 3
    assert "same voice" not in (await desk.get(f"/console/inbox/{sessions[0]}")).text
    assert (await desk.post(f"/console/inbox/{sessions[0]}/split", join="x")).status == 400
    assert (await desk.post(f"/console/inbox/{sessions[0]}/split", join=str(join))).status == 404


async def test_a_long_conversation_comes_in_pages(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 1)
    session = town["sessions"][0]
    for n in range(100):
        args = (UUID(int=n + 1), api.account, session, "user", "contact", {"text": f"line {n:03d}"}, None)
        await api.hub.db.run(
            MESSAGE, *args, await api.hub.db.value("select now() + make_interval(secs => $1)", float(n))
        )
    here = f"/console/inbox/{session}"
    seen: list[str] = []
    text = (await desk.get(here)).text
    while True:
        seen = re.findall(r"line (\d+)", text.split('id="older"')[-1].split('class="write"')[0]) + seen
        found = re.findall(r'href="(/console/inbox/[^"]+/older\?before=\d+)"', text)
        if not found:
            break
        got = await desk.get(found[0], **{"HX-Request": "true"})
        assert got.status == 200 and "<html" not in got.text
        text = got.text
    assert seen == [f"{n:03d}" for n in range(100)]
    assert "<html" in (await desk.get(f"{here}/older?before=50")).text, "the same as a page, without script"


async def test_reading_makes_it_read(desk: Desk, agent: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 2)
    session = town["sessions"][1]

    async def unread(of: Desk) -> bool:
        [row] = re.findall(rf'id="talk-{session}"><a class="([^"]+)"', (await of.get("/console/inbox")).text)
        return "unread" in row

    assert await unread(desk) and await unread(agent)
    await desk.get(f"/console/inbox/{session}")
    assert await unread(desk), "a GET alone says nothing"
    await desk.post(f"/console/inbox/{session}/read")
    assert not await unread(desk) and await unread(agent), "each has eyes of their own"


async def test_files_notes_and_prepared_replies(desk: Desk, api: Api) -> None:
    async with visiting(api) as me:
        await me.prompt("Hello")
        here = f"/console/inbox/{me.session}"
        form = FormData()
        for name, value in (("csrf", (await desk.get(here)).csrf), ("text", "Here it is")):
            form.add_field(name, value)
        form.add_field("file", PNG, filename="rose.png", content_type="image/png")
        async with desk.http.post(f"{api.url}{here}/say", data=form, headers=HERE, allow_redirects=False) as got:
            assert got.status == 303
        [address] = re.findall(r'src="(/media/[^"]+)" alt="rose.png"', (await desk.get(here)).text)
        async with desk.http.get(api.url + address) as got:
            assert await got.read() == PNG
        assert "rose.png" in (await me.said())[-1][1], "the visitor sees it"
        await desk.done(f"{here}/note", text="<b>careful</b>")
        assert "&lt;b&gt;careful&lt;/b&gt;" in (await desk.get(here)).text
        assert not any("careful" in text for _, text in await me.said())
        assert (await desk.post(f"{here}/note", text=" ")).status == 400
        await desk.done(f"{here}/back")
        assert (await desk.post(f"{here}/say", text=" ")).status == 400
        assert await api.hub.db.value("select handoff_at is null from sessions"), "nothing said, nothing taken"
    await desk.done("/console/replies", shortcut="/Hours", text="We open at nine.")
    await desk.done("/console/replies", shortcut="hours", text="We open at ten.")
    page = await desk.get(f"{here}/replies?q=ho")
    assert 'data-said="We open at ten."' in page.text and "/hours" in page.text
    assert (await desk.post("/console/replies", shortcut="a b", text="x")).status == 400
    id = await api.hub.db.value("select id from canned_replies")
    await desk.done(f"/console/replies/{id}/delete")
    assert "We open" not in (await desk.get(f"{here}/replies?q=ho")).text


async def test_a_visitor_sees_the_operator_at_once(desk: Desk, api: Api) -> None:
    async with visiting(api) as me:
        await me.prompt("Hello")
        here = f"/console/inbox/{me.session}"
        async with api.hub.events.listen(f"s:{me.session}") as heard:
            await desk.done(f"{here}/take")
            assert (await asyncio.wait_for(heard.get(), 5)) == {"type": "handoff", "active": True}
            refused = await me.call("POST", "/prompt", {"prompt": "Still there?"})
            assert refused.status == 422 and "A person has taken this conversation over" in refused.said
            # Neither a full session nor an empty balance nor a missing model keeps them from a person.
            await api.hub.db.run("update sessions set message_count = 100000")
            await api.hub.db.run("update clients set gateway_id = null")
            refused = await me.call("POST", "/prompt", {"prompt": "And now?"})
            assert "A person has taken this conversation over" in refused.said
            assert [text for _, text in await me.said()][-2:] == ["Still there?", "And now?"]
            await desk.done(f"{here}/say", text="I am here.")
            told = [await asyncio.wait_for(heard.get(), 5) for _ in range(1)]
            assert told[0]["type"] == "message"
        assert (await me.said())[-1] == ("assistant", "I am here.")


async def test_the_stream_carries_what_changes(desk: Desk, api: Api) -> None:
    async with visiting(api) as me:
        await me.prompt("Hello")
        here = f"/console/inbox/{me.session}"
        async with desk.http.get(f"{api.url}/console/events?show=all&session={me.session}") as got:
            assert got.headers["Content-Type"].startswith("text/event-stream")

            async def until(words: str) -> str:
                seen = ""
                while words not in seen:
                    seen += (await got.content.readany()).decode()
                return seen

            first = await until('hx-target="#badge"')
            assert all(f'hx-target="#{part}"' in first for part in ("talks", "recent", "state", "badge"))
            await desk.post(f"{here}/take")
            await until("Owner has it")
            await me.call("POST", "/prompt", {"prompt": "Are you <i>there</i>?"})
            assert "Are you &lt;i&gt;there&lt;/i&gt;?" in await until("Are you")
            await desk.post("/console/logout")
        async with desk.http.get(f"{api.url}/console/events") as got:
            assert (await got.read()).strip() == b"event: ended\ndata:", "whoever is signed out is told to stop"


async def first_news(desk: Desk, query: str, last: str = 'hx-target="#badge"') -> str:
    """What a stream says at once."""
    seen = ""
    async with desk.http.get(f"{desk.api.url}/console/events?{query}") as got:
        while last not in seen:
            seen += (await got.content.readany()).decode()
    return seen


async def test_older_conversations_are_not_swept_away_by_news(desk: Desk, api: Api) -> None:
    await fill(api.hub, api.account, 34)
    [after] = re.findall(r'after=([^"]+)">Older', (await desk.get("/console/inbox")).text)
    page = (await desk.get(f"/console/inbox?after={after}")).text
    [query] = re.findall(r'hx-sse:connect="/console/events\?([^"]+)"', page)
    assert 'hx-target="#talks"' not in await first_news(desk, unescape(query))
    assert 'hx-target="#talks"' in await first_news(desk, "show=all")


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\rdata: x\r\revent: ended\r\r"])
async def test_a_line_end_in_what_somebody_says_does_not_end_the_stream(desk: Desk, api: Api, end: str) -> None:
    """Every line is a field of an event: none of a text is left outside of one."""
    town = await fill(api.hub, api.account, 1)
    session = town["sessions"][0]
    at = await api.hub.db.value("select now()")
    args = (UUID(int=7), api.account, session, "user", "contact", {"text": f"one{end}two"}, None, at)
    await api.hub.db.run(MESSAGE, *args)
    news = await first_news(desk, f"show=all&session={session}", 'hx-target="#state"')
    assert "one" in news and "two" in news
    lines = [line for line in re.split(r"\r\n|\r|\n", news) if line]
    assert all(line.startswith(("data: ", ": ")) for line in lines), lines


async def test_a_thread_grows_without_holes(desk: Desk, api: Api) -> None:
    """What an open page shows stays, however much comes after it; beyond a limit the rest is asked for anew."""
    town = await fill(api.hub, api.account, 1)
    session, said = town["sessions"][0], 0
    here = f"/console/inbox/{session}"

    async def say(count: int) -> None:
        nonlocal said
        for _ in range(count):
            said += 1
            args = (UUID(int=said), api.account, session, "user", "contact", {"text": f"line {said:03d}"}, None)
            at = await api.hub.db.value("select now() + make_interval(secs => $1)", float(said))
            await api.hub.db.run(MESSAGE, *args, at)

    def lines(text: str) -> list[int]:
        return [int(n) for n in re.findall(r"line (\d+)</div>", text.replace("\n", ""))]

    await say(60)
    page = (await desk.get(here)).text
    began = lines(page)
    [since] = re.findall(r"""hx-vals:inherited='{"since": "(\d+)"}'""", page)
    await say(50)
    [query] = re.findall(r'hx-sse:connect="/console/events\?([^"]+)"', page)
    news = await first_news(desk, unescape(query), 'hx-target="#state"')
    assert lines(news) == list(range(began[0], 111)) and 'hx-target="#older"' not in news
    got = await desk.part(f"{here}/note", text="Look", since=since)
    assert lines(got.text) == lines(news)
    await say(400)
    got = await desk.part(f"{here}/note", text="Look", since=since)
    assert len(lines(got.text)) == 400 and 'hx-target="#older"' in got.text


async def test_a_thread_is_made_anew_only_for_news_of_its_own(
    desk: Desk, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "IDLE", 600.0)
    town = await fill(api.hub, api.account, 2)
    here, other = town["sessions"][:2]
    async with desk.http.get(f"{api.url}/console/events?session={here}") as got:

        async def until(words: str) -> str:
            seen = ""
            while words not in seen:
                seen += (await got.content.readany()).decode()
            return seen

        await until('hx-target="#state"')
        for session in (here, other):
            args = (UUID(int=1 + (session == other)), api.account, session, "user", "contact", {"text": "News!"}, None)
            await api.hub.db.run(MESSAGE, *args, await api.hub.db.value("select now()"))
        await tell(api.hub.events, api.account, other, {"type": "message"})
        assert 'hx-target="#recent"' not in await until('hx-target="#badge"')
        await tell(api.hub.events, api.account, here, {"type": "message"})
        assert "News!" in await until('hx-target="#state"')


async def test_taking_a_part_answers_with_parts(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 1)
    got = await desk.part(f"/console/inbox/{town['sessions'][0]}/take")
    assert got.status == 200 and got.text.startswith('<hx-partial hx-target="#recent"') and "took over" in got.text
    await api.hub.db.run("update sessions set closed_at = now()")
    ended = await desk.part(f"/console/inbox/{town['sessions'][0]}/take")
    assert ended.status == 404 and ended.headers["HX-Retarget"] == "#said" and 'role="alert"' in ended.text


async def test_what_people_write_is_text(desk: Desk, api: Api) -> None:
    """In every place where words of strangers are shown."""
    town = await fill(api.hub, api.account, 2)
    session, nasty = town["sessions"][1], "".join(PAYLOADS)
    content: Any = {
        "text": nasty,
        "quote": nasty,
        "attachments": [{"media": "image", "name": nasty, "token": '"><script>'}],
    }
    await api.hub.db.run("update messages set content = $1", content)
    await api.hub.db.run("update contacts set name = $1, username = $1, phone = $1", nasty)
    await api.hub.db.run("update sessions set title = $1, tag = tag || $1, metadata = $2", nasty, {nasty: nasty})
    await api.hub.db.run("update outbox set body = $1, error = $2, chat = $2", content, nasty)
    await api.hub.db.run("update schedules set instruction = $1, external_user = $1", nasty)
    await api.hub.db.run("update clients set name = $1", nasty)
    await api.hub.db.run("update gateways set name = $1", nasty)
    await desk.post(f"/console/inbox/{session}/note", text=nasty)
    key = await api.hub.db.value("select key from outbox limit 1")
    message = await api.hub.db.value("select id from messages where session_id = $1 limit 1", session)
    for path in (
        "",
        "/inbox",
        f"/inbox/{session}",
        "/deliveries",
        f"/deliveries/{key}",
        f"/why/{message}",
        "/schedules?view=list",
        "/schedules",
        "/channels",
        f"/channels/{town['client']}",
        "/bots",
        f"/bots/{town['gateway']}",
        "/audit",
        "/search?q=alert",
    ):
        page = await desk.get(f"/console{path}")
        assert page.status == 200, path
        body = re.sub(
            r"<script ((defer|type=\"module\") )?src=\"/assets/[\w./-]+\"></script>|<pre id=\"snippet\">.*?</pre>",
            "",
            page.text,
            flags=re.S,
        )
        assert not re.search(
            r"<script|<img src=x|<svg onload|<iframe|<details open ontoggle|<base|<meta http|</textarea><s", body
        ), path
        assert not re.search(r'(href|src)="(javascript|data:text|vbscript)', body, re.I), path
        assert not re.search(r"<[a-z][^<>\"']*(?:\"[^\"]*\"[^<>\"']*)*\son[a-z]+=", body, re.I), path


async def test_a_network_that_was_removed_is_said_and_nothing_is_taken(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 4)
    session = town["sessions"][0]
    await api.hub.db.run(
        "update sessions set handoff_at = null, handoff_by = null, integration_id = null, kind = 'channel'"
    )
    got = await desk.post(f"/console/inbox/{session}/say", text="Hello?")
    assert got.status == 409 and "was removed" in got.text
    assert await api.hub.db.value("select count(*) from sessions where handoff_at is not null") == 0
    assert await api.hub.db.value("select count(*) from messages where content->>'text' = 'Hello?'") == 0


async def test_who_reads_an_old_page_does_not_unread_the_new(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 1)
    session = town["sessions"][0]
    page = await desk.get(f"/console/inbox/{session}")
    assert f'hx-post="/console/inbox/{session}/read" hx-trigger="load"' in page.text
    assert await api.hub.db.value("select count(*) from session_reads") == 0, "the page alone says nothing"
    assert (await desk.post(f"/console/inbox/{session}/read")).status == 204
    before = await api.hub.db.value("update session_reads set at = at + interval '1 hour' returning at")
    assert (await desk.post(f"/console/inbox/{session}/read")).status == 204
    assert await api.hub.db.value("select at from session_reads") == before


async def test_what_failed_halfway_is_in_the_log(desk: Desk, api: Api) -> None:
    """The text is sent, and what it leads to cannot be shown any more."""
    town = await fill(api.hub, api.account, 1)
    session = town["sessions"][0]
    await api.hub.db.run("update sessions set handoff_at = null, kind = 'web', integration_id = null")
    async with owning(api.hub.settings.database_url.get_secret_value()) as owner:
        await owner.run("alter table messages add check (source <> 'operator') not valid")
    assert (await desk.post(f"/console/inbox/{session}/say", text="Hello")).status == 500
    assert await api.hub.db.value("select handoff_at is not null from sessions")
    rows = await api.hub.db.fetch("select object, detail from audit where action = 'inbox.answered' order by id")
    assert [(r["object"], r["detail"]["taken"]) for r in rows] == [(str(session), True)] * 2
    assert ["failed" in r["detail"] for r in rows] == [False, True]


async def test_what_an_answer_was_given_is_shown_beside_it(desk: Desk, api: Api) -> None:
    """The passages of its turn, where they stand and which of its sentences they have; escaped like everything."""
    session = (await fill(api.hub, api.account, 1))["sessions"][0]
    given = [
        {"id": str(session), "name": "<b>Prices</b>.md", "score": 0.8, "heading": "Workshop", "place": "part 2 of 5",
         "until": "2024-12-31", "said": ["The check costs R$ 120."]},
    ]
    await api.hub.db.run("update turns set passages = $2 where session_id = $1", session, given)
    page = (await desk.get(f"/console/inbox/{session}")).text
    assert "Answered from 1 passage<" in page and "&lt;b&gt;Prices&lt;/b&gt;.md" in page and "<b>Prices" not in page
    assert "part 2 of 5" in page and "valid until 2024-12-31" in page and "“The check costs R$ 120.”" in page
    await api.hub.db.run("update turns set passages = '[]' where session_id = $1", session)
    assert "Answered from" not in (await desk.get(f"/console/inbox/{session}")).text
