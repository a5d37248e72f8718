"""Addresses that name several servers, of which one is the primary at a time: whichever it is now is found at once."""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

# Seconds between the first tries of servers: one that says nothing keeps nobody from the next.
STAGGER = 0.25


def each(dsn: str) -> list[str]:
    """One address a server, each asking for the primary; the address itself where it names but one."""
    parts = urlsplit(dsn)
    query = dict(parse_qsl(parts.query))
    who, at, netloc = parts.netloc.rpartition("@")
    hosts, ports = (query.pop(n, "").split(",") for n in ("host", "port"))
    if "," not in netloc and len(hosts) < 2:
        return [dsn]
    query["target_session_attrs"] = "primary"
    if netloc:
        places = [(f"{who}{at}{one}", dict[str, str]()) for one in netloc.split(",")]
    else:
        places = [(f"{who}{at}", {"host": h, **_port(ports, n)}) for n, h in enumerate(hosts)]
    return [urlunsplit(parts._replace(netloc=n, query=urlencode(query | more))) for n, more in places]


def _port(ports: list[str], place: int) -> dict[str, str]:
    found = ports[place] if place < len(ports) else ports[-1]
    return {"port": found} if found else {}


async def connect(dsn: str, timeout: float = 10.0, **how: Any) -> Any:
    """A connection to the primary, whichever of the servers it is now. Raise what the last of them said."""
    servers = each(dsn)
    if len(servers) == 1:
        return await _asked(dsn, timeout, how)
    tries = [asyncio.ensure_future(_later(n * STAGGER, one, timeout, how)) for n, one in enumerate(servers)]
    failed: BaseException | None = None
    won: Any = None
    try:
        for done in asyncio.as_completed(tries, timeout=timeout):
            try:
                won = await done
                return won
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as e:
                failed = e
    finally:
        await _closed(tries, won)
    raise failed or OSError("there is no server")


async def _later(seconds: float, dsn: str, timeout: float, how: dict[str, Any]) -> Any:
    await asyncio.sleep(seconds)
    return await _asked(dsn, timeout, how)


async def _asked(dsn: str, timeout: float, how: dict[str, Any]) -> Any:
    try:
        return await asyncpg.connect(dsn, timeout=timeout, **how)
    except asyncpg.TargetServerAttributeNotMatched as e:
        raise OSError("the server is a replica") from e  # as good as none, until it is promoted


async def _closed(tries: "Sequence[asyncio.Future[Any]]", won: Any) -> None:
    """Whoever was too late; a connection that came about all the same is closed."""
    for one in tries:
        one.cancel()
    for found in await asyncio.gather(*tries, return_exceptions=True):
        if found is not won and not isinstance(found, BaseException):
            found.terminate()
