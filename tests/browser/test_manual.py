"""The manual in a browser: readable at every width, in both themes, by keyboard, with scripts switched off."""

import pytest

from tests.api.conftest import Api
from tests.browser.conftest import Watch

FITS = "document.documentElement.scrollWidth <= innerWidth"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
async def test_it_fits_and_has_no_barrier(api: Api, watch: Watch, dark: bool, width: int) -> None:
    page = await watch.open(f"{api.url}/manual", await watch.context(dark, width, locale="en-GB"))
    for path in ("", "/connect", "/ares", "/screens", "/console?lang=pt", "/connect?lang=es", "?q=telegram"):
        await page.goto(f"{api.url}/manual{path}")
        assert await page.evaluate(FITS), path
        name = "-".join(["manual", *path.strip("/?").split("?"), "dark" if dark else "light", str(width)])
        await watch.shot(page, name)
        await watch.sound(page)
    watch.clean()


async def test_it_is_read_and_searched_without_scripts(api: Api, watch: Watch) -> None:
    context = await watch.context(scripts=False, locale="pt-BR")
    page = await watch.open(f"{api.url}/manual", context)
    assert await page.inner_text("h1") == "Manual" and "Canais" in await page.inner_text("nav")
    await page.get_by_role("searchbox").fill("Como assumo uma conversa?")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="Como assumo uma conversa?").click()
    assert page.url.endswith("/manual/console?lang=pt#como-assumo-uma-conversa")
    await page.get_by_role("link", name="English").click()
    assert await page.inner_text("h1") == "The console"
    picture = page.locator("article img").first
    await page.goto(f"{api.url}/manual/screens")
    await picture.scroll_into_view_if_needed()
    box = await picture.bounding_box()
    assert box is not None and box["width"] > 200
    watch.clean()
