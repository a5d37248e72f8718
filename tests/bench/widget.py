"""The widget in a real browser: requests and bytes before anybody clicks and after, script time on a slow machine."""

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import CDPSession, Page, async_playwright

from hub.api.http import assets
from tests.bench.place import Place
from tests.bench.report import Pace, say, title
from tests.browser.install import DESKTOPS, found

SLOWER = 4
BAR_MS, BAR_LAUNCHER, BAR_CHAT = 60, 2000, 10_000
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@dataclass
class Line:
    """What went over the network, headers too."""

    requests: int = 0
    bytes: int = 0
    ours: set[str] = field(default_factory=set)

    def sent(self, event: dict[str, Any], address: str) -> None:
        if event["request"]["url"].startswith(address):
            self.requests += 1
            self.ours.add(event["requestId"])

    def came(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self.ours:
            self.bytes += int(event["encodedDataLength"])


async def measure(place: Place, pace: Pace) -> None:
    title(f"The widget in Chromium, CPU slowed {SLOWER} times")
    path = found(DESKTOPS)
    if path is None:
        say("no Chromium", "not measured")
        return
    async with place.web() as (_, port), async_playwright() as playwright:
        address = f"http://127.0.0.1:{port}"
        client = str(place.clients["reconcile"])
        await _sizes(address, client)
        browser = await playwright.chromium.launch(executable_path=path, args=ARGS)
        try:
            async with _shop(address, client) as shop:
                times = [await _visit(await browser.new_page(), shop, address, n == 0) for n in range(pace.runs)]
            launcher, chat = [sorted(t[n] for t in times)[len(times) // 2] for n in (0, 1)]
            say("script time, launcher", f"{launcher:.0f} ms")
            say("script time, launcher and chat", f"{chat:.0f} ms   (bar {BAR_MS} ms)")
        finally:
            await browser.close()


async def _sizes(address: str, client: str) -> None:
    launcher, page = [await _got(f"{address}/{path}") for path in (f"w/{client}.js", f"c/{client}")]
    files = assets.read(assets.FOLDER)
    parts = [page, files["chat.css"].plain, files["chat.js"].plain]
    say("launcher, gzip -9", f"{_size(launcher):,} bytes   (bar {BAR_LAUNCHER:,})")
    say("chat: page, styles and script, gzip -9", f"{sum(map(_size, parts)):,} bytes   (bar {BAR_CHAT:,})")


async def _got(url: str) -> bytes:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        answer.raise_for_status()
        return await answer.read()


def _size(content: bytes) -> int:
    return len(gzip.compress(content, 9))


@asynccontextmanager
async def _shop(address: str, client: str) -> AsyncIterator[str]:
    """A website with nothing but the widget."""

    async def show(_: web.Request) -> web.Response:
        html = f"<!doctype html><title>Shop</title><h1>Shop</h1><script async src='{address}/w/{client}.js'></script>"
        return web.Response(text=html, content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", show)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


async def _visit(page: Page, shop: str, address: str, told: bool) -> tuple[float, float]:
    """Milliseconds of script until the launcher is there, and until the chat is too."""
    tool: CDPSession = await page.context.new_cdp_session(page)
    line = Line()
    tool.on("Network.requestWillBeSent", lambda e: line.sent(e, address))
    tool.on("Network.loadingFinished", line.came)
    for name in ("Network.enable", "Performance.enable"):
        await tool.send(name)
    await tool.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    await page.goto(shop)
    await page.wait_for_selector("hub-chat button")
    before = await _script(tool)
    if told:
        say("requests before anybody clicks", f"{line.requests}, {line.bytes:,} bytes with headers")
    await page.click("hub-chat button")
    await page.frame_locator("hub-chat iframe").locator("body.js").wait_for()
    await page.wait_for_timeout(300)
    if told:
        say("requests with the chat open", f"{line.requests}, {line.bytes:,} bytes with headers")
    after = await _script(tool)
    await page.close()
    return before, after


async def _script(tool: CDPSession) -> float:
    found = (await tool.send("Performance.getMetrics"))["metrics"]
    return float(next(m["value"] for m in found if m["name"] == "ScriptDuration")) * 1000
