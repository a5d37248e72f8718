"""How a website's visitor gets a session: no key, but an origin that may embed the chat."""

from uuid import UUID

from aiohttp import web

from hub.api.aivax.schemas.guests import GuestIn
from hub.api.aivax.schemas.sessions import SessionOpened
from hub.api.http import cookies
from hub.api.http.app_keys import HUB
from hub.api.http.client_address import limit_entry
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.website import visitors
from hub.chat.website.visitors import Asked

TAG = "Public chat"


@endpoint(tag=TAG, auth="none", errors=(403, 422, 429))
async def enter(request: web.Request, client_id: UUID, body: GuestIn) -> SessionOpened | web.Response:
    """Open a session for a visitor of a website.

    Allowed from origins of `allowedFrameOrigins` (empty: from any). A signed tag or a token continues the
    person's live session, wherever it began; a tag without proof is kept as `anon:<tag>:<random>`. On the
    hub's own pages a cookie keeps the session for the browser.
    """
    hub = request.app[HUB]
    door = await visitors.door(hub, client_id)
    visitors.check_origin(door, request.headers.get("Origin"), request.host)
    await limit_entry(request)
    own = cookies.own(request)
    held = body.access_key or (cookies.read(request, client_id) if own else None)
    opened = await visitors.enter(
        hub, door, Asked(body.tag, body.tag_signature, body.token, body.attributes, held)
    )
    shown = SessionOpened.of(opened)
    if not own:
        return shown
    response = web.Response(body=shown.model_dump_json(by_alias=True).encode(), content_type="application/json")
    cookies.write(request, response, client_id, opened.access_key)
    return response


@endpoint(tag=TAG, auth="none", status=204)
async def leave(request: web.Request, client_id: UUID) -> web.Response:
    """Forget the session in this browser; the conversation itself stays."""
    response = web.Response(status=204)
    cookies.write(request, response, client_id, None)
    return response


PATH = "/api/v1/public/web-chat-clients/{client_id}/sessions"
ROUTES = [Route("POST", PATH, enter), Route("DELETE", PATH, leave)]
