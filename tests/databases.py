"""Databases for the tests: cloned from one migrated template, emptied after each test and lent again."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import asyncpg

from hub.processes.embedded import Server
from tests.connections import Connections

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
    where datname = current_database() and pid <> pg_backend_pid() and pid <> all ($1::int[])
"""
# Files of tables and of their long values: the same numbers in each copy, as long as its shape is the template's.
FILES = """
    select relfilenode as file,
        case when relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'migrations'
            then oid::regclass::text end as name
    from pg_class where relkind in ('r', 't') and oid >= 16384 and relfilenode <> 0
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
    """The run's PostgreSQL, the shape of its template, the databases that nobody uses now, and connections to them."""

    connections: Connections
    shape: str = ""
    files: dict[int, str | None] = field(default_factory=dict)
    free: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)

    def sizes(self, name: str) -> dict[int, int]:
        """The bytes of each of the files: to ask the server costs ten times as much, as it opens every one."""
        folder = f"{self.log.parent}/postgres/base/{self.numbers[name]}"
        return {file: os.stat(f"{folder}/{file}").st_size for file in self.files}


def at(url: str, database: str) -> str:
    """The same server, another database."""
    head, tail = url.split("/hub?", 1)
    return f"{head}/{database}?{tail}"


async def prepared(server: Server, connections: Connections) -> Cluster:
    """With the template in it: the server's own database, which is migrated."""
    await _asked(server, f"create database {TEMPLATE} template hub strategy file_copy", "postgres")
    con: Any = await asyncpg.connect(at(server.url, TEMPLATE))
    try:
        files = {r["file"]: r["name"] for r in await con.fetch(FILES)}
        return Cluster(**vars(server), connections=connections, shape=await con.fetchval(SHAPE), files=files)
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


async def _asked(server: Server, sql: str, database: str = "hub") -> None:
    admin: Any = await asyncpg.connect(at(server.url, database))
    try:
        await admin.execute(sql)
    finally:
        await admin.close()


async def _emptied(server: Cluster, name: str) -> bool:
    """Whether it is as it was made; not where a test has changed more than rows, or filled it."""
    con: Any = None
    try:
        con = await asyncpg.connect(at(server.url, name))
        await con.fetch(ALONE, server.connections.pids(name))
        if await con.fetchval(SHAPE) != server.shape:
            return False
        if name not in server.numbers:
            server.numbers[name] = await con.fetchval("select oid from pg_database where datname = current_database()")
        sizes = server.sizes(name)
        if max(sizes.values()) > SWOLLEN:
            return False
        filled = [table for file, table in server.files.items() if table and sizes[file]]
        await con.execute(EMPTIED.format(deletes="".join(f"delete from {table};" for table in filled)))
        return True
    except (asyncpg.PostgresError, OSError):
        return False
    finally:
        if con is not None:
            await con.close()
