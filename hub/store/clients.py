"""Chat clients: what a business puts on a network or a website."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hub.domain import Client
from hub.store.db import Call, clean

LIST = """
    select c.id, c.name, c.parameters->>'primaryColor' as color, g.id as gateway, g.name as gateway_name,
        g.parameters->>'modelName' as model,
        (select count(*) from sessions s where s.client_id = c.id and s.closed_at is null
            and (s.expires_at is null or s.expires_at > now())) as active
    from clients c left join gateways g on g.id = c.gateway_id where c.account_id = $1 order by c.id
"""
ADD = """
    insert into clients (id, account_id, name, gateway_id, limits, parameters) values ($1, $2, $3, $4, $5, $6)
"""
GET = "select id, account_id, name, gateway_id, limits, parameters from clients where id = $2 and account_id = $1"
LOCK = """
    select id, account_id, name, gateway_id, limits, parameters from clients where id = $2 and account_id = $1
    for no key update
"""
EDIT = """
    update clients set name = $3, gateway_id = $4, limits = $5, parameters = $6, updated_at = now()
    where id = $2 and account_id = $1
"""
# Of the gateways behind chat clients, or of the named ones; also through functions that search.
COLLECTIONS = """
    with used as (
        select g.parameters from gateways g where g.account_id = $1 and case when cardinality($2::uuid[]) > 0 then g.id = any($2)
            else exists (select 1 from clients c where c.account_id = $1 and c.gateway_id = g.id) end)
    select jsonb_array_elements_text(coalesce(nullif(u.parameters->'knowledgeCollections', 'null'), '[]'))::uuid as id from used u
    union
    select substring(f->>'callbackUrl' from 'collection-id=([0-9a-fA-F-]{36})')::uuid from used u
        cross join jsonb_array_elements(coalesce(nullif(u.parameters->'protocolFunctions', 'null'), '[]')) f
        where f->>'callbackUrl' like 'aivax://%'
"""
TOUCH = "update clients set updated_at = now() where id = $2 and account_id = $1"
BUSY = """
    select s.id from sessions s where s.client_id = $2 and s.account_id = $1 and (s.lease_until is not null or s.due_at is not null
        or exists (select 1 from files f where f.session_id = s.id))
"""
REMOVE = "delete from clients where id = $2 and account_id = $1"

Json = dict[str, Any]


async def of_account(db: Call, account: UUID) -> list[Json]:
    return [dict(r) for r in await db.fetch(LIST, account)]


async def add(
    db: Call, account: UUID, id: UUID, name: str, gateway: UUID | None, limits: Json, parameters: Json
) -> None:
    await db.run(ADD, id, account, clean(name), gateway, limits, clean(parameters))


async def get(db: Call, account: UUID, id: UUID, *, lock: bool = False) -> Client | None:
    """`lock`: until the transaction ends nobody else changes it."""
    row = await (db.row(LOCK, account, id) if lock else db.row(GET, account, id))
    return Client(**dict(row)) if row else None


async def collections(db: Call, account: UUID, gateways: Sequence[UUID]) -> set[UUID]:
    """What visitors are answered from: of the gateways named, without any of those behind the chat clients."""
    return {r["id"] for r in await db.fetch(COLLECTIONS, account, list(gateways)) if r["id"]}


async def edit(db: Call, client: Client) -> None:
    await db.run(
        EDIT, client.account_id, client.id, clean(client.name), client.gateway_id, client.limits,
        clean(client.parameters),
    )


async def touch(db: Call, account: UUID, id: UUID) -> bool:
    """Note that the client or one of its integrations changed; False when it is not the account's."""
    return await db.run(TOUCH, account, id) == 1


async def busy(db: Call, account: UUID, id: UUID) -> list[UUID]:
    """Its sessions in which something waits for an answer, or that have files."""
    return [r["id"] for r in await db.fetch(BUSY, account, id)]


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    """Its sessions and integrations go with it."""
    return await db.run(REMOVE, account, id) == 1
