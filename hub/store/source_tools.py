"""Tools that others' servers list: what was approved of them, what waits for it, what is left out."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

OF_SOURCE = "select name, approved, proposed from source_tools where account_id = $1 and url = $2 and left_out is null"
FIRST = """
    insert into source_tools (id, account_id, url, source, name, approved, decided_at)
    select t.id, $1, $2, $3, t.name, t.told, now() from jsonb_to_recordset($4) t(id uuid, name text, told jsonb)
    on conflict (account_id, url, name) do nothing
"""
PROPOSE = """
    insert into source_tools as s (id, account_id, url, source, name, proposed)
    select t.id, $1, $2, $3, t.name, t.told from jsonb_to_recordset($4) t(id uuid, name text, told jsonb)
    on conflict (account_id, url, name) do update set proposed = excluded.proposed, left_out = null, seen_at = now()
    where s.proposed is distinct from excluded.proposed
"""
LEAVE_OUT = """
    insert into source_tools as s (id, account_id, url, source, name, left_out)
    select t.id, $1, $2, $3, t.name, t.why from jsonb_to_recordset($4) t(id uuid, name text, why text)
    on conflict (account_id, url, name) do update set left_out = excluded.left_out, seen_at = now()
    where s.left_out is distinct from excluded.left_out
"""
LIST = """
    select id, url, source, name, approved, proposed, left_out, seen_at from source_tools
    where account_id = $1 and (proposed is not null or left_out is not null) and ($2::uuid is null or id < $2) order by id desc limit $3
"""
COUNT = "select count(*)::int from source_tools where account_id = $1 and (proposed is not null or left_out is not null)"
APPROVE = """
    update source_tools set approved = proposed, proposed = null, decided_at = now()
    where account_id = $1 and id = $2 and proposed is not null returning source, name
"""
# What was never approved is forgotten, and proposed anew when the server lists it again.
REFUSE = """
    with one as (select id, approved from source_tools where account_id = $1 and id = $2
        and (proposed is not null or left_out is not null)),
    gone as (delete from source_tools s using one where s.id = one.id and one.approved is null),
    kept as (update source_tools s set proposed = null, decided_at = now() from one
        where s.id = one.id and one.approved is not null)
    select s.source, s.name from source_tools s join one on one.id = s.id
"""

Json = dict[str, Any]


async def of_source(db: Call, account: UUID, url: str) -> dict[str, Json]:
    """By name: {approved, proposed}."""
    return {r["name"]: dict(r) for r in await db.fetch(OF_SOURCE, account, clean(url))}


async def first(db: Call, account: UUID, url: str, source: str, tools: Sequence[Json]) -> None:
    """What a source lists when it is looked at for the first time: approved. tools: {id, name, told}."""
    await db.run(FIRST, account, clean(url), clean(source), clean(list(tools)))


async def propose(db: Call, account: UUID, url: str, source: str, tools: Sequence[Json]) -> int:
    """What differs from what was approved; how many of them are news."""
    return await db.run(PROPOSE, account, clean(url), clean(source), clean(list(tools)))


async def leave_out(db: Call, account: UUID, url: str, source: str, tools: Sequence[Json]) -> int:
    """tools: {id, name, why}."""
    return await db.run(LEAVE_OUT, account, clean(url), clean(source), clean(list(tools)))


async def listed(db: Call, account: UUID, before: UUID | None, limit: int) -> list[Json]:
    """What waits for somebody, and what is left out, newest first."""
    return [dict(r) for r in await db.fetch(LIST, account, before, limit)]


async def count(db: Call, account: UUID) -> int:
    return int(await db.value(COUNT, account))


async def approve(db: Call, account: UUID, id: UUID) -> Json | None:
    """{source, name}; None when nothing waits under this id."""
    row = await db.row(APPROVE, account, id)
    return dict(row) if row else None


async def refuse(db: Call, account: UUID, id: UUID) -> Json | None:
    """The same; what was approved before goes on."""
    row = await db.row(REFUSE, account, id)
    return dict(row) if row else None
