"""The console's navigation in each language at each width: every name on one line, nothing beyond the edge; on a phone
behind one button, by finger, by keyboard and without scripts."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Watch
from tests.browser.test_console import business, seat
from tests.console.business import Business
from tests.console.town import fill

__all__ = ["business"]
LINES = """[...document.querySelectorAll('.side nav a')].map((a) => {
    const line = parseFloat(getComputedStyle(a).lineHeight) || 24, span = a.querySelector('span');
    const box = a.getBoundingClientRect(), span_box = span.getBoundingClientRect();
    return [a.innerText, span_box.height < 1.8 * line, a.scrollWidth <= a.clientWidth,
        box.width > 0 && box.left >= 0 && box.right <= innerWidth && box.bottom <= innerHeight];
})"""
NARROW = 860


def button(page: Page) -> Any:
    return page.locator("button.all")


async def test_every_name_stands_on_one_line(business: Business, watch: Watch) -> None:
    await fill(business.api.hub, business.api.account, 14)
    for language in ("pt-BR", "es", "en"):
        me = await seat(watch, business, locale=language)
        page = await me.open("/console/inbox")
        for dark in (False, True):
            await page.emulate_media(color_scheme="dark" if dark else "light")
            for width in (1280, 1180, 862, 768, 360):
                await page.set_viewport_size({"width": width, "height": 800})
                await expect(button(page)).to_be_visible(visible=width <= NARROW)
                if width <= NARROW:
                    await button(page).click()
                found = await page.evaluate(LINES)
                assert len(found) == 8
                assert [one for one in found if not all(one[1:])] == [], (language, width)
                for way in ("scrollWidth <= innerWidth", "scrollHeight <= innerHeight"):
                    assert await page.evaluate(f"document.documentElement.{way}"), (language, width, way)
                await watch.sound(page, (language, width, dark))
                await watch.shot(page, f"nav-{language}-{width}-{'dark' if dark else 'light'}")
                if width <= NARROW:
                    await page.keyboard.press("Escape")
                    await expect(page.locator(".side nav")).to_be_hidden()
                    await watch.shot(page, f"nav-closed-{language}-{width}-{'dark' if dark else 'light'}")
        await page.context.close()


async def test_on_a_phone_the_keyboard_alone_reaches_every_screen(business: Business, watch: Watch) -> None:
    me = await seat(watch, business, viewport={"width": 360, "height": 740})
    page = await me.open()
    await button(page).focus()
    await page.keyboard.press("Enter")
    names = []
    for _ in range(8):
        await page.keyboard.press("Tab")
        names.append(await page.evaluate("document.activeElement.innerText.trim()"))
    assert names[0] == "Home" and names[-1] == "Insights" and len({*names}) == 8
    await page.keyboard.press("Escape")
    assert await page.evaluate("document.activeElement.className") == "all"
    await page.keyboard.press("Enter")
    for _ in range(4):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/channels")
    await expect(page.locator(".side nav")).to_be_hidden()
    assert me.wrong == []


async def test_the_number_of_those_who_wait_stands_on_the_button(business: Business, watch: Watch) -> None:
    await fill(business.api.hub, business.api.account, 14)
    me = await seat(watch, business, viewport={"width": 360, "height": 740})
    page = await me.open()
    again = page.locator("#badge-all")
    count = await page.locator("#badge").text_content()
    assert count and await again.text_content() == count
    await expect(again).to_be_visible()
    # What the inbox hears, and what is asked for in a while, comes to both.
    await page.goto(f"{me.url}/console/inbox")
    # What the stream brings meanwhile may be older than this: it is said again until it stands there.
    for change, seen in [('badge.firstChild.data = "41"', "again.textContent === '41 waiting'"),
                         ("badge.hidden = true", "again.hidden")]:  # fmt: skip
        await page.wait_for_function(f"""() => {{
            const badge = document.querySelector("#badge"), again = document.querySelector("#badge-all");
            {change};
            document.dispatchEvent(new Event("htmx:after:swap"));
            return {seen};
        }}""")


@pytest.mark.parametrize("width", [360, 1180])
async def test_it_works_without_scripts(business: Business, watch: Watch, width: int) -> None:
    me = await seat(watch, business, viewport={"width": width, "height": 740}, java_script_enabled=False)
    page = await me.open()
    if width == 360:
        await expect(page.get_by_role("link", name="Knowledge")).to_be_hidden()
        await button(page).click()
    await page.get_by_role("navigation").get_by_role("link", name="Knowledge").click()
    await page.wait_for_url("**/console/knowledge")
    await expect(page.locator("h1")).to_have_text("Knowledge")
