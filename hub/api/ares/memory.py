"""R-07: what was learned about the user; and forgetting it."""

from uuid import UUID

from aiohttp import web

from hub.api.ares.schemas import FactOut, MemoryOut, PreferenceOut
from hub.api.http.app_keys import HUB, user
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.studio.ares import memory

TAG = "Memory"


@endpoint(id="R-07", tag=TAG, auth="user", family="ares")
async def view(request: web.Request) -> MemoryOut:
    """View what the agents have learned about the user."""
    who = user(request)
    preferences, facts = await memory.view(request.app[HUB].db, who)
    return MemoryOut(
        user_id=who.id, preferences=[PreferenceOut(**p) for p in preferences], facts=[FactOut(**f) for f in facts]
    )


@endpoint(tag=TAG, auth="user", family="ares", status=204)
async def forget(request: web.Request) -> None:
    """Forget everything about the user, also what was not learned yet."""
    await memory.forget(request.app[HUB].db, user(request))


@endpoint(tag=TAG, auth="user", family="ares", status=204)
async def forget_fact(request: web.Request, id: UUID) -> None:
    """Forget one fact."""
    await memory.forget_fact(request.app[HUB].db, user(request), id)


@endpoint(tag=TAG, auth="user", family="ares", status=204)
async def forget_preference(request: web.Request, category: str, key: str) -> None:
    """Forget one preference."""
    await memory.forget_preference(request.app[HUB].db, user(request), category, key)


ROUTES = (
    Route("GET", "/api/memory", view),
    Route("DELETE", "/api/memory", forget),
    Route("DELETE", "/api/memory/facts/{id}", forget_fact),
    Route("DELETE", "/api/memory/preferences/{category}/{key}", forget_preference),
)
