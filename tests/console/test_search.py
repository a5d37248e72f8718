"""Search over what was said: messages, notes and files of the whole history; accents and slips are forgiven."""

import re
from uuid import UUID, uuid4

import pytest

from hub.console import filters
from hub.store import said
from tests.api.conftest import Api
from tests.console.conftest import Desk, signed_in
from tests.console.town import MESSAGE, fill


async def test_what_was_said_is_found_with_its_place(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 4)
    session = town["sessions"][1]
    db = api.hub.db
    first = None
    for n in range(90):
        text = "A entrega em São José custa **nove** reais" if n == 5 else f"line {n:03d}"
        id = uuid4()
        first = id if n == 5 else first
        await db.run(
            MESSAGE, id, api.account, session, "assistant" if n % 2 else "user", "model", {"text": text}, None,
            await db.value("select now() - make_interval(secs => $1)", float(1000 - n)),
        )
    await desk.done(f"/console/inbox/{session}/note", text="Wants an invoice for the greenhouse")
    await db.run(
        "insert into files (id, account_id, session_id, token, name, mime, kind, size, sha256, content)"
        " values (gen_random_uuid(), $1, $2, 'tok', 'contrato-aluguel.pdf', 'application/pdf', 'document', 1, '', '')",
        api.account, session,
    )
    for words in ("sao jose", "São José", "entrga sao", "ENTREGA REAIS"):
        page = await desk.get(f"/console/search?q={words}")
        [link] = re.findall(r'href="(/console/inbox/[^"]+/older[^"]+)"', page.text)
        assert f"/{session}/older" in link and link.endswith(f"#m{first}"), words
        assert "Tomás Okafor" in page.text and "**" not in page.text.split('id="results"')[1]
    place = await desk.get(link.partition("#")[0])
    assert f'id="m{first}"' in place.text and "line 010" in place.text
    for words, tag in (("greenhous", "note"), ("contrato", "file"), ("aluguell", "file")):
        page = await desk.get(f"/console/inbox?q={words}")
        assert f'<span class="tag">{tag}</span>' in page.text, words
    assert "<mark>nove</mark>" in (await desk.get("/console/search?q=nove")).text
    assert "Nothing has" in (await desk.get("/console/search?q=xyzzy")).text
    # By name: a slip and an accent are forgiven; the first words are nobody's name, nor are names made for networks.
    for words in ("Tomas", "Okafr", "tomás okafor"):
        assert "Tomás Okafor" in (await desk.get(f"/console/inbox?q={words}")).text, words
    for screen in ("/inbox", "/search?q=visitor", f"/inbox/{town['sessions'][0]}"):
        text = (await desk.get(f"/console{screen}")).text
        assert "zp_" not in text and not re.search(r"<b class=\"clip\">Do you deliver", text), screen


async def test_a_search_that_did_not_look_at_all_says_so(
    desk: Desk, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(api.hub, api.account, 4)
    cut = "only some were looked at"
    whole = await said.find(api.hub.db, api.account, "bouquet")
    assert whole and whole[-1]["kind"] != "cut" and cut not in (await desk.get("/console/search?q=bouquet")).text
    monkeypatch.setattr(said, "EACH", 1)
    rows = await said.find(api.hub.db, api.account, "bouquet")
    assert [r["kind"] for r in rows] == ["message", "cut"]
    for place in ("/console/search?q=bouquet", "/console/inbox?q=bouquet"):
        assert cut in (await desk.get(place)).text, place
    # Also where none of those few has the other words.
    assert [r["kind"] for r in await said.find(api.hub.db, api.account, "bouquet zzzyx")] == ["cut"]
    page = (await desk.get("/console/search?q=bouquet zzzyx")).text
    assert cut in page and "Nothing has" not in page


async def test_nobody_finds_what_another_account_said(desk: Desk, api: Api) -> None:
    other = UUID(str(await api.hub.db.value("select id from accounts where id <> $1 limit 1", api.account)))
    await fill(api.hub, other, 3)
    assert await said.find(api.hub.db, api.account, "bouquet") == []
    stranger = await signed_in(api, account=other)
    assert "bouquet" in (await stranger.get("/console/search?q=bouquet")).text
    assert "Mei" not in (await desk.get("/console/search?q=bouquet")).text
    await stranger.http.close()


@pytest.mark.parametrize(("text", "wanted"), [
    ("Hi, I have a **problem**", "Hi, I have a problem"),
    ("# Delivery prices\n\n- one\n- [x] two", "Delivery prices one two"),
    ("snake_case and 2*3*4 _so_", "snake_case and 234 so"), ("[here](https://x.example) ![a](/media/b)", "here a"),
    ("```py\nx = 1\n```\n> said", "x = 1 said"), ("| a | b |\n|---|---|\n| 1 | 2 |", "a b 1 2"),
    ("5 * 3 and a ~ b", "5 * 3 and a ~ b"),
])
def test_lists_show_words_without_marks(text: str, wanted: str) -> None:
    assert filters.unmarked(text) == wanted
