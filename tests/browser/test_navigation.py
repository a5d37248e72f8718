"""The console's navigation in each language at each width: every name on one line, nothing beyond the edge."""

from tests.browser.conftest import Watch
from tests.browser.test_console import business, seat
from tests.console.business import Business
from tests.console.town import fill

__all__ = ["business"]
LINES = """[...document.querySelectorAll('.side nav a')].map((a) => {
    const line = parseFloat(getComputedStyle(a).lineHeight) || 24, span = a.querySelector('span');
    return [a.innerText, span.getBoundingClientRect().height < 1.8 * line, a.scrollWidth <= a.clientWidth];
})"""


async def test_every_name_stands_on_one_line(business: Business, watch: Watch) -> None:
    await fill(business.api.hub, business.api.account, 14)
    for language in ("pt-BR", "es", "en"):
        me = await seat(watch, business, locale=language)
        page = await me.open("/console/inbox")
        for dark in (False, True):
            await page.emulate_media(color_scheme="dark" if dark else "light")
            for width in (1280, 1180, 862, 768, 360):
                await page.set_viewport_size({"width": width, "height": 800})
                found = await page.evaluate(LINES)
                assert len(found) == 8
                assert [one for one in found if not (one[1] and one[2])] == [], (language, width)
                for way in ("scrollWidth <= innerWidth", "scrollHeight <= innerHeight"):
                    assert await page.evaluate(f"document.documentElement.{way}"), (language, width, way)
                await watch.shot(page, f"nav-{language}-{width}-{'dark' if dark else 'light'}")
        await page.context.close()
