"""Integrations: a chat client's accounts at networks. Rows carry sealed secrets."""

from typing import Any
from uuid import UUID

from hub.domain import Integration
from hub.store.db import Call, clean

OF_CLIENT = """
    select id, account_id, client_id, channel, settings, secrets, mode, handle, state, state_text, connection,
        session_seconds, groups, when_unknown, presence, greeted is not null as greeted
    from integrations where client_id = $2 and account_id = $1 order by channel
"""
ONE = """
    select id, account_id, client_id, channel, settings, secrets, mode, handle, state, state_text, connection,
        session_seconds, groups, when_unknown, presence, greeted is not null as greeted
    from integrations where client_id = $2 and account_id = $1 and channel = $3 for no key update
"""
SAVE = """
    insert into integrations (id, account_id, client_id, channel, settings, secrets, secret_hash, mode, handle,
        session_seconds, groups, when_unknown, presence, state)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'pending')
    on conflict (client_id, channel) do update set settings = excluded.settings, secrets = excluded.secrets,
        secret_hash = excluded.secret_hash, mode = excluded.mode, handle = excluded.handle,
        session_seconds = excluded.session_seconds, groups = excluded.groups, when_unknown = excluded.when_unknown,
        presence = excluded.presence, updated_at = now()
    where integrations.id = excluded.id
"""
STATE = """
    update integrations set state = $3, state_text = $4, handle = coalesce($5, handle)
    where id = $2 and account_id = $1
"""
SECRETS = "update integrations set secrets = $3 where id = $2 and account_id = $1"
REMOVE = "delete from integrations where id = $2 and account_id = $1"

Json = dict[str, Any]


async def of_client(db: Call, account: UUID, client: UUID) -> list[Json]:
    return [dict(r) for r in await db.fetch(OF_CLIENT, account, client)]


async def locked(db: Call, account: UUID, client: UUID, channel: str) -> Json | None:
    """One integration, which nobody else changes until the transaction ends."""
    row = await db.row(ONE, account, client, channel)
    return dict(row) if row else None


async def save(db: Call, one: Integration, secrets: bytes, secret_hash: bytes) -> bool:
    """Add or replace; False when another request added one for this network meanwhile."""
    return await db.run(
        SAVE, one.id, one.account_id, one.client_id, one.channel, clean(dict(one.settings)), secrets, secret_hash,
        one.mode, one.handle, one.session_seconds, one.groups, one.when_unknown, one.presence,
    ) == 1


async def set_state(
    db: Call, account: UUID, id: UUID, state: str, text: str | None, handle: str | None = None
) -> None:
    """Note whether the network's webhook is ours; `handle` None keeps the one there is."""
    await db.run(STATE, account, id, state, clean(text), handle)


async def set_secrets(db: Call, account: UUID, id: UUID, secrets: bytes) -> None:
    await db.run(SECRETS, account, id, secrets)


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, id) == 1
