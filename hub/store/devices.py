"""Where people have signed in before: browsers of operators, networks of users."""

from uuid import UUID

from hub.store.db import Call

# Nobody needs more doors than this; the oldest ones are forgotten.
KEPT = 20
KNOWN = "select exists (select 1 from operator_devices where operator_id = $1 and hash = $2)"
REMEMBER = """
    with new as (
        insert into operator_devices (operator_id, hash) values ($1, $2)
        on conflict (operator_id, hash) do update set seen_at = now())
    delete from operator_devices where operator_id = $1 and hash in (
        select hash from operator_devices where operator_id = $1 and hash <> $2 order by seen_at desc offset $3)
"""
FORGET = "delete from operator_devices where operator_id = $1 and hash <> $2"
USER_KNOWN = "select exists (select 1 from ares_devices where user_id = $1 and hash = $2)"
USER_REMEMBER = """
    with new as (
        insert into ares_devices (account_id, user_id, hash) values ($1, $2, $3)
        on conflict (user_id, hash) do update set seen_at = now())
    delete from ares_devices where user_id = $2 and hash in (
        select hash from ares_devices where user_id = $2 and hash <> $3 order by seen_at desc offset $4)
"""
PURGE = "delete from operator_devices where seen_at < now() - interval '180 days'"
USER_PURGE = "delete from ares_devices where seen_at < now() - interval '90 days'"


async def known(db: Call, operator: UUID, hashed: bytes) -> bool:
    return bool(await db.value(KNOWN, operator, hashed))


async def remember(db: Call, operator: UUID, hashed: bytes) -> None:
    await db.run(REMEMBER, operator, hashed, KEPT - 1)


async def forget_others(db: Call, operator: UUID, kept: bytes) -> None:
    """After a new password: who knew the old one is a stranger again."""
    await db.run(FORGET, operator, kept)


async def user_known(db: Call, user: UUID, hashed: bytes) -> bool:
    return bool(await db.value(USER_KNOWN, user, hashed))


async def user_remember(db: Call, account: UUID, user: UUID, hashed: bytes) -> None:
    await db.run(USER_REMEMBER, account, user, hashed, KEPT - 1)


async def purge(db: Call) -> int:
    return await db.run(PURGE) + await db.run(USER_PURGE)
