"""Tools of MCP servers (`mcpSources`), over Streamable HTTP.

The protocol's package is imported with the first source: most hubs have none.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from hub.accounts import nonce
from hub.domain import Json
from hub.errors import HubError
from hub.loading import loaded
from hub.tools import pins
from hub.tools.base import Context, Result, Run, Tool, ToolFailed
from hub.tools.call_context import meta
from hub.tools.names import left_out, ours

if TYPE_CHECKING:
    import mcp_types as types

    from hub.tools.mcp.connection import Connection

log = logging.getLogger(__name__)

LIST_SECONDS, CALL_SECONDS = 10.0, 60.0
KEPT, DOWN = 600.0, 30.0  # seconds that a listing is used, and that a server that is down is left alone
SCHEMA, DESCRIPTION, NAME = 100_000, 10_000, 64
_STRANGE = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Listed:
    """A tool as its server lists it; `shown` is its name within what models may call."""

    source: str
    name: str
    shown: str
    description: str
    schema: Json


@asynccontextmanager
async def opened(
    context: Context, sources: Sequence[Json] | None = None, taken: Collection[str] = ()
) -> AsyncIterator[list[Tool]]:
    """The tools of the gateway's MCP sources, for as long as the turn lasts.

    sources: in place of the gateway's `mcpSources`. taken: names of other tools; a tool that has the
    same name as another one is called `source_name`, one that has a name of the hub's is left out. A
    server that is down is left out with a line in the log: an answer without its tools is better than
    none.
    """
    wanted = sources if sources is not None else context.gateway.parameters.get("mcpSources") or ()
    if not wanted:
        yield []
        return
    connect: type[Connection] = (await loaded("hub.tools.mcp.connection")).Connection
    connections = [connect(context, s["url"], s.get("headers") or {}) for s in wanted]
    try:
        found = await asyncio.gather(*(_listed(context, c, s) for c, s in zip(connections, wanted, strict=True)))
        names = iter(named([tool for tools in found for tool in tools], taken))
        offered = []
        for connection, source, tools in zip(connections, wanted, found, strict=True):
            for one in tools:
                offered.append(Tool(next(names), one.description, one.schema, _calls(connection, one.name)))
                if ours(offered[-1].name):
                    why = {offered[-1].name: "with its source's name it has one of the hub's own tools' names"}
                    await pins.left_out(context, source["url"], source["name"], why)
        # With its source's name before it, a tool may have come to a name of ours after all.
        yield [t for t in offered if not ours(t.name)]
    finally:
        await asyncio.gather(*(c.close() for c in connections))


def named(tools: Sequence[Listed], taken: Collection[str]) -> list[str]:
    """A name for each, none twice: its own, with its source's before it where two would be the same."""
    counted = Counter(t.shown for t in tools)
    found: list[str] = []
    used = set(taken)
    for one in tools:
        alone = counted[one.shown] == 1 and one.shown not in used
        name = one.shown if alone else f"{_plain(one.source)}_{one.shown}"[:NAME]
        base, number = name, 1
        while name in used:
            number += 1
            name = f"{base[: NAME - 4]}_{number}"
        used.add(name)
        found.append(name)
    return found


def _calls(connection: Connection, name: str) -> Run:
    async def run(context: Context, arguments: Json) -> Result:
        proof = await nonce.nonce(context.hub, context.account_id)
        try:
            given = await connection.call(
                name, arguments, meta(context, proof), min(CALL_SECONDS, max(0.1, context.left))
            )
        except HubError as e:
            raise ToolFailed(f"The tool's server failed: {e}") from None
        found: Result = (await loaded("hub.tools.mcp.results")).result(name, given)
        return found

    return run


async def _listed(context: Context, connection: Connection, source: Json) -> list[Listed]:
    """The tools of one server: from the cache, or asked for; none when it cannot say."""
    cache, account = context.hub.cache, context.account_id
    key, keep = _key(source), float(source.get("cacheDuration", KEPT))
    kept: Any = await cache.get(account, key) if keep else None
    if kept is None:
        if await cache.get(account, f"{key}:down"):
            return []
        try:
            tools = await connection.tools(min(LIST_SECONDS, max(0.1, context.left)))
        except HubError as e:
            log.warning("MCP source '%s' of account %s is left out: %s", source["name"], account, e)
            await cache.put(account, f"{key}:down", True, DOWN)
            return []
        usable = [t for t in tools if _usable(t)]
        await _left_out(context, source, usable)
        kept = [[t.name, t.description or t.title or t.name, t.input_schema] for t in usable]
        await cache.put(account, key, kept, keep)
    if kept and await pins.on(context, source):
        kept = await _pinned(context, source, kept)
    return [Listed(source["name"], n, _plain(n), d[:DESCRIPTION], {"type": "object", **s}) for n, d, s in kept]


async def _left_out(context: Context, source: Json, tools: list[types.Tool]) -> None:
    """Take away those that nobody may be offered, and say so."""
    why: dict[str, str] = {}
    for n, words in sorted(left_out([_plain(t.name) for t in tools]).items(), reverse=True):
        name = tools.pop(n).name
        why[name] = words
        log.warning(
            "MCP source '%s' of account %s: its tool '%s' is left out: %s", source["name"], context.account_id, name,
            words,
        )
    # A name that is listed twice is offered once, and its first tool has a line of its own.
    shown = {n if ours(_plain(n)) else f"{n} (again)": w for n, w in why.items()}
    await pins.left_out(context, source["url"], source["name"], shown)


async def _pinned(context: Context, source: Json, kept: Sequence[Any]) -> list[Any]:
    told = {str(n): pins.told(d, s) for n, d, s in kept}
    allowed = await pins.allowed(context, source["url"], source["name"], told)
    return [[n, one["description"], one["schema"]] for n, one in allowed.items()]


def _usable(tool: types.Tool) -> bool:
    try:
        return bool(_plain(tool.name)) and len(orjson.dumps(tool.input_schema)) <= SCHEMA
    except TypeError:  # numbers beyond 64 bits, lone surrogates
        return False


def _plain(name: str) -> str:
    """Within what model providers accept as a function's name."""
    return _STRANGE.sub("_", name).strip("_")[:NAME]


def _key(source: Json) -> str:
    """Other headers, other tools: a token names a reader."""
    given = [source["url"], sorted((source.get("headers") or {}).items())]
    return f"mcp:{hashlib.sha256(orjson.dumps(given)).hexdigest()}"
