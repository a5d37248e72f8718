"""People who sign in to the ARES API, and their refresh tokens."""

from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

FIRST = "select id from accounts where $1::uuid is null or id = $1 order by created_at, id limit 1"
ADD = """
    insert into ares_users (id, account_id, email, name, password, registered) values ($1, $2, $3, $4, $5, $6)
    on conflict (lower(email)) do nothing
"""
BY_EMAIL = "select id, account_id, email, name, registered, password from ares_users where lower(email) = lower($1)"
# An access token lives no longer than what came of its sign-in.
GET = """
    select u.id, u.account_id, u.email, u.name, u.registered from ares_users u where u.id = $1
        and exists (select 1 from ares_tokens t where t.family = $2 and t.user_id = u.id)
"""
TODAY = "select count(*) from ares_users where registered and created_at > now() - interval '1 day'"
OF_TOKEN = "select u.id, u.account_id, u.email, u.name from ares_tokens t join ares_users u on u.id = t.user_id where t.hash = $1 and t.spent_at is not null"
LIST = "select id, email, name, created_at from ares_users where account_id = $1 order by id"
EDIT = """
    update ares_users set name = coalesce($3, name), password = coalesce($4, password) where account_id = $1 and id = $2
"""
REVOKE_ALL = "delete from ares_tokens where account_id = $1 and user_id = $2"
TALKS = "delete from sessions where account_id = $1 and user_id = $2 and kind = 'ares'"
REMOVE = "delete from ares_users where account_id = $1 and id = $2"
KEEP = """
    insert into ares_tokens (hash, account_id, user_id, family, expires_at)
    values ($1, $2, $3, $4, now() + make_interval(secs => $5))
"""
SPEND = """
    update ares_tokens t set spent_at = now() from ares_users u
    where t.hash = $1 and t.spent_at is null and t.expires_at > now() and u.id = t.user_id
    returning t.family, u.id, u.account_id, u.email, u.name, u.registered
"""
# Whoever changes a user's tokens holds the user: one that is being renewed is not overlooked.
HOLD = "select 1 from ares_users where account_id = $1 and id = $2 for no key update"
HOLD_OF = """
    select 1 from ares_users where id = (select user_id from ares_tokens where hash = $1) for no key update
"""
REVOKE = "delete from ares_tokens where family = (select family from ares_tokens where hash = $1)"
EXPIRED = "delete from ares_tokens where hash in (select hash from ares_tokens where expires_at < now() limit 1000)"

Json = dict[str, Any]


async def home(db: Call, account: UUID | None) -> UUID | None:
    """The account of this id, or the first one there is."""
    found: UUID | None = await db.value(FIRST, account)
    return found


async def add(
    db: Call, account: UUID, id: UUID, email: str, name: str, password: str, registered: bool = False
) -> bool:
    """False when the address is taken."""
    return await db.run(ADD, id, account, clean(email), clean(name), password, registered) == 1


async def registered_today(db: Call) -> int:
    return int(await db.value(TODAY))


async def by_email(db: Call, email: str) -> Json | None:
    row = await db.row(BY_EMAIL, clean(email))
    return dict(row) if row else None


async def get(db: Call, id: UUID, family: UUID) -> Json | None:
    """A user, for as long as what came of that sign-in was not ended."""
    row = await db.row(GET, id, family)
    return dict(row) if row else None


async def of_account(db: Call, account: UUID) -> list[Json]:
    return [dict(r) for r in await db.fetch(LIST, account)]


async def edit(db: Call, account: UUID, id: UUID, name: str | None, password: str | None) -> bool:
    """A new password ends every sign-in. Inside a transaction."""
    if not await db.run(EDIT, account, id, clean(name), password):
        return False
    if password is not None:
        await db.row(HOLD, account, id)
        await db.run(REVOKE_ALL, account, id)
    return True


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    """With what was learned and said. Inside a transaction."""
    if not await db.run(REMOVE, account, id):
        return False
    await db.run(TALKS, account, id)
    return True


async def keep(db: Call, account: UUID, user: UUID, hashed: bytes, family: UUID, seconds: float) -> None:
    await db.run(KEEP, hashed, account, user, family, seconds)


async def spend(db: Call, hashed: bytes) -> Json | None:
    """Whose the token was: {family, id, account_id, email, name}; None when it is good for nothing (any more).
    Inside a transaction."""
    await db.row(HOLD_OF, hashed)
    row = await db.row(SPEND, hashed)
    return dict(row) if row else None


async def spent(db: Call, hashed: bytes) -> Json | None:
    """Whose token it was, if it was used before."""
    row = await db.row(OF_TOKEN, hashed)
    return dict(row) if row else None


async def revoke(db: Call, hashed: bytes) -> int:
    """End all tokens of this one's family. Inside a transaction."""
    await db.row(HOLD_OF, hashed)
    return await db.run(REVOKE, hashed)


async def purge(db: Call) -> int:
    return await db.run(EXPIRED)
