"""Who calls: the network address of a client, and how often it may."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from math import ceil

from aiohttp import web

from hub.accounts.sign_in_waits import network_of
from hub.api.http.app_keys import HUB, RATE
from hub.errors import TooMany
from hub.sealing import digest

PUBLIC, HOOKS = "/api/v1/public/", "/api/v1/webhooks/"
MINUTE = 60.0
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_ip(request: web.Request) -> str:
    """The peer's address; behind a trusted proxy, the nearest address that is not one.

    X-Forwarded-For can be written by anyone, so only entries that trusted proxies added count.
    """
    return peer(request, request.app[HUB].settings.trusted_proxies)


def peer(request: web.Request, proxies: str) -> str:
    """The same where no application is asked. proxies: those that are trusted."""
    trusted = _trusted(proxies)
    if not trusted:
        return request.remote or ""
    seen = [part.strip() for part in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",") if part.strip()]
    address = request.remote or ""
    while _within(address, trusted) and seen:
        address = seen.pop()
    return address


@lru_cache(maxsize=16)
def _trusted(proxies: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(n.strip(), strict=False) for n in proxies.split(",") if n.strip())


def counted(request: web.Request) -> str:
    """What counts as one address: whoever has an IPv6 address has the other 2^64 of its network too."""
    return network_of(client_ip(request))


def _within(address: str, networks: Sequence[Network]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip.version == n.version and ip in n for n in networks)


async def limit_public(request: web.Request) -> None:
    """Count a request to a public chat for its access key and its address, and tell what is left of the former. Raise
    TooMany. Many people may be behind one address: a business's own server, an office."""
    settings = request.app[HUB].settings
    await _count(request, "public-address", counted(request), settings.public_per_address, "address")
    key = request.match_info.get("key")
    if key:
        await _count(request, "public", digest(key).hex(), settings.public_per_minute, "conversation")


async def _count(request: web.Request, scope: str, whom: str, most: int, what: str) -> None:
    if not most:
        return
    request[RATE] = seen = await request.app[HUB].limits.count(scope, whom, most, MINUTE)
    if seen.over:
        raise TooMany(
            f"{most} requests a minute are allowed for one {what}; the next one is possible in {ceil(seen.reset)} s.",
            retry_after=seen.reset,
        )


async def limit_entry(request: web.Request, scope: str = "guests") -> None:
    """Raise TooMany when an address opens more new conversations than its people would."""
    most = request.app[HUB].settings.guests_per_address
    wait = await request.app[HUB].limits.take(scope, counted(request), most, MINUTE) if most else 0.0
    if wait > 0:
        raise TooMany("Too many conversations were begun from this address; wait a little.", retry_after=wait)
