"""How much a key may ask."""

from collections.abc import Mapping
from math import ceil

from aiohttp import web

from hub.api.http.app_keys import HUB
from hub.api.http.client_address import counted
from hub.domain import Caller
from hub.errors import TooMany
from hub.runtime import Hub

MINUTE = 60.0
# A public key can be read by everyone who opens the page it stands in.
PUBLIC_ADDRESS, PUBLIC_KEY = 20, 60
# Models that cost less, or nothing, have a smaller share of the requests.
GROUPS: Mapping[str, float] = {"Discounted": 0.5, "Free": 0.1}


async def limit(request: web.Request, who: Caller, badges: tuple[str, ...] = ()) -> None:
    """Raise TooMany when the key, or the address that uses a public key, has asked enough for now."""
    await limit_in(request.app[HUB], request, who, badges)


async def limit_in(hub: Hub, request: web.Request, who: Caller, badges: tuple[str, ...]) -> None:
    """The same; of a private key where no application is asked, too."""
    if who.kind == "public":
        await _take(hub, "public-address", f"{who.key_id}:{counted(request)}", PUBLIC_ADDRESS)
        await _take(hub, "public-key", str(who.key_id), PUBLIC_KEY)
    most = hub.settings.requests_per_minute
    if most:
        group = min((g for g in badges if g in GROUPS), key=lambda g: GROUPS[g], default="")
        await _take(hub, f"inference{group}", str(who.key_id), max(1, int(most * GROUPS.get(group, 1.0))))


async def _take(hub: Hub, scope: str, whom: str, count: int) -> None:
    wait = await hub.limits.take(scope, whom, count, MINUTE)
    if wait > 0:
        raise TooMany(
            f"This key may make {count} requests a minute; the next one is possible in {ceil(wait)} s.",
            retry_after=wait,
        )
