"""Websites as sources of a collection, read from a site on this machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.config import Settings
from hub.jobs import indexing, sweeps
from hub.knowledge.sources import step
from hub.task_groups import end
from tests.api.test_collections import BASE, Door, opened

Json = dict[str, Any]


class Site:
    """Pages by their paths: text, or a status with headers. What was asked for is noted."""

    def __init__(self) -> None:
        self.pages: dict[str, str | tuple[int, dict[str, str]]] = {}
        self.asked: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        found = self.pages.get(request.path, (404, {}))
        if isinstance(found, tuple):
            return web.Response(status=found[0], headers=found[1])
        kind = {"txt": "text/plain", "xml": "application/xml"}.get(request.path.rpartition(".")[2], "text/html")
        return web.Response(text=found.replace("SITE", self.url), content_type=kind)


@pytest.fixture
async def door(settings: Settings) -> AsyncIterator[Door]:
    async with opened(settings) as one:
        yield one


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site, app = Site(), web.Application()
    app.router.add_get("/{path:.*}", site.answer)
    async with TestServer(app) as server:
        site.url = str(server.make_url("")).rstrip("/")
        yield site


def page(title: str, *links: str, more: str = "") -> str:
    led = "".join(f'<a href="{x}">{x}</a>' for x in links)
    head = f"<html><head><title>{title}</title>{more}</head>"
    return f"{head}<body><h1>{title}</h1><p>About {title}.</p>{led}</body></html>"


async def crawl(door: Door) -> None:
    while await step(door.hub):
        await door.hub.db.run("update sources set due_at = now() where state = 'fetching'")


async def names(door: Door, id: str, site: Site) -> list[str]:
    found = await door.ok("GET", f"{BASE}/{id}/documents?order_by=created_at_asc")
    return sorted(d["name"].removeprefix(site.url) for d in found)


async def test_a_site_is_read_within_its_host_its_depth_and_its_robots(door: Door, site: Site) -> None:
    site.pages = {
        "/robots.txt": "User-agent: *\nDisallow: /private\nCrawl-delay: 1\n",
        "/": page("Home", "/a", "b#part", "https://elsewhere.example/x", "/private/p", "/photo.png", "mailto:a@b.c"),
        "/a": page("A", "/a/deep", "/"), "/b": page("B", "/b", "/moved", "/hidden"),
        "/a/deep": page("Deep", "/too/deep"),
        "/moved": (301, {"Location": "/c"}), "/c": page("C"), "/too/deep": page("Too deep"),
        "/hidden": page("Hidden", more='<meta name="robots" content="noindex">'), "/private/p": page("Private"),
    }
    id = await door.collection()
    made = await door.ok("POST", f"{BASE}/{id}/sources", {"address": f"{site.url}#top", "depth": 2})
    await crawl(door)
    assert await names(door, id, site) == ["/", "/a", "/a/deep", "/b", "/c"]
    assert "/private/p" not in site.asked and "/too/deep" not in site.asked and "/photo.png" not in site.asked
    shown = await door.ok("GET", f"{BASE}/{id}/sources/{made['sourceId']}")
    assert (shown["state"], shown["read"], shown["waiting"], shown["refused"]) == ("waiting", 5, 0, 2)
    assert {r["url"].removeprefix(site.url): r["error"] for r in shown["notRead"]} == {
        "/moved": f"It leads to {site.url}/c.", "/hidden": "The page asks not to be indexed.",
    }
    assert shown["readAt"] and shown["nextAt"] and [s["id"] for s in await door.ok("GET", f"{BASE}/{id}/sources")]


async def test_what_changes_is_indexed_again_and_what_is_gone_goes(door: Door, site: Site) -> None:
    site.pages = {"/": page("Home", "/a", "/b"), "/a": page("A"), "/b": page("B")}
    id = await door.collection()
    await door.put(id, "own", "A text of ours.")
    source = (await door.ok("POST", f"{BASE}/{id}/sources", {"address": site.url}))["sourceId"]
    await crawl(door)
    assert await names(door, id, site) == ["/", "/a", "/b", "own"]
    before = {d["name"]: d for d in await door.ok("GET", f"{BASE}/{id}/documents")}
    site.pages |= {"/": page("Home", "/a", "/b", "/new"), "/a": page("A").replace("About", "New words about"),
                   "/b": (404, {}), "/new": page("New")}
    await door.hub.db.run("update sources set due_at = now()")
    await crawl(door)
    assert await names(door, id, site) == ["/", "/a", "/new", "own"]
    after = {d["name"]: d for d in await door.ok("GET", f"{BASE}/{id}/documents")}
    kept = f"{site.url}/a"
    assert before[kept]["id"] == after[kept]["id"] and "New words" in after[kept]["contentsPreview"]
    # Trouble of the site takes nothing away; a page that nothing leads to any more goes.
    site.pages |= {"/": page("Home", "/a"), "/a": (503, {})}
    await door.hub.db.run("update sources set due_at = now()")
    await crawl(door)
    assert await names(door, id, site) == ["/", "/a", "/new", "own"]
    site.pages["/a"] = page("A")
    await door.hub.db.run("update sources set due_at = now()")
    await crawl(door)
    assert await names(door, id, site) == ["/", "/a", "own"]
    await door.ok("DELETE", f"{BASE}/{id}/sources/{source}")
    assert await names(door, id, site) == ["own"]


async def test_the_same_address_again_reads_it_again_and_loses_nothing(door: Door, site: Site) -> None:
    site.pages = {"/": page("Home", "/a"), "/a": page("A")}
    id = await door.collection()
    first = await door.ok("POST", f"{BASE}/{id}/sources", {"address": site.url})
    await crawl(door)
    for depth, there in ((1, ["/", "/a"]), (0, ["/"]), (2, ["/", "/a"])):
        again = await door.ok("POST", f"{BASE}/{id}/sources", {"address": site.url, "depth": depth})
        assert again == first
        await crawl(door)
        assert await names(door, id, site) == there


async def test_a_map_lists_the_pages(door: Door, site: Site) -> None:
    site.pages = {
        "/sitemap.xml": "<sitemapindex><sitemap><loc>SITE/one.xml</loc></sitemap></sitemapindex>",
        "/one.xml": "<urlset><url><loc>SITE/a</loc></url><url><loc>SITE/b?x=1&amp;y=2</loc></url>"
                    "<url><loc>https://elsewhere.example/</loc></url></urlset>",
        "/a": page("A", "/linked"), "/b": page("B"), "/linked": page("Linked"),
    }
    id = await door.collection()
    source = (await door.ok("POST", f"{BASE}/{id}/sources", {"address": f"{site.url}/sitemap.xml"}))["sourceId"]
    await crawl(door)
    assert await names(door, id, site) == ["/a", "/b?x=1&y=2"]
    assert (await door.ok("GET", f"{BASE}/{id}/sources/{source}"))["kind"] == "sitemap"


async def test_a_site_that_is_away_is_told_and_keeps_no_other_waiting(door: Door, site: Site) -> None:
    site.pages = {"/": page("Home", *(f"/{n}" for n in range(30))), **{f"/{n}": page(str(n)) for n in range(30)}}
    id = await door.collection()
    broken = (await door.ok("POST", f"{BASE}/{id}/sources", {"address": "http://127.0.0.1:9/"}))["sourceId"]
    sent = {"address": site.url, "pages": 10, "refreshHours": 0}
    good = (await door.ok("POST", f"{BASE}/{id}/sources", sent))["sourceId"]
    await crawl(door)
    assert len(await names(door, id, site)) == 10
    shown = await door.ok("GET", f"{BASE}/{id}/sources/{good}")
    assert (shown["state"], shown["nextAt"]) == ("waiting", None)
    shown = await door.ok("GET", f"{BASE}/{id}/sources/{broken}")
    assert (shown["state"], shown["error"]) == ("waiting", "The address cannot be reached.")


async def test_addresses_that_may_not_be_read_and_those_of_others(door: Door) -> None:
    id = await door.collection()
    for address in ("ftp://a.example/", "not an address", "http://user:pass@a.example/", "javascript:alert(1)"):
        status, body = await door.call("POST", f"{BASE}/{id}/sources", {"address": address})
        assert (status, "address" in str(body)) == (400, True), body
    sent = {"address": "http://a.example"}
    assert (await door.call("POST", f"{BASE}/{id}/sources", sent, key=door.foreign))[0] == 404
    made = (await door.ok("POST", f"{BASE}/{id}/sources", sent))["sourceId"]
    theirs = (await door.call("GET", f"{BASE}/{id}/sources/{made}", key=door.foreign))[0]
    assert theirs == (await door.call("DELETE", f"{BASE}/{id}/sources/{made}", key=door.foreign))[0] == 404


async def test_the_worker_reads_and_indexes(door: Door, site: Site) -> None:
    site.pages = {"/": page("Home")}
    id = await door.collection()
    await door.ok("POST", f"{BASE}/{id}/sources", {"address": site.url})
    working = [asyncio.create_task(indexing.work(door.hub)), asyncio.create_task(indexing.work(door.hub))]
    try:
        await asyncio.sleep(0)
        await sweeps.websites(door.hub)
        await door.hub.db.run("update sources set due_at = now()")
        await sweeps.websites(door.hub)
        with suppress(TimeoutError):
            async with asyncio.timeout(60):
                while (await door.ok("GET", f"{BASE}/{id}"))["state"]["indexed"] != 1:
                    await asyncio.sleep(0.1)
        shown = await door.ok("GET", f"{BASE}/{id}")
        assert (shown["state"]["indexed"], shown["progress"]["pieces"]) == (1, 0)
    finally:
        await end(working)
