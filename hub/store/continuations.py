"""Codes with which a web chat goes on somewhere else."""

from typing import Any
from uuid import UUID

from hub.store.db import Call

DROP = "delete from continuations where account_id = $1 and session_id = $2 and used_at is null"
ADD = """
    insert into continuations (id, account_id, session_id, hash, expires_at)
    select $1, s.account_id, s.id, $4, now() + make_interval(secs => $5) from sessions s
    where s.account_id = $2 and s.id = $3 and s.closed_at is null returning expires_at
"""
LOOK = """
    select c.used_at is null and c.expires_at > now() and s.closed_at is null as good, s.metadata->>'phone_number' as phone
    from continuations c join sessions s on s.id = c.session_id where c.account_id = $1 and c.hash = $2 and s.client_id = $3
"""
BURN = "update continuations set used_at = now() where account_id = $1 and hash = $2 and used_at is null"
TAKE = "select continue_here(a.id, $2, $3, $4) from accounts a where a.id = $1"
# own_ids is there once the network has told it.
WAYS = """
    select i.channel, i.handle, to_jsonb(i)->'own_ids' as own from integrations i
    where i.account_id = $1 and i.client_id = $2 order by i.channel
"""
FORGET = """
    delete from continuations where id in (select id from continuations where expires_at < now() - interval '7 days' limit 5000)
"""

Json = dict[str, Any]


async def add(db: Call, account: UUID, session: UUID, id: UUID, hash: bytes, seconds: float) -> Any:
    """When the code expires; None for a conversation that has ended. The codes before it are no longer good."""
    await db.run(DROP, account, session)
    return await db.value(ADD, id, account, session, hash, seconds)


async def look(db: Call, account: UUID, hash: bytes, client: UUID) -> Json | None:
    """{good, phone: proved of the visitor} of a code of this chat client."""
    row = await db.row(LOOK, account, hash, client)
    return dict(row) if row else None


async def burn(db: Call, account: UUID, hash: bytes) -> None:
    await db.run(BURN, account, hash)


async def take(db: Call, account: UUID, hash: bytes, session: UUID, epoch: int) -> bool:
    """Go on in this session, whose turn is of this epoch; once."""
    return bool(await db.value(TAKE, account, hash, session, epoch))


async def ways(db: Call, account: UUID, client: UUID) -> list[Json]:
    """The networks of a chat client: {channel, handle, own: ids of the account there}."""
    return [dict(r) for r in await db.fetch(WAYS, account, client)]


async def forget(db: Call) -> int:
    return await db.run(FORGET)
