"""/embed/{embed key}: a chatbot's chat for websites; whoever comes again finds the conversation again."""

from aiohttp import web

from hub.api.http import cookies
from hub.api.http.app_keys import HUB
from hub.api.http.client_address import limit_entry
from hub.chat.website import prompts as visits
from hub.errors import NotFound, Unavailable
from hub.runtime import Hub
from hub.studio.aresgen import conversations

COOKIE, DAYS = "visit", 7


async def embed(request: web.Request) -> web.StreamResponse:
    """GET /embed/{key}: the way to the page of a conversation, an old one or a new one."""
    hub, key = request.app[HUB], request.match_info["key"]
    kept = request.cookies.get(COOKIE) or request.cookies.get(COOKIE + cookies.APART)
    visit = await _known(hub, key, kept)
    if visit is None:
        await limit_entry(request, "embed")
        try:
            visit = (await conversations.embed(hub, key)).access_key
        except NotFound:
            raise web.HTTPNotFound from None
    response = web.Response(status=302, headers={"Location": f"/chat/{visit}", "Cache-Control": "no-store"})
    secure = hub.settings.address.startswith("https://")
    response.headers.add("Set-Cookie", _cookie(COOKIE, key, visit, cookies.ELSEWHERE if secure else "SameSite=Lax"))
    if cookies.here(request):
        response.headers.add("Set-Cookie", _cookie(COOKIE + cookies.APART, key, visit, cookies.ELSEWHERE))
    return response


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
    return [web.get("/embed/{key}", embed)]
