"""Tools of other servers: what they say of them now, and what a model may be told."""

from aiohttp import web

from hub.accounts.operators import Deed
from hub.console.guard import act, look
from hub.console.page_request import Visit
from hub.tools import pins
from hub.translations import told


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/tools"""
    return await v.page("tools.html", tools=await pins.waiting(v.db, v.account))


async def approve(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/tools/{id}/approve"""
    return await _decided(v, deed, True)


async def refuse(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/tools/{id}/refuse"""
    return await _decided(v, deed, False)


async def _decided(v: Visit, deed: Deed, approved: bool) -> web.StreamResponse:
    deed.object = str(v.id())
    found = await pins.decide(v.db, v.account, v.id(), approved)
    deed.change = {"source": found["source"], "tool": found["name"]}
    now, before = told("Models are told of it as it is described now."), told("What was approved before goes on.")
    said = now if approved else before
    return v.to("/console/tools", f"{found['name']}: {v.words.say(said)}")


def routes() -> list[web.RouteDef]:
    one = "/console/tools/{id}"
    return [
        look("/console/tools", listed), act(one + "/approve", "bot.tool_approved", approve),
        act(one + "/refuse", "bot.tool_refused", refuse),
    ]
