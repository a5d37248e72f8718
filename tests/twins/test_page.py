"""The phone in a real browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.browser.install import found
from tests.twins.rig import Rig

CHROMIUM = found()
QUIET = (
    *("--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
BOT = "/telegram/bot110000001:AAFakeFakeFakeFakeFake"
ANA = 700000001
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")


@asynccontextmanager
async def phone(twins: Rig, **context: Any) -> AsyncIterator[Page]:
    """The page; it must not complain, nor ask any other host."""
    problems: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])
        page = await browser.new_page(**context)
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: problems.append(str(e)))
        page.on("request", lambda r: problems.append(r.url) if foreign(twins, r.url) else None)
        await page.goto(f"{twins.base}/phone")
        await expect(page.locator("#title")).not_to_have_text("…")
        try:
            yield page
        finally:
            await browser.close()
    assert problems == []


def foreign(twins: Rig, url: str) -> bool:
    """Not ours."""
    return not url.startswith((twins.base, "data:", "blob:"))


async def bot(twins: Rig, method: str, **args: Any) -> Any:
    """A Bot API call that succeeds."""
    status, found = await twins.call("POST", f"{BOT}/{method}", args)
    assert status == 200, found
    return found["result"]


async def test_a_conversation(twins: Rig) -> None:
    await bot(twins, "setWebhook", url=f"{twins.hook.url}/secret")
    async with phone(twins) as page:
        await expect(page.locator("#link")).to_contain_text("The hub listens")
        for network in ("Webhook", "Evolution"):  # which are private addresses here: without this the hub calls none
            await page.locator("#networks button", has_text=network).click()
            await expect(page.locator("#link")).to_contain_text("HUB_OUTBOUND_ALLOW")
        await page.locator("#networks button", has_text="Telegram").click()
        await page.fill("#text", "Hello there")
        await page.press("#text", "Enter")
        (got,) = await twins.hook.wait(1)
        assert got.json["message"]["text"] == "Hello there"
        await bot(twins, "sendChatAction", chat_id=ANA, action="typing")
        await expect(page.locator("#state")).to_have_text("typing…")
        await bot(twins, "sendMessageDraft", chat_id=ANA, draft_id=7, text="<b>So far</b>", parse_mode="HTML")
        await expect(page.locator(".draft strong")).to_have_text("So far")
        await bot(twins, "sendMessageDraft", chat_id=ANA, draft_id=9, text="")
        await expect(page.locator(".draft")).to_have_text("Thinking…")
        cell = {"align": "right", "valign": "top"}
        rows = [[cell | {"text": "Item", "is_header": True}], [cell | {"text": [{"type": "bold", "text": "Tea <b>"}]}]]
        blocks = [{"type": "heading", "text": "Prices", "size": 1}, {"type": "table", "cells": rows}]
        rich = await bot(twins, "sendRichMessage", chat_id=ANA, rich_message={"blocks": blocks})
        await expect(page.locator(".draft")).to_have_count(0)
        await expect(page.locator(".rich h3")).to_have_text("Prices")
        await expect(page.locator(".rich td.right strong")).to_have_text("Tea <b>")
        await bot(twins, "deleteMessage", chat_id=ANA, message_id=rich["message_id"])
        await expect(page.locator(".rich")).to_have_count(0)
        markup = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
        sent = await bot(twins, "sendMessage", chat_id=ANA, text="…", reply_markup=markup)
        edit = {"chat_id": ANA, "message_id": sent["message_id"], "reply_markup": markup}
        text = "<b>&lt;img src=x onerror=alert(1)&gt;</b>"
        await bot(twins, "editMessageText", **edit, text=text, parse_mode="HTML")
        answer = page.locator(".message:not(.mine):not(.gone)")
        await expect(answer.locator("strong")).to_have_text("<img src=x onerror=alert(1)>")
        await expect(answer.locator(".meta")).to_contain_text("edited")
        await answer.get_by_role("button", name="Yes").click()
        found = (await twins.hook.wait(2))[1].json
        assert found["callback_query"]["data"] == "yes"


async def test_acting_on_messages_and_files(twins: Rig) -> None:
    async with phone(twins) as page:
        await page.get_by_role("button", name="Z-API").click()
        await page.fill("#text", "Helo")
        await page.press("#text", "Enter")
        mine = page.locator(".message.mine")
        await mine.hover()
        await mine.get_by_role("button", name="Act on this message").click()
        await page.locator('#actions [data-do="edit"]').click()
        await page.fill("#text", "Hello *you*")
        await page.press("#text", "Enter")
        await expect(mine.locator("strong")).to_have_text("you")
        photo: Any = {"name": "a.png", "mimeType": "image/png", "buffer": b"not a picture"}
        await page.set_input_files("#file", photo)
        await expect(mine).to_have_count(2)
    kinds = [m["kind"] for m in await twins.chat("zapi", "5511999990000")]
    assert kinds == ["text", "image"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_small_screens(twins: Rig, scheme: Any) -> None:
    await twins.say("telegram", text="x" * 300)
    size: Any = {"width": 360, "height": 640}
    async with phone(twins, viewport=size, color_scheme=scheme) as page:
        await expect(page.locator(".message")).to_have_count(1)
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        await expect(page.locator("#text")).to_be_in_viewport()
