"""The console in the language of whoever reads it: their setting, else the browser's, else English."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest

from hub.chat.operators import findings, notices
from hub.translations import Catalogues
from tests.api.conftest import Api
from tests.console.conftest import Desk, Page, signed_in
from tests.console.test_screens import SCREENS
from tests.words.pseudo import Pseudo, pseudo


@pytest.fixture(autouse=True)
def spanish(api: Api) -> None:
    """A language that shows itself stands for Spanish."""
    api.hub.catalogues._known["es"] = Pseudo()


async def choose(desk: Desk, language: str) -> Page:
    return await desk.done("/console/settings/me", name="Ana", email=desk.who.email, language=language)


def head(page: Page) -> str:
    return unescape(re.findall(r"<h1[^>]*>(.*?)</h1>", page.text, re.S)[0])


async def test_each_reads_in_their_own(api: Api, desk: Desk) -> None:
    """Two people at once, of one account: what one has chosen is nothing to the other."""
    other = await signed_in(api, "agent")
    done = await choose(desk, "es")
    assert done.said == pseudo("Saved.") and head(done) == pseudo("Settings")
    assert '<html lang="es" dir="rtl">' in done.text and 'value="es" lang="es" selected' in done.text
    page = await other.get("/console/settings")
    assert '<html lang="en">' in page.text and head(page) == "Settings"
    assert head(await other.get("/console/settings", **{"Accept-Language": "es-AR,es;q=0.9"})) == pseudo("Settings")
    assert head(await desk.get("/console/settings", **{"Accept-Language": "en"})) == pseudo("Settings")
    back = await choose(desk, "en")
    assert head(back) == "Settings" and (await choose(desk, "")).status == 200
    assert (await desk.post("/console/settings/me", name="A", email=desk.who.email, language="xx")).status == 400
    await other.http.close()


async def test_a_form_without_a_language_keeps_it(desk: Desk) -> None:
    await choose(desk, "es")
    done = await desk.done("/console/settings/me", name="Ana Maria", email=desk.who.email)
    assert head(done) == pseudo("Settings")


async def test_every_screen_is_said(desk: Desk) -> None:
    await choose(desk, "es")
    for screen in SCREENS:
        page = await desk.get(f"/console{screen}")
        assert page.status == 200 and pseudo("Skip to the page") in page.text, screen
        title = unescape(re.findall(r"<title>(.*?) · Hub</title>", page.text)[0])
        assert not re.search("[a-z]{3}", title), (screen, title)


async def test_what_is_refused_is_said(desk: Desk) -> None:
    """Sentences of the console, with values, and of the layers below; a value is never read as words of a page."""
    await choose(desk, "es")
    page = await desk.part("/console/keys", label="", kind="private")
    assert page.status == 400 and pseudo("label must have 1 to 100 characters.") in page.text
    page = await desk.part("/console/keys", label="x", kind="private", days="9999")
    numbered = pseudo("%(name)s must be a number from %(least)s to %(most)s.")
    assert numbered % {"name": "Days", "least": 1, "most": 3650} in page.text and 'data-lead="Days"' in page.text
    page = await desk.post("/console/bots/00000000-0000-0000-0000-000000000000")
    assert page.status in (400, 404) and head(page) in (pseudo("Not Found"), pseudo("Bad Request"))
    done = await desk.done("/console/settings/inbox/teams", name="<i>%(x)s</i>")
    assert "&lt;i&gt;%(x)s&lt;/i&gt;" in done.said and "<i>" not in done.said


async def test_before_anybody_signs_in(api: Api, desk: Desk) -> None:
    async with desk.http.get(api.url + "/problems/not_found", headers={"Accept-Language": "es"}) as got:
        assert got.headers["Vary"] == "Accept-Language"  # what keeps pages on the way must not give it to others
        text = await got.text()
        assert '<html lang="es" dir="rtl">' in text and pseudo("There is nothing at this path") in text
    desk.http.cookie_jar.clear()
    page = await desk.get("/console/login", **{"Accept-Language": "es;q=0.8,de"})
    assert '<html lang="es" dir="rtl">' in page.text and head(page) == pseudo("Sign in")


async def test_scripts_are_told_their_words(desk: Desk) -> None:
    await choose(desk, "es")
    page = await desk.get("/console/words")
    assert pseudo("Copied") in unescape(page.text.encode().decode("unicode_escape"))


async def test_notices_and_mails(api: Api) -> None:
    """In the language of each person who is told."""
    at = datetime(2026, 5, 4, 13, 5, tzinfo=UTC)
    one = {"session_id": "s", "channel": "telegram", "contact_name": "Ana", "at": at, "id": "1"}
    one["zone"] = "America/Sao_Paulo"
    told = notices.of_waiting(one, Pseudo())
    assert told["title"] == "Ana" and told["body"] == pseudo("Waits for an answer · ") + "Telegram"
    mail = notices.letter([one], "http://hub", Catalogues().of("en"), "http://hub/off")
    assert mail.subject == "Ana waits for an answer"
    assert "Ana, since 04 May 10:05 · Telegram\nhttp://hub/console/inbox/s" in mail.text
    assert "Times are those of America/Sao_Paulo." in mail.text
    mail = notices.letter([one, one], "http://hub", Pseudo(), "http://hub/off")
    assert mail.subject == "2" + pseudo(" people wait for an answer") and "http://hub/console/inbox/s" in mail.text
    assert pseudo("Get no more of these mails") in unescape(mail.html)
    week = await findings.letter(api.hub, api.account, at, "UTC", "es")
    assert week.subject == pseudo("Your week: ") + "0" + pseudo(" conversations")


async def test_names_that_people_gave_are_no_words_of_ours(api: Api, desk: Desk) -> None:
    """A place called like something of a page keeps its name."""
    await choose(desk, "pt-BR")
    await api.ok("POST", "/api/v1/web-chat-client", {"name": "Home", "limitingParameters": {}, "clientParameters": {}})
    page = await desk.get("/console/conversations")
    assert ">Home</option>" in page.text and ">Todos</option>" in page.text
