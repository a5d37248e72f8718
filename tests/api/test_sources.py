"""Websites as sources of a collection, read from a site on this machine."""

import asyncio
import gzip
import io
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pypdfium2
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.jobs import indexing, sweeps
from hub.knowledge.sources import step
from hub.store import sources
from hub.task_groups import end
from tests.api.test_collections import BASE, Door, lent
from tests.knowledge import papers
from tests.knowledge.here import Here

Json = dict[str, Any]


class Site:
    """Pages by their paths: text, bytes, or a status with headers. What was asked for is noted, and what was given.

    more: headers of a path; one whose ETag is asked with is not given again.
    """

    def __init__(self) -> None:
        self.pages: dict[str, str | bytes | tuple[int, dict[str, str]]] = {}
        self.more: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.given: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        found, more = self.pages.get(request.path, (404, {})), self.more.get(request.path, {})
        if isinstance(found, tuple):
            return web.Response(status=found[0], headers=found[1])
        if more.get("ETag") and request.headers.get("If-None-Match") == more["ETag"]:
            return web.Response(status=304)
        self.given.append(request.path)
        if isinstance(found, bytes):
            return web.Response(body=found, headers={"Content-Type": "application/octet-stream"} | more)
        kind = {"txt": "text/plain", "xml": "application/xml"}.get(request.path.rpartition(".")[2], "text/html")
        body = found.replace("SITE", self.url)
        return web.Response(text=body, headers={"Content-Type": f"{kind}; charset=utf-8"} | more)


@pytest.fixture
async def door(library: Door) -> AsyncIterator[Door]:
    async with lent(library) as one:
        yield replace(one, hub=replace(one.hub, children=Here()))


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


def scan(book: bytes) -> bytes:
    """The first page of a book as a picture."""
    made = io.BytesIO()
    pypdfium2.PdfDocument(book)[0].render(scale=1).to_pil().convert("RGB").save(made, "PDF", resolution=72)
    return made.getvalue()


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


async def test_maps_that_are_packed_and_lists_of_addresses(door: Door, site: Site) -> None:
    pages = "<urlset><url><loc>SITE/a</loc></url></urlset>".replace("SITE", site.url)
    site.pages = {
        "/maps.xml": "<sitemapindex><sitemap><loc>SITE/one.xml.gz</loc></sitemap></sitemapindex>",
        "/one.xml.gz": gzip.compress(pages.encode()), "/a": page("A"), "/b": page("B"), "/list.txt": "SITE/a\nSITE/b\n",
    }
    for address, there in (("maps.xml", ["/a"]), ("one.xml.gz", ["/a"]), ("list.txt", ["/a", "/b"])):
        id = await door.collection()
        await door.ok("POST", f"{BASE}/{id}/sources", {"address": f"{site.url}/{address}"})
        await crawl(door)
        assert await names(door, id, site) == there, address


async def test_what_did_not_change_is_not_read_again_and_leads_on_all_the_same(door: Door, site: Site) -> None:
    site.pages = {"/": page("Home", "/a", "/b"), "/a": page("A", "/c"), "/b": page("B"), "/c": page("C")}
    site.more = {"/": {"ETag": '"1"'}, "/a": {"ETag": '"2"', "last-modified": "Mon, 01 Jun 2026 10:00:00 GMT"}}
    id = await door.collection()
    source = (await door.ok("POST", f"{BASE}/{id}/sources", {"address": site.url, "depth": 3}))["sourceId"]
    await crawl(door)
    before = {d["name"]: d["id"] for d in await door.ok("GET", f"{BASE}/{id}/documents")}
    site.given.clear()
    await door.hub.db.run("update sources set due_at = now()")
    await crawl(door)
    assert await names(door, id, site) == ["/", "/a", "/b", "/c"] and sorted(site.given) == ["/b", "/c"]
    assert before == {d["name"]: d["id"] for d in await door.ok("GET", f"{BASE}/{id}/documents")}
    shown = await door.ok("GET", f"{BASE}/{id}/sources/{source}")
    assert (shown["read"], shown["refused"]) == (4, 0)
    # A document that somebody removed comes back, and asking by hand reads everything.
    await door.ok("DELETE", f"{BASE}/{id}/documents/{before[f'{site.url}/a']}")
    await door.hub.db.run("update sources set due_at = now()")
    await crawl(door)
    assert await names(door, id, site) == ["/", "/a", "/b", "/c"]
    site.given.clear()
    await door.ok("POST", f"{BASE}/{id}/sources", {"address": site.url, "depth": 3})
    await crawl(door)
    assert sorted(site.given) == ["/", "/a", "/b", "/c"]


async def test_a_page_is_kept_under_the_address_that_it_calls_its_own(door: Door, site: Site) -> None:
    def own(path: str) -> str:
        return f'<link rel="canonical" href="{path}">'

    site.pages = {
        "/": page("Home", "/x", "/y?ref=1", "/wrong", "/loop", "/far", "/away", "/refresh"),
        "/x": page("X", more=own("/y")), "/y": page("Y", more=own("/y")), "/wrong": page("Wrong", more=own("/")),
        "/loop": page("Loop", more=own("/loop/")), "/loop/": (301, {"location": "/loop"}),
        "/far": page("Far", more=own("https://elsewhere.example/far")),
        "/away": (302, {"location": "http://127.0.0.1:9/"}),
        "/refresh": '<meta http-equiv="refresh" content="0; url=/new">', "/new": page("New"),
    }
    id = await door.collection()
    made = await door.ok("POST", f"{BASE}/{id}/sources", {"address": site.url, "depth": 3})
    await crawl(door)
    assert await names(door, id, site) == ["/", "/far", "/loop", "/new", "/wrong", "/y"]
    shown = await door.ok("GET", f"{BASE}/{id}/sources/{made['sourceId']}")
    said = {r["url"].removeprefix(site.url): r["error"] for r in shown["notRead"]}
    assert said["/x"] == f"Its own address is {site.url}/y." and said["/away"] == "It leads to another site."
    assert said["/y?ref=1"] == f"Its own address is {site.url}/y."


async def test_what_robots_are_asked_for(door: Door, site: Site) -> None:
    site.pages = {
        "/robots.txt": "User-agent: *\nDisallow: /\n\nUser-agent: other\nUser-agent: ChatHub/2.0 # us\n"
                       "Disallow: /*.pdf$\nDisallow: /shop\nAllow: /shop/open\n\nDisallow: /*?sort=\n",
        "/": page("Home", "/a.pdf", "/a.pdf.html", "/shop/x", "/shop/open/x", "/l?sort=up", "/tagged", "/other"),
        "/a.pdf.html": page("A"), "/shop/x": page("Shop"), "/shop/open/x": page("Open"), "/l": page("L"),
        "/tagged": page("Tagged"), "/other": page("Other"),
    }
    site.more = {"/tagged": {"x-robots-tag": "noindex, nofollow"}, "/other": {"X-Robots-Tag": "googlebot: noindex"}}
    id = await door.collection()
    await door.ok("POST", f"{BASE}/{id}/sources", {"address": site.url})
    await crawl(door)
    assert await names(door, id, site) == ["/", "/a.pdf.html", "/other", "/shop/open/x"]
    assert not {"/a.pdf", "/shop/x", "/l"} & set(site.asked)


async def test_scans_of_a_site_are_read_later_and_only_when_they_changed(door: Door, site: Site) -> None:
    made = scan(papers.pdf("x"))
    site.pages = {"/": page("Home", "/terms.pdf", "/photo.jpg", "/talk.mp3"), "/terms.pdf": made}
    id = await door.collection()
    await door.ok("POST", f"{BASE}/{id}/sources", {"address": site.url})
    await crawl(door)
    assert await names(door, id, site) == ["/", "/terms.pdf"] and "/talk.mp3" not in site.asked
    shown = {d["name"].removeprefix(site.url): d for d in await door.ok("GET", f"{BASE}/{id}/documents")}
    document = await door.ok("GET", f"{BASE}/{id}/documents/{shown['/terms.pdf']['id']}")
    assert document["state"] == "Queued" and "The pictures of 1 page are to be read." in document["notes"]
    home = await door.ok("GET", f"{BASE}/{id}/documents/{shown['/']['id']}")
    assert "Pictures and recordings that it leads to were not read: photo.jpg, talk.mp3." in home["notes"]
    waiting = ("select sha256, version, (select count(*) from readings r where r.document_id = d.id)"
               " from documents d where id = $1")
    before = await door.hub.db.row(waiting, UUID(document["id"]))
    assert before is not None and before[2] == 1
    await door.hub.db.run("update sources set due_at = now()")
    await crawl(door)
    assert await door.hub.db.row(waiting, UUID(document["id"])) == before
    await door.hub.db.run("delete from readings where document_id = $1", UUID(document["id"]))


async def test_a_site_that_hangs_holds_up_nobody_else(door: Door, site: Site) -> None:
    site.pages = {"/": page("Home")}
    mine, theirs = await door.collection(), replace(door, key=door.foreign)
    other = await theirs.collection()
    for n in range(6):
        await door.ok("POST", f"{BASE}/{mine}/sources", {"address": f"{site.url}/?{n}"})
    await theirs.ok("POST", f"{BASE}/{other}/sources", {"address": site.url})
    taken = [await sources.claim(door.hub.db, 60) for _ in range(3)]
    accounts = [t.account_id for t in taken if t is not None]
    assert len(accounts) == len(set(accounts)) == 2
    await door.hub.db.run("update sources set leased_until = null")


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
