"""The hosted pages in a real browser: a visitor's and an operator's day, and a hundred attacks."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from hub import ids
from tests.api.chatting import visiting
from tests.api.conftest import Api
from tests.browser.conftest import Watch
from tests.browser.payloads import PAYLOADS
from tests.fakes.model import says

Json = dict[str, Any]
FREE = {"messagesPerHour": 0, "maxMessages": 0}


def page_of(api: Api, key: str) -> str:
    return f"{api.url}/chat/{key}"


async def test_a_visitor_is_answered(api: Api, watch: Watch) -> None:
    buttons = [{"label": "Prices", "prompt": "What does it cost?"}]
    async with visiting(api, FREE, suggestionButtons=buttons, pageTitle="Aurora") as me:
        me.model.default = says("Nine ", "**euros**", " a month.", delay=0.3)
        page = await watch.open(page_of(api, me.key))
        assert await page.title() == "Aurora"
        await page.get_by_role("button", name="Prices").click()
        bubble = page.locator("article.assistant .bubble")
        await watch.until(page, "document.querySelector('article.assistant')?.textContent.trim() === 'Nine'")
        await watch.until(page, "document.querySelector('article.assistant')?.textContent.includes('a month.')")
        assert await bubble.locator("strong").inner_text() == "euros"
        assert await page.locator("article.user").inner_text() == "What does it cost?"
        await page.reload()
        await watch.until(page, "document.querySelectorAll('article').length === 2")
        assert "Nine euros a month." in await bubble.inner_text()
    watch.clean()


async def test_keyboard_only_and_stop(api: Api, watch: Watch) -> None:
    async with visiting(api, FREE) as me:
        me.model.default = says(*(f"word{n} " for n in range(200)), delay=0.05)
        page = await watch.open(page_of(api, me.key))
        assert await page.evaluate("document.activeElement.id") == "text"
        await page.keyboard.type("Tell me")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("everything")
        await page.keyboard.press("Enter")
        await watch.until(page, "document.querySelector('article.assistant')?.textContent.includes('word3')")
        for _ in range(8):
            if await page.evaluate("document.activeElement.id") == "stop":
                break
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#send:visible")
        kept = [(await me.said())]
        for _ in range(50):
            kept = [await me.said()]
            if len(kept[0]) == 2:
                break
            await asyncio.sleep(0.1)
        (_, asked), (_, said) = kept[0]
        assert asked == "Tell me\neverything" and said.startswith("word0") and "word199" not in said
    watch.clean()


async def test_no_text_becomes_script(api: Api, watch: Watch) -> None:
    """In what visitors and models say, in titles, names and buttons."""
    assert len(PAYLOADS) >= 100
    buttons = [{"label": p[:80], "prompt": p} for p in PAYLOADS[:20]]
    evil = PAYLOADS[0]
    looks: dict[str, Any] = {
        "pageTitle": evil,
        "helloLabel": evil,
        "helloSubLabel": PAYLOADS[4],
        "textAreaPlaceholder": '" onfocus=alert(1) autofocus x="',
    }
    async with visiting(api, FREE, suggestionButtons=buttons, **looks) as me:
        page = await watch.open(page_of(api, me.key))
        for n in range(0, len(PAYLOADS), 20):
            some = PAYLOADS[n : n + 20]
            me.model.plan.append(says(*(p + "\n\n" for p in some)))
            await page.fill("#text", "\n".join(some)[:19_000])
            await page.keyboard.press("Enter")
            await watch.until(page, f"document.querySelectorAll('article.assistant').length === {n // 20 + 1}")
            await page.wait_for_selector("#send:visible")
        for link in await page.locator("main a").all():
            assert (await link.get_attribute("href") or "").startswith(("https://", "http://", "mailto:", "tel:"))
        await page.reload()
        await watch.until(page, "document.querySelectorAll('article').length >= 10")
        assert await page.evaluate("window.__ran") == []
        assert (
            await page.evaluate(
                "document.querySelectorAll('main script, main iframe, main img[onerror], main svg, main meta').length"
            )
            == 0
        )
    assert watch.errors == [] and watch.foreign == []


@pytest.mark.parametrize("dark", [False, True])
async def test_widths(api: Api, watch: Watch, dark: bool) -> None:
    """Nothing is cut off or scrolls sideways on a phone, a tablet or a desk."""
    async with visiting(api, FREE) as me:
        me.model.default = says(
            "A list:\n\n- one\n- two\n\n```\n"
            + "x" * 300
            + "\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
            + "long" * 100
        )
        await me.prompt("Show me")
        for width in (360, 768, 1440):
            page = await watch.open(page_of(api, me.key), dark, width)
            await watch.until(page, "document.querySelectorAll('article').length === 2")
            await page.screenshot(path=watch.shots / f"chat-{width}-{'dark' if dark else 'light'}.png")
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert await page.locator("#send").is_visible()
            await page.context.close()
    watch.clean()


async def test_a_key_that_ended(api: Api, watch: Watch) -> None:
    page = await watch.open(page_of(api, "wky_" + "a" * 55))
    assert "available" in (await page.inner_text("body")).lower()


async def dead(api: Api, client: str) -> None:
    """A delivery that was given up."""
    db, id = api.hub.db, ids.uuid7()
    secrets = api.hub.sealer.seal_map("integrations.secrets", id, {"instanceToken": "T1", "webhookSecret": "w"})
    await db.run(
        "insert into integrations (id, account_id, client_id, channel, secrets, secret_hash, mode, state, settings)"
        " values ($1, $2, $3, 'zapi', $4, $5, 'reconcile', 'registered', $6)",
        id,
        api.account,
        UUID(client),
        secrets,
        b"x" * 32,
        {"instanceId": "I1"},
    )
    await db.run(
        "insert into outbox (key, account_id, session_id, integration_id, chat, body, sha, mode, state, error)"
        " select $1, $2, id, $3, '5511', $4, 'x', 'reconcile', 'dead', 'The number does not exist.'"
        " from sessions limit 1",
        ids.uuid7(),
        api.account,
        id,
        {"text": "<img src=x onerror=alert(1)>"},
    )


async def test_the_console(api: Api, watch: Watch) -> None:
    async with visiting(api, FREE) as me:
        await me.prompt("Hi")
        await dead(api, me.client)
        page = await watch.open(f"{api.url}/console")
        await page.fill("#key", api.key)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#all:visible")
        card = page.locator("#deliveries .card")
        assert "The number does not exist." in await card.inner_text()
        assert await page.evaluate("window.__ran") == []
        await card.get_by_role("button", name="Send again").click()
        await watch.until(page, "document.querySelector('#deliveries').textContent === 'None.'")
        assert await api.hub.db.value("select state from outbox") == "queued"
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_selector("#in:visible")
        assert not await page.locator("#all").is_visible()
    watch.clean()


async def test_api_documentation_without_scripts(api: Api, watch: Watch) -> None:
    page = await watch.open(f"{api.url}/apidocs", scripts=False)
    body = await page.inner_text("body")
    assert "/api/v1/public/chat-clients/{key}/prompt" in body and "/v1/chat/completions" in body
    assert await page.locator("script").count() == 0
    watch.clean()
