"""Parts of which nobody knows whether the network took them, until they are settled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub.store.db import Call

# Asked again after a while that doubles; whoever dies over it has lost nothing.
DUE = """
    with due as (
        select o.id from outbox o where o.state = 'unknown' and o.closed_at is null and o.wire_deadline < now()
        order by o.wire_deadline limit $1 for no key update skip locked)
    update outbox o set asked = least(o.asked + 1, 1000),
        wire_deadline = now() + make_interval(secs => least(600, $2 * 2 ^ least(o.asked, 10)))
    from due where o.id = due.id
    returning to_jsonb(o) as part, o.created_at,
        receivers_were_there(o.created_at - interval '5 seconds', $3, o.integration_id) and exists (
            select 1 from (select p.id, p.integration_id, p.fate, p.resolution from outbox p where p.account_id = o.account_id
                order by p.id desc limit 200) p
            where p.integration_id = o.integration_id and p.id <> o.id
                and (p.fate in ('delivered', 'read', 'played') or p.resolution = 'echo')) as heard
"""
LATER = """
    update outbox set wire_deadline = now() + make_interval(secs => $3), asked = asked - 1
    where id = $1 and attempt = $2 and state = 'unknown' and closed_at is null
"""
OURS = """
    select n.id from unnest($2::text[]) with ordinality n(id, place)
    where not exists (select 1 from outbox o where o.integration_id = $1 and o.network_id = n.id and o.id <> $3) order by n.place
"""
SETTLE = """
    update outbox o set state = $3, resolution = $4, network_id = coalesce($5, network_id), code = $6, error = $7, wire_deadline = null,
        not_before = null, asked = case when $3 = 'queued' then 0 else asked end, failures = case when $3 = 'queued' then 0 else failures end,
        closed_at = case when $3 = 'queued' then null else now() end
    where o.id = $1 and o.attempt = $2 and o.state = 'unknown' and o.closed_at is null
"""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Doubt:
    """heard: our receivers were there all the time, and what the network tells of other messages did come."""

    part: Json
    since: Any
    heard: bool


async def due(db: Call, limit: int, pause: float, gap: float) -> list[Doubt]:
    """What may be settled now; nobody else has it for a while."""
    return [Doubt(r["part"], r["created_at"], r["heard"]) for r in await db.fetch(DUE, limit, pause, gap)]


async def later(db: Call, part: Json, seconds: float) -> None:
    """It was not asked for after all."""
    await db.run(LATER, part["id"], part["attempt"], seconds)


async def nobodys(db: Call, part: Json, ids: Sequence[str]) -> list[str]:
    """Those messages of the network that are not known to be another part."""
    return [r["id"] for r in await db.fetch(OURS, UUID(part["integration_id"]), list(ids), part["id"])]


async def settle(
    db: Call, part: Json, state: str, resolution: str | None, network_id: str | None, code: str | None, error: str | None
) -> bool:
    """False when somebody else has settled it: an echo, an operator."""
    return await db.run(SETTLE, part["id"], part["attempt"], state, resolution, network_id, code, error) == 1
