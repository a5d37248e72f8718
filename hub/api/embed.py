"""/embed/{embed key}: a chatbot's chat for websites; whoever comes again finds the conversation again."""

import secrets

from aiohttp import web

from hub.api.http import cookies
from hub.api.http.app_keys import HUB
from hub.api.http.client_address import limit_entry
from hub.chat.website import prompts as visits
from hub.errors import NotFound, Unavailable
from hub.runtime import Hub
from hub.studio.aresgen import conversations

COOKIE, DAYS = "visit", 7
# Nothing begins by being looked at: readers of links and previews send no form.
PAGE = (
    "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><title>Chat</title>"
    "<form method=post><noscript><button>Chat</button></noscript></form>"
    '<script nonce="{nonce}">document.forms[0].submit()</script>'
)


async def embed(request: web.Request) -> web.StreamResponse:
    """GET /embed/{key}: back to the conversation of before, or a page that begins one as soon as a browser shows it."""
    hub, key = request.app[HUB], request.match_info["key"]
    if (visit := await _known(hub, key, _kept(request))) is not None:
        return _to(request, key, visit, 302)
    if not await conversations.opens(hub, key):
        raise web.HTTPNotFound
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors *"
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return web.Response(text=PAGE.format(nonce=nonce), content_type="text/html", headers=headers)


async def begin(request: web.Request) -> web.StreamResponse:
    """POST /embed/{key}: a conversation, a new one unless there is one."""
    hub, key = request.app[HUB], request.match_info["key"]
    visit = await _known(hub, key, _kept(request))
    if visit is None:
        await limit_entry(request, "embed")
        try:
            visit = (await conversations.embed(hub, key)).access_key
        except NotFound:
            raise web.HTTPNotFound from None
    return _to(request, key, visit, 303)


def _to(request: web.Request, key: str, visit: str, status: int) -> web.Response:
    response = web.Response(status=status, headers={"Location": f"/chat/{visit}", "Cache-Control": "no-store"})
    secure = request.app[HUB].settings.address.startswith("https://")
    response.headers.add("Set-Cookie", _cookie(COOKIE, key, visit, cookies.ELSEWHERE if secure else "SameSite=Lax"))
    if cookies.here(request):
        response.headers.add("Set-Cookie", _cookie(COOKIE + cookies.APART, key, visit, cookies.ELSEWHERE))
    return response


def _kept(request: web.Request) -> str | None:
    return request.cookies.get(COOKIE) or request.cookies.get(COOKIE + cookies.APART)


def _cookie(name: str, key: str, visit: str, where: str) -> str:
    """Written out: `Partitioned`, without which no browser keeps it in a frame, is not known to Python's cookies."""
    return f"{name}={visit}; Path=/embed/{key}; Max-Age={DAYS * 86_400}; HttpOnly; {where}"


async def _known(hub: Hub, key: str, visit: str | None) -> str | None:
    """The visit of before, when it is one of this chatbot's and still open."""
    if not visit:
        return None
    try:
        seen = await visits.visit(hub, visit)
    except Unavailable:
        return None
    return visit if await conversations.belongs(hub, key, seen.session_id) else None


def routes() -> list[web.RouteDef]:
    return [web.get("/embed/{key}", embed), web.post("/embed/{key}", begin)]
