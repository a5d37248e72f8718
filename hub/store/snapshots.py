"""One moment of the whole database, for a copy of it; and what must be known before one is put back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from hub.errors import Setup
from hub.store import hosts, wall
from hub.store.db import reach

BEGIN = (
    "begin isolation level repeatable read read only",
    # It stays open while everything is copied.
    "set local idle_in_transaction_session_timeout = 0",
)
EXPORT = "select pg_export_snapshot()"
VERSION = "select current_setting('server_version_num')::int"
TABLES = """
    select format('select count(*) from %I.%I', n.nspname, c.relname) as counting, c.relname as name from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and n.nspname = current_schema()
        and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'e') order by 2
"""
NEWEST = "select max(name) from migrations"
OTHERS = "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'hub' and pid <> pg_backend_pid()"
REPLACES = ("drop schema public cascade", "create schema public")


@dataclass(slots=True)
class Snapshot:
    """A moment that stays visible, to pg_dump too, until it is closed."""

    con: Any
    id: str
    server: int
    migration: str

    async def rows(self) -> dict[str, int]:
        """How many rows each table has at this moment."""
        return {t["name"]: await self.con.fetchval(t["counting"]) for t in await self.con.fetch(TABLES)}

    async def close(self) -> None:
        await self.con.close()


async def server(dsn: str) -> int:
    """The server's version, such as 180006. Raise Setup."""
    con: Any = await reach(hosts.connect(dsn))
    try:
        return int(await con.fetchval(VERSION))
    finally:
        await con.close()


async def take(dsn: str) -> Snapshot:
    """Raise Setup when the database cannot be reached, or is none of a hub."""
    con: Any = await reach(hosts.connect(dsn))
    try:
        for sql in BEGIN:
            await con.execute(sql)
        newest = await con.fetchval(NEWEST)
        return Snapshot(con, await con.fetchval(EXPORT), int(await con.fetchval(VERSION)), str(newest))
    except asyncpg.UndefinedTableError:
        await con.close()
        raise Setup("The database holds no hub; there is nothing to back up.") from None
    except BaseException:
        await con.close()
        raise


async def counts(dsn: str) -> dict[str, int]:
    """How many rows each table has."""
    found = await take(dsn)
    try:
        return await found.rows()
    finally:
        await found.close()


@dataclass(frozen=True, slots=True)
class Target:
    """Where a copy is to be put: how many tables and processes of a hub are there already."""

    tables: int
    processes: int
    server: int


async def prepare(dsn: str, user: str | None, password: str | None) -> tuple[Target, bool]:
    """What is there, and whether the roles of the wall are, which the copy names; they are made where that is allowed."""
    con: Any = await reach(hosts.connect(dsn))
    try:
        target = Target(len(await con.fetch(TABLES)), await con.fetchval(OTHERS), await con.fetchval(VERSION))
        async with con.transaction():
            return target, await wall.up(con, user, password)
    finally:
        await con.close()


async def moment(dsn: str) -> datetime:
    """The server's clock."""
    con: Any = await reach(hosts.connect(dsn))
    try:
        found: datetime = await con.fetchval("select clock_timestamp()")
        return found
    finally:
        await con.close()


async def recovering(dsn: str) -> bool:
    """Whether a server still goes through its log; one that cannot be asked does."""
    try:
        con: Any = await asyncpg.connect(dsn, timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return True
    try:
        return bool(await con.fetchval("select pg_is_in_recovery()"))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return True
    finally:
        con.terminate()
