"""A real browser on the hosted pages, that notes everything a page must not do; and other people's sites."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_playwright_python
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, Error, Frame, Page, async_playwright

from hub.config import Settings
from hub.processes.embedded import Server
from tests.api.conftest import House, api, housed, provider
from tests.browser.chromium import started
from tests.browser.install import found
from tests.conftest import small

__all__ = ["api", "provider"]

ARGS = [
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # A page lives too short here to earn what its scripts' fast code costs.
    "--js-flags=--no-opt --no-maglev",
]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
NOTES = """
    window.__ran = []; window.alert = (x) => window.__ran.push(String(x)); window.__blocked = [];
    document.addEventListener("securitypolicyviolation", (e) =>
        window.__blocked.push(e.violatedDirective + " " + e.blockedURI));
"""


@dataclass
class Watch:
    """What pages did: requests to other hosts, errors of scripts, blocked by policy."""

    browser: Browser
    shots: Path | None
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    async def context(self, dark: bool = False, width: int = 1024, scripts: bool = True, **more: Any) -> BrowserContext:
        context = await self.browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            **more,
        )
        await context.add_init_script(NOTES)
        return context

    async def open(self, url: str, context: BrowserContext | None = None, *friends: str, **more: Any) -> Page:
        """A page at an address; `friends` are other addresses it may call."""
        page = await (context or await self.context(**more)).new_page()
        page.set_default_timeout(30_000)
        hosts = {"", *(urlsplit(u).netloc for u in (url, *friends))}
        page.on("request", lambda r: self._asked(r.url, hosts))
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        page.on("console", lambda m: self.console.append(m.text) if m.type == "error" else None)
        await page.goto(url)
        return page

    def _asked(self, url: str, hosts: set[str]) -> None:
        if url.startswith(("http:", "https:")):
            self.requests.append(url)
        if urlsplit(url).netloc not in hosts:
            self.foreign.append(url)

    @staticmethod
    async def until(page: Page | Frame, condition: str, seconds: float = 10.0) -> None:
        """Wait for a JavaScript condition; Playwright's own way needs eval, which the policy forbids."""
        end = time.monotonic() + seconds
        while not await page.evaluate(condition):
            assert time.monotonic() < end, f"not reached: {condition}; the page shows {await page.inner_text('body')}"
            await asyncio.sleep(0.06)

    async def sound(self, page: Page | Frame, where: object = None) -> None:
        """No barrier that axe knows of, once nothing is on its way: buttons are pale until it has arrived."""
        await self.until(page, "!document.querySelector('[aria-busy]')")
        if not await page.evaluate("'axe' in window"):
            await page.evaluate(AXE)
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        # Of what passed nothing is told: to name each element costs more than to look at it.
        run = f"axe.run(document, {{iframes: false, resultTypes: ['violations'], runOnly: {tags}}})"
        said = await page.evaluate(
            f"{run}.then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 200))]))"
        )
        assert said == [], (where, said)

    async def shot(self, page: Page, name: str, **more: Any) -> None:
        """A picture for whoever looks at them; HUB_SHOTS says where."""
        if self.shots is not None:
            await page.screenshot(path=self.shots / f"{name}.png", **more)

    def clean(self) -> None:
        assert (self.foreign, self.errors, self.console) == ([], [], [])


async def chat_of(page: Page) -> Frame:
    """The chat inside a page, once it is there."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for frame in page.frames:
            ours = frame is not page.main_frame and frame.url.split("/")[3:4] in (["c"], ["chat"])
            with contextlib.suppress(Error):  # it may be on its way to another page
                if ours and await frame.evaluate("document.body?.classList.contains('js')"):
                    return frame
        await asyncio.sleep(0.06)
    raise AssertionError(f"no chat in {page.url}")


@pytest.fixture
def settings(dsn: str, redis_url: str, sealing_key: str, tmp_path: Path) -> Settings:
    """As on a developer's machine: plain http."""
    return small(dsn, redis_url, sealing_key, tmp_path).changed(public_url="")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One browser for all tests, each of which has contexts of its own; the address of its debugger."""
    path = found()
    if path is None:
        assert os.environ.get("CI") != "true", "no Chromium: python tests/browser/install.py"
        pytest.skip("NO CHROMIUM: the browser tests did not run")
    with started([path, *ARGS], tmp_path_factory.mktemp("chromium")) as (address, _):
        yield address


@pytest.fixture(scope="module")
async def house(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """A file's hub, as on a developer's machine: plain http."""
    async with housed(servers, sealing_key, tmp_path_factory.mktemp("hub"), public_url="") as one:
        yield one


@pytest.fixture(scope="module")
async def driven(chromium: str) -> AsyncIterator[Browser]:
    """The browser as a file's tests drive it; what does so is a process that takes its time to start."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(chromium)
        try:
            yield browser
        finally:
            await browser.close()


@pytest.fixture
async def watch(driven: Browser) -> AsyncIterator[Watch]:
    shots = os.environ.get("HUB_SHOTS")
    try:
        yield Watch(driven, Path(shots) if shots else None)
    finally:
        for context in driven.contexts[1:]:
            await context.close()


@dataclass
class Site:
    """Somebody's website; `pages` by path, each with its headers."""

    url: str = ""
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def put(self, path: str, html: str, **headers: str) -> str:
        found = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (f"<!doctype html><html lang=en><title>Shop</title><body>{html}", found)
        return self.url + path

    async def show(self, request: web.Request) -> web.Response:
        if request.path not in self.pages:
            return web.Response(status=204)
        text, headers = self.pages[request.path]
        return web.Response(text=text, content_type="text/html", headers=headers)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    found = Site()
    app = web.Application()
    app.router.add_get("/{path:.*}", found.show)
    async with TestServer(app) as server:
        found.url = str(server.make_url("")).rstrip("/")
        yield found
