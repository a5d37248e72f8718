"""A real browser on the hosted pages, that notes everything a page must not do."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.api.conftest import api, provider  # noqa: F401 - fixtures
from tests.browser.install import found

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Watch:
    """What pages did: requests to other hosts, dialogs, errors of scripts, blocked by policy."""

    browser: Browser
    shots: Path
    foreign: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    async def open(self, url: str, dark: bool = False, width: int = 1024, scripts: bool = True) -> Page:
        context = await self.browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
        )
        page = await context.new_page()
        page.set_default_timeout(10_000)
        host = urlsplit(url).netloc
        page.on("request", lambda r: self.foreign.append(r.url) if urlsplit(r.url).netloc not in ("", host) else None)
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        page.on("console", lambda m: self.console.append(m.text) if m.type == "error" else None)
        await page.add_init_script("window.__ran = []; window.alert = (x) => window.__ran.push(String(x));")
        await page.goto(url)
        return page

    @staticmethod
    async def until(page: Page, condition: str, seconds: float = 10.0) -> None:
        """Wait for a JavaScript condition; Playwright's own way needs eval, which the policy forbids."""
        end = time.monotonic() + seconds
        while not await page.evaluate(condition):
            assert time.monotonic() < end, f"not reached: {condition}; the page shows {await page.inner_text('body')}"
            await asyncio.sleep(0.03)

    def clean(self) -> None:
        assert (self.foreign, self.errors, self.console) == ([], [], [])


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    path = found()
    if path is None:
        assert os.environ.get("CI") != "true", "no Chromium: python tests/browser/install.py"
        pytest.skip("NO CHROMIUM: the browser tests did not run")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGS)
        yield Watch(browser, Path(os.environ.get("HUB_SHOTS", tmp_path)))
        await browser.close()
