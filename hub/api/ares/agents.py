"""Agents: which there are, and, for the account, which gateways they are."""

from uuid import UUID

from aiohttp import web

from hub.accounts import users
from hub.api.ares.schemas import (
    AgentIn,
    AgentLine,
    AgentOut,
    RegisterIn,
    SettingsIn,
    SettingsOut,
    UserEdit,
    UserId,
    UserOut,
)
from hub.api.http.app_keys import HUB, USERS, caller
from hub.api.http.auth import credential
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.store import scope
from hub.studio.ares import roster

TAG, ACCOUNT = "Agents", "Account"


@endpoint(tag=TAG, auth="none", family="ares", errors=(401,))
async def listed(request: web.Request) -> list[AgentLine]:
    """List the agents.

    Without a token those that come with the hub; with a user's token all that the user can talk to.
    """
    token = credential(request, query=False)
    if token is None:
        return [AgentLine(name=name, description=role.about) for name, role in roster.ROLES.items()]
    with scope.itself():
        who = await request.app[USERS].user(token)
    scope.enter(who.account_id)
    found = await roster.listed(request.app[HUB], who.account_id)
    return [AgentLine(name=a["name"], description=a["description"]) for a in found]


@endpoint(tag=ACCOUNT, family="ares")
async def owned(request: web.Request) -> list[AgentOut]:
    """List the agents of the account with their gateways."""
    return [AgentOut(**a) for a in await roster.listed(request.app[HUB], caller(request).account_id)]


@endpoint(tag=ACCOUNT, family="ares")
async def put(request: web.Request, name: str, body: AgentIn) -> AgentOut:
    """Make an agent of an AI gateway.

    An agent with the name of one that comes with the hub takes its place.
    """
    hub, account = request.app[HUB], caller(request).account_id
    await roster.put(hub, account, name, body.gateway, body.description, body.instructions)
    return next(AgentOut(**a) for a in await roster.listed(hub, account) if a["name"] == name)


@endpoint(tag=ACCOUNT, family="ares", status=204)
async def remove(request: web.Request, name: str) -> None:
    """Delete an agent of the account."""
    await roster.remove(request.app[HUB], caller(request).account_id, name)


@endpoint(tag=ACCOUNT, family="ares")
async def settings(request: web.Request) -> SettingsOut:
    """View which gateway the agents use that come with the hub."""
    return SettingsOut(gateway=await roster.chosen(request.app[HUB], caller(request).account_id))


@endpoint(tag=ACCOUNT, family="ares", errors=(404,))
async def choose(request: web.Request, body: SettingsIn) -> SettingsOut:
    """Set which gateway the agents use that come with the hub."""
    await roster.choose(request.app[HUB], caller(request).account_id, body.gateway)
    return SettingsOut(gateway=body.gateway)


@endpoint(tag=ACCOUNT, family="ares")
async def people(request: web.Request) -> list[UserOut]:
    """List the users of the account."""
    return [UserOut(**u) for u in await users.listed(request.app[HUB].db, caller(request).account_id)]


@endpoint(tag=ACCOUNT, family="ares", status=201, errors=(409,))
async def add(request: web.Request, body: RegisterIn) -> UserId:
    """Make a user of the account."""
    made = await request.app[USERS].add(caller(request).account_id, body.email, body.password, body.name)
    return UserId(id=made.id)


@endpoint(tag=ACCOUNT, family="ares", status=204)
async def change(request: web.Request, id: UUID, body: UserEdit) -> None:
    """Change a user's name or password."""
    await request.app[USERS].edit(caller(request).account_id, id, body.name, body.password)


@endpoint(tag=ACCOUNT, family="ares", status=204)
async def drop(request: web.Request, id: UUID) -> None:
    """Delete a user with all conversations and what was learned."""
    await users.remove(request.app[HUB].db, caller(request).account_id, id)


ROUTES = (
    Route("GET", "/api/agents", listed),
    Route("GET", "/api/v1/ares/agents", owned),
    Route("PUT", "/api/v1/ares/agents/{name}", put),
    Route("DELETE", "/api/v1/ares/agents/{name}", remove),
    Route("GET", "/api/v1/ares/settings", settings),
    Route("PUT", "/api/v1/ares/settings", choose),
    Route("GET", "/api/v1/ares/users", people),
    Route("POST", "/api/v1/ares/users", add),
    Route("PATCH", "/api/v1/ares/users/{id}", change),
    Route("DELETE", "/api/v1/ares/users/{id}", drop),
)
