"""The cookie by which a browser comes back to its conversation with one chat client.

Over https it belongs to the site that embeds the chat and to it alone (CHIPS): the same visitor on another
site is somebody else. Over plain http no browser takes such a cookie but from this machine itself: there it is written
in both ways, for a page on `localhost` that embeds a hub on `127.0.0.1` is another site.
"""

from urllib.parse import urlsplit
from uuid import UUID

from aiohttp import web

from hub.api.http.app_keys import HUB

SECONDS = 30 * 86400
ELSEWHERE, APART = "Secure; SameSite=None; Partitioned", "-apart"


def _secure(request: web.Request) -> bool:
    return request.app[HUB].settings.address.startswith("https://")


def _name(request: web.Request, client: UUID) -> str:
    return f"{'__Host-' if _secure(request) else ''}hub-{client.hex}"


def own(request: web.Request) -> bool:
    """Whether a page of the hub itself asks."""
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc == request.host


def read(request: web.Request, client: UUID) -> str | None:
    name = _name(request, client)
    return request.cookies.get(name) or request.cookies.get(name + APART)


def here(request: web.Request) -> bool:
    """Whether the hub is asked on this machine over plain http, where browsers trust it as over https."""
    host = urlsplit(f"//{request.host}").hostname or ""
    return not _secure(request) and (host in ("localhost", "::1") or host.startswith("127."))


def write(request: web.Request, response: web.StreamResponse, client: UUID, key: str | None) -> None:
    """Keep the access key of a conversation; None forgets it."""
    # By hand: Python 3.11's cookies know no Partitioned.
    fate = f"Max-Age={SECONDS if key else 0}; Path=/; HttpOnly"
    kind = ELSEWHERE if _secure(request) else "SameSite=Lax"
    response.headers.add("Set-Cookie", f"{_name(request, client)}={key or ''}; {fate}; {kind}")
    if here(request):
        response.headers.add("Set-Cookie", f"{_name(request, client)}{APART}={key or ''}; {fate}; {ELSEWHERE}")
