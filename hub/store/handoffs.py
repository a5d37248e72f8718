"""Conversations in a person's hands."""

from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

SWITCH = """
    update sessions set handoff_at = case when $4 then coalesce(handoff_at, now()) end
    where id = $3 and client_id = $2 and account_id = $1 and closed_at is null
"""
WHERE = """
    select s.chat, i.channel, i.mode from sessions s left join integrations i on i.id = s.integration_id
    where s.id = $3 and s.client_id = $2 and s.account_id = $1 and s.closed_at is null
"""
ADD = """
    insert into messages (id, account_id, session_id, role, source, content) values ($1, $2, $3, 'assistant', 'operator', $4)
"""
COUNT = (
    "update sessions set message_count = message_count + 1, last_message_at = now() where id = $1 and account_id = $2"
)


async def switch(db: Call, account: UUID, client: UUID, session: UUID, active: bool) -> bool:
    return await db.run(SWITCH, account, client, session, active) == 1


async def where(db: Call, account: UUID, client: UUID, session: UUID) -> dict[str, Any] | None:
    """Network, address and sending mode of an open session; channel is None in the web chat."""
    row = await db.row(WHERE, account, client, session)
    return dict(row) if row else None


async def add(db: Call, account: UUID, session: UUID, id: UUID, text: str) -> None:
    await db.run(ADD, id, account, session, clean({"text": text}))
    await db.run(COUNT, session, account)
