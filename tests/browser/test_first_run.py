"""The first run: from the link of the first start to the first answered message, with one's own documents on a network.

Clicks are those that the browser heard. The minutes are counted, not measured: by the keystroke-level model (Card,
Moran and Newell) of what a person does, which no slow machine makes longer; nothing is waited for but what the hub
does by itself. Getting a token from @BotFather is not in it.
"""

from dataclasses import dataclass

from playwright.async_api import FilePayload, Page

from tests.browser.conftest import Watch
from tests.browser.test_console import business, shows
from tests.console.business import TOKEN, Business, until
from tests.console.conftest import person

__all__ = ["business"]
CLICKS, SECONDS, PAGES = 10, 180.0, 6
# Seconds of a person: to point and click, to press a key, to think before a step.
POINT, KEY, THINK = 1.3, 0.28, 1.35
EAR = """
    addEventListener("click", (e) => { if (e.isTrusted && e.detail) clicked(); }, true);
    addEventListener("keydown", (e) => { if (e.isTrusted) pressed(); }, true);
"""
HOURS = b"# Opening hours\n\nThe bakery opens at 06:30 every day.\n\n# Prices\n\nA loaf of rye costs nine reais.\n"


@dataclass
class Count:
    """What a person did. inside: clicks in windows that are no page, such as the one in which a file is chosen."""

    clicks: int = 0
    keys: int = 0
    pages: int = 0
    inside: int = 0

    def click(self) -> None:
        self.clicks += 1

    def key(self) -> None:
        self.keys += 1

    def page(self) -> None:
        self.pages += 1

    @property
    def seconds(self) -> float:
        clicks = self.clicks + self.inside
        return clicks * (POINT + THINK) + self.keys * KEY + self.pages * THINK


async def watched(watch: Watch) -> tuple[Page, Count]:
    context = await watch.browser.new_context(viewport={"width": 1180, "height": 800})
    count = Count()
    await context.expose_function("clicked", count.click)
    await context.expose_function("pressed", count.key)
    await context.add_init_script(EAR)
    page = await context.new_page()
    page.on("load", lambda _: count.page())
    return page, count


async def ready(b: Business) -> bool:
    rows = await b.api.hub.db.fetch("select state from documents where account_id = $1", b.api.account)
    return bool(rows) and all(r["state"] == "Indexed" for r in rows)


async def test_ten_clicks_and_three_minutes_to_the_first_answer(business: Business, watch: Watch) -> None:
    b = business
    _, token = await person(b.api)
    page, count = await watched(watch)
    await page.goto(f"{b.api.url}/console/link/{token}")
    await page.locator("form button.main").click()
    await page.wait_for_url("**/console")
    await page.get_by_role("link", name="Do it in one step").click()
    await page.click("[name=name]")
    await page.keyboard.press("Control+a")
    await page.keyboard.type("Bakery")
    async with page.expect_file_chooser() as choosing:
        await page.click("[name=file]")
    count.inside += 1
    chooser = await choosing.value
    await chooser.set_files([FilePayload(name="bakery.md", mimeType="text/markdown", buffer=HOURS)])
    await page.click("[name=botToken]")
    await page.keyboard.type(TOKEN)
    await page.get_by_role("button", name="Make it").click()
    await shows(page, "Bakery is ready. 1 file taken in.")
    assert "Telegram: " in await page.inner_text("#said")
    await watch.shot(page, "first-run-made")
    await until(lambda: ready(b))
    await b.say("telegram", "When does the bakery open?")
    await b.hears("telegram", "06:30")
    await page.get_by_role("link", name="Inbox").click()
    await page.locator(".talk").first.click()
    await shows(page, "When does the bakery open?")
    await shows(page, "06:30")
    told = f"{count}: {count.seconds:.0f} s"
    assert 6 <= count.clicks + count.inside <= CLICKS, told
    assert count.keys > len(TOKEN) and count.seconds < SECONDS and count.pages <= PAGES, told
    print(f"first run: {told}")
    await page.goto(f"{b.api.url}/console")
    steps = "[...document.querySelectorAll('.steps li')].every((l) => l.className === 'yes')"
    gone = "!document.querySelector('.steps')"
    assert await page.evaluate(f"{gone} || {steps}"), "what the business did is ticked"


async def test_what_is_counted_is_what_was_done(business: Business, watch: Watch) -> None:
    """Clicks of scripts are nobody's, and each of a person's is one."""
    _, token = await person(business.api)
    page, count = await watched(watch)
    await page.goto(f"{business.api.url}/console/link/{token}")
    await page.evaluate("document.querySelector('h1, p, main').click()")
    assert (count.clicks, count.pages) == (0, 1)
    await page.mouse.click(5, 5)
    await page.mouse.click(6, 6)
    await until(lambda: _is(count, 2))
    assert count.seconds == 2 * (POINT + THINK) + THINK


async def _is(count: Count, clicks: int) -> bool:
    return count.clicks == clicks
