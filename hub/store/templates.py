"""Lists of WhatsApp's templates by integration, and campaigns that one of them stops."""

from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

GET = "select templates, read_at, now() - read_at < make_interval(secs => $3) as fresh from template_lists where account_id = $1 and integration_id = $2"
LOCK = "select templates from template_lists where account_id = $1 and integration_id = $2 for no key update"
KEEP = """
    insert into template_lists (integration_id, account_id, templates, read_at)
    select i.id, i.account_id, $3, now() from integrations i where i.id = $2 and i.account_id = $1
    on conflict (integration_id) do update set templates = excluded.templates, read_at = excluded.read_at
    returning read_at
"""
CHANGE = "update template_lists set templates = $3 where account_id = $1 and integration_id = $2"
# Integrations of one account at WhatsApp share their templates.
SHARING = """
    select o.id from integrations i join integrations o on o.account_id = i.account_id and o.channel = i.channel
        and (o.id = i.id or o.settings->>'businessAccountId' = i.settings->>'businessAccountId')
    where i.id = $2 and i.account_id = $1 order by o.id
"""
# Chat clients with a network that has templates.
CONNECTED = """
    select c.id, c.name, i.channel from clients c join integrations i on i.client_id = c.id
    where c.account_id = $1 and i.channel = any($2) order by c.name, c.id, i.channel limit 500
"""
# Running campaigns that send this template through the integration; without a language they send the one there is.
HALT = """
    update campaigns m set state = 'paused', next_at = null, halted = $5, updated_at = now()
    from integrations i
    where i.id = $2 and m.account_id = $1 and m.client_id = i.client_id and m.channel = i.channel and m.state = 'running'
        and m.message->>'template' = $3
        and (m.message->>'language' is null or lower(replace(m.message->>'language', '-', '_')) = lower($4))
    returning m.id
"""
HALT_BY_PART = """
    update campaigns m set state = 'paused', next_at = null, halted = $3, updated_at = now()
    from activations a where a.account_id = $1 and a.turn_id = $2 and m.id = a.campaign_id and m.account_id = $1
        and m.state = 'running'
    returning m.id
"""

Json = dict[str, Any]


async def get(db: Call, account: UUID, integration: UUID, seconds: float) -> Json | None:
    """templates, read_at, fresh: whether they were read within so many seconds."""
    row = await db.row(GET, account, integration, seconds)
    return dict(row) if row else None


async def connected(db: Call, account: UUID, channels: list[str]) -> list[Json]:
    """id, name and channel of chat clients on these networks."""
    return [dict(r) for r in await db.fetch(CONNECTED, account, channels)]


async def lock(db: Call, account: UUID, integration: UUID) -> list[Json] | None:
    found: list[Json] | None = await db.value(LOCK, account, integration)
    return found


async def keep(db: Call, account: UUID, integration: UUID, templates: list[Json]) -> datetime | None:
    """When that was; None where the integration is gone."""
    at: datetime | None = await db.value(KEEP, account, integration, clean(templates))
    return at


async def change(db: Call, account: UUID, integration: UUID, templates: list[Json]) -> None:
    """As an event says; they are asked for anew as before."""
    await db.run(CHANGE, account, integration, clean(templates))


async def sharing(db: Call, account: UUID, integration: UUID) -> list[UUID]:
    return [r["id"] for r in await db.fetch(SHARING, account, integration)]


async def halt(db: Call, account: UUID, integration: UUID, name: str, language: str, words: str) -> list[UUID]:
    """Pause the running campaigns that send a template."""
    return [r["id"] for r in await db.fetch(HALT, account, integration, name, language, clean(words))]


async def halt_by_part(db: Call, account: UUID, turn: UUID, words: str) -> list[UUID]:
    """Pause the running campaign that a message of a turn is of."""
    return [r["id"] for r in await db.fetch(HALT_BY_PART, account, turn, clean(words))]
