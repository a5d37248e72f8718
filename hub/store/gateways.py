"""AI gateways. `parameters` hold no key: that one is sealed in `secrets`."""

from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

ADD = """
    insert into gateways (id, account_id, name, slug, parameters, secrets) values ($1, $2, $3, $4, $5, $6)
    on conflict (account_id, slug) do nothing
"""
GET = "select id, account_id, name, slug, parameters, secrets from gateways where id = $2 and account_id = $1"
LOCK = """
    select id, account_id, name, slug, parameters, secrets from gateways where id = $2 and account_id = $1
    for no key update
"""
BY_SLUG = "select id, account_id, name, slug, parameters, secrets from gateways where slug = $2 and account_id = $1"
LIST = """
    select id, name, slug, parameters->>'modelName' as model, parameters->>'baseAddress' as address,
        (parameters->>'contextMaximumSize')::bigint as context
    from gateways
    where account_id = $1 and chatbot_id is null and ($2 = '' or position(lower($2) in id::text) > 0 or position(lower($2) in lower(name)) > 0
        or position(lower($2) in lower(slug)) > 0 or position(lower($2) in lower(parameters->>'modelName')) > 0)
    order by id
"""
HEARING = """
    select id, account_id, name, slug, parameters, secrets from gateways
    where account_id = $1 and parameters->'knowledgeCollections' ? $2 and parameters->>'transcriptionModel' <> '' order by id limit 1
"""
EDIT = """
    update gateways set name = $3, parameters = $4, secrets = $5, updated_at = now() where id = $2 and account_id = $1
"""
REMOVE = "delete from gateways where id = $2 and account_id = $1"
FOREIGN = """
    select w.id from unnest($2::uuid[]) w(id)
    where not exists (select 1 from collections c where c.id = w.id and c.account_id = $1) limit 1
"""

Json = dict[str, Any]


async def add(
    db: Call, account: UUID, id: UUID, *, name: str, slug: str, parameters: Json, secrets: bytes | None
) -> bool:
    """False when the account has this slug already."""
    return await db.run(ADD, id, account, clean(name), slug, clean(parameters), secrets) == 1


async def get(db: Call, account: UUID, id: UUID, *, lock: bool = False) -> Json | None:
    """The row as it is stored. `lock`: until the transaction ends nobody else changes it."""
    row = await (db.row(LOCK, account, id) if lock else db.row(GET, account, id))
    return dict(row) if row else None


async def by_slug(db: Call, account: UUID, slug: str) -> Json | None:
    row = await db.row(BY_SLUG, account, clean(slug))
    return dict(row) if row else None


async def hearing(db: Call, account: UUID, collection: UUID) -> Json | None:
    """The oldest gateway that searches the collection and has somebody who hears."""
    row = await db.row(HEARING, account, str(collection))
    return dict(row) if row else None


async def of_account(db: Call, account: UUID, filter: str = "") -> list[Json]:
    """Oldest first, without those that belong to a chatbot."""
    return [dict(r) for r in await db.fetch(LIST, account, clean(filter))]


async def edit(db: Call, account: UUID, id: UUID, name: str, parameters: Json, secrets: bytes | None) -> None:
    await db.run(EDIT, account, id, clean(name), clean(parameters), secrets)


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    """Chat clients that used it stay, without a gateway."""
    return await db.run(REMOVE, account, id) == 1


async def foreign_collection(db: Call, account: UUID, collections: list[UUID]) -> UUID | None:
    """The first of these collections that is not the account's."""
    found: UUID | None = await db.value(FOREIGN, account, collections)
    return found
