"""The way out of mails, for whoever has one in front of them: nobody has to sign in for it."""

from aiohttp import web

from hub.api.http.app_keys import HUB
from hub.chat.operators import letters, notices
from hub.console.page_request import html
from hub.errors import NotFound


async def ask(request: web.Request) -> web.StreamResponse:
    """GET /console/mails/off/{kind}/{mark}: a button, so that whatever only looks at links ends nothing."""
    return await _page(request, False)


async def end(request: web.Request) -> web.StreamResponse:
    """POST /console/mails/off/{kind}/{mark}: the button, or a mail program by itself (RFC 8058)."""
    return await _page(request, True)


async def _page(request: web.Request, over: bool) -> web.Response:
    hub, kind = request.app[HUB], request.match_info["kind"]
    try:
        who = await letters.whose(hub, kind, request.match_info["mark"])
        if over:
            await notices.end(hub, kind, who)
    except NotFound:
        return html(request, "mail_off.html", 404, kind="", over=False)
    return html(request, "mail_off.html", 200, kind=kind, over=over)


def routes() -> list[web.RouteDef]:
    at = letters.PLACE + "/{kind}/{mark}"
    return [web.get(at, ask), web.post(at, end)]
