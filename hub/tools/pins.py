"""Tool lists of others' servers, pinned where an account or a source asks for it: what a model is told of a tool
changes only when somebody has looked at it."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from hub import ids
from hub.accounts.destinations import bare
from hub.domain import Json
from hub.errors import NotFound
from hub.store import accounts, source_tools
from hub.store.db import Call
from hub.tools.base import Context

log = logging.getLogger(__name__)

MOST = 500
SETTING = "approveToolChanges"
DESCRIPTION = 10_000


def told(description: str, schema: Any, where: str = "") -> Json:
    """What is compared and approved of a tool; where: the address it is called at, which may hold a token."""
    found: Json = {"description": description[:DESCRIPTION], "schema": schema}
    return found | ({"called": hashlib.sha256(where.encode()).hexdigest()} if where else {})


async def on(context: Context, source: Mapping[str, Any] | None = None) -> bool:
    """Whether changes of a source's tools wait for approval."""
    if source and source.get("requireApproval"):
        return True
    found = await accounts.get(context.hub.db, context.account_id)
    return bool(found and found.parameters.get(SETTING))


async def allowed(context: Context, url: str, source: str, tools: Mapping[str, Json]) -> dict[str, Json]:
    """What a model may be told of a source's tools, by name: as it was approved. tools: as the source lists them now.

    What a source lists at first is taken as it is; from then on what is new or differs waits."""
    db, account, place = context.hub.db, context.account_id, bare(url)
    known = await source_tools.of_source(db, account, place)
    if not known:
        await source_tools.first(db, account, place, source, _rows(tools))
        return dict(tools)
    news = {n: t for n, t in tools.items() if not _same(known.get(n, {}).get("approved"), t)}
    fresh = {n: t for n, t in news.items() if not _same(known.get(n, {}).get("proposed"), t)}
    if fresh and await source_tools.propose(db, account, place, source, _rows(fresh)):
        log.warning(
            "source '%s' of account %s: tools that are new or differ wait for approval: %s", source, account,
            ", ".join(sorted(fresh))[:500],
        )
    return {n: known[n]["approved"] for n in tools if n in known and known[n]["approved"]}


async def left_out(context: Context, url: str, source: str, why: Mapping[str, str]) -> None:
    """Note for the operators which tools are never offered."""
    rows = [{"id": str(ids.uuid7()), "name": name, "why": text} for name, text in why.items()]
    if rows:
        await source_tools.leave_out(context.hub.db, context.account_id, bare(url), source, rows)


async def waiting(db: Call, account: UUID, before: UUID | None = None, limit: int = MOST) -> list[Json]:
    """What waits for approval or is left out, newest first."""
    return await source_tools.listed(db, account, before, limit)


async def count(db: Call, account: UUID) -> int:
    """How many of them there are."""
    return await source_tools.count(db, account)


async def decide(db: Call, account: UUID, id: UUID, approve: bool) -> Json:
    """{source, name} of the tool. Raise NotFound when nothing of this id waits."""
    found = await (source_tools.approve if approve else source_tools.refuse)(db, account, id)
    if found is None:
        raise NotFound("No tool of this id waits for approval.")
    return found


def _rows(tools: Mapping[str, Json]) -> Sequence[Json]:
    return [{"id": str(ids.uuid7()), "name": name, "told": one} for name, one in tools.items()]


def _same(one: Json | None, other: Json) -> bool:
    return one is not None and orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        other, option=orjson.OPT_SORT_KEYS
    )
