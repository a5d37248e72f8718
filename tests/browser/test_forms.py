"""Forms of the console: sent once, kept until stored, refused beside the field, never saved over somebody else's."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, Route

from hub.config import Settings
from tests.browser.conftest import Watch
from tests.browser.test_console import seat, shows, visitor
from tests.console.business import Business, opening
from tests.fakes.model import says


@pytest.fixture
async def business(settings: Settings) -> AsyncIterator[Business]:
    async with opening(settings) as found:
        yield found


async def until(page: Page, condition: str, seconds: float = 10.0) -> None:
    await Watch.until(page, condition, seconds)


async def _talk(b: Business) -> str:
    client = await b.place(await b.bot())
    await b.api.call("GET", await visitor(b, str(client)), key="")
    return f"/console/inbox/{await b.api.hub.db.value('select id from sessions')}"


async def said(b: Business) -> list[str]:
    rows = await b.api.hub.db.fetch("select content->>'text' as t from messages where source = 'operator' order by position")
    return [r["t"] for r in rows]


async def test_what_an_operator_types_is_neither_lost_nor_doubled(business: Business, watch: Watch) -> None:
    b = business
    here = await _talk(b)
    me = await seat(watch, b)
    page = await me.open(here)
    # A double click is one message.
    await page.fill("#text", "Once")
    await page.get_by_role("button", name="Send").dblclick()
    await shows(page, "Once")
    await until(page, "document.querySelector('#text').value === ''")
    # So is one whose answer was lost on its way back, when it is sent again.
    async def lost(route: Route) -> None:
        await route.fetch()
        await route.fulfill(status=502, content_type="text/html", body="<h1>Bad gateway</h1><script>alert(1)</script>")
    await page.route("**/say", lost)
    await page.fill("#text", "Twice sent")
    await page.keyboard.press("Control+Enter")
    await shows(page, "could not be reached (502)")
    assert await page.input_value("#text") == "Twice sent" and "Bad gateway" not in await page.inner_text("body")
    await page.unroute("**/say")
    await page.keyboard.press("Control+Enter")
    await until(page, "document.querySelector('#text').value === ''")
    # The line is down: the text stays, and nothing says that it went.
    await page.route("**/say", lambda route: route.abort())
    await page.fill("#text", "On a broken line")
    await page.get_by_role("button", name="Send").click()
    await shows(page, "No connection to the hub")
    await page.reload()
    assert await page.input_value("#text") == "On a broken line"
    await page.unroute("**/say")
    await page.get_by_role("button", name="Send").click()
    await until(page, "document.querySelector('#text').value === ''")
    assert await said(b) == ["Once", "Twice sent", "On a broken line"]
    # The session has ended: the same, over a new sign-in.
    await b.api.hub.db.run("delete from operator_sessions")
    await page.fill("#text", "Still mine")
    await page.get_by_role("button", name="Send").click()
    await shows(page, "You are signed out")
    assert await page.input_value("#text") == "Still mine"
    link = await page.get_by_role("link", name="Sign in again").get_attribute("href")
    assert link and here.replace("/", "%2F") in link
    await page.get_by_role("link", name="Sign in again").click()
    await page.wait_for_url("**/console/login**")
    again = await seat(watch, b)
    other = await again.open(here)
    await me.context.add_cookies(await again.context.cookies())  # type: ignore[arg-type]
    await page.goto(b.api.url + here)
    assert await page.input_value("#text") == "Still mine" and await other.input_value("#text") == ""
    # A draft of the bot's does not write over it.
    b.model.default = says("A draft.")
    await page.get_by_role("button", name="Draft").click()
    await shows(page, "A draft.")
    assert await page.input_value("#text") == "Still mine"
    await page.get_by_role("button", name="Use this draft").click()
    assert await page.input_value("#text") == "A draft."


async def test_a_double_click_makes_one_bot(business: Business, watch: Watch) -> None:
    b = business
    for scripts in (True, False):
        me = await seat(watch, b, java_script_enabled=scripts)
        page = await me.open("/console/bots/new")
        await page.fill('[name="name"]', f"Bot {scripts}")
        await page.get_by_role("button", name="Make the bot").dblclick()
        await page.wait_for_url("**/console/bots/*-*")
        assert "The bot is made." in await page.inner_text("body")
        assert await b.api.hub.db.value("select count(*) from gateways where name = $1", f"Bot {scripts}") == 1
        assert await b.api.hub.db.value("select count(*) from audit where action = 'bot.created'") == 1 + (not scripts)


async def test_a_refusal_stands_beside_its_field(business: Business, watch: Watch) -> None:
    me = await seat(watch, business)
    page = await me.open("/console/bots/new")
    await page.fill('[name="name"]', "Shop")
    await page.check('[value="model"]')
    await page.fill('[name="modelName"]', "x")
    await page.fill('[name="baseAddress"]', "ftp://nowhere")
    await page.get_by_role("button", name="Make the bot").click()
    wrong = page.locator(".wrong")
    await wrong.wait_for()
    field = page.locator('[name="baseAddress"]')
    assert await field.get_attribute("aria-invalid") == "true"
    assert await field.get_attribute("aria-describedby") == await wrong.get_attribute("id")
    words = await wrong.inner_text()
    assert words.startswith("Address ") and "baseAddress" not in words, words
    await field.fill("https://a.example/v1")
    assert await wrong.count() == 0
    # Whoever leaves now is asked first.
    asked: list[str] = []
    page.on("dialog", lambda d: (asked.append(d.type), asyncio.ensure_future(d.accept()))[1])
    await page.get_by_role("link", name="Home").click()
    await page.wait_for_url("**/console")
    assert asked == ["beforeunload"]
