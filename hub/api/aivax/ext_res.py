"""Files of workspaces at their temporary public addresses (A-33)."""

import asyncio

from aiohttp import web

from hub.api.http.app_keys import HUB
from hub.api.http.download import download
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.store import scope
from hub.tools.shell import files, public, whose


@endpoint(tag="Shell I/O", auth="none", produces="application/octet-stream", errors=(404,))
async def file(request: web.Request, token: str) -> web.StreamResponse:
    """Download a file at its temporary address."""
    hub = request.app[HUB]
    account, user, parts, person = public.read(hub.sealer, token)
    scope.enter(account)
    place = await whose.place(hub, account, user, person=person)
    opened, found = await asyncio.to_thread(files.open_file, place, parts)
    return await download(request, opened, found.entry.name, found.mime, found.entry.size or 0)


ROUTES = [Route("GET", "/api/v1/public/ext-res/file/{token}", file)]
