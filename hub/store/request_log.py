"""The log of inference requests."""

from typing import Any
from uuid import UUID

from hub.ids import uuid7
from hub.store import personal
from hub.store.db import Call, clean

SAVE = """
    insert into conversations (id, account_id, token, key_id, gateway_id, origin, model, external_user, metadata,
        messages, usage, tokens, error, rules)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    on conflict (account_id, token) do update set key_id = excluded.key_id, gateway_id = excluded.gateway_id,
        origin = excluded.origin, model = coalesce(excluded.model, conversations.model),
        external_user = excluded.external_user, metadata = excluded.metadata, messages = excluded.messages,
        usage = conversations.usage || excluded.usage, tokens = conversations.tokens + excluded.tokens,
        error = excluded.error, rules = excluded.rules, updated_at = now()
"""
LIST = """
    select c.id, c.token, c.key_id, c.gateway_id, g.name as gateway_name, c.origin, c.model, c.external_user, c.metadata,
        c.tokens, c.error, c.created_at, c.updated_at, jsonb_array_length(c.messages) as message_count
    from conversations c left join gateways g on g.id = c.gateway_id and g.account_id = c.account_id
    where c.account_id = $1 and ($2::uuid is null or c.id < $2) and ($3::uuid is null or c.gateway_id = $3)
        and ($4::text is null or c.external_user = $4) and ($5::text is null or c.model = $5)
        and ($6::uuid is null or c.key_id = $6)
    order by c.id desc limit $7
"""
ONE = """
    select c.*, g.name as gateway_name, jsonb_array_length(c.messages) as message_count
    from conversations c left join gateways g on g.id = c.gateway_id and g.account_id = c.account_id
    where c.account_id = $1 and c.id = $2
"""
EXPORT = """
    select c.*, g.name as gateway_name, jsonb_array_length(c.messages) as message_count
    from conversations c left join gateways g on g.id = c.gateway_id and g.account_id = c.account_id
    where c.account_id = $1 and ($2::uuid is null or c.id < $2) order by c.id desc limit $3
"""
REMOVE = "delete from conversations where account_id = $1 and id = $2"
FORGET_TOKEN = "delete from conversations where account_id = $1 and token = $2"
FORGET = """
    delete from conversations where id in (
        select id from conversations where updated_at < now() - interval '30 days' limit 5000)
"""

Json = dict[str, Any]


async def save(db: Call, account: UUID, row: Json) -> None:
    """Add a conversation, or go on with the one of the same token."""
    user = row["external_user"]
    who = f"user:{user}" if user is not None else None
    said = [await personal.whole(db, account, who, one) for one in row["messages"]]
    await db.run(
        SAVE, uuid7(), account, clean(row["token"]), row["key"], row["gateway"], row["origin"], clean(row["model"]),
        clean(user), clean(row["metadata"]), said, clean(row["usage"]),
        row["tokens"], clean(row["error"]), clean(row["rules"]),
    )


async def find(
    db: Call, account: UUID, *, before: UUID | None, gateway: UUID | None, user: str | None, model: str | None,
    key: UUID | None, limit: int,
) -> list[Json]:
    """Newest first, without their messages."""
    rows = await db.fetch(LIST, account, before, gateway, clean(user), clean(model), key, limit)
    return [dict(r) for r in rows]


async def one(db: Call, account: UUID, id: UUID) -> Json | None:
    row = await db.row(ONE, account, id)
    return dict(row) if row else None


async def export(db: Call, account: UUID, before: UUID | None, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(EXPORT, account, before, limit)]


async def forget_token(db: Call, account: UUID, token: str) -> None:
    await db.run(FORGET_TOKEN, account, clean(token))


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, id) == 1


async def forget(db: Call) -> int:
    return await db.run(FORGET)
