"""How much a caller may ask of a family, told with every answer."""

from math import ceil

from aiohttp import web

from hub.api.http.app_keys import HUB, RATE
from hub.config import Settings
from hub.errors import TooMany
from hub.runtime import Hub

MINUTE = 60.0
BY_PLAN = ("characters",)


def most(settings: Settings, family: str, plan: str) -> int:
    """Requests a minute; 0: no limit."""
    if family == "ares":
        return settings.ares_per_minute
    if family == "aresgen":
        return settings.aresgen_per_minute
    if family == "characters":
        return settings.characters_free if plan.lower() == "free" else settings.characters_pro
    return 0


async def count(request: web.Request, family: str, whom: str, plan: str = "pro") -> None:
    """Count the request for `whom`, a key, a user or an address. Raise TooMany with the time to wait."""
    await count_in(request.app[HUB], request, family, whom, plan)


async def count_in(hub: Hub, request: web.Request, family: str, whom: str, plan: str) -> None:
    """The same where no application is asked."""
    limit = most(hub.settings, family, plan)
    if not limit:
        return
    seen = await hub.limits.count(f"family:{family}", whom, limit, MINUTE)
    own = request.get(RATE)  # a key with a limit of its own is told the one that it reaches first
    if own is None or seen.over or seen.remaining < own.remaining:
        request[RATE] = seen
    if seen.over:
        raise TooMany(
            f"{limit} requests a minute are allowed; the next one is possible in {ceil(seen.reset)} s.",
            retry_after=seen.reset,
        )
