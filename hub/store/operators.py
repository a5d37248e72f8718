"""People who sign in to the console, their browsers and their one-time links."""

from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

ADD = """
    insert into operators (id, account_id, email, name, role) values ($2, $1, $3, $4, $5)
    on conflict (lower(email)) do nothing
"""
BY_EMAIL = "select id, account_id, email, name, role, password from operators where lower(email) = lower($1)"
BY_ID = "select id, account_id, email, name, role, password from operators where id = $1"
LIST = """
    select o.id, o.email, o.name, o.role, o.created_at, o.seen_at, o.password is not null as joined,
        exists (select 1 from operator_totp t where t.operator_id = o.id and t.confirmed_at is not null)
        or exists (select 1 from operator_passkeys k where k.operator_id = o.id) as second from operators o
    where o.account_id = $1 and ($2::uuid is null or o.id > $2) order by o.id limit $3
"""
ONE = """
    select id, email, name, role, created_at, seen_at, password is not null as joined from operators
    where account_id = $1 and id = $2
"""
LOCK = "select id, email, name, role, language from operators where account_id = $1 and id = $2 for no key update"
OWNERS = "select id from operators where account_id = $1 and role = 'owner' for no key update"
ROLE = "update operators set role = $3 where account_id = $1 and id = $2"
PROFILE = """
    update operators set email = $3, name = $4, password = coalesce($5, password), language = $6 where account_id = $1 and id = $2
        and not exists (select 1 from operators x where lower(x.email) = lower($3) and x.id <> $2)
"""
REMOVE = "delete from operators where account_id = $1 and id = $2"
FIRST_ACCOUNT = "select id from accounts order by created_at, id limit 1"
FIRST_OWNER = "select id, email, name from operators where account_id = $1 and role = 'owner' order by id limit 1"

OPEN = """
    with seen as (update operators set seen_at = now() where id = $2)
    insert into operator_sessions (hash, operator_id, expires_at, linked) values ($1, $2, now() + make_interval(secs => $3), $4)
"""
# `idle`: seconds without a request after which a browser is signed out.
OF_SESSION = """
    select o.id, o.account_id, o.email, o.name, o.role, o.language, a.name as account_name,
        coalesce((a.parameters->>'requireSecondFactor')::boolean, false)
        and not exists (select 1 from operator_totp t where t.operator_id = o.id and t.confirmed_at is not null)
        and not exists (select 1 from operator_passkeys k where k.operator_id = o.id) as unproved,
        s.seen_at < now() - interval '1 minute' as stale
    from operator_sessions s join operators o on o.id = s.operator_id join accounts a on a.id = o.account_id
    where s.hash = $1 and s.expires_at > now() and s.seen_at > now() - make_interval(secs => $2)
"""
SEEN = """
    with session as (update operator_sessions set seen_at = now() where hash = $1 returning operator_id)
    update operators o set seen_at = now() from session where o.id = session.operator_id
"""
LINKED_NOW = """
    select exists (select 1 from operator_sessions s where s.hash = $1 and s.linked and s.created_at > now() - make_interval(secs => $2))
"""
UNLINK = "update operator_sessions set linked = false where hash = $1 and linked"
CLOSE = "delete from operator_sessions where hash = $1"
CLOSE_ALL = "delete from operator_sessions where operator_id = $1 and hash <> $2"
LINK = """
    insert into operator_links (hash, operator_id, expires_at, trusted) values ($1, $2, now() + make_interval(secs => $3), $4)
"""
LINKED = """
    select o.id, o.account_id, o.email, o.name, o.role, o.password is not null as joined, l.trusted
    from operator_links l join operators o on o.id = l.operator_id where l.hash = $1 and l.expires_at > now()
"""
USE = "delete from operator_links where hash = $1 and expires_at > now() returning operator_id"
FORGET = """
    with links as (delete from operator_links where expires_at < now())
    delete from operator_sessions where expires_at < now()
"""

Json = dict[str, Any]


async def add(db: Call, account: UUID, id: UUID, email: str, name: str, role: str) -> bool:
    """False when the address is taken."""
    return await db.run(ADD, account, id, clean(email), clean(name), role) == 1


async def by_email(db: Call, email: str) -> Json | None:
    row = await db.row(BY_EMAIL, clean(email))
    return dict(row) if row else None


async def by_id(db: Call, id: UUID) -> Json | None:
    row = await db.row(BY_ID, id)
    return dict(row) if row else None


async def page(db: Call, account: UUID, after: UUID | None, limit: int) -> list[Json]:
    """Oldest first."""
    return [dict(r) for r in await db.fetch(LIST, account, after, limit)]


async def one(db: Call, account: UUID, id: UUID) -> Json | None:
    row = await db.row(ONE, account, id)
    return dict(row) if row else None


async def locked(db: Call, account: UUID, id: UUID) -> Json | None:
    """Until the transaction ends nobody else changes them."""
    row = await db.row(LOCK, account, id)
    return dict(row) if row else None


async def owners(db: Call, account: UUID) -> set[UUID]:
    """Locked, so that two owners cannot both resign at once."""
    return {r["id"] for r in await db.fetch(OWNERS, account)}


async def set_role(db: Call, account: UUID, id: UUID, role: str) -> bool:
    return await db.run(ROLE, account, id, role) == 1


async def set_profile(
    db: Call, account: UUID, id: UUID, email: str, name: str, password: str | None, language: str | None = None
) -> bool:
    """`password` is the hash; None keeps it. language: None for the browser's. False when the address is somebody else's."""
    return await db.run(PROFILE, account, id, clean(email), clean(name), password, language) == 1


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    """Their browsers are signed out with it."""
    return await db.run(REMOVE, account, id) == 1


async def first_account(db: Call) -> UUID | None:
    found: UUID | None = await db.value(FIRST_ACCOUNT)
    return found


async def first_owner(db: Call, account: UUID) -> Json | None:
    row = await db.row(FIRST_OWNER, account)
    return dict(row) if row else None


async def open_session(db: Call, hashed: bytes, operator: UUID, seconds: float, linked: bool) -> None:
    """linked: by a one-time link."""
    await db.run(OPEN, hashed, operator, seconds, linked)


async def linked_now(db: Call, hashed: bytes, seconds: float) -> bool:
    """Whether a browser was signed in by a link within so many seconds."""
    return bool(await db.value(LINKED_NOW, hashed, seconds))


async def of_session(db: Call, hashed: bytes, idle: float, visit: bool = True) -> Json | None:
    """Whose browser it is; a visit is noted at most once a minute."""
    row = await db.row(OF_SESSION, hashed, idle)
    if row is not None and row["stale"] and visit:
        await db.run(SEEN, hashed)
    return dict(row) if row else None


async def unlink(db: Call, hashed: bytes) -> None:
    """The link has done what it was for: from now on the password is asked for."""
    await db.run(UNLINK, hashed)


async def close_session(db: Call, hashed: bytes) -> None:
    await db.run(CLOSE, hashed)


async def close_others(db: Call, operator: UUID, kept: bytes) -> None:
    await db.run(CLOSE_ALL, operator, kept)


async def add_link(db: Call, hashed: bytes, operator: UUID, seconds: float, trusted: bool) -> None:
    await db.run(LINK, hashed, operator, seconds, trusted)


async def linked(db: Call, hashed: bytes) -> Json | None:
    """Whom a link signs in, without using it up."""
    row = await db.row(LINKED, hashed)
    return dict(row) if row else None


async def use_link(db: Call, hashed: bytes) -> UUID | None:
    """Use a link up; None when it was used or has expired."""
    found: UUID | None = await db.value(USE, hashed)
    return found


async def forget(db: Call) -> int:
    return await db.run(FORGET)
