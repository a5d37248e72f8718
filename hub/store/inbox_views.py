"""What operators look for again and again in the inbox, under names of their own."""

from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

LIST = """
    select id, name, filter, sort from inbox_views where account_id = $1 and operator_id = $2 order by lower(name), id limit 50
"""
# The same name again is another filter under it.
KEEP = """
    insert into inbox_views (id, account_id, operator_id, name, filter, sort)
    select $3, o.account_id, o.id, $4, $5, $6 from operators o where o.account_id = $1 and o.id = $2
        and ((select count(*) from inbox_views v where v.operator_id = o.id) < 20
            or exists (select 1 from inbox_views v where v.operator_id = o.id and lower(v.name) = lower($4)))
    on conflict (operator_id, lower(name)) do update set name = excluded.name, filter = excluded.filter, sort = excluded.sort
    returning id
"""
REMOVE = "delete from inbox_views where account_id = $1 and operator_id = $2 and id = $3"

Json = dict[str, Any]


async def listed(db: Call, account: UUID, operator: UUID) -> list[Json]:
    return [dict(r) for r in await db.fetch(LIST, account, operator)]


async def keep(db: Call, account: UUID, operator: UUID, id: UUID, name: str, filter: Json, sort: str) -> UUID | None:
    """None where there are too many."""
    found: UUID | None = await db.value(KEEP, account, operator, id, clean(name), filter, sort)
    return found


async def remove(db: Call, account: UUID, operator: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, operator, id) == 1
