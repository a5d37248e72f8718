"""Conversations in a person's hands."""

from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

# $5: whose hands; $6: whether they go back by themselves after the account's time.
SWITCH = """
    update sessions set handoff_at = case when $4 then coalesce(handoff_at, now()) end, handoff_by = case when $4 then $5::uuid end,
        handoff_until = case when $4 and $6 then handoff_end(account_id) end
    where id = $3 and ($2::uuid is null or client_id = $2) and account_id = $1 and closed_at is null
"""
WHERE = """
    select s.client_id, s.chat, i.channel, i.mode from sessions s left join integrations i on i.id = s.integration_id
    where s.id = $3 and ($2::uuid is null or s.client_id = $2) and s.account_id = $1 and s.closed_at is null
"""
ADD = """
    insert into messages (id, account_id, session_id, role, source, content) values ($1, $2, $3, 'assistant', 'operator', $4)
"""
# Who answers keeps the conversation for longer.
COUNT = """
    update sessions set message_count = message_count + 1, last_message_at = now(),
        handoff_until = case when handoff_until is not null then handoff_end(account_id) end
    where id = $1 and account_id = $2
"""
RETURN = """
    update sessions set handoff_at = null, handoff_by = null, handoff_until = null where handoff_until <= now()
    returning id, account_id, client_id
"""

Json = dict[str, Any]


async def switch(
    db: Call, account: UUID, client: UUID | None, session: UUID, active: bool, by: UUID | None = None, ends: bool = False
) -> bool:
    """`ends`: it goes back by itself after the account's time. `client` None: whichever it is."""
    return await db.run(SWITCH, account, client, session, active, by, ends) == 1


async def where(db: Call, account: UUID, client: UUID | None, session: UUID) -> Json | None:
    """Network, address and sending mode of an open session; channel is None in the web chat."""
    row = await db.row(WHERE, account, client, session)
    return dict(row) if row else None


async def add(db: Call, account: UUID, session: UUID, id: UUID, content: Json) -> None:
    await db.run(ADD, id, account, session, clean(content))
    await db.run(COUNT, session, account)


async def take_back(db: Call) -> list[Json]:
    """Give the assistant back what was taken over for a time that has passed."""
    return [dict(r) for r in await db.fetch(RETURN)]
