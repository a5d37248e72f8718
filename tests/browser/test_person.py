"""A person beside their conversations, in a browser: fields, notes, card, a planned message, a visitor who writes."""

import asyncio
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from playwright.async_api import Page, Route

from hub.chat.operators import planned
from tests.browser.conftest import Watch
from tests.browser.test_console import business, seat, shows
from tests.console.business import Business
from tests.console.test_later import DUE
from tests.console.test_person_panel import shop, talk

__all__ = ["business"]


async def test_what_is_kept_of_a_person(business: Business, watch: Watch) -> None:
    b = business
    session, _ = await talk(b.api)
    me = await seat(watch, b)
    async with shop({"title": "Orders", "items": [
        {"label": "1042", "value": "<b>on its way</b>", "url": "https://shop.example/1042"},
    ]}) as server:
        page = await me.open("/console/settings/contacts")
        await page.fill("[name=name] >> nth=-1", "Plan")
        await page.select_option("[name=type]", "choice")
        await page.fill("[name=choices] >> nth=-1", "free\ngold")
        await page.get_by_role("button", name="Add").click()
        await shows(page, "Plan stands beside every conversation now.")
        await page.fill("[name=url]", server.url)
        await page.get_by_role("button", name="Save, with a new secret").click()
        await shows(page, "The secret, shown this once")
        await watch.sound(page, "fields and card")
        await page.goto(f"{b.api.url}/console/inbox/{session}")
        await page.select_option("[name=field-plan]", "gold")
        await page.get_by_role("button", name="Save fields").click()
        await shows(page, "The fields are saved.")
        assert await page.input_value("[name=field-plan]") == "gold"
        await page.get_by_text("Assign, label, put away").click()
        await page.get_by_role("link", name="Note on the person").click()
        await page.fill("[name=about]", "Calls in the *morning*")
        await page.get_by_role("button", name="Keep note").click()
        await shows(page, "Calls in the *morning*")
        assert server.asked == []
        await page.get_by_text("Card of your server").click()
        await shows(page, "<b>on its way</b>")
        link = page.get_by_role("link", name="shop.example")
        assert await link.get_attribute("href") == "https://shop.example/1042" and len(server.asked) == 1
        await watch.sound(page, "the panel")
    assert me.wrong == []


async def test_a_message_is_planned_changed_and_cancelled(business: Business, watch: Watch) -> None:
    b = business
    session, _ = await talk(b.api)
    await b.api.hub.db.run("update sessions set closed_at = null where id = $1", session)
    me = await seat(watch, b, timezone_id="America/Sao_Paulo")
    page = await me.open(f"/console/inbox/{session}")
    await page.get_by_text("Send later").click()
    await watch.until(page, "document.querySelector('[name=zone]')?.value === 'America/Sao_Paulo'")
    await page.fill("[name=text]", "Your order is ready")
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    await page.fill("[name=at]", f"{day}T09:30")
    await page.get_by_role("button", name="Plan it").click()
    await shows(page, "at 09:30 (America/Sao_Paulo")
    assert await page.locator(".plan").count() == 1
    sent = "select count(*) from messages where session_id = $1 and content->>'text' = 'Your order is ready'"
    assert await b.api.hub.db.value(sent, session) == 0
    await watch.sound(page, "a planned message")
    await page.get_by_role("link", name="Change", exact=True).click()
    await page.fill("[name=text]", "Your order has left")
    await page.get_by_role("button", name="Save").click()
    await shows(page, "Your order has left")
    id = await b.api.hub.db.value("select id from planned_messages where session_id = $1", session)
    await b.api.hub.db.run(DUE, id)
    await planned.fire(b.api.hub)
    await watch.until(page, "!document.querySelector('.plan')")
    await watch.until(page, "document.querySelector('#recent').innerText.includes('Your order has left')")
    await page.get_by_text("Send later").click()
    await page.fill("[name=text]", "Never sent")
    await page.fill("[name=at]", f"{day}T10:00")
    await page.get_by_role("button", name="Plan it").click()
    await page.get_by_role("button", name="Cancel it").click()
    await watch.until(page, "!document.querySelector('.plan')")
    assert me.wrong == []


async def typed_until(chat: Page, desk: Page, words: str) -> None:
    """The visitor goes on typing until the operator sees it: a page that has just opened does not listen yet."""
    async with asyncio.timeout(60):
        while words not in await desk.inner_text("#visitor"):
            await chat.locator("#text").press_sequentially("!")
            await asyncio.sleep(0.3)


async def test_an_operator_sees_what_a_visitor_types_where_the_business_wants_it(
    business: Business, watch: Watch
) -> None:
    b = business
    bot = await b.bot()
    client = str(await b.place(bot))
    for how, words in (("draft", True), ("shown", False), ("hidden", None)):
        await b.api.ok("PUT", f"/api/v1/web-chat-client/{client}", {"clientParameters": {"visitorTyping": how}})
        opened = await b.api.ok("POST", f"/api/v1/web-chat-client/{client}/sessions", {"tag": f"vera-{how}"})
        me = await seat(watch, b)
        desk = await me.open(f"/console/inbox/{opened['sessionId']}")
        chat = await watch.open(f"{b.api.url}/chat/{opened['accessKey']}")
        await chat.locator("#text").press_sequentially("my order is <b>late</b>")
        if words is None:
            loaded = await chat.evaluate("performance.getEntriesByType('resource').map(e => e.name).join(' ')")
            assert not re.search(r"/typing\.", loaded), "nothing is loaded where nobody wants it"
            continue
        await typed_until(chat, desk, "The visitor is writing")
        if words:
            await typed_until(chat, desk, "my order is <b>late</b>")
        else:
            assert "my order" not in await desk.inner_text("#visitor")
        await chat.fill("#text", "")
        await watch.until(desk, "!document.querySelector('#visitor').innerText.trim()")
        kept = "select count(*) from messages where content::text like '%late%'"
        assert await b.api.hub.db.value(kept) == 0
        await asyncio.gather(desk.close(), chat.close())
    watch.clean()


async def test_that_a_visitor_has_stopped_is_never_overtaken(business: Business, watch: Watch) -> None:
    """However long it takes to tell that they write: it would be shown for seconds afterwards."""
    b = business
    client = str(await b.place(await b.bot()))
    await b.api.ok("PUT", f"/api/v1/web-chat-client/{client}", {"clientParameters": {"visitorTyping": "shown"}})
    opened = await b.api.ok("POST", f"/api/v1/web-chat-client/{client}/sessions", {"tag": "vera"})
    chat = await watch.open(f"{b.api.url}/chat/{opened['accessKey']}")
    asked, told, another = list[str](), list[int](), asyncio.Event()

    async def slow(route: Route) -> None:
        number = len(asked)
        asked.append(route.request.method)
        if number:
            another.set()
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await another.wait()
        told.append(number)
        await route.continue_()

    async with asyncio.timeout(60):
        await chat.route("**/typing", slow)
        while not asked:
            await chat.locator("#text").press_sequentially("!")
        await chat.fill("#text", "")
        while len(told) < 2:
            await asyncio.sleep(0.05)
    assert told == sorted(told)
    watch.clean()
