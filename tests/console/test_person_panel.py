"""What operators see of a person: fields, notes, consent, the card of the business's own server."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import pytest
from aiohttp import web

from hub.accounts.accounts import create_account
from hub.chat.operators import cards, panel
from hub.processes.embedded import free_port
from hub.store import contacts, people
from tests.api.conftest import Api
from tests.console.conftest import Desk, signed_in
from tests.console.town import fill

PLACE = "/console/settings/contacts"
FIELDS = "/api/v1/inbox/fields"


@dataclass
class Shop:
    """A business's own server. gate: while it is shut, nothing is answered."""

    url: str
    asked: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answer: Any = None
    status: int = 200
    gate: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def shop(answer: Any) -> AsyncIterator[Shop]:
    port = free_port()
    found = Shop(f"http://127.0.0.1:{port}/card", answer=answer)
    found.gate.set()

    async def told(request: web.Request) -> web.Response:
        found.asked.append(request)
        found.bodies.append(await request.read())
        await found.gate.wait()
        raw = found.answer if isinstance(found.answer, bytes) else orjson.dumps(found.answer)
        return web.Response(status=found.status, body=raw, content_type="application/json")

    app = web.Application()
    app.router.add_post("/card", told)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield found
    finally:
        found.gate.set()
        await runner.cleanup()


async def talk(api: Api) -> tuple[UUID, UUID]:
    """A conversation whose person is known: (session, person)."""
    town = await fill(api.hub, api.account, 2)
    session = town["sessions"][0]
    person = await api.hub.db.value("select person_id from sessions where id = $1", session)
    if person is None:
        person = await people.owner(api.hub.db, api.account, f"vera-{session}")
        await api.hub.db.run("update sessions set person_id = $2 where id = $1", session, person)
    return session, person


async def test_fields_are_made_filled_and_taken_away(desk: Desk, api: Api) -> None:
    session, person = await talk(api)
    made = await desk.done(f"{PLACE}/fields", name="Plan", type="choice", choices="free\ngold", place="2")
    assert "Plan stands beside every conversation now" in made.said
    await desk.done(f"{PLACE}/fields", name="Birthday", type="date", place="1", bot="yes")
    await desk.done(f"{PLACE}/fields", name="Member", type="yes_no", place="3")
    page = await desk.get(f"/console/inbox/{session}")
    at = [page.text.index(f"field-{key}") for key in ("birthday", "plan", "member")]
    assert at == sorted(at), "in the order of their places"
    version = page.text.split('name="version" value="')[1][:32]
    sent = {"field-plan": "gold", "field-birthday": "1990-02-03", "field-member": "true", "version": version}
    assert "saved" in (await desk.done(f"/console/inbox/{session}/fields", **sent)).said
    told = {"plan": "gold", "birthday": "1990-02-03", "member": True}
    assert (await api.ok("GET", f"/api/v1/contacts/{person}/fields"))["values"] == told
    stale = await desk.post(f"/console/inbox/{session}/fields", **{"field-plan": "free", "version": version})
    assert stale.status == 409 and "Somebody else has changed this" in stale.text
    wrong = await desk.post(f"/console/inbox/{session}/fields", **{"field-plan": "silver"})
    assert wrong.status == 400 and "one of its choices" in wrong.text
    [plan] = [f for f in await api.ok("GET", FIELDS) if f["key"] == "plan"]
    await desk.done(f"{PLACE}/fields/{plan['id']}/delete")
    assert "field-plan" not in (await desk.get(f"/console/inbox/{session}")).text
    assert "plan" not in (await api.ok("GET", f"/api/v1/contacts/{person}/fields"))["values"]


async def test_a_choice_that_is_offered_no_more_keeps_no_other_field_from_being_saved(desk: Desk, api: Api) -> None:
    session, person = await talk(api)
    kind = {"type": "choice", "choices": ["basic", "gold"]}
    tier = await api.ok("POST", FIELDS, {"key": "tier", "name": "Tier", **kind})
    await api.ok("POST", FIELDS, {"key": "town", "name": "Town"})
    where = f"/api/v1/contacts/{person}/fields"
    await api.ok("PUT", where, {"values": {"tier": "gold"}})
    await api.ok("PUT", f"{FIELDS}/{tier['id']}", {"choices": ["basic"]})
    page = (await desk.get(f"/console/inbox/{session}")).text
    assert "<option selected>gold</option>" in page, "the form sends what is there along"
    sent = {"field-tier": "gold", "field-town": "Recife"}
    assert "saved" in (await desk.done(f"/console/inbox/{session}/fields", **sent)).said
    values = (await api.ok("GET", where))["values"]
    assert (values["tier"], values["town"]) == ("gold", "Recife")
    await api.ok("PUT", where, {"values": {"tier": None}})
    assert (await api.call("PUT", where, {"values": {"tier": "gold"}})).status == 400, "nobody chooses it anew"


async def test_values_are_bounded_and_stay_data(desk: Desk, api: Api) -> None:
    session, person = await talk(api)
    for key, kind in (("score", "number"), ("about", "text"), ("since", "date"), ("vip", "yes_no")):
        await api.ok("POST", FIELDS, {"key": key, "name": key.title(), "type": kind})
    where = f"/api/v1/contacts/{person}/fields"
    for values in (
        {"score": "much"}, {"score": True}, {"score": "nan"}, {"about": "x" * 501}, {"since": "soon"}, {"vip": "maybe"},
        {"other": "x"}, {"about": "fits", "score": "no"},
    ):
        assert (await api.call("PUT", where, {"values": values})).status == 400, values
    markup = "<img src=x onerror=alert(1)>{{ 7*7 }}"
    await api.ok("PUT", where, {"values": {"about": markup, "score": 1.5, "vip": False}})
    page = (await desk.get(f"/console/inbox/{session}")).text
    assert markup not in page and "&lt;img src=x onerror=alert(1)&gt;{{ 7*7 }}" in page
    assert (await api.ok("GET", where))["values"] == {"score": 1.5, "about": markup, "since": None, "vip": False}
    await api.ok("PUT", where, {"values": {"about": None}})
    assert (await api.ok("GET", where))["values"]["about"] is None
    twice = await api.call("POST", FIELDS, {"key": "score", "name": "Again"})
    assert twice.status == 409
    for bad in ({"key": "Score", "name": "x"}, {"key": "x", "name": "x", "type": "choice"}, {"key": "x", "name": " "}):
        assert (await api.call("POST", FIELDS, bad)).status == 400, bad
    assert (await api.call("GET", where, key=api.foreign)).status == 404
    assert (await api.call("PUT", where, {"values": {"score": 1}}, key=api.foreign)).status == 404


async def test_lines_and_figures_stay_what_their_writer_meant(desk: Desk, api: Api) -> None:
    session, person = await talk(api)
    for key, kind in (("score", "number"), ("address", "text")):
        await api.ok("POST", FIELDS, {"key": key, "name": key.title(), "type": kind})
    page, where = f"/console/inbox/{session}", f"/api/v1/contacts/{person}/fields"
    for language, said, meant in (
        ("en", "1,234", 1234), ("en", "1,234,567.5", 1234567.5), ("pt-BR", "1.234,5", 1234.5), ("es", "1.234", 1234),
        ("pt-BR", "1,234", 1.234), ("en", "1.234", 1.234), ("es", "-3,5", -3.5), ("en", "2,5", 2.5),
    ):
        sent = {"field-score": said, "field-address": "Rua A, 1\r\nRecife"}
        got = await desk.post(f"{page}/fields", _headers={"Accept-Language": language}, **sent)
        assert got.status == 303
        assert (await api.ok("GET", where))["values"] == {"score": meant, "address": "Rua A, 1\nRecife"}, said
    await api.ok("PUT", where, {"values": {"score": 1.234}})
    for language, shown in (("en", "1.234"), ("pt-BR", "1,234"), ("es", "1,234")):
        text = (await desk.get(page, **{"Accept-Language": language})).text
        assert f'name="field-score" value="{shown}"' in text, "saved as it is shown, it is the same"
        assert ">\nRua A, 1\nRecife</textarea>" in text
    bad = await desk.post(f"{page}/fields", **{"field-score": "1.2.3"})
    assert bad.status == 400
    looks = await signed_in(api, "viewer")
    text = (await looks.get(page, **{"Accept-Language": "pt-BR"})).text
    assert "<dd>1,234</dd>" in text and '<span class="said">Rua A, 1\nRecife</span>' in text
    await looks.http.close()


async def test_notes_on_the_person_stand_beside_all_their_conversations(desk: Desk, api: Api, viewer: Desk) -> None:
    session, person = await talk(api)
    other = (await fill(api.hub, api.account, 2))["sessions"][1]
    await api.hub.db.run("update sessions set person_id = $2 where id = $1", other, person)
    await desk.done(f"/console/inbox/{session}/person-note", about="Prefers to be called in the <morning>")
    for one in (session, other):
        assert "Prefers to be called in the &lt;morning&gt;" in (await viewer.get(f"/console/inbox/{one}")).text
    [note] = await api.ok("GET", f"/api/v1/contacts/{person}/notes")
    assert note["author"] == desk.who.name
    assert (await api.call("DELETE", f"/api/v1/contacts/{person}/notes/{note['id']}", key=api.foreign)).status == 404
    await desk.done(f"/console/inbox/{other}/person-note/{note['id']}/delete")
    assert await api.ok("GET", f"/api/v1/contacts/{person}/notes") == []
    assert (await viewer.post(f"/console/inbox/{session}/person-note", about="x")).status == 403


async def test_notes_that_are_not_shown_are_counted_and_come_in_pages(
    desk: Desk, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, person = await talk(api)
    other = await people.owner(api.hub.db, api.account, f"other-{person}")
    await api.ok("POST", f"/api/v1/contacts/{person}/join", {"contactId": str(other)})
    monkeypatch.setattr(panel, "BESIDE", 2)
    monkeypatch.setattr(panel, "NOTES", 5)
    whose = [f"/api/v1/contacts/{one}/notes" for one in (person, other)]
    for n in range(5):
        await api.ok("POST", whose[n % 2], {"text": f"note {n}."})
    for one in whose:
        assert (await api.call("POST", one, {"text": "too many"})).status == 409, "of both names together"
    page = (await desk.get(f"/console/inbox/{session}")).text
    assert "note 4." in page and "note 2." not in page and "and 3 more" in page
    found, at, answers = list[str](), f"{whose[0]}?limit=2", 0
    while at:
        got, answers = await api.call("GET", at), answers + 1
        assert got.headers["X-Total-Count"] == "5"
        found += [one["text"] for one in got.body]
        at = got.headers.get("Link", "").partition("<")[2].partition(">")[0].removeprefix(api.hub.settings.address)
    assert answers == 3
    assert found == [f"note {n}." for n in (4, 3, 2, 1, 0)]


async def test_consent_has_a_history(desk: Desk, api: Api) -> None:
    session, person = await talk(api)
    db = api.hub.db
    for out, words in ((True, "STOP <b>"), (True, "stop again"), (False, None), (False, None), (True, "parar")):
        await people.opt(db, api.account, person, out, "contact", words)
    found = (await api.ok("GET", f"/api/v1/contacts/{person}"))["consents"]
    assert [(c["state"], c["words"]) for c in found] == [("out", "parar"), ("in", None), ("out", "STOP <b>")]
    page = (await desk.get(f"/console/inbox/{session}")).text
    assert page.count("Opted out") >= 2 and "STOP &lt;b&gt;" in page and "Opted in" in page


async def test_joined_people_have_one_panel_and_a_split_gives_each_their_own(api: Api) -> None:
    a, b = [await people.owner(api.hub.db, api.account, name) for name in ("ana-panel", "bea-panel")]
    await api.ok("POST", FIELDS, {"key": "city", "name": "City"})
    await api.ok("PUT", f"/api/v1/contacts/{a}/fields", {"values": {"city": "Recife"}})
    await api.ok("PUT", f"/api/v1/contacts/{b}/fields", {"values": {"city": "Olinda"}})
    await api.ok("POST", f"/api/v1/contacts/{a}/join", {"contactId": str(b)})
    for one in (a, b):
        assert (await api.ok("GET", f"/api/v1/contacts/{one}/fields"))["values"]["city"] == "Olinda", "the latest"
    await api.ok("POST", f"/api/v1/contacts/{a}/split", {})
    assert (await api.ok("GET", f"/api/v1/contacts/{a}/fields"))["values"]["city"] == "Recife"
    assert (await api.ok("GET", f"/api/v1/contacts/{b}/fields"))["values"]["city"] == "Olinda"


async def test_whoever_is_joined_for_whatever_reason_is_shown(desk: Desk, api: Api) -> None:
    session, person = await talk(api)
    page = f"/console/inbox/{session}"
    for n, (evidence, detail, words) in enumerate((
        ("operator", {}, "operator"), ("operator", {"reason": "<i>same voice</i>"}, "&lt;i&gt;same voice&lt;/i&gt;"),
        ("session", {}, "one name"), ("code", {}, "a code from the web chat"),
    )):
        other = await people.owner(api.hub.db, api.account, f"joined-{n}-{person}")
        assert await contacts.join(api.hub.db, api.account, person, other, evidence, detail, "hub")
        text = (await desk.get(page)).text
        assert f"by the hub: {words}" in text, (evidence, text[-300:])


async def test_prepared_replies_say_what_fields_hold(desk: Desk, api: Api) -> None:
    session, person = await talk(api)
    await api.ok("POST", FIELDS, {"key": "plan", "name": "Plan"})
    text = "You have {{contact.fields.plan|no plan}}, {{ contact.fields.gone | nothing }}."
    await api.ok("POST", "/api/v1/inbox/replies", {"shortcut": "plan", "text": text})
    offered = f"/console/inbox/{session}/replies?q=plan"
    assert "You have no plan, nothing." in (await desk.get(offered, **{"HX-Request": "true"})).text
    await api.ok("PUT", f"/api/v1/contacts/{person}/fields", {"values": {"plan": "*gold* {{contact.name}}"}})
    said = (await desk.get(offered, **{"HX-Request": "true"})).text
    assert "\\*gold\\* {{contact.name}}" in said, "words, whatever they look like"
    for bad in ("{{contact.fields.}}", "{{contact.fields.A}}", "{{contact.field.plan}}"):
        assert (await api.call("POST", "/api/v1/inbox/replies", {"shortcut": "b", "text": bad})).status == 400, bad


CARD = {"title": "Orders <b>", "items": [
    {"label": "1042", "value": "on its way", "url": "https://shop.example/1042"},
    {"label": "Script", "value": "<script>alert(1)</script>", "url": "javascript:alert(1)"},
    {"label": "Open", "value": 3, "url": "http://shop.example/"}, "no item",
]}


async def test_a_card_is_asked_for_signed_and_shown_as_words(desk: Desk, api: Api) -> None:
    session, person = await talk(api)
    await api.ok("POST", FIELDS, {"key": "plan", "name": "Plan"})
    await api.ok("PUT", f"/api/v1/contacts/{person}/fields", {"values": {"plan": "gold"}})
    async with shop(CARD) as server:
        page = f"/console/inbox/{session}"
        assert "Card of your server" not in (await desk.get(page)).text
        made = await desk.post(f"{PLACE}/card", url=server.url)
        secret = made.text.split("shown this once: <code>")[1].split("</code>")[0]
        assert secret not in (await desk.get(PLACE)).text
        assert "Card of your server" in (await desk.get(page)).text and server.asked == [], "only when it is opened"
        shown = (await desk.get(f"{page}/card", **{"HX-Request": "true"})).text
        assert "Orders &lt;b&gt;" in shown and "&lt;script&gt;" in shown and "javascript:" not in shown
        assert '<a href="https://shop.example/1042"' in shown and ">shop.example</a>" in shown
        assert "http://shop.example" not in shown
        [request], [body] = server.asked, server.bodies
        at = request.headers["Aresgen-Timestamp"]
        wanted = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        assert request.headers["Aresgen-Signature"] == wanted
        told = orjson.loads(body)
        assert (told["contactId"], told["fields"], told["sessionId"]) == (str(person), {"plan": "gold"}, str(session))
        assert all({"kind", "value"} == set(i) for i in told["identities"])
        assert (await desk.get(f"{page}/card")).status == 200 and len(server.asked) == 1, "kept for a minute"
        await desk.done(f"{PLACE}/card/delete")
        assert "No card is set up" in (await desk.get(f"{page}/card", **{"HX-Request": "true"})).text


async def test_each_conversation_of_a_person_has_its_own_card(desk: Desk, api: Api) -> None:
    session, person = await talk(api)
    other = (await fill(api.hub, api.account, 2))["sessions"][1]
    await api.hub.db.run("update sessions set person_id = $2 where id = $1", other, person)
    async with shop(CARD) as server:
        await api.ok("PUT", "/api/v1/inbox/card", {"url": server.url})
        for _ in range(2):
            for one in (session, other):
                server.answer = {"title": f"Of {one}"}
                shown = (await desk.get(f"/console/inbox/{one}/card", **{"HX-Request": "true"})).text
                assert f"Of {one}" in shown
        assert [orjson.loads(body)["sessionId"] for body in server.bodies] == [str(session), str(other)]


async def test_what_goes_wrong_with_a_card_is_said_in_words(desk: Desk, api: Api) -> None:
    session, _ = await talk(api)
    async with shop(CARD) as server:
        await api.ok("PUT", "/api/v1/inbox/card", {"url": server.url + "?token=abc"})
        assert "abc" not in (await api.ok("GET", "/api/v1/inbox/card"))["url"]
        for status, answer, words in (
            (500, CARD, "answered 500"), (200, b"<html>", "did not answer with a card"), (200, [1], "with a card"),
            (200, {"items": {}}, "with a card"), (200, {"title": "x" * 70_000}, "larger than"),
            (302, CARD, "answered 302"),
        ):
            server.status, server.answer = status, answer
            shown = (await desk.get(f"/console/inbox/{session}/card", **{"HX-Request": "true"})).text
            assert words in shown, (words, shown)
        assert "token=abc" in str(server.asked[0].url)
    assert "cannot be reached" in (await desk.get(f"/console/inbox/{session}/card", **{"HX-Request": "true"})).text
    bad = await api.call("PUT", "/api/v1/inbox/card", {"url": "http://10.0.0.1/"})
    assert bad.status == 400 and "private address" in bad.body["error"]


async def test_one_accounts_slow_card_holds_nobody_up(desk: Desk, api: Api) -> None:
    session, _ = await talk(api)
    other = await signed_in(api, account=(await create_account(api.hub.db, "Boreal")).id)
    town = await fill(api.hub, other.who.account_id, 2)
    theirs = town["sessions"][0]
    person = await people.owner(api.hub.db, other.who.account_id, "carl")
    await api.hub.db.run("update sessions set person_id = $2 where id = $1", theirs, person)
    async with shop(CARD) as slow, shop({"title": "Quick"}) as quick:
        slow.gate.clear()
        await desk.post(f"{PLACE}/card", url=slow.url)
        await other.post(f"{PLACE}/card", url=quick.url)
        asked = [asyncio.create_task(desk.get(f"/console/inbox/{session}/card")) for _ in range(cards.AT_ONCE)]
        try:
            async with asyncio.timeout(10):
                while len(slow.asked) < cards.AT_ONCE:
                    await asyncio.sleep(0.01)
            assert cards.BUSY in (await desk.get(f"/console/inbox/{session}/card")).text, "told at once"
            assert "Quick" in (await other.get(f"/console/inbox/{theirs}/card")).text
        finally:
            slow.gate.set()
            pages = await asyncio.gather(*asked)
        assert all("Orders" in p.text for p in pages)
    await other.http.close()


def test_links_of_a_card() -> None:
    with_port = ("https://shop.example:8443/", "shop.example:8443")
    for good, host in (("https://shop.example/1?a=b#c", "shop.example"), with_port):
        assert cards.link(good) == {"url": good, "host": host}
    for bad in (
        "http://shop.example/", "javascript:alert(1)", "https://", "https://u:p@shop.example/",
        "https://shop.example\\@x/", "https://shop.example/ x", "https://shop.example/\u202e",
        "https://shop.example:x/", 7, None, "https://x/" + "y" * 2000,
    ):
        assert cards.link(bad) is None, bad


def test_values_as_they_are_kept() -> None:
    number = {"key": "n", "type": "number", "choices": []}
    given = ("1,5", "2.50", "1,234", 3, "", None, 1e20)
    assert [panel.value_of(number, v) for v in given] == [1.5, 2.5, 1234, 3, None, None, 1e20]
    assert panel.key_of("Data de nascimento!") == "data_de_nascimento" and panel.key_of("2 x") == "field_2_x"
