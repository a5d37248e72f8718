"""The inbox as a team works in it all day: by keys, many at once, prepared replies with a `/`, and on a phone."""

import asyncio
import re

from playwright.async_api import Page

from tests.browser.conftest import Watch
from tests.browser.test_console import business, seat, shows
from tests.console.business import Business
from tests.console.town import fill

__all__ = ["business"]
INBOX = "/api/v1/inbox"


async def until(page: Page, condition: str) -> None:
    await Watch.until(page, condition)


async def set_up(b: Business) -> list[str]:
    town = await fill(b.api.hub, b.api.account, 8)
    for colour in ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "grey"):
        await b.api.ok("POST", f"{INBOX}/labels", {"name": colour.capitalize(), "colour": colour})
    await b.api.ok("POST", f"{INBOX}/teams", {"name": "Sales", "members": [str(b.desk.who.id)]})
    return [str(s) for s in town["sessions"]]


async def test_a_conversation_is_kept_in_order_by_keys(business: Business, watch: Watch) -> None:
    b = business
    sessions = await set_up(b)
    me = await seat(watch, b)
    page = await me.open("/console/inbox")
    await page.keyboard.press("?")
    await page.locator("#keys dl").wait_for(timeout=30_000)
    assert await page.locator("#keys").is_visible() and "assign" in await page.inner_text("#keys")
    await watch.sound(page, "keys")
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/inbox/*")
    await page.keyboard.press("a")
    await until(page, "document.activeElement.id === 'assign'")
    await page.select_option("#assign", label="Sales")
    await page.get_by_role("button", name="Assign").click()
    await shows(page, "assigned it to Sales")
    await until(page, "document.querySelector('#state').innerText.includes('Sales')")
    await page.locator("h1").first.click()
    await page.keyboard.press("l")
    await page.keyboard.press("Space")
    await page.get_by_role("button", name="Set labels").click()
    await shows(page, "set the label Blue")
    await page.locator("h1").first.click()
    await page.keyboard.press("p")
    await until(page, "document.activeElement.name === 'priority'")
    await page.select_option("#desk [name=priority]", "urgent")
    await shows(page, "set the priority to urgent")
    await watch.sound(page, "a conversation with labels")
    await page.locator("h1").first.click()
    await page.keyboard.press("c")
    await shows(page, "closed it")
    open_id = page.url.rsplit("/", 1)[1].split("?")[0]
    await until(page, f"!document.querySelector('#talk-{open_id}')")
    assert open_id in sessions and me.wrong == []


async def test_many_at_once(business: Business, watch: Watch) -> None:
    b = business
    await set_up(b)
    me = await seat(watch, b)
    page = await me.open("/console/inbox")
    before = await page.locator(".talk").count()
    for _ in range(2):
        await page.keyboard.press("j")
        await page.keyboard.press("x")
    assert await page.locator("[name=chosen]:checked").count() == 2
    # What comes meanwhile redraws the list; the choice stays.
    await b.api.hub.events.publish(f"a:{b.api.account}", {"type": "desk", "sessions": []})
    await page.keyboard.press("w")
    await until(page, "!!document.querySelector('#bulk')")
    await page.locator("#bulk").get_by_label("Put away").select_option("closed")
    await watch.sound(page, "many")
    await page.get_by_role("button", name="Do it").click()
    await shows(page, "Done with 2 conversations.")
    assert await page.locator(".talk").count() == before - 2
    await page.keyboard.press("f")
    await page.get_by_label("Keep this list as").wait_for()
    await page.get_by_label("Keep this list as").fill("Mine today")
    await page.get_by_role("button", name="Keep", exact=True).click()
    await shows(page, "Mine today stands among the tabs now.")
    assert await page.locator("#tabs").get_by_text("Mine today").count() == 1
    assert me.wrong == []


async def test_a_slash_puts_in_a_prepared_reply(business: Business, watch: Watch) -> None:
    b = business
    [session, *_] = await set_up(b)
    await b.api.ok("POST", f"{INBOX}/replies", {"shortcut": "hours", "text": "Hi {{contact.name|there}}, at nine."})
    await b.api.ok("POST", f"{INBOX}/replies", {"shortcut": "harbour", "text": "By <b>the</b> harbour."})
    me = await seat(watch, b)
    page = await me.open(f"/console/inbox/{session}")
    await page.keyboard.press("/")
    await until(page, "document.querySelectorAll('#offers [data-said]').length === 2")
    assert await page.input_value("#text") == "/"
    await watch.sound(page, "offers")
    await page.keyboard.press("ArrowDown")
    await until(page, "document.querySelector('#offers [aria-selected=true]').innerText.includes('hours')")
    await page.keyboard.type("harb")
    await until(page, "document.querySelectorAll('#offers [data-said]').length === 1")
    await page.keyboard.press("Enter")
    assert await page.input_value("#text") == "By <b>the</b> harbour."
    assert await page.locator("#offers").is_hidden()
    await page.fill("#text", "")
    await page.locator("#text").type("Well, /at nine")
    await until(page, "document.querySelector('#offers [data-said]')?.innerText.includes('hours')")
    await page.keyboard.press("Tab")
    assert re.fullmatch(r"Well, Hi .+, at nine\.", await page.input_value("#text"))
    # An address is no shortcut, and Escape leaves what was typed.
    await page.fill("#text", "")
    await page.locator("#text").type("see /zzz")
    await shows(page, "No prepared reply is found by that.")
    await page.keyboard.press("Escape")
    assert await page.input_value("#text") == "see /zzz" and await page.locator("#offers").is_hidden()
    assert me.wrong == []


async def test_two_colleagues_at_one_conversation(business: Business, watch: Watch) -> None:
    b = business
    [session, *_] = await set_up(b)
    me, other = await seat(watch, b), await seat(watch, b)
    mine, theirs = await me.open(f"/console/inbox/{session}"), await other.open(f"/console/inbox/{session}")
    await shows(mine, "looks at this too", 20)
    await theirs.locator("#text").type("Hello")
    await shows(mine, "is writing", 20)
    assert me.wrong == other.wrong == []


async def test_on_a_phone(business: Business, watch: Watch) -> None:
    b = business
    [session, *_] = await set_up(b)
    for scheme in ("light", "dark"):
        me = await seat(watch, b, viewport={"width": 360, "height": 740}, color_scheme=scheme)
        page = await me.open("/console/inbox")
        for fold, inside in (("#many summary", "#bulk"), (".sift summary", "[name=assignee]")):
            await page.locator(fold).first.click()
            await page.locator(inside).wait_for()
            await watch.sound(page, (fold, scheme))
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), fold
        await page.goto(f"{me.url}/console/inbox/{session}")
        await page.get_by_role("link", name="Contact").click()
        await page.get_by_text("Assign, label, put away").first.click()
        await page.get_by_role("button", name="Snooze").click()
        await shows(page, "put it away until they write")
        await watch.sound(page, ("panel", scheme))
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await b.api.ok("PATCH", f"{INBOX}/conversations/{session}", {"status": "open"})
        await watch.shot(page, f"team-{scheme}")
        await me.context.close()
        await asyncio.sleep(0)
        assert me.wrong == []


async def test_a_table_in_a_conversation_is_a_table_at_every_width(business: Business, watch: Watch) -> None:
    """Lists of the console are cards on a phone; what somebody wrote keeps its head, its columns and its colours."""
    b = business
    [session, *_] = await set_up(b)
    me = await seat(watch, b)
    page = await me.open(f"/console/inbox/{session}")
    await page.fill("#text", "Prices:\n\n| Bouquet | Price |\n|---|---|\n| Large | 180 |\n| Small | |")
    await page.get_by_role("button", name="Send").click()
    await page.locator(".msg.out td").first.wait_for()
    for width in (360, 768, 1180):
        await page.set_viewport_size({"width": width, "height": 760})
        (bouquet, price), (large, number), (small, empty) = await page.evaluate(
            "[...document.querySelectorAll('.msg.out tr')].map((r) => [...r.cells].map((c) => { const { x, y, width } ="
            " c.getBoundingClientRect(); return { x, y, width, colour: getComputedStyle(c).color }; }))"
        )
        assert (bouquet["x"], price["x"]) == (large["x"], number["x"]) == (small["x"], empty["x"]), width
        assert bouquet["y"] == price["y"] < large["y"] == number["y"] < small["y"] and price["x"] > bouquet["x"], width
        assert bouquet["width"] > 10 and bouquet["colour"] == large["colour"], width
    assert me.wrong == []


async def test_who_is_quicker_than_the_page_is_heard(business: Business, watch: Watch) -> None:
    """A key and a click that come before htmx has looked at the page."""
    await set_up(business)
    me = await seat(watch, business)
    quick = {"?": "#keys dl", "f": "details.sift[open] select"}
    for key, shown in quick.items():
        page = await me.context.new_page()
        page.set_default_timeout(30_000)
        # htmx begins when the page has been read: here it is told so late.
        late = (
            "const on = document.addEventListener.bind(document); document.addEventListener = (name, f, ...more) =>"
            " on(name, name === 'DOMContentLoaded' ? (e) => setTimeout(f, 1500, e) : f, ...more);"
        )
        await page.add_init_script(late)
        await page.goto(f"{me.url}/console/inbox")
        assert await page.locator("[data-htmx-powered]").count() == 0
        await page.keyboard.press(key)
        await page.locator(shown).first.wait_for()
        await page.close()
