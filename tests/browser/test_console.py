"""The console in a real browser: an operator beside a visitor, every screen in both themes, attacks, no script."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from playwright.async_api import BrowserContext, Page

from hub.config import Settings
from hub.store.db import Db
from tests.browser.conftest import Watch
from tests.browser.payloads import PAYLOADS
from tests.console.business import TOKEN, Business, opening
from tests.console.conftest import person
from tests.console.test_notices import Browser
from tests.console.test_screens import SCREENS, named
from tests.console.town import fill
from tests.fakes.model import says
from tests.words.pseudo import Pseudo

CELLS = "[...document.querySelectorAll('td')]"
# Of each chart: the highest figure, nothing, and the days.
WRITTEN = (
    "[...document.querySelectorAll('.chart')]"
    ".map((c) => [...c.querySelectorAll('text')].map((t) => t.getBoundingClientRect()))"
)


@dataclass
class Seat:
    """A browser of somebody who is signed in, and what its pages did that they must not."""

    url: str
    context: BrowserContext
    wrong: list[str] = field(default_factory=list)

    async def open(self, path: str = "/console") -> Page:
        page = await self.context.new_page()
        page.set_default_timeout(30_000)
        host = urlsplit(self.url).netloc
        page.on("request", lambda r: self.wrong.append(r.url) if urlsplit(r.url).netloc not in ("", host) else None)
        page.on("pageerror", lambda e: self.wrong.append(str(e)))
        page.on("console", lambda m: self.wrong.append(m.text) if m.type == "error" else None)
        await page.goto(self.url + path)
        return page


async def seat(watch: Watch, b: Business, **more: Any) -> Seat:
    """A browser that has used its link."""
    _, token = await person(b.api)
    context = await watch.browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **more})
    await context.add_init_script("window.__ran = []; window.alert = (x) => window.__ran.push(String(x));")
    found = Seat(b.api.url, context)
    page = await found.open(f"/console/link/{token}")
    await page.locator("form button.main").click()
    await page.wait_for_url("**/console")
    await page.close()
    return found


async def shows(page: Page, words: str, seconds: float = 10.0) -> float:
    """Wait until the page shows words; how long that took, in seconds."""
    begun = time.monotonic()
    while words not in await page.inner_text("body"):
        assert time.monotonic() - begun < seconds, f"no '{words}' in: {(await page.inner_text('body'))[:3000]}"
        await asyncio.sleep(0.06)
    return time.monotonic() - begun


@pytest.fixture
async def business(settings: Settings, watch: Watch) -> AsyncIterator[Business]:
    async with opening(settings) as found:
        yield found


async def visitor(b: Business, client: str) -> str:
    """The path of a visitor's chat."""
    opened = await b.api.ok("POST", f"/api/v1/web-chat-client/{client}/sessions", {"tag": "vera"})
    return f"/chat/{opened['accessKey']}"


READ = """
    select count(*) from sessions s join session_reads r on r.session_id = s.id and r.at >= s.last_message_at
    where s.last_message_at = (select max(last_message_at) from sessions)
"""


async def read_by_now(b: Business) -> None:
    """The page that is open says by itself that its reader has seen what came last."""
    while not await b.api.hub.db.value(READ):
        await asyncio.sleep(0.06)


async def test_an_operator_beside_a_visitor(business: Business, watch: Watch) -> None:
    b = business
    client = await b.place(await b.bot())
    me, them = await seat(watch, b), await watch.browser.new_context()
    chat = await them.new_page()
    await chat.goto(b.api.url + await visitor(b, str(client)))
    await chat.get_by_role("textbox").fill("Do you have roses?")
    await chat.keyboard.press("Enter")
    await shows(chat, "At your service.")
    page = await me.open("/console/inbox")
    await page.get_by_role("link", name="vera").click()
    await shows(page, "Do you have roses?")
    await read_by_now(b)
    await page.keyboard.press("t")
    await shows(page, "back to the bot in")
    b.model.default = says("A draft of mine.")
    await page.get_by_role("button", name="Draft").click()
    while await page.input_value("#text") != "A draft of mine.":
        await asyncio.sleep(0.06)
    await page.fill("#text", "Yes, <b>red</b> ones.")
    await page.keyboard.press("Control+Enter")
    # The visitor has it within a second; a loaded machine is given more than that here.
    await shows(chat, "Yes, <b>red</b> ones.", 5)
    await shows(page, "Yes, <b>red</b> ones.")
    while await page.input_value("#text") != "":  # the field is free for the next message
        await asyncio.sleep(0.06)
    await chat.get_by_role("textbox").fill("How much are they?")
    await chat.keyboard.press("Enter")
    await shows(page, "How much are they?")
    await read_by_now(b)
    await page.locator("h1").first.click()
    await page.keyboard.press("b")
    await shows(page, "the bot has it")
    await page.fill("#text", "Ask for the price list")
    await page.get_by_role("button", name="Note", exact=True).click()
    await shows(page, "Note by Owner")
    assert "price list" not in await chat.inner_text("body")
    await page.keyboard.press("Control+k")
    await page.get_by_role("searchbox", name="Search", exact=True).fill("vera")
    await page.locator("#found a").first.wait_for()
    await page.keyboard.press("Escape")
    assert me.wrong == []


async def test_from_nothing_to_telegram_by_clicks(business: Business, watch: Watch) -> None:
    b = business
    page = await (me := await seat(watch, b)).open()
    await page.get_by_role("link", name="Make a bot").click()
    await page.fill('[name="name"]', "Shop assistant")
    await page.check('[value="model"]')
    for name, value in (("baseAddress", f"{b.model.url}/v1"), ("modelName", "fake-1"), ("apiKey", "key-0123")):
        await page.fill(f'[name="{name}"]', value)
    await page.get_by_role("button", name="Make the bot").click()
    await shows(page, "The bot is made.")
    await page.get_by_role("button", name="Test connection").click()
    await shows(page, "The model answers.")
    b.model.default = says("We ", "open ", "at nine.", delay=0.1)
    await page.fill('[name="text"]', "When do you open?")
    await page.get_by_role("button", name="Ask", exact=True).click()
    await shows(page, "We open at nine.")
    await shows(page, "17 tokens")
    await page.get_by_role("link", name="Channels").click()
    await page.fill('[name="name"]', "Aurora")
    await page.get_by_role("button", name="Make the place").click()
    await shows(page, "The place is made.")
    await page.get_by_text("Connect Telegram").first.click()
    await page.fill("#telegram [name=botToken]", "1:wrong")
    await page.locator("#telegram").get_by_role("button").click()
    await shows(page, "Telegram does not know the bot token")
    await page.locator("#telegram summary").first.click()
    await page.fill("#telegram [name=botToken]", TOKEN)
    await page.locator("#telegram").get_by_role("button", name="Save").click()
    await shows(page, "Telegram: ")
    await b.say("telegram", "Good morning")
    await b.hears("telegram", "We open at nine.")
    await page.get_by_role("button", name="Show").click()
    await page.frame_locator("iframe").get_by_role("textbox").wait_for()
    await page.get_by_role("link", name="Inbox").click()
    await page.locator(".talk").first.click()
    await shows(page, "Good morning")
    assert me.wrong == []


async def _filled(b: Business) -> list[str]:
    town = await fill(b.api.hub, b.api.account, 14, by=b.desk.who.id)
    return [*SCREENS, *await named(b.api, town)]


async def test_every_screen_is_sound(business: Business, watch: Watch) -> None:
    """Small and light, wide and dark: axe finds nothing, nothing is wider than the window, no policy is broken."""
    screens = [s for s in await _filled(business) if "=" not in s or "view" in s]
    me = await seat(watch, business)
    page = await me.open()
    for screen in screens:
        await page.goto(f"{me.url}/console{screen}")
        for width, scheme in ((360, "light"), (1280, "dark")):
            await page.set_viewport_size({"width": width, "height": 800})
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # a parameter of the test
            await watch.sound(page, (screen, width))
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (screen, width)
    assert me.wrong == []


async def test_what_matters_is_seen_at_once(business: Business, watch: Watch) -> None:
    """Charts can be read at every width, conversations begin in the upper part of a phone's screen, and a card names
    nothing that is not there."""
    await _filled(business)
    me = await seat(watch, business)
    page = await me.open("/console/insights")
    for width in (360, 768, 1180):
        await page.set_viewport_size({"width": width, "height": 760})
        high = await page.evaluate(f"{WRITTEN}.flat().map((t) => t.height)")
        assert high and min(high) >= 10 and max(high) <= 26, (width, high)
        apart = await page.evaluate(f"{WRITTEN}.every((c) => c.every((t, n) => n < 3 || c[n - 1].right < t.left))")
        assert apart, width
    for width, most in ((360, 300), (1180, 245)):
        await page.set_viewport_size({"width": width, "height": 760})
        await page.goto(f"{me.url}/console/inbox")
        assert await page.evaluate("document.querySelector('.talk').getBoundingClientRect().top") <= most, width
        assert await page.get_by_role("button", name="Keyboard keys").is_visible() == (width > 860)
    await page.set_viewport_size({"width": 360, "height": 760})
    await page.goto(f"{me.url}/console/audit")
    assert await page.evaluate(f"{CELLS}.length && {CELLS}.every((t) => t.innerText.trim() || !t.offsetHeight)")
    assert me.wrong == []


@pytest.mark.parametrize("code", ["pt-BR", "es"])
async def test_every_screen_fits_in_our_languages(business: Business, watch: Watch, code: str) -> None:
    """Words are longer there: nothing is wider than the window. What is left in English: tests/console."""
    screens = [s for s in await _filled(business) if "=" not in s or "view" in s]
    me = await seat(watch, business, locale=code)
    page = await me.open()
    for screen in screens:
        await page.goto(f"{me.url}/console{screen}")
        assert await page.evaluate("document.documentElement.lang") == code
        for width in (360, 1280):
            await page.set_viewport_size({"width": width, "height": 800})
            wide = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert wide[0] <= wide[1], (screen, width, wide)
    assert me.wrong == []


async def test_a_language_from_right_to_left(business: Business, watch: Watch) -> None:
    """Every screen in another script and the other direction: nothing is wider than the window."""
    screens = [s for s in await _filled(business) if "=" not in s or "view" in s]
    business.api.hub.catalogues._known["es"] = Pseudo()
    me = await seat(watch, business, locale="es-ES")
    page = await me.open()
    for screen in screens:
        await page.goto(f"{me.url}/console{screen}")
        assert await page.evaluate("document.documentElement.dir") == "rtl"
        for width in (360, 1280):
            await page.set_viewport_size({"width": width, "height": 800})
            wide = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert wide[0] <= wide[1], (screen, width, wide)
    assert me.wrong == []


async def test_attacks_stay_text(business: Business, watch: Watch) -> None:
    b, nasty = business, "".join(PAYLOADS)
    screens = await _filled(b)
    me = await seat(watch, b)
    await _nasty(b.api.hub.db, nasty)
    page = await me.open()
    for screen in screens:
        await page.goto(f"{me.url}/console{screen}")
        assert await page.evaluate("window.__ran") == [], screen
    await page.goto(f"{me.url}/console{next(s for s in screens if re.fullmatch('/inbox/[0-9a-f-]{36}', s))}")
    await page.fill("#text", nasty[:3000])
    await page.get_by_role("button", name="Note", exact=True).click()
    await shows(page, "Note by")
    assert await page.evaluate("window.__ran") == []
    assert [w for w in me.wrong if "Failed to load resource" not in w] == []


async def _nasty(db: Db, nasty: str) -> None:
    await db.run("update messages set content = $1", {"text": nasty, "quote": nasty})
    await db.run("update contacts set name = $1, username = $1", nasty)
    await db.run("update sessions set title = $1", nasty)
    await db.run("update outbox set body = $1, error = $2", {"text": nasty}, nasty)
    for sql in ("schedules set instruction", "clients set name", "gateways set name", "operators set name"):
        await db.run(f"update {sql} = $1", nasty)


async def test_without_script(business: Business, watch: Watch) -> None:
    b = business
    await fill(b.api.hub, b.api.account, 3)
    page = await (me := await seat(watch, b, java_script_enabled=False)).open("/console/inbox")
    await page.locator(".talk").first.click()
    await page.get_by_role("button", name="Take over").click()
    await page.get_by_role("button", name="Hand back").wait_for()
    await page.fill("#text", "I am here.")
    await page.get_by_role("button", name="Send").click()
    assert "I am here." in await page.inner_text("#recent")
    await page.goto(f"{me.url}/console/knowledge")
    await page.fill("[name=name]", "Prices")
    await page.get_by_role("button", name="Make it").click()
    assert "The collection is made." in await page.inner_text("body")


# A browser's push service, which is no part of Chromium without its maker's: what it gives, and keeps over a reload.
PUSHED = """
    const raw = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    const given = %s;
    const one = () => localStorage.pushed ? {
        endpoint: given.endpoint, options: { applicationServerKey: raw(localStorage.pushed).buffer },
        getKey: (name) => raw(given[name]).buffer, unsubscribe: async () => delete localStorage.pushed,
    } : null;
    PushManager.prototype.getSubscription = async () => one();
    PushManager.prototype.subscribe = async ({ applicationServerKey: key }) => {
        if (one()) throw Error("another key");
        localStorage.pushed = btoa(String.fromCharCode(...key));
        return one();
    };
"""


async def test_browsers_of_operators_and_visitors_are_told_and_no_more(business: Business, watch: Watch) -> None:
    b, told = business, "select endpoint from push_subscriptions where account_id = $1 order by endpoint"

    async def kept() -> list[str]:
        return [r["endpoint"] for r in await b.api.hub.db.fetch(told, b.api.account)]

    me, them = await seat(watch, b), await watch.context()
    await me.context.add_init_script(PUSHED % orjson.dumps(Browser("https://push.example/me").form).decode())
    await them.add_init_script(PUSHED % orjson.dumps(Browser("https://push.example/them").form).decode())
    page = await me.open("/console/settings/notices")
    await page.evaluate("localStorage.pushed = btoa('of another key')")
    await page.get_by_role("button", name="Tell this browser").click()
    await shows(page, "This browser is told.")
    chat = await watch.open(b.api.url + await visitor(b, str(await b.place(await b.bot()))) + "/notify", them)
    await chat.get_by_role("button", name="Notify me of answers").click()
    await shows(chat, "You will be told.")
    assert await kept() == ["https://push.example/me", "https://push.example/them"]
    await chat.get_by_role("button", name="No more").click()
    await shows(chat, "✓")
    assert await kept() == ["https://push.example/me"]
    await page.get_by_role("button", name="No more").click()
    await shows(page, "This browser is told no more.")
    assert await kept() == [] and await page.evaluate("localStorage.pushed") is None
    watch.clean()
    assert me.wrong == []
