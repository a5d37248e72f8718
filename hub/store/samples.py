"""Bots that were made to be tried, with what belongs to them."""

from typing import Any
from uuid import UUID

from hub.store.db import Call

ADD = """
    insert into samples (id, account_id, trade, language, gateway_id, client_id, collection_id) values ($2, $1, $3, $4, $5, $6, $7)
"""
LIST = """
    select id, trade, language, gateway_id, client_id, collection_id, created_at from samples where account_id = $1 order by id desc limit 100
"""
ONE = "select id, gateway_id, client_id, collection_id from samples where account_id = $1 and id = $2"
# What somebody took for a place or a bot of their own.
IN_USE = """
    select exists (select 1 from clients c where c.account_id = s.account_id and c.gateway_id = s.gateway_id
            and c.id is distinct from s.client_id) as gateway,
        exists (select 1 from gateways g where g.account_id = s.account_id and g.id is distinct from s.gateway_id
            and g.parameters->'knowledgeCollections' ? s.collection_id::text) as collection
    from samples s where s.account_id = $1 and s.id = $2
"""
REMOVE = "delete from samples where account_id = $1 and id = $2"

Json = dict[str, Any]


async def add(
    db: Call, account: UUID, id: UUID, trade: str, language: str, gateway: UUID, client: UUID, collection: UUID
) -> None:
    await db.run(ADD, account, id, trade, language, gateway, client, collection)


async def listed(db: Call, account: UUID) -> list[Json]:
    return [dict(r) for r in await db.fetch(LIST, account)]


async def one(db: Call, account: UUID, id: UUID) -> Json | None:
    row = await db.row(ONE, account, id)
    return dict(row) if row else None


async def in_use(db: Call, account: UUID, id: UUID) -> Json:
    """Whether its `gateway` and its `collection` serve something else as well."""
    row = await db.row(IN_USE, account, id)
    return dict(row) if row else {"gateway": False, "collection": False}


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, id) == 1
