"""A restored copy that is tried: nothing in it reaches anybody, and what was said last is said to it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store.db import Call

# Answers come from the offline model, without tools; what was under way stays where it is.
QUIET = (
    """update gateways set secrets = null, parameters = jsonb_build_object('baseAddress', '@integrated', 'modelName', $1::text,
        'knowledgeCollections', coalesce(parameters->'knowledgeCollections', '[]'))""",
    "update integrations set settings = jsonb_set(settings, '{endpointUrl}', to_jsonb($1::text)) where channel = 'evolution'",
)
# The twins count from the beginning, and may name what they send as the networks did.
UNKNOWN = "delete from inbox_dedupe"
RECENT = """
    select i.body->'text' as text, g.id as integration, g.account_id, g.client_id, g.channel, i.received_at from inbox i
    join sessions s on s.id = i.session_id join integrations g on g.id = s.integration_id join clients c on c.id = g.client_id
    where g.channel = any($2) and i.state = 'answered' and i.command is null and s.kind = 'channel' and c.gateway_id is not null
        and coalesce(i.body->>'text', '') <> '' and length(i.body->>'text') < 2000 and coalesce(jsonb_array_length(i.body->'attachments'), 0) = 0 and s.contact_id is not null
    order by i.received_at desc limit $1
"""
FOUND = """
    select i.session_id, i.state, i.body->'text' as text from inbox i join sessions s on s.id = i.session_id
    where s.integration_id = $1 and s.chat like $2 || '%' and i.received_at >= $3 order by i.seq limit 1
"""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A text that somebody wrote, and where."""

    text: str
    integration: UUID
    account: UUID
    client: UUID
    channel: str


async def quiet(db: Call, model: str, evolution: str) -> None:
    """The copy asks no model and reaches no network but the twins."""
    for SQL, value in zip(QUIET, (model, evolution), strict=True):
        await db.run(SQL, value)
    await db.run(UNKNOWN)


async def recent(db: Call, count: int, channels: Sequence[str]) -> list[Asked]:
    """What was answered last on these networks, newest first."""
    return [
        Asked(r["text"], r["integration"], r["account_id"], r["client_id"], r["channel"])
        for r in await db.fetch(RECENT, count, list(channels))
    ]


async def found(db: Call, integration: UUID, chat: str, since: datetime) -> Json | None:
    """What became of it: its conversation, state and text."""
    row = await db.row(FOUND, integration, chat, since)
    return dict(row) if row else None
