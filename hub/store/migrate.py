"""Numbered SQL files, each once and in a transaction of its own, all of them inside one lock: what has to wait for one
holds up nobody for the sake of the others, and who is killed in between goes on where it was."""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg

from hub import SCHEMA
from hub.errors import HubError, Setup
from hub.store import hosts, owed_indexes, wall
from hub.store.db import reach

FOLDER = Path(__file__).parent / "migrations"
LOCK = 0x6875625F6D696772
TABLE = "create table if not exists migrations (name text primary key, sha256 text not null, at timestamptz not null default now())"
APPLIED = "select name, sha256 from migrations"
RECORD = "insert into migrations (name, sha256, owed) values ($1, $2, $3)"
# Statements of indexes that are still to be built (`owed_indexes`).
OWES = """
    select exists (select 1 from pg_attribute where attrelid = 'migrations'::regclass and attname = 'owed' and not attisdropped)
"""
OWE = "alter table migrations add column owed text[] not null default '{}'"
EXTENSIONS = ("vector", "pg_trgm", "unaccent", "btree_gin")
MAKE_EXTENSIONS = (
    "create extension if not exists vector", "create extension if not exists pg_trgm",
    "create extension if not exists unaccent", "create extension if not exists btree_gin",
)
# Tables of newer migrations too.
WATCHES, WATCH = "select to_regproc('audit_watch') is not null", "select audit_watch()"
# What has words of its own.
SPOKEN = (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError, asyncpg.UndefinedFileError)
NEWEST = "select max(name) from migrations"


def files() -> list[Path]:
    return sorted(FOLDER.glob("[0-9]*.sql"))


async def migrate(dsn: str, user: str | None = None, password: str | None = None) -> list[str]:
    """Apply what is missing; return the names of the files applied now.

    user: who signs in for everything else, made with this password where there is none of that name yet."""
    con: Any = await reach(hosts.connect(dsn))
    try:
        await con.execute("set client_min_messages = warning")
        await con.execute("select pg_advisory_lock($1)", LOCK)  # first: `if not exists` races
        async with con.transaction():
            await con.execute(TABLE)
            if not await con.fetchval(OWES):
                await con.execute(OWE)
        applied, known = {r["name"]: r["sha256"] for r in await con.fetch(APPLIED)}, files()
        if (newest := max(applied, default="")) > known[-1].name:
            raise Setup(_newer(newest))  # nothing of what a newer hub made is touched
        try:
            done = await _missing(con, known, applied, user, password)
        except BaseException:
            # What stands must be behind the wall, whatever did not come after it.
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await _walled(con, user, password)
            raise
        if known[-1].name in applied:
            await _walled(con, user, password)
        # Whoever waits for this lock would be waited for by an index that is built.
        await con.execute("select pg_advisory_unlock($1)", LOCK)
        await owed_indexes.build(con)
        return done
    except asyncpg.InsufficientPrivilegeError as e:
        raise Setup(_forbidden(_first_line(e))) from None
    except (asyncpg.FeatureNotSupportedError, asyncpg.UndefinedFileError) as e:
        if "extension" not in str(e):
            raise
        raise Setup(
            f"The PostgreSQL server lacks an extension ({_first_line(e)}); install pgvector and PostgreSQL's contrib package on it."
        ) from None
    finally:
        await con.close()


async def _missing(
    con: Any, known: Sequence[Path], applied: dict[str, str], user: str | None, password: str | None
) -> list[str]:
    """Apply what is missing, in order; what failed is said by its name, and those before it stand.

    The last comes with the wall: who finds it there may begin to work."""
    done = list[str]()
    for file in known:
        try:
            async with con.transaction():
                if await _apply(con, file, applied):
                    if file is known[-1]:
                        await con.execute("set local synchronous_commit = on")
                        await _walled(con, user, password)
                    done.append(file.name)
        except SPOKEN:
            raise
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as e:
            raise Setup(_failed(file.name, _first_line(e), len(done))) from e
    return done


async def _apply(con: Any, file: Path, applied: dict[str, str]) -> bool:
    text = await asyncio.to_thread(file.read_text, encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    if file.name in applied:
        if applied[file.name] != digest:
            raise Setup(f"Migration {file.name} was changed after it was applied; restore the released file.")
        return False
    text, owed = await owed_indexes.left_out(con, file, text, files())
    # Each is whole or not there; on the disk all of them are with the last commit, which waits for it.
    await con.execute("set local synchronous_commit = off")
    await con.execute(text)
    await con.execute(RECORD, file.name, digest, owed)
    return True


async def _walled(con: Any, user: str | None, password: str | None) -> None:
    async with con.transaction():
        if await con.fetchval(WATCHES):
            await con.execute(WATCH)
        await wall.up(con, user, password)


async def current(con: Any) -> bool:
    """Whether the database holds exactly the migrations this code knows."""
    try:
        newest = await con.value(NEWEST)
    except asyncpg.UndefinedTableError:
        return False
    return bool(newest == files()[-1].name)


def _first_line(error: Exception) -> str:
    """Without the hints of the server."""
    return str(error).partition("\n")[0]


def _failed(name: str, said: str, before: int) -> str:
    stand = f"the {before} before it are done" if before > 1 else "the one before it is done" if before else "nothing was done"
    return f"Migration {name} failed ({said}); {stand}, and nothing of it is. Mend the cause and run `hub migrate` again."


def _forbidden(said: str) -> str:
    if "extension" not in said:
        return f"The database user may not migrate ({said}); grant it create on the database or run as its owner."
    wanted = "; ".join(MAKE_EXTENSIONS)
    return (
        f"The database user may not make extensions ({said}); have an administrator run this in the database once, "
        f"then start again: {wanted}."
    )


async def demand(con: Any) -> None:
    """Refuse to work over a schema that this code does not know. Raise Setup.

    A database that cannot be reached now is no reason: what serves it waits for it.
    """
    try:
        newest = await con.value(NEWEST)
    except asyncpg.UndefinedTableError:
        newest = None
    except HubError:
        return
    known = files()[-1].name
    if newest is not None and newest > known:
        raise Setup(_newer(newest))
    if newest != known:
        raise Setup("The database is not ready for this version; run `hub migrate` first.")


def _newer(name: str) -> str:
    return (
        f"The database is of a newer version ({name}) than this hub (schema {SCHEMA}); "
        "start the newer hub, or restore the backup made before the upgrade."
    )
