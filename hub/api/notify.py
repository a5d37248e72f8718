"""A visitor's browser that is told of answers while the chat is not open."""

from aiohttp import web

from hub import ids
from hub.accounts import web_push
from hub.api.chat import gone
from hub.api.http import assets, bounded
from hub.api.http.app_keys import HUB, PAGES
from hub.chat.website import prompts as visits
from hub.chat.website import transcript
from hub.chat.website.culture import code, direction, labels, preferred
from hub.errors import TooMany, Unavailable
from hub.store import notices

FORM = 8 << 10
# How often a conversation's browsers change in a minute.
CHANGES, MINUTE = 10, 60.0
POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "worker-src 'self'",
    "img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
))


async def show(request: web.Request) -> web.Response:
    """GET /chat/{access key}/notify"""
    hub = request.app[HUB]
    try:
        seen = await visits.visit(hub, request.match_info["key"])
    except Unavailable as e:
        return gone(request, e.status)
    lang = preferred(seen.parameters.get("languageCode"), request.headers.get("Accept-Language", ""))
    html = request.app[PAGES].get_template("notify.html").render(
        code=code(lang), dir=direction(lang), words=labels(lang), title=transcript.look(seen.parameters)["pageTitle"],
        key=web_push.public(web_push.identity(hub.sealer)),
    )
    return web.Response(text=html, content_type="text/html", headers={
        "Content-Security-Policy": POLICY, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    })


async def change(request: web.Request) -> web.Response:
    """POST /chat/{access key}/notify: tell this browser (endpoint, p256dh, auth), or tell it no more (off)."""
    hub = request.app[HUB]
    seen = await visits.visit(hub, request.match_info["key"])
    wait = await hub.limits.take("notify", str(seen.session_id), CHANGES, MINUTE)
    if wait > 0:
        raise TooMany("Too often; wait a little.", retry_after=wait)
    form = await bounded.urlencoded(request, FORM)
    endpoint, p256dh, auth = (form.get(n, [""])[-1] for n in ("endpoint", "p256dh", "auth"))
    if form.get("off"):
        await notices.remove(hub.db, seen.account_id, seen.session_id, endpoint)
    else:
        web_push.check(hub.outbound, endpoint, p256dh, auth)
        await notices.add_visitor(hub.db, ids.uuid7(), seen.account_id, seen.session_id, endpoint, p256dh, auth)
    return web.json_response({})


async def worker(request: web.Request) -> web.Response:
    """GET /chat/worker.js"""
    return await assets.named(request, "worker.js")


def routes() -> list[web.RouteDef]:
    at = "/chat/{key}/notify"
    return [web.get("/chat/worker.js", worker), web.get(at, show), web.post(at, change)]
