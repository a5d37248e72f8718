"""Websites of a collection: added, how far they are read, what of them is not and why, read again, removed."""

from uuid import UUID

from aiohttp import web

from hub.accounts.operators import Deed
from hub.console.guard import act, look
from hub.console.page_request import Visit
from hub.domain import Json
from hub.knowledge import collections, sources
from hub.knowledge.sources import DEPTH, PAGES

BASE = "/console/knowledge/{id}/websites"
ONE = BASE + "/{source}"
YEAR = 8760


async def view(v: Visit) -> web.StreamResponse:
    """GET /console/knowledge/{id}/websites"""
    found = await collections.get(v.db, v.account, v.id())
    return await v.page("websites.html", one=found, **await _listed(v))


async def rows(v: Visit) -> web.StreamResponse:
    """GET /console/knowledge/{id}/websites/list: the list alone, asked for again while pages are being read."""
    await collections.require(v.db, v.account, v.id())
    return v.part("website_list.html", **await _listed(v))


async def _listed(v: Visit) -> Json:
    found = []
    for one in await sources.every(v.hub, v.account, v.id()):
        refused = (await sources.get(v.hub, v.account, v.id(), one.id))[1] if one.refused else []
        found.append((one, refused))
    working = any(one.state == "fetching" for one, _ in found)
    return {"sources": found, "base": _page(v.id()), "working": working}


async def add(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/knowledge/{id}/websites"""
    f = v.form
    depth, pages, hours = f.number("depth", 0, DEPTH), f.number("pages", 1, PAGES), f.number("hours", 0, YEAR)
    address = f.get("address")[:2000]
    links, most, every = int(2 if depth is None else depth), int(pages or 200), 24.0 if hours is None else hours
    deed.change = {"address": address, "depth": links, "pages": most, "hours": every}
    id = await sources.put(v.hub, v.account, v.id(), address, links, most, every)
    deed.object = str(id)
    return v.to(_page(v.id()), "Its pages are being read.")


async def refresh(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/knowledge/{id}/websites/{source}/refresh"""
    deed.object = str(v.id("source"))
    one, _ = await sources.get(v.hub, v.account, v.id(), v.id("source"))
    await sources.put(v.hub, v.account, v.id(), one.address, one.depth, one.most, one.hours)
    return v.to(_page(v.id()), "It is being read again.")


async def remove(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/knowledge/{id}/websites/{source}/delete"""
    deed.object = str(v.id("source"))
    await sources.remove(v.hub, v.account, v.id(), v.id("source"))
    return v.to(_page(v.id()), "The website and its documents are removed.")


def _page(id: UUID) -> str:
    return f"/console/knowledge/{id}/websites"


def routes() -> list[web.RouteDef]:
    return [
        look(BASE, view), look(BASE + "/list", rows), act(BASE, "knowledge.website_added", add),
        act(ONE + "/refresh", "knowledge.website_refreshed", refresh),
        act(ONE + "/delete", "knowledge.website_removed", remove),
    ]
