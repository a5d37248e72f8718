"""The hosted chat page, its files, stored media, the console's start and health."""

import re
import secrets
from typing import Any
from urllib.parse import quote

import orjson
from aiohttp import web

from hub.api.http.keys import HUB, PAGES
from hub.chat import web as visits
from hub.chat.culture import labels, preferred
from hub.errors import HubError, Unavailable
from hub.live.connect import DOWN
from hub.store import files, health
from hub.store.migrate import current

# Shown by a browser without harm; anything else is downloaded.
INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp", "audio/", "video/", "application/pdf")
_FOREIGN = re.compile(r"@import|url\s*\(\s*['\"]?\s*(?!data:image/)|expression\s*\(|<\s*/?|\\", re.IGNORECASE)


async def chat(request: web.Request) -> web.Response:
    """GET /chat/{access key}: the conversation of one session."""
    key = request.match_info["key"]
    lang = preferred(None, request.headers.get("Accept-Language", ""))
    try:
        seen = await visits.visit(request.app[HUB], key)
    except Unavailable:
        return _page(request, "gone.html", {"lang": lang}, 422, [])
    p = seen.parameters
    lang = preferred(p.get("languageCode"), request.headers.get("Accept-Language", ""))
    words = labels(lang)
    values = {
        "lang": lang,
        "key": key,
        "culture": words,
        "title": p.get("pageTitle") or "Chat Assistant",
        "hello": p.get("helloLabel") or words["helloLabel"],
        "hello_sub": p.get("helloSubLabel") or words["helloSubLabel"],
        "placeholder": p.get("textAreaPlaceholder") or words["inputPlaceholder"],
        "accent": p.get("primaryColor") or "#6366f1",
        "logo": p.get("logoImageUrl"),
        "modes": ",".join(m.lower() for m in p.get("inputModes") or ()),
        "suggestions": orjson.dumps(p.get("suggestionButtons") or []).decode(),
        "styles": styles(p.get("customStyles")),
    }
    return _page(request, "chat.html", values, 200, p.get("allowedFrameOrigins") or [])


def styles(custom: str | None) -> str:
    """A business's own styles, unless they try to leave the style element or load from elsewhere."""
    return "" if not custom or _FOREIGN.search(custom) else custom


async def console(request: web.Request) -> web.Response:
    return _page(request, "console.html", {"lang": "en"}, 200, None)


def _page(
    request: web.Request, template: str, values: dict[str, Any], status: int, frames: list[str] | None
) -> web.Response:
    nonce = secrets.token_urlsafe(16)
    html = request.app[PAGES].get_template(template).render(nonce=nonce, **values)
    ancestors = "'none'" if frames is None else " ".join(frames) or "*"
    logo = " https:" if values.get("logo") else ""
    policy = "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "connect-src 'self'",
            f"img-src 'self' data:{logo}",
            "media-src 'self'",
            "form-action 'none'",
            "base-uri 'none'",
            f"frame-ancestors {ancestors}",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    if frames is None:
        headers["X-Frame-Options"] = "DENY"
    return web.Response(text=html, status=status, content_type="text/html", headers=headers)


async def media(request: web.Request) -> web.Response:
    """GET /media/{token}: a stored file; what a browser could run is only downloaded."""
    row = await files.public(request.app[HUB].db, request.match_info["token"])
    if row is None:
        raise web.HTTPNotFound
    mime = row["mime"].split(";")[0].strip().lower()
    kind = "inline" if mime.startswith(INLINE) else "attachment"
    headers = {
        "Content-Type": row["mime"] if kind == "inline" else "application/octet-stream",
        "Content-Disposition": f"{kind}; filename*=UTF-8''{quote(row['name'], safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, max-age=3600",
    }
    return web.Response(body=bytes(row["content"]), headers=headers)


async def live(_: web.Request) -> web.Response:
    """GET /health/live: the process answers."""
    return web.json_response({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """GET /health/ready: database and Redis answer and the schema is the one this version needs."""
    hub, checks = request.app[HUB], {}
    try:
        checks["database"] = "ok" if await health.ping(hub.db) else "bad"
        checks["migrations"] = "ok" if await current(hub.db) else "not current: run `hub migrate`"
    except HubError:
        checks["database"] = "cannot be reached"
    try:
        await hub.redis.ping()
        checks["redis"] = "ok"
    except DOWN:
        checks["redis"] = "cannot be reached"
    fine = all(v == "ok" for v in checks.values())
    return web.json_response({"status": "ok" if fine else "not ready", "checks": checks}, status=200 if fine else 503)


async def home(_: web.Request) -> web.Response:
    raise web.HTTPFound("/console")


def routes() -> list[web.RouteDef]:
    return [
        web.get("/", home),
        web.get("/chat/{key}", chat),
        web.get("/console", console),
        web.get("/media/{token}", media),
        web.get("/health/live", live),
        web.get("/health/ready", ready),
    ]
