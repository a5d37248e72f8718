"""Pages and documents that tools made, under addresses of their own that expire.

A model wrote them, so they get nothing: an origin of their own, no cookies, no forms, no calls.
"""

from html import escape
from urllib.parse import quote

from aiohttp import web

from hub.api.http.app_keys import HUB
from hub.api.http.hosts import apart
from hub.api.http.stored_files import serve_file
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
    )
)
# A sandbox would keep a browser's own reader of PDF from starting.
DOCUMENT = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'"
# Of the page around one: a frame, and how large it is.
AROUND = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'"
FRAMES = ("iframe", "frame")
HEADERS = {
    "Vary": "Sec-Fetch-Dest",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cache-Control": "private, no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


async def show(request: web.Request) -> web.StreamResponse:
    """GET /hosted/{token}: a page in a sandbox, or a PDF.

    A page that a model wrote never fills a window under the hub's own name: with HUB_HOSTED_URL it is on that host,
    without, within a frame.
    """
    token = request.match_info["token"]
    file = await files.hosted(request.app[HUB].db, token)
    if file is None:
        raise web.HTTPNotFound
    page = file.kind == "page"
    elsewhere = request.app[HUB].settings.hosted_url
    if elsewhere and not apart(request):
        raise web.HTTPFound(f"{elsewhere}/hosted/{token}")
    if page and not elsewhere and fills_a_window(request):
        return _framed(file.name)
    framed = request.headers.get("Sec-Fetch-Dest") in FRAMES
    ancestors = "'self'" if framed and page else "'none'"
    kind = {
        "Content-Type": "text/html; charset=utf-8" if page else "application/pdf",
        "Content-Security-Policy": f"{PAGE if page else DOCUMENT}; frame-ancestors {ancestors}",
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(file.name, safe='')}",
    }
    return await serve_file(request, file, {**HEADERS, **kind})


def _framed(name: str) -> web.Response:
    """The hub's own page around it, which says whose it is not."""
    title = escape(name.removesuffix(".html"))
    html = (
        f'<!doctype html><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width">'
        "<style>html,body{margin:0;height:100%}iframe{border:0;width:100%;height:100%}</style>"
        f'<iframe sandbox="allow-scripts" title="{title}" referrerpolicy="no-referrer" src="?"></iframe>'
    )
    kind = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": AROUND}
    return web.Response(body=html.encode(), headers={**HEADERS, **kind})


def fills_a_window(request: web.Request) -> bool:
    """Whether a browser asks for what it will show on its own, under the address."""
    return request.headers.get("Sec-Fetch-Dest") == "document"


def routes() -> list[web.RouteDef]:
    return [web.get("/hosted/{token}", show)]
