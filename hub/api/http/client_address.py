"""Who calls: the network address of a client, and how often it may."""

import ipaddress

from aiohttp import web

from hub.api.http.app_keys import HUB
from hub.errors import TooMany

PUBLIC = "/api/v1/public/"
PER_MINUTE = 120


def client_ip(request: web.Request) -> str:
    """The peer's address; behind a trusted proxy, the nearest address that is not one.

    X-Forwarded-For can be written by anyone, so only entries that trusted proxies added count.
    """
    trusted = [
        ipaddress.ip_network(n.strip(), strict=False)
        for n in request.app[HUB].settings.trusted_proxies.split(",")
        if n.strip()
    ]
    seen = [part.strip() for part in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",") if part.strip()]
    address = request.remote or ""
    while _within(address, trusted) and seen:
        address = seen.pop()
    return address


def _within(address: str, networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip.version == n.version and ip in n for n in networks)


async def limit_public(request: web.Request) -> None:
    """Raise TooMany when an address asks more of the public endpoints than a visitor would."""
    wait = await request.app[HUB].limits.take("public", client_ip(request), PER_MINUTE, 60.0)
    if wait > 0:
        raise TooMany("Too many requests from this address; wait a little.", retry_after=wait)
