"""Agents of the ARES API: an account's own, and the gateway of those that come with the hub."""

from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

LIST = """
    select a.name, a.gateway_id, g.name as gateway, a.description, a.instructions, a.updated_at
    from ares_agents a join gateways g on g.id = a.gateway_id
    where a.account_id = $1 order by a.name
"""
GET = "select name, gateway_id, description, instructions, updated_at from ares_agents where account_id = $1 and name = $2"
PUT = """
    insert into ares_agents (account_id, name, gateway_id, description, instructions) values ($1, $2, $3, $4, $5)
    on conflict (account_id, name) do update set gateway_id = excluded.gateway_id, description = excluded.description,
        instructions = excluded.instructions, updated_at = now()
"""
REMOVE = "delete from ares_agents where account_id = $1 and name = $2"
SETTING = "select gateway_id from ares_settings where account_id = $1"
SET = """
    insert into ares_settings (account_id, gateway_id) values ($1, $2)
    on conflict (account_id) do update set gateway_id = excluded.gateway_id
"""
DEFAULT = """
    select coalesce((select gateway_id from ares_settings where account_id = $1),
        (select id from gateways where account_id = $1 and chatbot_id is null order by id limit 1))
"""

Json = dict[str, Any]


async def listed(db: Call, account: UUID) -> list[Json]:
    return [dict(r) for r in await db.fetch(LIST, account)]


async def get(db: Call, account: UUID, name: str) -> Json | None:
    row = await db.row(GET, account, clean(name))
    return dict(row) if row else None


async def put(
    db: Call, account: UUID, name: str, gateway: UUID, description: str | None, instructions: str | None
) -> None:
    await db.run(PUT, account, name, gateway, clean(description), clean(instructions))


async def remove(db: Call, account: UUID, name: str) -> bool:
    return await db.run(REMOVE, account, clean(name)) == 1


async def setting(db: Call, account: UUID) -> UUID | None:
    """The gateway that was chosen for the hub's agents."""
    found: UUID | None = await db.value(SETTING, account)
    return found


async def choose(db: Call, account: UUID, gateway: UUID | None) -> None:
    await db.run(SET, account, gateway)


async def default(db: Call, account: UUID) -> UUID | None:
    """The gateway that was chosen, else the account's first; None when it has none."""
    found: UUID | None = await db.value(DEFAULT, account)
    return found
