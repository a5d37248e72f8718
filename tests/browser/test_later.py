"""Send later in a browser: what stands in the composer is planned, and comes back when it is cancelled."""

import asyncio
from datetime import UTC, datetime, timedelta

from playwright.async_api import FilePayload, Page, Route

from tests.browser.conftest import Watch
from tests.browser.test_console import Seat, business, seat, shows
from tests.console.business import Business
from tests.console.town import fill

__all__ = ["business"]
OPEN = """
    select s.id from sessions s where s.account_id = $1 and s.closed_at is null and s.client_id is not null
        and s.integration_id is null order by s.id desc limit 1
"""


async def conversation(b: Business, watch: Watch) -> tuple[Seat, Page]:
    """An open one on the screen of an operator."""
    await fill(b.api.hub, b.api.account, 14)
    session = await b.api.hub.db.value(OPEN, b.api.account)
    me = await seat(watch, b)
    return me, await me.open(f"/console/inbox/{session}")


async def test_text_and_files_go_along_and_come_back(business: Business, watch: Watch) -> None:
    me, page = await conversation(business, watch)
    await page.fill("#text", "The **prices** of next week")
    await page.set_input_files("#say [type=file]", files=[
        FilePayload(name="prices.txt", mimeType="text/plain", buffer=b"nine"),
        FilePayload(name="map.txt", mimeType="text/plain", buffer=b"left"),
    ])
    await page.get_by_text("Send later", exact=True).click()
    await page.locator("#later [name=at]").wait_for()
    assert await page.input_value("#later [name=zone]") == await page.evaluate(
        "Intl.DateTimeFormat().resolvedOptions().timeZone"
    )
    await page.get_by_role("button", name="Plan it").click()
    await watch.until(page, "document.querySelector('#say').innerText.includes('must say when')")
    assert await page.input_value("#text") == "The **prices** of next week", "nothing is lost by a refusal"
    at = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT09:00")
    await page.fill("#later [name=at]", at)
    await watch.shot(page, "later-open")
    await watch.sound(page, "send later")
    assert await page.evaluate("document.documentElement.scrollHeight <= innerHeight"), "only its parts scroll"
    await page.get_by_role("button", name="Plan it").click()
    await page.locator(".plan").wait_for()
    assert "prices.txt" in await page.inner_text(".plan") and "map.txt" in await page.inner_text(".plan")
    await watch.until(page, "!document.querySelector('#text').value && !document.querySelector('#later').open")
    assert await page.evaluate("document.querySelector('#say [type=file]').files.length") == 0
    await watch.sound(page, "planned")
    await watch.shot(page, "later-planned")
    await page.get_by_role("button", name="Cancel it").click()
    await watch.until(page, "document.querySelector('#say [type=file]').files.length === 2")
    assert await page.input_value("#text") == "The **prices** of next week"
    names = "[...document.querySelector('#say [type=file]').files].map((f) => f.name + f.size + f.type).join()"
    assert await page.evaluate(names) == "prices.txt4text/plain,map.txt4text/plain"
    await page.get_by_role("button", name="Send", exact=True).click()
    await shows(page, "prices.txt")
    await watch.until(page, "!document.querySelector('#text').value")


async def test_what_is_typed_meanwhile_is_not_written_over(business: Business, watch: Watch) -> None:
    b = business
    await fill(b.api.hub, b.api.account, 14)
    session = await b.api.hub.db.value(OPEN, b.api.account)
    me = await seat(watch, b)
    at = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    rest = f"/api/v1/inbox/conversations/{session}/planned"
    await b.api.ok("POST", rest, {"content": "planned before", "at": at})
    page = await me.open(f"/console/inbox/{session}")
    await page.fill("#text", "typed now")
    await page.get_by_role("button", name="Cancel it").click()
    await watch.until(page, "!!document.querySelector('#draft')")
    assert await page.input_value("#text") == "typed now"
    assert await page.inner_text("#draft") == "planned before"
    await watch.sound(page, "beside what is typed")
    await page.get_by_role("button", name="Write on with it").click()
    assert await page.input_value("#text") == "planned before"
    assert me.wrong == []


async def test_what_is_taken_back_comes_back_though_the_news_of_it_come_first(
    business: Business, watch: Watch
) -> None:
    """Its button is gone by the time that it is answered."""
    me, page = await conversation(business, watch)
    at = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    session = page.url.rsplit("/", 1)[1]
    await business.api.ok("POST", f"/api/v1/inbox/conversations/{session}/planned", {"content": "planned", "at": at})
    await page.locator(".plan").wait_for()
    gone = asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        async with asyncio.timeout(60):
            await gone.wait()
        await route.fulfill(response=answer)

    await page.route("**/cancel", late)
    await page.get_by_role("button", name="Cancel it").click()
    await watch.until(page, "!document.querySelector('.plan')", 30)
    gone.set()
    await watch.until(page, "document.querySelector('#text').value === 'planned'", 30)
    assert me.wrong == []


async def test_news_are_heard_however_late_the_part_of_the_script_that_hears_them_comes(
    business: Business, watch: Watch
) -> None:
    """htmx looks through the page once, at its extensions' words too: by then they have to be there."""
    b = business
    await fill(b.api.hub, b.api.account, 14)
    session = await b.api.hub.db.value(OPEN, b.api.account)
    me = await seat(watch, b)

    async def late(route: Route) -> None:
        """When the library is there, and what it put off to the next turn of its page's loop is done."""
        await watch.until(route.request.frame, "'htmx' in window", 30)
        await route.request.frame.evaluate("new Promise((done) => setTimeout(done))")
        await route.continue_()

    await me.context.route("**/hx-sse*", late)
    page = await me.open(f"/console/inbox/{session}")
    at = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    await b.api.ok("POST", f"/api/v1/inbox/conversations/{session}/planned", {"content": "planned", "at": at})
    await page.locator(".plan").wait_for()
    assert me.wrong == []


async def test_enter_where_the_time_is_chosen_plans_and_never_sends(business: Business, watch: Watch) -> None:
    me, page = await conversation(business, watch)
    await page.fill("#text", "For the day after tomorrow")
    await page.get_by_text("Send later", exact=True).click()
    await page.locator("#later [name=zone]").wait_for()
    await page.fill("#later [name=at]", (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT09:00"))
    await page.press("#later [name=zone]", "Enter")
    await watch.until(page, "!document.querySelector('#text').value")
    assert await page.locator(".plan").count() == 1, "nothing went out at once"
    assert me.wrong == []
