"""Databases for the tests: cloned from one migrated template, emptied after each test and lent again."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from hub.processes.embedded import Server
from hub.store.migrate import migrate

TEMPLATE = "template_hub"
# Everything that a migration or a test could have changed but rows: another one means another transaction, or fewer.
SHAPE = """
    select concat_ws(' ',
        (select count(*) || ':' || max(xmin::text::bigint) from pg_class where oid >= 16384),
        (select count(*) || ':' || max(xmin::text::bigint) from pg_attribute where attrelid >= 16384),
        (select count(*) || ':' || max(xmin::text::bigint) from pg_proc where oid >= 16384),
        (select count(*) || ':' || max(xmin::text::bigint) from pg_type where oid >= 16384),
        (select count(*) || ':' || max(xmin::text::bigint) from pg_constraint),
        (select count(*) || ':' || max(xmin::text::bigint) from pg_trigger),
        (select count(*) || ':' || max(xmin::text::bigint) from pg_policy),
        (select count(*) || ':' || max(xmin::text::bigint) from pg_index where indexrelid >= 16384),
        (select count(*) || ':' || max(xmin::text::bigint) from pg_attrdef),
        (select count(*) || ':' || max(xmin::text::bigint) from pg_namespace),
        (select count(*) from pg_statistic where starelid >= 16384),
        (select count(*) from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
         where d.datname = current_database()),
        (select datacl::text from pg_database where datname = current_database()),
        (select count(*) || ':' || max(xmin::text::bigint) from migrations))
"""
# Who is left over from a test's end: nobody writes any more once this has returned.
ALONE = """
    select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
"""
FILLED = """
    select format('delete from %s;', oid::regclass) from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'migrations'
      and relfilenode = any($1::oid[])
"""
EMPTIED = """
    begin;
    set local session_replication_role = replica;  -- no trigger and no foreign key looks at it
    {deletes}
    do $$
    declare name text; begun bigint;
    begin
        for name, begun in
            select seqrelid::regclass, seqstart from pg_sequence where pg_sequence_last_value(seqrelid) is not null
        loop
            perform setval(name, begun, false);
        end loop;
    end $$;
    commit
"""
# What a test filled is longer to look through afterwards than a new one to make.
SWOLLEN = 1 << 20


@dataclass
class Cluster(Server):
    """The run's PostgreSQL, the shape of its template, and the databases that nobody uses now."""

    shape: str = ""
    free: list[str] = field(default_factory=list)


def at(url: str, database: str) -> str:
    """The same server, another database."""
    head, tail = url.split("/hub?", 1)
    return f"{head}/{database}?{tail}"


async def prepared(server: Server) -> Cluster:
    """With the template in it."""
    admin: Any = await asyncpg.connect(server.url)
    try:
        await admin.execute(f"create database {TEMPLATE}")
    finally:
        await admin.close()
    await migrate(at(server.url, TEMPLATE))
    con: Any = await asyncpg.connect(at(server.url, TEMPLATE))
    try:
        return Cluster(**vars(server), shape=await con.fetchval(SHAPE))
    finally:
        await con.close()


@asynccontextmanager
async def cloned(server: Server) -> AsyncIterator[str]:
    """A database of its own, migrated and without a row; its address."""
    free = server.free if isinstance(server, Cluster) else []
    name = free.pop() if free else await _made(server)
    try:
        yield at(server.url, name)
    finally:
        if isinstance(server, Cluster) and await _emptied(server, name):
            server.free.append(name)
        else:
            await _asked(server, f"drop database {name} with (force)")


async def _made(server: Server) -> str:
    name = f"t{uuid4().hex}"
    await _asked(server, f"create database {name} template {TEMPLATE} strategy file_copy")
    return name


async def _asked(server: Server, sql: str) -> None:
    admin: Any = await asyncpg.connect(server.url)
    try:
        await admin.execute(sql)
    finally:
        await admin.close()


def _sizes(folder: Path) -> dict[int, int]:
    """The bytes of each file of a table or an index of ours, by its number: to ask the server costs ten times as
    much, as it opens every one."""
    with os.scandir(folder) as files:
        return {int(f.name): f.stat().st_size for f in files if f.name.isdecimal() and int(f.name) >= 16384}


async def _emptied(server: Cluster, name: str) -> bool:
    """Whether it is as it was made; not where a test has changed more than rows, or filled it."""
    con: Any = None
    try:
        con = await asyncpg.connect(at(server.url, name))
        await con.fetch(ALONE)
        if await con.fetchval(SHAPE) != server.shape:
            return False
        number = await con.fetchval("select oid from pg_database where datname = current_database()")
        sizes = _sizes(server.log.parent / "postgres" / "base" / str(number))
        if max(sizes.values()) > SWOLLEN:
            return False
        deletes = await con.fetch(FILLED, [file for file, size in sizes.items() if size])
        await con.execute(EMPTIED.format(deletes="".join(r[0] for r in deletes)))
        return True
    except (asyncpg.PostgresError, OSError):
        return False
    finally:
        if con is not None:
            await con.close()
