"""Teams of operators."""

from uuid import UUID

from aiohttp import web

from hub.api.aivax.schemas.inbox import TeamEdit, TeamIn, TeamOut
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.operators import groups
from hub.errors import NotFound
from hub.store import teams

TAG = "Inbox"


@endpoint(tag=TAG)
async def listed(request: web.Request) -> list[TeamOut]:
    """List teams with their members."""
    return [TeamOut(**one) for one in await teams.listed(request.app[HUB].db, caller(request).account_id)]


@endpoint(tag=TAG, errors=(409,))
async def create(request: web.Request, body: TeamIn) -> TeamOut:
    """Make a team of operators."""
    return await _view(request, await groups.add_team(
        request.app[HUB].db, caller(request).account_id, body.name, body.members
    ))


@endpoint(tag=TAG, errors=(409,))
async def edit(request: web.Request, id: UUID, body: TeamEdit) -> TeamOut:
    """Change a team's name or members."""
    await groups.edit_team(request.app[HUB].db, caller(request).account_id, id, body.name, body.members)
    return await _view(request, id)


@endpoint(tag=TAG, says="Team deleted.")
async def remove(request: web.Request, id: UUID) -> None:
    """Delete a team; its conversations stay, and are no team's."""
    await groups.remove_team(request.app[HUB].db, caller(request).account_id, id)


async def _view(request: web.Request, id: UUID) -> TeamOut:
    found = await teams.one(request.app[HUB].db, caller(request).account_id, id)
    if found is None:
        raise NotFound
    return TeamOut(**found)


BASE = "/api/v1/inbox/teams"
ROUTES = (
    Route("GET", BASE, listed), Route("POST", BASE, create), Route("PUT", BASE + "/{id}", edit),
    Route("DELETE", BASE + "/{id}", remove),
)
