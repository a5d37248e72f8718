"""The widget on other people's websites: what it costs, what it may do, and what it must survive."""

import asyncio
import gzip
import time
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from playwright.async_api import Frame, Page

from hub.api.http import assets
from hub.chat.website.culture import every
from tests.api.chatting import Visitor, visiting
from tests.api.conftest import Api
from tests.api.test_guests import salt_of, signed
from tests.browser.conftest import Site, Watch, chat_of
from tests.fakes.model import says

FREE = {"messagesPerHour": 0, "maxMessages": 0}
BUTTON = "hub-chat button"
LATEST = "select id, client_id, metadata from sessions where account_id = $1 order by created_at desc limit 1"
STUB = "<script>window.hub = window.hub || {q: []}; window.seen = [];</script>"


def embed(api: Api, me: Visitor, more: str = "") -> str:
    return f"<main><h1>Shop</h1></main><script async src='{api.url}/w/{me.client}.js' {more}></script>"


def of_hub(watch: Watch, api: Api) -> list[str]:
    return [u for u in watch.requests if urlsplit(u).netloc == urlsplit(api.url).netloc]


def size(content: str | bytes) -> int:
    return len(gzip.compress(content if isinstance(content, bytes) else content.encode(), 9))


async def said(watch: Watch, page: Page, text: str, answer: str = "Hello from the model.") -> Any:
    """Open the chat, say something, and wait for the answer."""
    if not await page.evaluate("document.querySelector('hub-chat').shadowRoot.querySelector('.o')"):
        await page.click(BUTTON)
    chat = await chat_of(page)
    await chat.fill("#text", text)
    await chat.press("#text", "Enter")
    await watch.until(chat, f"document.querySelector('.assistant:last-of-type .b')?.innerText.includes({answer!r})")
    return chat


async def known(page: Page) -> Frame:
    """The chat, once it is the conversation of whom the site says it is."""
    for _ in range(300):
        chat = await chat_of(page)
        if "/chat/" in chat.url:
            return chat
        await asyncio.sleep(0.06)
    raise AssertionError(f"still {chat.url}")


@pytest.mark.parametrize("full", [False, True])
async def test_sizes(api: Api, full: bool) -> None:
    """1 kB is 1000 bytes, gzip -9. `full`: with everything that a chat client can switch on. The launcher stays below
    2 kB with room, as ids of clients, of which one is in it, pack differently; in the longest language too."""
    looks: dict[str, Any] = {"inputModes": ["Image", "Document", "Audio"], "showToolCalls": True} if full else {}
    async with visiting(api, FREE, **looks) as me:
        files = assets.read(assets.FOLDER)
        page = (await api.call("GET", f"/c/{me.client}", key="")).body
        spoken = [{"Accept-Language": lang} for lang in ("en", *every())]
        launchers = [size((await api.call("GET", f"/w/{me.client}.js", key="", headers=h)).body) for h in spoken]
        chat = size(page) + size(files["chat.css"].plain) + size(files["chat.js"].plain)
        assert (launchers[0] <= 1960, max(launchers) <= 1995, chat <= 10_000) == (True, True, True), (launchers, chat)


async def test_a_button_of_the_menu_calls_a_person(api: Api, watch: Watch) -> None:
    """It is there where the bot's switch is on, and costs no script of its own."""
    async with visiting(api, FREE) as me:
        assert "Talk to a person" not in (await api.call("GET", f"/c/{me.client}", key="")).body
        await me.set(sentinelOptions={"enabledFunctions": ["AskForHuman"]})
        page = await watch.open(f"{api.url}/c/{me.client}")
        await page.click("#more")
        await page.get_by_role("button", name="Talk to a person").click()
        await watch.until(page, "document.querySelector('.assistant .b')?.innerText.includes('Nobody of the team')")
        assert not await page.is_visible("#menu") and me.model.calls == []
        await watch.sound(page)
        size_of = size((await api.call("GET", f"/c/{me.client}", key="")).body)
        files = assets.read(assets.FOLDER)
        chat = size_of + size(files["chat.css"].plain) + size(files["chat.js"].plain)
        assert chat <= 10_000
    watch.clean()


async def test_nothing_is_loaded_before_somebody_wants_it(api: Api, watch: Watch, site: Site) -> None:
    async with visiting(api, FREE) as me:
        page = await watch.open(site.put("/", embed(api, me)), None, api.url)
        await page.wait_for_selector(BUTTON)
        assert len(of_hub(watch, api)) == 1
        await page.hover(BUTTON)
        await watch.until(await chat_of(page), "document.body.classList.contains('js')")
        assert len(of_hub(watch, api)) == 4
        await said(watch, page, "Hi")
        watch.requests.clear()
        await page.reload()
        await watch.until(await chat_of(page), "document.querySelectorAll('article').length === 2")
        await watch.until(page, "document.querySelector('hub-chat').shadowRoot.querySelector('.o') !== null")
        asked = of_hub(watch, api)
        assert len(asked) <= 5, "launcher, page, styles, script, events"
        assert sum("/events" in u for u in asked) <= 1
    watch.clean()


async def test_a_strict_page_and_the_keyboard(api: Api, watch: Watch, site: Site) -> None:
    """Nothing but the hub's script and frame is allowed, types are trusted by none, and nothing is violated."""
    policy = (
        f"default-src 'none'; script-src {api.url}; frame-src {api.url}; require-trusted-types-for 'script'; "
        "trusted-types 'none'; base-uri 'none'; form-action 'none'"
    )
    async with visiting(api, FREE) as me:
        url = site.put("/", embed(api, me), Content_Security_Policy=policy)
        page = await watch.open(url, None, api.url)
        await page.wait_for_selector(BUTTON)
        await watch.sound(page)
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        chat = await chat_of(page)
        await watch.until(chat, "document.activeElement.id === 'text' && document.hasFocus()")
        await page.keyboard.type("Hello")
        await page.keyboard.press("Enter")
        await watch.until(chat, "document.querySelectorAll('.assistant .acts').length === 1")
        await watch.sound(page)
        await watch.sound(chat)
        await page.keyboard.press("Escape")
        await watch.until(page, "document.activeElement?.shadowRoot?.activeElement?.ariaExpanded === 'false'")
        await page.keyboard.press("Enter")
        await watch.until(chat, "document.activeElement.id === 'text' && document.hasFocus()")
        await chat.click("#close")
        await watch.until(page, "document.activeElement?.shadowRoot?.activeElement?.ariaExpanded === 'false'")
        for frame in (page.main_frame, chat):
            assert await frame.evaluate("window.__blocked") == []
    watch.clean()


async def test_a_page_with_hostile_styles(api: Api, watch: Watch, site: Site) -> None:
    hostile = """<style>* { position: static !important; opacity: .1 !important; transform: scale(.1) !important;
        display: inline !important; visibility: hidden !important; font-size: 3px !important; color: red !important;
        width: 1px !important; height: 1px !important; margin: 40px !important; pointer-events: none !important }
        html, body { all: revert !important } button, iframe, div { display: none !important }</style>"""
    async with visiting(api, FREE) as me:
        page = await watch.open(site.put("/", hostile + embed(api, me)), None, api.url, width=360)
        box = await page.locator(BUTTON).bounding_box()
        assert box and (box["width"], box["height"]) == (56, 56) and box["x"] + box["width"] == 340
        await said(watch, page, "Hi")
        panel = await page.locator("hub-chat iframe").bounding_box()
        assert panel == {"x": 0, "y": 0, "width": 360, "height": 800}, "a phone shows the chat alone"
    watch.clean()


async def test_a_message_unasked_raises_the_badge(api: Api, watch: Watch, site: Site) -> None:
    async with visiting(api, FREE) as me:
        html = STUB + "<script>hub.q.push(['on', 'unread', (e) => seen.push(e.count)])</script>" + embed(api, me)
        page = await watch.open(site.put("/", html), None, api.url)
        await page.wait_for_selector(BUTTON)
        chat = await said(watch, page, "Hi")
        await chat.click("#close")
        [row] = await api.hub.db.fetch(LATEST, api.account)
        base = f"/api/v1/web-chat-client/{row['client_id']}/sessions/{row['id']}/messages"
        for text in ("News!", "More news!"):
            await api.ok("POST", base, {"content": text})
        await watch.until(page, "window.seen.at(-1) === 2")
        assert await page.locator("hub-chat b").inner_text() == "2"
        assert "(2)" in (await page.locator(BUTTON).get_attribute("aria-label") or "")
        # Another page of the site: the visitor is known, the chat comes by itself, closed.
        await api.ok("POST", base, {"content": "While away"})
        await page.goto(site.put("/other", html))
        await chat_of(page)
        await api.ok("POST", base, {"content": "Back again"})
        await watch.until(page, "window.seen.at(-1) >= 1")
        await page.click(BUTTON)
        chat = await chat_of(page)
        await watch.until(chat, "document.body.innerText.includes('Back again')")
        assert not await page.locator("hub-chat b").is_visible()
        assert await chat.evaluate("document.querySelectorAll('article').length") == 6, "nothing is lost or doubled"
    watch.clean()


async def test_the_interface_for_scripts(api: Api, watch: Watch, site: Site) -> None:
    """Calls made before the script is there are not lost; every event comes."""
    calls = """<script>for (const name of ["ready", "open", "close", "message"])
        hub.q.push(["on", name, (e) => seen.push(name + (e?.role || ""))]);
        hub.q.push(["set", { plan: "pro" }], ["send", "Hello"], ["open"]);</script>"""
    async with visiting(api, FREE) as me:
        page = await watch.open(site.put("/", STUB + calls + embed(api, me)), None, api.url)
        chat = await chat_of(page)
        await watch.until(page, "seen.includes('messageassistant')")
        assert (await page.evaluate("seen"))[:2] == ["open", "ready"]
        assert await chat.locator("article").all_inner_texts() == ["Hello", "Hello from the model."]
        [row] = await api.hub.db.fetch(LATEST, api.account)
        assert row["metadata"] == {"anon:plan": "pro"}
        await page.evaluate("hub.close(); hub.hide()")
        await watch.until(page, "seen.at(-1) === 'close'")
        assert not await page.locator(BUTTON).is_visible()
        await page.evaluate("hub.show(); hub.toggle()")
        await page.evaluate("hub.open('A draft')")
        await watch.until(chat, "document.querySelector('#text').value === 'A draft'")
        before = chat.url
        await page.evaluate("hub.reset()")
        for _ in range(300):
            chat = await chat_of(page)
            if chat.url != before or not await chat.locator("article").count():
                break
            await asyncio.sleep(0.06)
        await watch.until(chat, "!document.querySelector('article')")
        await page.evaluate("hub.destroy()")
        assert await page.locator("hub-chat").count() == 0 and await page.evaluate("'hub' in window") is False
    watch.clean()


@pytest.mark.parametrize("proof", ["signature", "token"])
async def test_a_visitor_whom_the_site_knows(api: Api, watch: Watch, site: Site, proof: str) -> None:
    """The same conversation in another browser; nobody gets it by the name alone."""
    async with visiting(api, FREE) as me:
        salt = await salt_of(api)
        more = {
            "signature": f"data-tag=ana data-tag-signature={signed(salt, 'ana')}",
            "token": "data-token=" + jwt.encode({"sub": "ana", "exp": time.time() + 600}, salt),
        }[proof]
        by_hand = f"<script async src='{api.url}/widget.js' data-client={me.client} {more}></script>"
        url = site.put("/", by_hand)
        page = await watch.open(url, None, api.url)
        await page.wait_for_selector(BUTTON)
        await page.click(BUTTON)
        chat = await known(page)
        await said(watch, page, "My order?")
        named = "select count(*) from sessions where tag = 'ana' and account_id = $1"
        assert await api.hub.db.value(named, api.account) == 1
        again = await watch.open(url, None, api.url)
        await again.click(BUTTON)
        chat = await known(again)
        await watch.until(chat, "document.body.innerText.includes('My order?')")
        stranger = site.put(
            "/s", f"<script async src='{api.url}/widget.js' data-client={me.client} data-tag=ana></script>"
        )
        third = await watch.open(stranger, None, api.url)
        await third.click(BUTTON)
        await known(third)
        chat = await said(watch, third, "Hi")
        assert "My order?" not in await chat.inner_text("body")
    watch.clean()


async def test_a_forged_signature_shows_nothing(api: Api, watch: Watch, site: Site) -> None:
    async with visiting(api, FREE) as me:
        url = site.put("/", embed(api, me, "data-tag=ana data-tag-signature=00"))
        page = await watch.open(url, None, api.url)
        await page.click(BUTTON)
        chat = await chat_of(page)
        await watch.until(chat, "document.querySelector('#status').innerText.includes('tagSignature')")


async def test_a_site_that_may_not_embed_it(api: Api, watch: Watch, site: Site) -> None:
    async with visiting(api, FREE, allowedFrameOrigins=["https://shop.example"]) as me:
        page = await watch.open(site.put("/", embed(api, me)), None, api.url)
        await page.click(BUTTON)
        for _ in range(300):
            if any("frame-ancestors" in c for c in watch.console):
                break
            await asyncio.sleep(0.06)
        assert any("frame-ancestors" in c for c in watch.console)
        assert all(not f.url.startswith(api.url) for f in page.frames)


async def test_only_the_page_around_it_gives_orders(api: Api, watch: Watch, site: Site) -> None:
    """An order from another origin than the one the chat was opened for is not heard."""
    async with visiting(api, FREE) as me:
        inner = f"<iframe src='{api.url}/chat/{me.key}?o=https://shop.example' width=400 height=600></iframe>"
        page = await watch.open(site.put("/", inner), None, api.url)
        chat = await chat_of(page)
        for order in ('{do: "send", text: "forged"}', '{do: "constructor"}', "null", '"x"'):
            await page.evaluate(f"frames[0].postMessage({order}, '*')")
        await chat.fill("#text", "Mine")
        await chat.press("#text", "Enter")
        await watch.until(chat, "document.querySelectorAll('.assistant .acts').length === 1")
        assert [t for r, t in await me.said() if r == "user"] == ["Mine"]
        assert watch.errors == []


async def test_right_to_left_and_words(api: Api, watch: Watch, site: Site) -> None:
    async with visiting(api, FREE, languageCode="ar", pageTitle="متجر") as me:
        me.model.default = says("أهلا")
        page = await watch.open(site.put("/", embed(api, me)), None, api.url, dark=True)
        box = await page.locator(BUTTON).bounding_box()
        assert box and box["x"] == 20
        assert await page.locator(BUTTON).get_attribute("aria-label") == "فتح المحادثة"
        chat = await said(watch, page, "مرحبا", "أهلا")
        await watch.sound(page)
        await watch.sound(chat)
    watch.clean()
