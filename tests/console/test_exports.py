"""Conversations as files: one with times and names, many by what happened in them, none cut without a word."""

import asyncio
import csv
import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import orjson
from pypdf import PdfReader

from hub.accounts import tables
from hub.chat.website.transcript_files import Press
from hub.child_processes import AT_ONCE, Children, Ended
from tests.api.conftest import Api
from tests.console.conftest import Desk, signed_in
from tests.console.town import MESSAGE, fill

LONG = """
    insert into messages (id, account_id, session_id, role, source, content)
    select new_id(), $1, $2, case when n % 2 = 1 then 'user' else 'assistant' end,
        case when n % 2 = 1 then 'contact' else 'model' end, jsonb_build_object('text', 'message ' || n)
    from generate_series(1, $3) n order by n
"""
MANY = """
    insert into sessions (id, account_id, client_id, kind, tag, message_count, last_message_at, created_at, expires_at)
    select uuidv7(), $1, $2, 'web', 'many-' || n, 0, now(), now(), now() + interval '1 hour'
    from generate_series(1, $3) n
"""


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


async def say(api: Api, session: UUID, role: str, source: str, **content: object) -> None:
    await api.hub.db.run(MESSAGE, uuid4(), api.account, session, role, source, content, None, datetime.now(UTC))


async def test_a_conversation_is_kept_with_times_and_names(desk: Desk, api: Api) -> None:
    session = (await fill(api.hub, api.account, 4))["sessions"][1]
    await desk.done(f"/console/inbox/{session}/say", text="This is *Olga* speaking")
    voice = {"media": "voice", "name": "note.ogg", "token": "tok1", "text": "I am late"}
    await say(api, session, "user", "contact", text="Two things", attachments=[voice])
    at, query = f"/console/inbox/{session}/transcript", "&zone=America/Sao_Paulo"
    text = await desk.get(f"{at}?format=txt{query}")
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert text.headers["Content-Disposition"].startswith("attachment;")
    day = f"{datetime.now(UTC) - timedelta(hours=3):%Y-%m-%d}"
    voiced = r"Two things\n\[voice: note.ogg, I am late, .*/media/tok1\]"
    assert re.search(rf"\[{day} \d\d:\d\d:\d\d\] Tomás Okafor:\n{voiced}", text.text)
    assert f"] {desk.who.name}:\nThis is *Olga* speaking" in text.text and "(America/Sao_Paulo)" in text.text
    kept = orjson.loads((await desk.get(f"{at}?format=json{query}")).text)
    assert kept["conversation"]["person"] == "Tomás Okafor" and kept["conversation"]["timeZone"] == "America/Sao_Paulo"
    last = kept["messages"][-1]
    assert (last["from"], last["text"], last["at"][-6:]) == ("Tomás Okafor", "Two things", "-03:00")
    url = f"{api.hub.settings.address}/media/tok1"
    assert last["attachments"] == [{"name": "note.ogg", "kind": "voice", "url": url}]
    async with desk.http.get(f"{api.url}{at}?format=pdf{query}") as got:
        read = PdfReader(io.BytesIO(await got.read()))
    printed = "".join(p.extract_text() for p in read.pages)
    assert "Two things" in printed and "Olga" in printed and "*Olga*" not in printed
    assert "Only the newest" not in printed
    for wrong in ("format=doc", "format=txt&zone=Mars/Base"):
        assert (await desk.get(f"{at}?{wrong}")).status == 400
    page = await desk.get(at)
    assert page.status == 200 and "Two things" in page.text and "?format=pdf" in page.text
    # Who only reads may keep a conversation; somebody of another business does not know that it is there.
    other = await signed_in(api, "owner", await stranger(api))
    assert (await other.get(f"{at}?format=txt")).status == 404
    await other.http.close()


async def stranger(api: Api) -> UUID:
    async with api.hub.db.transaction() as tx:
        id = uuid4()
        await tx.run("insert into accounts (id, name, balance, salt) values ($1, 'Other', 0, '')", id)
    return id


async def test_a_very_long_one_is_whole_as_text_and_told_as_cut_on_paper(desk: Desk, api: Api) -> None:
    session = (await fill(api.hub, api.account, 1))["sessions"][0]
    await api.hub.db.run(LONG, api.account, session, 5000)
    at = f"/console/inbox/{session}/transcript"
    kept = orjson.loads((await desk.get(f"{at}?format=json")).text)["messages"]
    said = [m["text"] for m in kept if m["text"].startswith("message ")]
    assert said == [f"message {n}" for n in range(1, 5001)]
    async with desk.http.get(f"{api.url}{at}?format=pdf") as got:
        assert got.status == 200
        pages = [p.extract_text() for p in PdfReader(io.BytesIO(await got.read())).pages]
    assert "Only the newest messages" in pages[0] and "message 5000" in pages[-1]
    assert "message 4001" in pages[0] and not any(re.search(r"message 4000\b", p) for p in pages)


class Slow(Children):
    """Prints at once, but for what hangs until it is over."""

    def __init__(self) -> None:
        super().__init__()
        self.over, self.begun = asyncio.Event(), list[bytes]()

    async def run(self, program: Path, given: bytes, *, seconds: float, longest: int) -> Ended:
        self.begun.append(given.rpartition(b"\n")[2])
        if self.begun[-1].startswith(b"hangs"):
            await self.over.wait()
        return Ended(b"%PDF-1.4", 0)


async def test_who_prints_much_makes_nobody_else_wait() -> None:
    press, slow, mine = Press(), Slow(), uuid4()
    press._children = slow
    async with asyncio.TaskGroup() as tasks:
        for n in range(AT_ONCE + 1):
            tasks.create_task(press.pdf(mine, f"hangs {n}", ""))
        try:
            while not slow.begun:
                await asyncio.sleep(0)
            assert await press.pdf(uuid4(), "theirs", "") == b"%PDF-1.4"
            assert slow.begun == [b"hangs 0", b"theirs"]
        finally:
            slow.over.set()
    assert len(slow.begun) == AT_ONCE + 2


async def test_conversations_are_chosen_by_what_happened(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 8)
    db, sessions = api.hub.db, town["sessions"]
    await db.run(
        "insert into human_requests (session_id, account_id, state, asked_by) values ($1, $2, 'answered', 'words')",
        sessions[2], api.account,
    )
    await db.run(
        "insert into happenings (account_id, session_id, kind, detail)"
        " values ($1, $2, 'feedback', '{\"rating\": \"down\"}')",
        api.account, sessions[3],
    )

    async def found(query: str) -> list[str]:
        page = await desk.get(f"/console/conversations?{query}")
        assert page.status == 200, page.said
        return re.findall(r'href="/console/inbox/([0-9a-f-]{36})"', page.text)

    form = (await desk.get(f"/console/conversations?client={town['client']}&state=bot")).text
    name = await db.value("select name from clients where id = $1", town["client"])
    assert f'<option value="{town["client"]}" selected>{name}</option>' in form
    assert '<option value="bot" selected>With the bot</option>' in form
    every = await found("")
    assert sorted(every) == sorted(map(str, sessions))
    assert await found("event=words") == await found("event=person") == [str(sessions[2])]
    assert await found("event=disliked") == [str(sessions[3])] and await found("event=model") == []
    assert set(await found("network=telegram")) == {str(sessions[1]), str(sessions[5])}
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert await found(f"since={today}&event=asked") != [] and await found("until=2020-01-01") == []
    for wrong in ("event=x", "state=x", "since=2026-02-30", "since=yesterday", "client=1", "network=fax", "zone=X"):
        assert (await desk.get(f"/console/conversations?{wrong}")).status == 400, wrong
    for path in ("?event=words&of=messages", "?event=words"):
        lines = (await desk.get(f"/console/conversations/file{path}&format=jsonl")).text.splitlines()
        rows = [orjson.loads(one) for one in lines]
        assert {r.get("conversation") or r["id"] for r in rows} == {str(sessions[2])}


async def test_a_table_of_more_than_a_page_is_whole_and_holds_no_formula(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 2)
    await api.hub.db.run(MANY, api.account, town["client"], 450)
    evil = "=HYPERLINK(\"http://evil.example\",\"x\")"
    await api.hub.db.run("update sessions set title = $2 where id = $1", town["sessions"][0], evil)
    await say(api, town["sessions"][0], "user", "contact", text="\t@SUM(1)")
    table = cells((await desk.get("/console/conversations/file?format=csv")).text)
    assert table[0][:2] == ["id", "person"] and len(table) == 453 and len({r[0] for r in table}) == 453
    title = table[0].index("title")
    assert f"'{evil}" in [r[title] for r in table]
    said = cells((await desk.get("/console/conversations/file?format=csv&of=messages")).text)
    assert "'\t@SUM(1)" in [r[said[0].index("text")] for r in said]
    assert not [c for r in (*table, *said) for c in r if c.lstrip(" ").startswith(tables.FORMULA)]
    # Who took them is in the log; a look at the list is not.
    log = (await desk.get("/console/audit?action=conversations.")).text
    assert log.count("conversations.exported") >= 2
    assert (await desk.get("/console/conversations")).text.count('data-th="Who"') == 50
    assert "452, those" in (await desk.get("/console/conversations")).text


async def test_what_a_spreadsheet_would_run_is_text() -> None:
    assert [tables.cell(v) for v in ("=1", " +1", "-1", "@a", "\ra", "a=1", 5, -3.5, None, ["=a", "b"])] == [
        "'=1", "' +1", "'-1", "'@a", "'\ra", "a=1", 5, -3.5, None, "'=a\nb",
    ]
    # Where ; parts cells and commas do not, more cells begin.
    assert [tables.cell(v) for v in ("hi;=1+1", "hi; @a", "a\n=cmd|' /C x'!A0", "a;-1", "a;- x|y", "\uff1d1")] == [
        "hi;'=1+1", "hi; '@a", "a\n'=cmd|' /C x'!A0", "a;'-1", "a;'- x|y", "'\uff1d1",
    ]
    for words in ("Prices:\n- cut; 50\n- wash", "a;b;c", "1+1=2; ok", "a@b.example;c@d.example"):
        assert tables.cell(words) == words
