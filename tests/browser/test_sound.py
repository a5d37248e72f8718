"""Answers that come while nobody looks: a soft sound, the number in the title and on the button."""

from typing import Any
from uuid import UUID

from playwright.async_api import Page

from tests.api.chatting import visiting
from tests.api.conftest import Api
from tests.browser.conftest import Site, Watch, chat_of
from tests.browser.test_widget import BUTTON, FREE, LATEST, embed, of_hub, said

# What the browser was asked to play, in every page and frame.
EARS = """
    window.heard = 0;
    const make = AudioContext.prototype.createOscillator;
    AudioContext.prototype.createOscillator = function () { window.heard += 1; return make.call(this); };
"""
OF_CLIENT = "select id, client_id from sessions where client_id = $1 and last_user_at is not null"
HIDE = """(to) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => to });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def kept(lines: int) -> str:
    """Whether so many pages that nobody sees keep a line."""
    held = "l.held.filter((h) => h.name.startsWith('hub:stay'))"
    return f"navigator.locks.query().then((l) => {held}.length === {lines})"


async def unasked(api: Api, text: str, client: str | None = None) -> None:
    """A message of the business's, as an operator's comes; in the last conversation, or in that of one chat client."""
    if client is None:
        [row] = await api.hub.db.fetch(LATEST, api.account)
    else:
        [row] = await api.hub.db.fetch(OF_CLIENT, UUID(client))
    await api.ok("POST", f"/api/v1/web-chat-client/{row['client_id']}/sessions/{row['id']}/messages", {"content": text})


async def listening(watch: Watch, url: str, api: Api) -> Page:
    context = await watch.context()
    await context.add_init_script(EARS)
    return await watch.open(url, context, api.url)


async def test_an_answer_behind_a_closed_panel_sounds_and_is_counted(api: Api, watch: Watch, site: Site) -> None:
    async with visiting(api, FREE) as me:
        page = await listening(watch, site.put("/", embed(api, me)), api)
        await page.wait_for_selector(BUTTON)
        chat = await said(watch, page, "Hi")
        assert await chat.evaluate("heard") == 0, "nobody is told of what they see"
        assert not any("chime" in u for u in of_hub(watch, api)), "nothing is loaded before it sounds"
        await chat.click("#close")
        await unasked(api, "News!")
        await watch.until(chat, "heard === 2")
        await watch.until(page, "document.title === '(1) Shop'")
        # A site changes its title by itself.
        await page.evaluate("document.title = 'Checkout'")
        await unasked(api, "More news!")
        await watch.until(page, "document.title === '(2) Checkout'")
        assert await page.locator("hub-chat b").inner_text() == "2"
        await page.click(BUTTON)
        await watch.until(page, "document.title === 'Checkout'")
        assert not await page.locator("hub-chat b").is_visible()
    watch.clean()


async def test_a_visitor_switches_it_off_and_it_stays_off(api: Api, watch: Watch, site: Site) -> None:
    async with visiting(api, FREE) as me:
        url = site.put("/", embed(api, me))
        page = await listening(watch, url, api)
        await page.wait_for_selector(BUTTON)
        chat = await said(watch, page, "Hi")
        await chat.click("#more")
        sound = chat.get_by_role("button", name="Sound")
        assert await sound.get_attribute("aria-pressed") == "true"
        await watch.sound(chat)
        await watch.shot(page, "widget-sound-menu")
        await sound.click()
        await chat.click("#close")
        await unasked(api, "News!")
        await watch.until(page, "document.title === '(1) Shop'")
        assert await chat.evaluate("heard") == 0 and not any("chime" in u for u in of_hub(watch, api))
        await page.reload()
        await page.click(BUTTON)
        chat = await chat_of(page)
        await watch.until(chat, "document.querySelector('#sound').ariaPressed === 'false'")
        await chat.click("#more")
        await chat.click("#sound")
        await watch.until(chat, "heard === 2")
    watch.clean()


async def test_it_is_off_where_the_business_says_so(api: Api, watch: Watch, site: Site) -> None:
    quiet: dict[str, Any] = {"widgetSound": False}
    async with visiting(api, FREE, **quiet) as me, visiting(api, FREE) as other:
        page = await listening(watch, site.put("/", embed(api, me)), api)
        await page.wait_for_selector(BUTTON)
        chat = await said(watch, page, "Hi")
        assert await chat.evaluate("document.querySelector('#sound').ariaPressed") == "false"
        loud = await listening(watch, f"{api.url}/c/{other.client}", api)
        assert await loud.evaluate("document.querySelector('#sound').ariaPressed") == "true"
        await chat.click("#close")
        await unasked(api, "News!")
        await watch.until(page, "document.title === '(1) Shop'")
        assert await chat.evaluate("heard") == 0
    watch.clean()


async def test_a_hidden_tab_hears_and_one_of_two_alone(api: Api, watch: Watch) -> None:
    async with visiting(api, FREE) as me:
        page = await listening(watch, f"{api.url}/c/{me.client}", api)
        title = await page.title()
        await page.fill("#text", "Hi")
        await page.keyboard.press("Enter")
        await watch.until(page, "document.querySelectorAll('.assistant .acts').length === 1")
        other = await page.context.new_page()
        await other.goto(page.url)
        await other.click("#hello, h1")
        for one in (page, other):
            await one.evaluate(HIDE, True)
        await watch.until(page, kept(1))
        await unasked(api, "While you were away")
        shown = "document.body.innerText.includes('While you were away')"
        await watch.until(page, shown)
        assert await page.title() == f"(1) {title}"
        await watch.until(page, "heard === 2")
        assert not await other.evaluate(shown), "a second one keeps no line of its own"
        for one in (page, other):
            await one.evaluate(HIDE, False)
            await watch.until(one, shown)
            await watch.until(one, f"document.title === {title!r}")
        assert await other.evaluate("heard") == 0
    watch.clean()


async def test_two_hidden_chats_of_one_origin_hear_both(api: Api, watch: Watch) -> None:
    async with visiting(api, FREE) as me, visiting(api, FREE) as you:
        page = await listening(watch, f"{api.url}/c/{me.client}", api)
        other = await page.context.new_page()
        await other.goto(f"{api.url}/c/{you.client}")
        for one in (page, other):
            await one.bring_to_front()
            await one.fill("#text", "Hi")
            await one.keyboard.press("Enter")
            await watch.until(one, "document.querySelectorAll('.assistant .acts').length === 1")
        for one in (page, other):
            await one.evaluate(HIDE, True)
        await watch.until(page, kept(2))
        for one, client in ((other, you.client), (page, me.client)):
            await unasked(api, f"For {client}", client)
            await watch.until(one, f"document.body.innerText.includes('For {client}')")
    watch.clean()
