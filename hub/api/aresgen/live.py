"""Live editing of a document over a WebSocket; the edit token in the query is the credential."""

import asyncio
import secrets
from typing import Any
from weakref import WeakSet

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from hub.api.aresgen.schemas.documents import LiveQuery
from hub.api.aresgen.schemas.kinds import DocumentId
from hub.api.http.app_keys import HUB, SOCKETS
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.errors import BadRequest, NotFound, TooMany, Unauthorized
from hub.sealing import digest
from hub.store import scope
from hub.studio.aresgen import documents, editing
from hub.studio.aresgen.editing import Editor

LARGEST, BEAT = 4 << 20, 30.0
AT_ONCE = 50  # editors of a document in one process
EXPIRED, DELETED = 4401, 4404
Json = dict[str, Any]


@endpoint(tag="Documents", family="aresgen", auth="none", errors=(401, 404, 429))
async def live(request: web.Request, id: DocumentId, query: LiveQuery) -> web.StreamResponse:
    """Edit a document live (WebSocket).

    The hub says `state`, then `changed` for what others change, in order. An editor sends
    `{"type": "edit", "base": <revision>, "changes": [{"from", "to", "text"}]}` (or `content`, `title`)
    and gets `accepted`, or `refused` with the present state when its base is an old one.
    """
    hub = request.app[HUB]
    with scope.itself():
        opened = await documents.opened(hub, id, query.token)
    if opened is None:
        raise Unauthorized("The edit token is not valid for this document, or it has expired; ask for a new one.")
    scope.enter(opened[0].account_id)
    socket = web.WebSocketResponse(heartbeat=BEAT, max_msg_size=LARGEST)
    if not socket.can_prepare(request):
        raise BadRequest("This is a WebSocket; open it with one.")
    topic = documents.topic(id)
    if hub.events.heard(topic) >= AT_ONCE:
        raise TooMany(f"{AT_ONCE} editors have this document open; try again later.", retry_after=60.0)
    await socket.prepare(request)
    request.app[SOCKETS].add(socket)

    async def send(event: Json) -> None:
        await socket.send_str(orjson.dumps(event).decode())

    writing, expires = opened
    name = f"editor_{secrets.token_hex(4)}"
    await _edited(socket, Editor(hub, writing.account_id, id, name, expires, digest(query.token), send))
    return socket


async def _edited(socket: web.WebSocketResponse, editor: Editor) -> None:
    async def ended(why: str) -> None:
        code = DELETED if why == "deleted" else EXPIRED
        await socket.close(code=code, message=why.encode())

    try:
        async with editing.following(editor, ended):
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await editor.take(message.data)
                else:
                    await socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"send text")
    except NotFound:
        await ended("deleted")
    except (ConnectionError, asyncio.CancelledError):
        await socket.close(code=WSCloseCode.GOING_AWAY)
        raise


async def close(app: web.Application) -> None:
    """Tell every editor that the hub stops (an on_shutdown signal); they come back to another process."""
    sockets: WeakSet[web.WebSocketResponse] = app[SOCKETS]
    for socket in list(sockets):
        await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the hub stops")


ROUTES = (Route("GET", "/v1/documents/{id}/live", live),)
