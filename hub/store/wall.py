"""The wall: under which roles the hub works, and what each of them may see.

`hub_tenant` serves one account: row level security shows it the rows of the account that the connection names
(`hub.account`), and none when it names none. `hub_system` is the hub itself. Both own nothing. Every migration ends with
`raise_wall`, so that tables of newer ones stand behind it too.
"""

from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg

TENANT, SYSTEM = "hub_tenant", "hub_system"
# Who signs in where the hub runs its own PostgreSQL.
LOGIN = "hub_app"
ROLES = f"select rolname from pg_roles where rolname in ('{TENANT}', '{SYSTEM}')"
MAKE_ROLES = (f"create role {TENANT} nologin", f"create role {SYSTEM} nologin")
JOIN = f"grant {TENANT}, {SYSTEM} to "
RAISES = "select to_regproc('raise_wall') is not null"
RAISE = "select raise_wall()"
MEMBER = f"""
    select count(*) = 2 from pg_roles r where r.rolname in ('{TENANT}', '{SYSTEM}') and pg_has_role(current_user, r.oid,
        case when current_setting('server_version_num')::int < 160000 then 'member' else 'set' end)
"""
# Whoever signs in could still do all this with the tables.
OWNS = """
    select exists (select 1 from pg_class c where c.relname = 'accounts' and pg_get_userbyid(c.relowner) = session_user)
        or (select rolsuper from pg_roles where rolname = session_user)
"""


async def up(con: Any, user: str | None = None, password: str | None = None) -> bool:
    """Make the roles where that is allowed and raise the wall; `user` may sign in and work under them. False: the roles
    are not there and may not be made."""
    try:
        async with con.transaction():
            have = {r["rolname"] for r in await con.fetch(ROLES)}
            for role, make in zip((TENANT, SYSTEM), MAKE_ROLES, strict=True):
                if role not in have:
                    await _made(con, make)
            await con.execute(JOIN + "current_user")
            if user is not None:
                await _signs_in(con, user, password)
    except asyncpg.InsufficientPrivilegeError:
        if len(await con.fetch(ROLES)) < 2:
            return False
    if await con.fetchval(RAISES):
        await con.execute(RAISE)
    return True


async def _made(con: Any, sql: str) -> None:
    """Roles are the server's: another database's migration may make them at this moment."""
    try:
        async with con.transaction():
            await con.execute(sql)
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        return


async def _signs_in(con: Any, user: str, password: str | None) -> None:
    name = await con.fetchval("select quote_ident($1)", user)
    if not await con.fetchval("select exists (select 1 from pg_roles where rolname = $1)", user):
        secret = await con.fetchval("select quote_literal($1)", password) if password else "null"
        await _made(con, f"create role {name} login noinherit password {secret}")
    # Under its own name it may do nothing at all. Before PostgreSQL 16 that was the role's own property.
    plain = int(await con.fetchval("show server_version_num")) < 160_000
    await con.execute(JOIN + name + ("" if plain else " with inherit false, set true"))


async def owns(db: Any) -> bool:
    """Whether who signs in owns the tables, or may do everything."""
    return bool(await db.value(OWNS))


def user_of(dsn: str) -> tuple[str | None, str | None]:
    """Who signs in with an address, and their password."""
    found = urlsplit(dsn)
    return (
        unquote(found.username) if found.username else None,
        unquote(found.password) if found.password else None,
    )


def as_app(dsn: str) -> str:
    """The address of our own PostgreSQL for everything but migrations: nobody else's is changed."""
    return dsn.replace("postgresql://postgres@/hub?host=", f"postgresql://{LOGIN}@/hub?host=", 1)
