"""The one script that a customer's page loads: `/w/{web chat id}.js`, or `/widget.js` with data attributes."""

import hashlib
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from aiohttp import web

from hub.api.http import assets
from hub.api.http.app_keys import HUB
from hub.chat.website import transcript, visitors
from hub.chat.website.culture import direction, labels, preferred
from hub.errors import HubError

Json = dict[str, Any]
KEPT = "public, max-age=300"
# What stands in the source for the settings of one chat client.
PLACE = b'"settings"'


async def of_client(request: web.Request) -> web.Response:
    """GET /w/{web chat id}.js: with the chat client's colour and words inside."""
    try:
        door = await visitors.door(request.app[HUB], UUID(request.match_info["id"]))
    except (ValueError, HubError):
        return web.Response(status=404, text="/* No such chat client. */\n", content_type="text/javascript")
    look = transcript.look(door.parameters)
    asked = request.headers.get("Accept-Language", "")
    mine = {"client": str(door.client_id), "color": look["primaryColor"], "title": look["pageTitle"]}
    response = await _script(request, mine | _settings(preferred(door.parameters.get("languageCode"), asked)))
    response.headers["Vary"] = "Accept-Encoding, Accept-Language"
    return response


async def of_anyone(request: web.Request) -> web.Response:
    """GET /widget.js: its element says which chat client it is for (`data-client`)."""
    plain = {"color": "#6366f1", "title": "Chat"}
    return await _script(request, plain | _settings(preferred(None, request.headers.get("Accept-Language", ""))))


def _settings(lang: str) -> Json:
    words = labels(lang)
    return {"open": words["openLabel"], "close": words["closeLabel"], "dir": direction(lang)}


async def _script(request: web.Request, settings: Json) -> web.Response:
    text = orjson.dumps(settings).decode()
    return await assets.send(request, _made(text.replace("<", "\\u003c")), KEPT)


@lru_cache(maxsize=200)
def _made(settings: str) -> assets.File:
    content = assets.read(assets.FOLDER)["launcher.js"].plain.replace(PLACE, settings.encode())
    mark = hashlib.sha256(content).hexdigest()[:10]
    return assets.File("", "text/javascript", content, mark)


def routes() -> list[web.RouteDef]:
    return [web.get("/w/{id}.js", of_client), web.get("/widget.js", of_anyone)]
