"""The hosted chat page in a real browser: a visitor's day, tabs, broken lines, and two hundred attacks."""

import asyncio
import base64
from typing import Any

import pytest
from playwright.async_api import FilePayload, Route

from tests.api.chatting import PNG, visiting
from tests.api.conftest import Api
from tests.browser.conftest import Watch
from tests.browser.payloads import PAYLOADS, STYLES
from tests.browser.wire import wired
from tests.fakes.model import refuses, says

Json = dict[str, Any]
FREE = {"messagesPerHour": 0, "maxMessages": 0}
SAID = "[...document.querySelectorAll('article')].map(a => [a.className.split(' ')[0], a.innerText.trim()])"
READ = "document.querySelector('#live').textContent"  # what a screen reader says of it
IDLE = "document.querySelector('#stop').hidden"


def page_of(api: Api, key: str) -> str:
    return f"{api.url}/chat/{key}"


def answers(count: int) -> str:
    return f"document.querySelectorAll('.assistant .acts').length === {count}"


async def test_a_visitor_is_answered(api: Api, watch: Watch) -> None:
    buttons = [{"label": "Prices", "prompt": "What does it cost?"}]
    async with visiting(api, FREE, suggestionButtons=buttons, pageTitle="Aurora") as me:
        me.model.default = says("Nine ", "**euros**", " a month.", delay=0.3)
        page = await watch.open(page_of(api, me.key))
        assert await page.title() == "Aurora"
        await page.get_by_role("button", name="Prices").click()
        await watch.until(page, "document.querySelector('.assistant')?.innerText.trim() === 'Nine'")
        await watch.until(page, "document.querySelector('.assistant')?.innerText.includes('a month.')")
        assert await page.locator(".assistant strong").inner_text() == "euros"
        assert await page.locator("article.user").inner_text() == "What does it cost?"
        await watch.until(page, answers(1))
        await watch.until(page, f"{READ} === 'Nine euros a month.'")
        await page.reload()
        await watch.until(page, answers(1))
        assert await page.evaluate(SAID) == [["user", "What does it cost?"], ["assistant", "Nine euros a month."]]
        assert await page.evaluate(READ) == "", "old messages are not read out"
    watch.clean()


async def test_an_answer_is_read_out_without_marks(api: Api, watch: Watch) -> None:
    """Also where what draws them comes later than the answer, and each of an answer's parts."""
    async with visiting(api, FREE, splitAnswerIntoMessageChunks=True) as me:
        me.model.default = says("Nine **euros**.\n\nA *month*.")
        page = await watch.open(page_of(api, me.key))
        slow = asyncio.Event()

        async def hold(route: Route) -> None:
            await slow.wait()
            await route.continue_()

        await page.route("**/markdown*.js", hold)
        await page.fill("#text", "Price?")
        await page.keyboard.press("Enter")
        await watch.until(page, answers(1))
        assert await page.evaluate(READ) == ""
        slow.set()
        await watch.until(page, f"{READ} === 'Nine euros.\\nA month.'")
    watch.clean()


async def test_choices_are_pressed(api: Api, watch: Watch) -> None:
    """Buttons below an answer say what they stand for; links stand in its words; a reload shows the same."""
    async with visiting(api, FREE) as me:
        me.model.default = says("As you wish.")
        page = await watch.open(page_of(api, me.key))
        offered = [{"label": "Today"}, {"label": "Later", "text": "Rather tomorrow"}, {"label": "Site", "url": "https://a.example/x"}]
        sent = {"content": "When?", "choices": offered}
        await api.ok("POST", f"/api/v1/web-chat-client/{me.client}/sessions/{me.session}/messages", sent)
        await watch.until(page, "document.querySelectorAll('article .chips button').length === 2")
        assert await page.locator("article a").get_attribute("href") == "https://a.example/x"
        await watch.sound(page)
        await page.get_by_role("button", name="Later").click()
        await watch.until(page, answers(2))
        assert await page.locator("article.user").inner_text() == "Rather tomorrow"
        await page.reload()
        await watch.until(page, "document.querySelectorAll('article .chips button').length === 2")
    watch.clean()


async def test_keyboard_only_and_stop(api: Api, watch: Watch) -> None:
    async with visiting(api, FREE) as me:
        me.model.default = says(*(f"word{n} " for n in range(200)), delay=0.05)
        page = await watch.open(page_of(api, me.key))
        await watch.until(page, "document.activeElement.id === 'text'")
        await page.keyboard.type("Tell me")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("everything")
        await page.keyboard.press("Enter")
        await watch.until(page, "document.querySelector('.assistant')?.innerText.includes('word3')")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.id") == "stop"
        await page.keyboard.press("Enter")
        await watch.until(page, IDLE)
        await watch.until(page, "document.querySelector('.assistant .note')?.innerText === 'Stopped'")
        [(_, asked), (_, said)] = await me.said()
        assert asked == "Tell me\neverything" and said.startswith("word0") and "word199" not in said
        await page.focus("#more")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Escape")
        assert not await page.locator("#menu").is_visible()
    watch.clean()


async def test_the_network_flaps_and_the_page_reloads(api: Api, watch: Watch) -> None:
    """Nothing is lost and nothing is said twice, whatever breaks in the middle."""
    async with visiting(api, FREE) as me, wired(api.url) as wire:
        me.model.default = says(*(f"word{n} " for n in range(40)), delay=0.05)
        page = await watch.open(f"{wire.url}/chat/{me.key}")
        await page.fill("#text", "One")
        await page.keyboard.press("Enter")
        await watch.until(page, "document.querySelector('.assistant')?.innerText.includes('word2')")
        wire.cut()
        await page.fill("#text", "Two")
        await page.keyboard.press("Enter")
        await watch.until(page, "document.querySelector('#status').innerText.includes('No connection')")
        assert await page.locator("article.wait").inner_text() == "Two"
        wire.mend()
        await watch.until(page, answers(1), 20)
        await page.reload()
        await watch.until(page, answers(2), 20)
        whole = " ".join(f"word{n}" for n in range(40))
        wanted = [["user", "One"], ["assistant", whole], ["user", "Two"], ["assistant", whole]]
        assert await page.evaluate(SAID) == wanted
        await page.fill("#text", "Three")
        await page.keyboard.press("Enter")
        await watch.until(page, "document.querySelectorAll('.assistant')[2]?.innerText.includes('word2')")
        await page.reload()
        await watch.until(page, "document.querySelectorAll('.assistant')[2]?.innerText.includes('word5')")
        await watch.until(page, answers(3))
        assert await page.evaluate(SAID) == [*wanted, ["user", "Three"], ["assistant", whole]]
        assert len(me.model.calls) == 3 and len(await me.said()) == 6
    assert watch.errors == [] and watch.foreign == []


async def test_a_reload_before_the_message_was_sent(api: Api, watch: Watch) -> None:
    """What waits for the network is kept over a reload, and sent once."""
    async with visiting(api, FREE) as me, wired(api.url) as wire:
        page = await watch.open(f"{wire.url}/chat/{me.key}")
        await page.route("**/messages", lambda route: route.abort())
        await page.fill("#text", "Kept")
        await page.keyboard.press("Enter")
        await watch.until(page, "document.querySelector('#status').innerText.includes('No connection')")
        await page.unroute("**/messages")
        await page.reload()
        await watch.until(page, answers(1))
        assert [r for r, _ in await me.said()] == ["user", "assistant"]
        assert await page.evaluate("document.querySelectorAll('article').length") == 2
    assert watch.errors == []


async def test_two_tabs(api: Api, watch: Watch) -> None:
    async with visiting(api, FREE) as me:
        me.model.default = says(*(f"w{n} " for n in range(20)), delay=0.05)
        context = await watch.context()
        one, two = [await watch.open(page_of(api, me.key), context) for _ in range(2)]
        await one.fill("#text", "Hello")
        await one.keyboard.press("Enter")
        await watch.until(two, "document.querySelector('.assistant')?.innerText.includes('w2')")
        assert "Hello" in await two.inner_text("article.user")
        for tab in (one, two):
            await watch.until(tab, answers(1))
        assert await one.evaluate(SAID) == await two.evaluate(SAID)
        me.model.default = says("Anew.")
        await one.get_by_role("button", name="Try again").click()
        for tab in (one, two):
            await watch.until(tab, "document.querySelector('.assistant')?.innerText.trim() === 'Anew.'")
            assert await tab.evaluate(SAID) == [["user", "Hello"], ["assistant", "Anew."]]
        await two.click("#more")
        await two.click("#reset")
        for tab in (one, two):
            await watch.until(tab, "!document.querySelector('article') && !document.querySelector('#hello').hidden")
    watch.clean()


async def test_a_person_answers_unasked(api: Api, watch: Watch) -> None:
    async with visiting(api, FREE) as me:
        page = await watch.open(page_of(api, me.key))
        base = f"/api/v1/web-chat-client/{me.client}/sessions/{me.session}"
        await api.ok("PUT", f"{base}/handoff", {"active": True})
        await page.fill("#text", "Anybody?")
        await page.keyboard.press("Enter")
        await watch.until(page, "document.querySelector('#status').innerText.includes('A person')")
        for text in ("I am *here*.", "Still here."):
            await api.ok("POST", f"{base}/messages", {"content": text})
        await watch.until(page, "document.querySelectorAll('.assistant').length === 2")
        await watch.until(page, "document.querySelector('.assistant em')")
        assert await page.evaluate(SAID) == [
            ["user", "Anybody?"],
            ["assistant", "I am here."],
            ["assistant", "Still here."],
        ]
        heard = await page.evaluate("[...document.querySelectorAll('#live p')].map(p => p.textContent)")
        assert heard == ["I am here.", "Still here."]
    watch.clean()


async def test_ratings_transcript_and_failures(api: Api, watch: Watch) -> None:
    async with visiting(api, {"messagesPerHour": 2, "maxMessages": 0}) as me:
        me.model.plan.append(refuses(400, "no"))
        page = await watch.open(page_of(api, me.key))
        await page.fill("#text", "Hi")
        await page.keyboard.press("Enter")
        await watch.until(page, answers(1))
        await page.get_by_role("button", name="Try again").click()
        await watch.until(page, "document.querySelector('.assistant')?.innerText.includes('Hello from the model.')")
        await page.get_by_role("button", name="Good answer").click()
        await watch.until(page, "document.querySelector('.good').ariaPressed === 'true'")
        await page.click("#more")
        async with page.context.expect_page() as opened:
            await page.click("#transcript")
        kept = await opened.value
        await watch.until(kept, "document.querySelector('#print')?.hidden === false")
        async with kept.expect_download() as saved:
            await kept.get_by_role("link", name="JSON").click()
        assert (await saved.value).suggested_filename.endswith(".json")
        await kept.close()
        await page.click("#more")
        await page.click("#rate")
        await page.get_by_role("button", name="4/5").click()
        await watch.until(page, "document.querySelector('.stars').innerText.includes('Thank you')")
        ratings = await api.hub.db.fetch(
            "select detail->'rating' as r from happenings where kind = 'feedback' and account_id = $1 order by at",
            api.account,
        )
        assert [r["r"] for r in ratings] == ["up", 4]
        await page.fill("#text", "Too much")
        await page.keyboard.press("Enter")
        await watch.until(page, "document.querySelector('.user .note')?.innerText.includes('You have written a lot')")
        await page.get_by_role("button", name="Try again").last.click()
        await watch.until(page, "document.querySelector('.user .note')?.innerText.includes('You have written a lot')")
    assert watch.errors == [] and watch.foreign == []


async def test_no_text_becomes_script(api: Api, watch: Watch) -> None:
    """In what visitors and models say, in titles, names of files, buttons and styles."""
    assert len(PAYLOADS) >= 200
    buttons = [{"label": p[:80], "prompt": p} for p in PAYLOADS[:20]]
    evil = PAYLOADS[0]
    looks: dict[str, Any] = {
        "pageTitle": evil,
        "helloLabel": evil,
        "helloSubLabel": PAYLOADS[8],
        "inputModes": ["Image"],
        "textAreaPlaceholder": '" onfocus=alert(1) autofocus x="',
    }
    async with visiting(api, FREE, suggestionButtons=buttons, **looks) as me:
        page = await watch.open(page_of(api, me.key))
        for n, evil_name in ((0, "<img src=x onerror=alert(1)>.png"), (1, '"onload="alert(1).png')):
            await page.set_input_files("#file", FilePayload(name=evil_name, mimeType="image/png", buffer=PNG))
            await watch.until(page, f"document.querySelectorAll('#files li').length === {n + 1}")
        for n in range(0, len(PAYLOADS), 40):
            some = PAYLOADS[n : n + 40]
            me.model.plan.append(says(*(p + "\n\n" for p in some)))
            await page.fill("#text", "\n".join(some)[:19_000])
            await page.keyboard.press("Enter")
            await watch.until(page, answers(n // 40 + 1))
        for link in await page.locator("main a").all():
            assert (await link.get_attribute("href") or "").startswith(
                ("https://", "http://", "mailto:", "tel:", "/media/")
            )
        await page.reload()
        await watch.until(page, answers(5))
        assert await page.evaluate("window.__ran") == []
        bad = "main script, main iframe, main img[onerror], main svg svg, main meta, main style, main base, main form"
        assert await page.evaluate(f"document.querySelectorAll('{bad}').length") == 0
        for style in STYLES:
            changed = {"clientParameters": {"customStyles": style}}
            await api.ok("PUT", f"/api/v1/web-chat-client/{me.client}", changed)
            await page.reload()
            assert await page.evaluate("[window.__ran.length, document.styleSheets.length]") == [0, 2]
    assert watch.errors == [] and watch.foreign == []


@pytest.mark.parametrize(("dark", "lang"), [(False, "en"), (True, "pt-BR"), (False, "ar")])
async def test_widths_and_barriers(api: Api, watch: Watch, dark: bool, lang: str) -> None:
    """Nothing is cut off or scrolls sideways on a phone, a tablet or a desk; axe finds nothing, light or dark,
    from left or from right."""
    async with visiting(api, FREE, languageCode=lang, inputModes=["Image", "Audio"], primaryColor="#ffd400") as me:
        page = await watch.open(page_of(api, me.key), dark=dark, width=360)
        await watch.sound(page)
        assert await page.evaluate("document.documentElement.dir") == ("rtl" if lang == "ar" else "ltr")
        me.model.default = says(
            "A list:\n\n- one\n- two\n\n```\n"
            + "x" * 300
            + "\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
            + "long" * 100
        )
        await me.prompt("Show me")
        for width in (360, 768, 1440):
            await page.set_viewport_size({"width": width, "height": 800})
            await page.reload()
            await watch.until(page, answers(1))
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert await page.locator("#send").is_visible()
            assert await page.evaluate("parseFloat(getComputedStyle(document.querySelector('#text')).fontSize)") >= 16
        await page.click("#more")
        await page.click("#rate")
        await page.click("#more")
        await page.wait_for_selector("#menu:popover-open")
        await watch.sound(page)
    watch.clean()


async def test_a_key_that_ended(api: Api, watch: Watch) -> None:
    page = await watch.open(page_of(api, "wky_" + "a" * 55))
    assert "available" in (await page.inner_text("body")).lower()
    await watch.sound(page)


async def test_without_scripts(api: Api, watch: Watch) -> None:
    async with visiting(api, FREE, suggestionButtons=[{"label": "Prices", "prompt": "What does it cost?"}]) as me:
        me.model.default = says("Nine euros.")
        page = await watch.open(f"{api.url}/c/{me.client}", scripts=False)
        await page.fill("#text", "Hello")
        await page.click("#send")
        await page.wait_for_url("**/chat/*")
        assert await page.locator("article").all_inner_texts() == ["Hello", "Nine euros."]
        assert not await page.locator("#more").is_visible()
        await page.fill("#text", "And today?")
        await page.click("#send")
        await page.wait_for_selector("article:nth-of-type(4)")
        assert await page.locator("article").count() == 4
    watch.clean()


async def test_files_by_paste_and_drop(api: Api, watch: Watch) -> None:
    async with visiting(api, FREE, inputModes=["Image"]) as me:
        page = await watch.open(page_of(api, me.key))
        give = """(how) => {
            const data = new DataTransfer(), raw = Uint8Array.from(atob(PNG64), (c) => c.charCodeAt(0));
            data.items.add(new File([raw], how + ".png", { type: "image/png" }));
            const event = how === "paste" ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true })
                : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
            document.querySelector("#text").dispatchEvent(event);
        }"""
        give = give.replace("PNG64", repr(base64.b64encode(PNG).decode()))
        for how in ("paste", "drop"):
            await page.evaluate(give, how)
            await watch.until(page, f"document.querySelector('#files').innerText.includes('{how}.png')")
        await page.get_by_role("button", name="Remove: drop.png").click()
        await page.fill("#text", "Look")
        await page.keyboard.press("Enter")
        await watch.until(page, answers(1))
        assert await page.evaluate("document.querySelector('.user img').naturalWidth") == 1
        [text, image] = me.asked[-1]["content"]
        assert text["text"] == "Look" and image["type"] == "image_url"
    watch.clean()


async def test_api_documentation_without_scripts(api: Api, watch: Watch) -> None:
    page = await watch.open(f"{api.url}/apidocs", scripts=False)
    body = await page.inner_text("body")
    assert "/api/v1/public/chat-clients/{key}/prompt" in body and "/v1/chat/completions" in body
    assert await page.locator("script").count() == 0
    watch.clean()
