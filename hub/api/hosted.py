"""Pages and documents that tools made, under addresses of their own that expire.

A model wrote them, so they get nothing: an origin of their own, no cookies, no forms, no calls.
"""

from urllib.parse import quote

from aiohttp import web

from hub.api.http.app_keys import HUB
from hub.store import files

PAGE = "; ".join(
    (
        "sandbox allow-scripts",
        "default-src 'none'",
        "script-src 'unsafe-inline'",
        "style-src 'unsafe-inline' https:",
        "img-src data: blob: https:",
        "font-src data: https:",
        "media-src data: blob: https:",
        "connect-src 'none'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
# A sandbox would keep a browser's own reader of PDF from starting.
DOCUMENT = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'none'"
HEADERS = {
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cache-Control": "private, no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


async def show(request: web.Request) -> web.Response:
    """GET /hosted/{token}: a page in a sandbox, or a PDF."""
    row = await files.hosted(request.app[HUB].db, request.match_info["token"])
    if row is None:
        raise web.HTTPNotFound
    page = row["kind"] == "page"
    kind = {
        "Content-Type": "text/html; charset=utf-8" if page else "application/pdf",
        "Content-Security-Policy": PAGE if page else DOCUMENT,
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(row['name'], safe='')}",
    }
    return web.Response(body=bytes(row["content"]), headers={**HEADERS, **kind})


def routes() -> list[web.RouteDef]:
    return [web.get("/hosted/{token}", show)]
