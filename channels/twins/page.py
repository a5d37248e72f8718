"""The web phone: static files with a strict policy."""

from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "twins"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
TYPES = {
    "phone.html": "text/html",
    "phone.css": "text/css",
    "phone.js": "text/javascript",
    "bubble.js": "text/javascript",
}


def routes() -> list[web.RouteDef]:
    """The page and its parts; the root leads there."""

    async def page(request: web.Request) -> web.Response:
        name = request.match_info.get("name", "phone.html")
        if name not in TYPES:
            raise web.HTTPNotFound
        body = (FOLDER / name).read_bytes()
        kind = f"{TYPES[name]}; charset=utf-8"
        return web.Response(body=body, headers=HEADERS | {"Content-Type": kind})

    async def root(request: web.Request) -> web.Response:
        raise web.HTTPFound("/phone")

    return [
        web.get("/", root),
        web.get("/phone", page),
        web.get("/phone/{name}", page),
    ]
