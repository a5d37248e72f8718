"""A-15 to A-17: sessions of a chat client."""

from uuid import UUID

from aiohttp import web

from hub.api.aivax.paths import either
from hub.api.aivax.schemas.sessions import (
    SessionEdit,
    SessionIn,
    SessionLine,
    SessionOpened,
    SessionOut,
    SessionQuery,
)
from hub.api.http import pagination
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.clients import sessions

TAG = "Sessions"


@endpoint(id="A-15", tag=TAG, bare=True)
async def create(request: web.Request, id: UUID, body: SessionIn) -> SessionOpened:
    """Open a session.

    With a tag that has a live session, that session is renewed and returned.
    """
    return SessionOpened.of(await sessions.open(request.app[HUB], caller(request).account_id, id, body.wanted()))


@endpoint(id="A-16", tag=TAG, pages=True)
async def listed(request: web.Request, id: UUID, query: SessionQuery) -> list[SessionLine]:
    """List sessions, newest first."""
    who = caller(request)
    found = await sessions.listed(request.app[HUB], who.account_id, id, query.filter, keys=who.trusted)
    rows = await found.page(query.before, query.limit + 1)
    rows = await pagination.newest(request, rows, query.limit, query.before, found.count)
    return [SessionLine.of(r, who.trusted) for r in rows]


@endpoint(tag=TAG)
async def view(request: web.Request, id: UUID, session_id: UUID) -> SessionOut:
    """View a session."""
    return await _view(request, id, session_id)


@endpoint(tag=TAG, errors=(409,))
async def edit(request: web.Request, id: UUID, session_id: UUID, body: SessionEdit) -> SessionOut:
    """Edit or renew a session."""
    account = caller(request).account_id
    await sessions.edit(request.app[HUB], account, id, session_id, body.given(), body.expires)
    return await _view(request, id, session_id)


@endpoint(id="A-17", tag=TAG, says="Session ended and deleted.")
async def remove(request: web.Request, id: UUID, session_id: UUID) -> None:
    """End and delete a session."""
    await sessions.remove(request.app[HUB], caller(request).account_id, id, session_id)


async def _view(request: web.Request, id: UUID, session_id: UUID) -> SessionOut:
    hub, who = request.app[HUB], caller(request)
    row = await sessions.view(hub, who.account_id, id, session_id)
    return SessionOut.shown(row, sessions.talk_url(hub.settings, row["key"]) if row["key"] else None, who.trusted)


ONE = "/api/v1/web-chat-client/{id}/sessions/{session_id}"
ROUTES = either(
    Route("POST", "/api/v1/web-chat-client/{id}/sessions", create),
    Route("GET", "/api/v1/web-chat-client/{id}/sessions", listed),
    Route("GET", ONE, view),
    Route("PATCH", ONE, edit),
    Route("DELETE", ONE, remove),
)
