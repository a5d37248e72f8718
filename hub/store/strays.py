"""Placeholders that may stand in a chat though nobody knows their id."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub.store.db import Call

MARK = "update sessions set stray_at = coalesce(stray_at, now()) where id = $1"
# As long as a part of ours has no id though it may be there, nothing is looked for: it could be taken for the placeholder.
DUE = """
    with due as (
        select s.id, s.stray_at from sessions s
        where s.stray_at < now() - make_interval(secs => $1) and s.lease_until is null
            and coalesce(s.stray_asked < now() - make_interval(secs => $1), true)
        order by s.stray_at limit $2 for no key update skip locked)
    update sessions s set stray_tries = case when s.stray_tries + 1 < $3 then s.stray_tries + 1 else 0 end, stray_asked = now(),
        stray_at = case when s.stray_tries + 1 < $3 then s.stray_at end
    from due where s.id = due.id
    returning s.id, s.account_id, s.integration_id, s.chat, due.stray_at,
        exists (select 1 from outbox o where o.session_id = s.id and o.network_id is null and o.attempt > 0
                and o.state in ('unknown', 'sending', 'dead')) as unsure,
        (select min(o.network_id::bigint) from outbox o where o.session_id = s.id and o.network_id ~ '^[0-9]{1,18}$'
            and o.closed_at >= due.stray_at) as before
"""
KNOWN = """
    select n.id from unnest($2::bigint[]) n(id)
    where not exists (select 1 from outbox o where o.integration_id = $1 and o.network_id = n.id::text) order by n.id desc
"""
DONE = "update sessions set stray_at = null, stray_asked = null, stray_tries = 0 where id = $1"


@dataclass(frozen=True, slots=True)
class Stray:
    """before: the first message of ours that came after it, if one did. unsure: another of ours has no id either."""

    session: UUID
    account: UUID
    integration: UUID
    chat: str
    before: int | None
    unsure: bool


async def mark(db: Call, session: UUID) -> None:
    await db.run(MARK, session)


async def due(db: Call, age: float, limit: int, tries: int) -> list[Stray]:
    """Sessions to look into; nobody else does for a while, and after so many tries nobody does."""
    rows = await db.fetch(DUE, age, limit, tries)
    return [
        Stray(r["id"], r["account_id"], r["integration_id"], r["chat"], r["before"], r["unsure"])
        for r in rows if r["integration_id"]
    ]


async def unknown(db: Call, integration: UUID, ids: list[int]) -> list[Any]:
    """Those ids that are no part of ours."""
    return [r["id"] for r in await db.fetch(KNOWN, integration, ids)]


async def done(db: Call, session: UUID) -> None:
    await db.run(DONE, session)
