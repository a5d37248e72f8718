"""Bots that were made to be tried, with what belongs to them."""

from typing import Any
from uuid import UUID

from hub.store.db import Call

ADD = """
    insert into samples (id, account_id, trade, language, gateway_id, client_id, collection_id) values ($2, $1, $3, $4, $5, $6, $7)
"""
LIST = """
    select id, trade, language, gateway_id, client_id, collection_id, created_at from samples where account_id = $1 order by id limit 100
"""
REMOVE = "delete from samples where account_id = $1 and id = $2"

Json = dict[str, Any]


async def add(
    db: Call, account: UUID, id: UUID, trade: str, language: str, gateway: UUID, client: UUID, collection: UUID
) -> None:
    await db.run(ADD, account, id, trade, language, gateway, client, collection)


async def listed(db: Call, account: UUID) -> list[Json]:
    return [dict(r) for r in await db.fetch(LIST, account)]


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, id) == 1
