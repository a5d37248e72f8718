"""Conversations in a person's hands."""

from typing import Any
from uuid import UUID

from hub.store import personal
from hub.store.db import Call

# $5: whose hands; $6: whether they go back by themselves after the account's time.
SWITCH = """
    update sessions set handoff_at = case when $4 then coalesce(handoff_at, now()) end, handoff_by = case when $4 then $5::uuid end,
        handoff_until = case when $4 and $6 then handoff_end(account_id) end
    where id = $3 and ($2::uuid is null or client_id = $2) and account_id = $1 and closed_at is null
"""
SET_ASIDE = "select set_aside(s.id) from sessions s where s.id = $1 and s.account_id = $2"
WHERE = """
    select s.client_id, s.kind, s.chat, i.channel, i.mode, i.settings, c.parameters, exists (select 1 from contact_ids g
            where g.contact_id = s.contact_id and g.value like 'group:%') as crowd
    from sessions s join clients c on c.id = s.client_id left join integrations i on i.id = s.integration_id
    where s.id = $3 and ($2::uuid is null or s.client_id = $2) and s.account_id = $1 and s.closed_at is null
"""
ADD = """
    insert into messages (id, account_id, session_id, role, source, content) values ($1, $2, $3, 'assistant', 'operator', $4)
"""
# Who answers keeps the conversation for longer.
COUNT = """
    update sessions set message_count = message_count + 1, last_message_at = now(),
        handoff_until = case when handoff_until is not null then handoff_end(account_id) end
    where id = $1 and account_id = $2 and not exists (select 1 from messages m where m.id = $3)
"""
SAID = "select exists (select 1 from messages where id = $3 and session_id = $2 and account_id = $1)"
RETURN = """
    select r.id, r.account_id, r.seq from (
        select s.id, s.account_id, hand_back(s.id) as seq from sessions s where s.handoff_until <= now() order by s.handoff_until limit 200) r
    where r.seq is not null
"""

Json = dict[str, Any]


async def switch(
    db: Call, account: UUID, client: UUID | None, session: UUID, active: bool, by: UUID | None = None, ends: bool = False
) -> bool:
    """`ends`: it goes back by itself after the account's time. `client` None: whichever it is.

    In a transaction: once it is the person's, the turn that runs cannot commit and what waits is not answered."""
    if await db.run(SWITCH, account, client, session, active, by, ends) != 1:
        return False
    if active:
        await db.run(SET_ASIDE, session, account)
    return True


async def where(db: Call, account: UUID, client: UUID | None, session: UUID) -> Json | None:
    """Kind, network, address and sending mode of an open session; channel is None in the web chat, and where the
    network was removed."""
    row = await db.row(WHERE, account, client, session)
    return dict(row) if row else None


async def add(db: Call, account: UUID, session: UUID, id: UUID, content: Json) -> bool:
    """False when there is a message of this id already, or no session any more."""
    # The session is locked first: who reads the messages by position must not see a later one before.
    if await db.run(COUNT, session, account, id) != 1:
        return False
    await db.run(ADD, id, account, session, await personal.body(db, account, session, content))
    return True


async def said(db: Call, account: UUID, session: UUID, id: UUID) -> bool:
    return bool(await db.value(SAID, account, session, id))


async def take_back(db: Call) -> list[Json]:
    """Give the assistant back what was taken over for a time that has passed.

    seq: 0, or what to ring with because somebody waits for an answer."""
    return [dict(r) for r in await db.fetch(RETURN)]
