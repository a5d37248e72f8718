"""How many wait, on every screen; and how whoever is signed in is told of it while they do not look."""

from aiohttp import web

from hub.accounts import mails, web_push
from hub.accounts.operators import Deed
from hub.api.http import assets
from hub.chat.operators import notices
from hub.console.guard import act, look
from hub.console.page_request import HEADERS, Visit, mark
from hub.console.settings import zone_of
from hub.errors import Conflict, Invalid
from hub.ids import uuid7
from hub.sealing import digest
from hub.store import notices as rows
from hub.store import operator_inbox

PLACE = "/console/settings/notices"


async def show(v: Visit) -> web.StreamResponse:
    """GET /console/settings/notices"""
    now = await notices.load(v.db, v.who)
    zone = now.zone if now.quiet_start or now.weekly else await zone_of(v)
    return await v.page(
        "notices.html", now=now, zone=zone, mails=mails.possible(v.hub.settings), version=mark(now.stored()),
        key=web_push.public(web_push.identity(v.hub.sealer)),
        here=await rows.has(v.db, v.account, digest(v.token)),
    )


async def save(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/settings/notices"""
    f, before = v.form, (await notices.load(v.db, v.who)).stored()
    given = {
        "push": "yes" in f.all("push"), "mail": int(f.number("mail", 0, 1440) or 0), "of": f.get("of") or "open",
        "quietStart": f.get("quietStart"), "quietEnd": f.get("quietEnd"), "zone": f.get("zone") or "UTC",
        "weekly": "yes" in f.all("weekly"),
    }
    if bool(given["quietStart"]) != bool(given["quietEnd"]):
        raise Invalid("quietEnd must be given with quietStart.", field="quietEnd")
    deed.object = str(v.who.id)
    deed.changed(before, given)
    await notices.edit(v.db, v.who, given, lambda now: v.unchanged(now.stored()))
    return v.to(PLACE, "Saved.")


async def subscribe(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/settings/notices/browser: this one is told, until somebody signs out in it."""
    endpoint, p256dh, auth = v.form.get("endpoint"), v.form.get("p256dh"), v.form.get("auth")
    web_push.check(v.hub.outbound, endpoint, p256dh, auth)
    deed.object, deed.change = str(v.who.id), {"browser": "told"}
    if not await rows.add(v.db, uuid7(), v.account, v.who.id, digest(v.token), endpoint, p256dh, auth):
        raise Conflict("Sign in again.")
    return v.to(PLACE, "This browser is told.")


async def unsubscribe(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/settings/notices/off"""
    deed.object, deed.change = str(v.who.id), {"browser": "told no more"}
    await rows.remove(v.db, v.account, v.who.id, v.form.get("endpoint"))
    return v.to(PLACE, "This browser is told no more.")


async def waiting(v: Visit) -> web.StreamResponse:
    """GET /console/waiting: how many, for the title and the icon of whatever screen is open."""
    count = await operator_inbox.waiting_count(v.db, v.account)
    return web.json_response({"waiting": count}, headers=HEADERS)


async def worker(v: Visit) -> web.StreamResponse:
    """GET /console/worker.js: what a browser keeps in order to be told."""
    return await assets.named(v.request, "worker.js")


def routes() -> list[web.RouteDef]:
    return [
        look("/console/waiting", waiting, visit=False), look("/console/worker.js", worker), look(PLACE, show),
        act(PLACE, "self.notices_changed", save), act(PLACE + "/browser", "self.browser_told", subscribe),
        act(PLACE + "/off", "self.browser_untold", unsubscribe),
    ]
