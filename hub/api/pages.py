"""Stored media, the console's start and health."""

from urllib.parse import quote

from aiohttp import web

from hub.api.http.app_keys import HUB
from hub.api.http.stored_files import serve_file
from hub.errors import HubError
from hub.live.connect import DOWN
from hub.store import files, health
from hub.store.migrate import current

# Shown by a browser without harm; anything else is downloaded.
INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp", "audio/", "video/", "application/pdf")


async def media(request: web.Request) -> web.StreamResponse:
    """GET /media/{token}: a stored file; what a browser could run is only downloaded."""
    file = await files.stored(request.app[HUB].db, request.match_info["token"])
    if file is None:
        raise web.HTTPNotFound
    mime = file.mime.split(";")[0].strip().lower()
    kind = "inline" if mime.startswith(INLINE) else "attachment"
    headers = {
        "Content-Type": file.mime if kind == "inline" else "application/octet-stream",
        "Content-Disposition": f"{kind}; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, max-age=3600",
    }
    return await serve_file(request, file, headers)


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
        web.get("/media/{token}", media),
        web.get("/health/live", live),
        web.get("/health/ready", ready),
    ]
