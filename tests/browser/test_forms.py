"""Forms of the console: sent once, kept until stored, refused beside the field, never saved over somebody else's."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Dialog, FilePayload, Page, Route

from hub.config import Settings
from tests.api.chatting import PNG
from tests.browser.conftest import Watch
from tests.browser.test_console import seat, shows, visitor
from tests.console.business import Business, opening
from tests.console.town import fill
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
    sql = "select content->>'text' as t from messages where source = 'operator' order by position"
    rows = await b.api.hub.db.fetch(sql)
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
    assert "could not be reached" not in await page.inner_text("body"), "it is over, and so is the bar"
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
    await _over_a_new_sign_in(b, watch, page, here)


async def _over_a_new_sign_in(b: Business, watch: Watch, page: Page, here: str) -> None:
    """The session has ended: the text is there again when somebody has signed in; a draft does not write over it."""
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
    await page.context.add_cookies(await again.context.cookies())  # type: ignore[arg-type]  # what one gives the other takes
    await page.goto(b.api.url + here)
    assert await page.input_value("#text") == "Still mine" and await other.input_value("#text") == ""
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

    async def agree(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.accept()

    page.on("dialog", agree)
    await page.get_by_role("link", name="Home").click()
    await page.wait_for_url("**/console")
    assert asked == ["beforeunload"]


async def test_the_inbox_at_a_desk_and_on_a_phone(business: Business, watch: Watch) -> None:
    """Files are seen before they are sent; the contact's card is reached at any width; j and k move by one."""
    api, me = business.api, await seat(watch, business)
    await fill(api.hub, api.account, 5)
    page = await me.open("/console/inbox")
    await page.keyboard.press("j")
    names = await page.locator(".talk b").all_inner_texts()
    order = []
    for key in "jjkj":
        await page.keyboard.press(key)
        order.append(await page.evaluate("document.activeElement.querySelector('b').innerText"))
    assert order == [names[n] for n in (1, 2, 1, 2)]
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/inbox/*-*")
    await page.locator("h1").first.click()
    await page.keyboard.press("j")
    assert await page.evaluate("document.activeElement.querySelector('b').innerText") == names[3]
    await page.set_input_files("[data-files]", [
        FilePayload(name="rose.png", mimeType="image/png", buffer=PNG),
        FilePayload(name="price list.txt", mimeType="text/plain", buffer=b"x" * 2000),
    ])
    assert await page.locator("#chosen li").count() == 2 and "2 kB" in await page.inner_text("#chosen")
    await page.locator("#chosen img").wait_for()
    await page.get_by_role("button", name="Remove price list.txt").click()
    assert await page.evaluate("[...document.querySelector('[data-files]').files].map((f) => f.name)") == ["rose.png"]
    for width in (1180, 360):
        await page.set_viewport_size({"width": width, "height": 800})
        assert not await page.locator("#about").is_visible()
        await page.get_by_role("link", name="Contact", exact=True).click()
        assert await page.get_by_role("heading", name=names[2].partition("unread")[0].strip()).last.is_visible()
        assert "Messages" in await page.inner_text("#about dl")
        if width == 360:
            await page.get_by_role("link", name="Close").click()
        else:
            await page.keyboard.press("Escape")
        await until(page, "getComputedStyle(document.querySelector('#about')).display === 'none'")
    # On a phone every table is a list of cards: nothing is cut, each figure has its name.
    for screen in ("/audit", "/deliveries", "/campaigns", "/quarantine", "/schedules?view=list", "/bots", "/keys"):
        await page.goto(f"{me.url}/console{screen}")
        assert await page.evaluate("""[...document.querySelectorAll("main *")].every((one) => {
            const box = one.getBoundingClientRect(), up = one.closest("details:not([open]), .sr, thead, .tabs, pre");
            return up || box.right <= document.documentElement.clientWidth + 1;
        })"""), screen
    await page.goto(f"{me.url}/console/audit")
    assert await page.evaluate("getComputedStyle(document.querySelector('td'), '::before').content") == '"When"'
    due = await api.hub.db.value("select min(next_at)::date from schedules where account_id = $1", api.account)
    await page.goto(f"{me.url}/console/schedules?view=month&day={due}")
    shown = "[...document.querySelectorAll('.cal section')].filter((s) => s.offsetHeight)"
    days = await page.evaluate(f"{shown}.map((s) => s.innerText)")
    assert days and all(":" in d for d in days), "only days that hold something"
    assert me.wrong == []
