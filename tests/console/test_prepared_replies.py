"""Prepared replies: found while one types, in the conversation's language, with names and files; over REST too."""

import asyncio
import io
import re
from html import unescape

import aiohttp
import pytest

from hub.chat.operators.replies import Reply, chosen, filled
from hub.errors import Invalid
from tests.api.chatting import PNG, visiting
from tests.api.conftest import Api
from tests.console.conftest import Desk

REPLIES = "/api/v1/inbox/replies"


async def offers(desk: Desk, session: str, words: str) -> dict[str, str]:
    """Shortcut and what would be said, in the order in which they are offered."""
    page = await desk.get(f"/console/inbox/{session}/replies?q={words}", **{"HX-Request": "true"})
    assert page.status == 200 and "<html" not in page.text
    said = [unescape(s) for s in re.findall(r'data-said="([^"]*)"', page.text)]
    return dict(zip(re.findall(r"<code>/([\w-]+)</code>", page.text), said, strict=True))


async def test_found_by_shortcut_and_by_words(desk: Desk, viewer: Desk, api: Api) -> None:
    for shortcut, text in (
        ("hours", "We open at nine."), ("where", "Rua São João, 9, at all hours"), ("price", "**Nine** reais."),
    ):
        await api.ok("POST", REPLIES, {"shortcut": shortcut, "text": text})
    async with visiting(api) as me:
        await me.prompt("Hello")
        assert list(await offers(desk, me.session, "ho")) == ["hours", "where"], "those whose shortcut begins so first"
        assert list(await offers(desk, me.session, "sao+joao")) == ["where"], "accents do not count"
        assert list(await offers(desk, me.session, "/PRI")) == ["price"]
        assert await offers(desk, me.session, "nothing") == {}
        assert len(await offers(desk, me.session, "")) == 3
        assert (await viewer.get(f"/console/inbox/{me.session}/replies?q=")).status == 403
    foreign = await api.call("POST", REPLIES, {"shortcut": "hours", "text": "Theirs."}, key=api.foreign)
    assert foreign.status == 200, "another account has shortcuts of its own"
    id = foreign.body["id"]
    for method in ("PUT", "DELETE"):
        assert (await api.call(method, f"{REPLIES}/{id}", {"text": "x"} if method == "PUT" else None)).status == 404


async def test_names_are_put_in_as_words(desk: Desk, api: Api) -> None:
    text = "Hi {{contact.name|there}}, this is {{ operator.name }} of {{client.name}}."
    await api.ok("POST", REPLIES, {"shortcut": "hi", "text": text})
    async with visiting(api) as me:
        await me.prompt("Hello")
        name = await api.hub.db.value("select name from clients where id = $1::text::uuid", me.client)
        [said] = (await offers(desk, me.session, "hi")).values()
        assert said == f"Hi there, this is Owner of {name}."
        # What a person calls themselves is nothing but words: no variable, no link, no markup.
        evil = '{{operator.name}} [x](https://evil.example) <b>"&'
        put = "update sessions set metadata = metadata || jsonb_build_object('name', $2::text) where id::text = $1"
        await api.hub.db.run(put, me.session, evil)
        page = await desk.get(f"/console/inbox/{me.session}/replies?q=hi")
        assert "<b>" not in page.text
        [said] = (await offers(desk, me.session, "hi")).values()
        assert said.startswith(r'Hi {{operator.name}} \[x\](https://evil.example) \<b\>"&, this is Owner')


def test_what_is_no_variable_is_told() -> None:
    for wrong in ("{{contact.nmae}}", "{{}}", "{{ contact.name }} {{secret}}", "{{__class__}}"):
        with pytest.raises(Invalid, match="no variable"):
            Reply.of("x", f"Hi {wrong}")
    Reply.of("x", "Hi {{contact.name| my friend }} {single}")
    assert filled("Hi {{contact.name| my friend }}!", {}) == "Hi my friend!"
    assert filled("{{a}}{{b}}", {"a": "{{b}}", "b": "x"}) == "{{b}}x", "once, not again"
    assert filled("{{a}}", {"a": " many\n\n lines "}) == "many lines" and filled("{{a}}", {"a": None}) == ""
    assert len(filled("{{a}}", {"a": "x" * 999})) == 100


def test_the_text_of_the_conversations_language() -> None:
    reply = {"text": "Hi", "texts": {"pt": "Oi", "es-MX": "Hola"}}
    for language, said in (("pt", "Oi"), ("pt-BR", "Oi"), ("es", "Hola"), ("de", "Hi"), (None, "Hi"), ("pt-br", "Oi")):
        assert chosen(reply, language) == said, language


async def test_each_language_its_text(desk: Desk, api: Api) -> None:
    await desk.done("/console/replies", shortcut="hours", text="We open at nine.", text_pt="Abrimos às nove.")
    async with visiting(api) as me, visiting(api) as other:
        await me.prompt("Olá, vocês abrem que horas? Obrigado")
        await other.prompt("Hello, when do you open? Thank you")
        assert await offers(desk, me.session, "hours") == {"hours": "Abrimos às nove."}
        assert await offers(desk, other.session, "hours") == {"hours": "We open at nine."}
    [one] = await api.ok("GET", REPLIES)
    assert one["texts"] == {"pt": "Abrimos às nove."}
    # Languages that the console's form does not show stay as they are.
    await api.ok("PUT", f"{REPLIES}/{one['id']}", {"texts": {"pt": "Oi", "fr": "Salut"}})
    await desk.done(f"/console/replies/{one['id']}", shortcut="hours", text="At nine.", text_pt="")
    [one] = await api.ok("GET", REPLIES)
    assert (one["text"], one["texts"]) == ("At nine.", {"fr": "Salut"})
    for wrong in ({"texts": {"portuguese": "x"}}, {"texts": {"pt": "{{x}}"}}, {"shortcut": "a b"}, {"text": "{{x}}"}):
        assert (await api.call("PUT", f"{REPLIES}/{one['id']}", wrong)).status == 400, wrong


async def test_files_go_along(desk: Desk, agent: Desk, api: Api) -> None:
    made = await api.ok("POST", REPLIES, {"shortcut": "menu", "text": "Our menu."})
    form = aiohttp.FormData()
    form.add_field("file", PNG, filename="menu ü.png", content_type="image/png")
    kept = await api.ok("POST", f"{REPLIES}/{made['id']}/files", data=form)
    [file] = kept["files"]
    assert (file["name"], file["mime"], file["size"]) == ("menu ü.png", "image/png", len(PNG))
    place = f"/console/replies/{made['id']}/files/{file['id']}"
    async with agent.http.get(api.url + place) as got:
        assert await got.read() == PNG and got.headers["Content-Disposition"].startswith("attachment")
    async with visiting(api) as me:
        await me.prompt("Hello")
        page = await desk.get(f"/console/inbox/{me.session}/replies?q=menu")
        assert place in page.text and "menu ü.png" in unescape(page.text)
    large = aiohttp.FormData()
    large.add_field("file", io.BytesIO(bytes(5_000_001)), filename="a.bin", content_type="application/octet-stream")
    assert (await api.call("POST", f"{REPLIES}/{made['id']}/files", data=large)).status == 413
    for _ in range(4):
        form = aiohttp.FormData()
        form.add_field("file", b"x", filename="a.txt", content_type="text/plain")
        await api.ok("POST", f"{REPLIES}/{made['id']}/files", data=form)
    form = aiohttp.FormData()
    form.add_field("file", b"x", filename="a.txt", content_type="text/plain")
    assert (await api.call("POST", f"{REPLIES}/{made['id']}/files", data=form)).status == 409
    assert (await api.call("DELETE", f"{REPLIES}/{made['id']}/files/{file['id']}", key=api.foreign)).status == 404
    await desk.done(f"{place}/delete")
    assert (await agent.get(place)).status == 404
    await api.ok("DELETE", f"{REPLIES}/{made['id']}")
    assert await api.hub.db.value("select count(*) from canned_files where account_id = $1", api.account) == 0


async def test_a_reply_is_saved_with_all_its_files_or_not_at_all(desk: Desk, api: Api) -> None:
    menu = {"shortcut": "menu", "text": "Our menu."}
    got = await desk.post("/console/replies", **menu, file=io.BytesIO(bytes(5_000_001)))
    assert got.status == 413 and await api.ok("GET", REPLIES) == []
    await desk.done("/console/replies", **menu, file=[io.BytesIO(b"x"), io.BytesIO(b"y")])
    [one] = await api.ok("GET", REPLIES)
    assert len(one["files"]) == 2
    for place in ("/console/replies", f"/console/replies/{one['id']}"):
        got = await desk.post(place, shortcut="menu", text="Another.", file=[io.BytesIO(b"z") for _ in range(4)])
        assert got.status == 409 and await api.ok("GET", REPLIES) == [one], place
    await desk.done(f"/console/replies/{one['id']}", shortcut="menu", text="Another.", file=io.BytesIO(b"z"))
    [one] = await api.ok("GET", REPLIES)
    assert one["text"] == "Another." and len(one["files"]) == 3


async def test_one_shortcut_is_one_replys_however_many_want_it_at_once(desk: Desk, api: Api) -> None:
    ids = [(await api.ok("POST", REPLIES, {"shortcut": f"r{n}", "text": "x"}))["id"] for n in range(4)]
    got = await asyncio.gather(
        *(api.call("PUT", f"{REPLIES}/{id}", {"shortcut": "same"}) for id in ids),
        *(api.call("POST", REPLIES, {"shortcut": "Same", "text": "y"}) for _ in range(2)),
    )
    assert sorted(one.status for one in got) == [200, 409, 409, 409, 409, 409], [one.body for one in got]
    assert all("Another reply is called /same." in str(one.body) for one in got if one.status == 409)
    posts = await asyncio.gather(
        *(desk.part(f"/console/replies/{id}", shortcut="other", text="z") for id in ids), return_exceptions=True
    )
    assert sorted(p.status for p in posts if not isinstance(p, BaseException)).count(200) == 1
