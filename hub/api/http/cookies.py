"""The cookie by which a browser comes back to its conversation with one chat client.

Over https it belongs to the site that embeds the chat and to it alone (CHIPS): the same visitor on another
site is somebody else. Over plain http, as on a developer's machine, no browser takes such a cookie.
"""

from urllib.parse import urlsplit
from uuid import UUID

from aiohttp import web

from hub.api.http.app_keys import HUB

SECONDS = 30 * 86400


def _secure(request: web.Request) -> bool:
    return request.app[HUB].settings.address.startswith("https://")


def _name(request: web.Request, client: UUID) -> str:
    return f"{'__Host-' if _secure(request) else ''}hub-{client.hex}"


def own(request: web.Request) -> bool:
    """Whether a page of the hub itself asks."""
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc == request.host


def read(request: web.Request, client: UUID) -> str | None:
    return request.cookies.get(_name(request, client))


def write(request: web.Request, response: web.StreamResponse, client: UUID, key: str | None) -> None:
    """Keep the access key of a conversation; None forgets it."""
    # By hand: Python 3.11's cookies know no Partitioned.
    fate = f"Max-Age={SECONDS if key else 0}; Path=/; HttpOnly"
    kind = "Secure; SameSite=None; Partitioned" if _secure(request) else "SameSite=Lax"
    response.headers.add("Set-Cookie", f"{_name(request, client)}={key or ''}; {fate}; {kind}")
