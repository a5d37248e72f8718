"""C-08 to C-10: agents."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from hub import ids
from hub.api.characters.schemas import AgentEdit, AgentIn, AgentOut
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.runtime import Hub
from hub.studio.characters import agents, images
from hub.studio.characters.agents import Character

TAG = "Agents"
FIELDS: Mapping[str, str] = {
    "name": "name", "age": "age", "appearance_prompt": "appearance", "personality_prompt": "personality",
    "description": "description",
}


@endpoint(id="C-08", tag=TAG, family="characters")
async def listed(request: web.Request) -> list[AgentOut]:
    """List agents."""
    hub = request.app[HUB]
    return [_shown(hub, one) for one in await agents.listed(hub.db, caller(request).account_id)]


@endpoint(id="C-09", tag=TAG, family="characters", status=201, errors=(402, 404, 502))
async def create(request: web.Request, body: AgentIn) -> AgentOut:
    """Create an agent.

    `age` comes first in the appearance. With `sd_model_id` an avatar is drawn. Nobody under 18.
    """
    hub = request.app[HUB]
    return _shown(hub, await agents.create(hub, caller(request), _given(body.model_dump()), body.sd_model_id))


@endpoint(id="C-10", tag=TAG, family="characters")
async def view(request: web.Request, id: str) -> AgentOut:
    """View an agent."""
    hub = request.app[HUB]
    return _shown(hub, await agents.find(hub.db, caller(request).account_id, id))


@endpoint(tag=TAG, family="characters", errors=(402, 502))
async def edit(request: web.Request, id: str, body: AgentEdit) -> AgentOut:
    """Change an agent; what is left out stays. With `sd_model_id` a new avatar is drawn."""
    hub = request.app[HUB]
    sent = body.model_dump(exclude_unset=True)
    given = _given({n: v for n, v in sent.items() if v is not None or n == "age"})
    return _shown(hub, await agents.edit(hub, caller(request), id, given, body.sd_model_id))


@endpoint(tag=TAG, family="characters", status=204)
async def remove(request: web.Request, id: str) -> None:
    """Delete an agent with its avatar; conversations go on without it."""
    await agents.remove(request.app[HUB], caller(request).account_id, id)


def _given(sent: Mapping[str, Any]) -> dict[str, Any]:
    return {ours: sent[name] for name, ours in FIELDS.items() if name in sent}


def _shown(hub: Hub, one: Character) -> AgentOut:
    return AgentOut(
        id=ids.named(agents.PREFIX, one.id), name=one.name, appearance_prompt=one.looks,
        personality_prompt=one.personality, description=one.description,
        avatar_url=images.address(hub, one.avatar_token) if one.avatar_token else None,
    )


ROUTES = (
    Route("GET", "/api/v1/agents", listed),
    Route("POST", "/api/v1/agents", create),
    Route("GET", "/api/v1/agents/{id}", view),
    Route("PATCH", "/api/v1/agents/{id}", edit),
    Route("DELETE", "/api/v1/agents/{id}", remove),
)
