"""Each migration by itself: what fails, what waits and what is killed in between."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hub.errors import Setup
from hub.store.migrate import files, migrate

MADE_OF = "select array_agg(relname::text order by relname) from pg_class where relname ~ '^(first|half|last)_one$'"


async def test_one_that_fails_is_named_and_leaves_those_before_it_done_and_nothing_of_itself(
    empty: str, folder: Path
) -> None:
    landed = [f.name for f in files()]
    (folder / "9001_first.sql").write_text("create table first_one (account_id uuid primary key);")
    (folder / "9002_bad.sql").write_text("create table half_one (x int primary key); select 1/0;")
    (folder / "9003_last.sql").write_text("create table last_one (x int primary key);")
    said = rf"^Migration 9002_bad.sql failed \(division by zero\); the {len(landed) + 1} before it are done"
    with pytest.raises(Setup, match=said):
        await migrate(empty)
    con: Any = await asyncpg.connect(empty)
    try:
        assert await con.fetchval(MADE_OF) == ["first_one"]
        assert await con.fetchval("select max(name) from migrations") == "9001_first.sql"
        # What stands is behind the wall, though those after it failed.
        assert await con.fetchval("select relrowsecurity from pg_class where relname = 'first_one'")
        (folder / "9002_bad.sql").write_text("create table half_one (x int primary key);")
        assert await migrate(empty) == ["9002_bad.sql", "9003_last.sql"]
        assert await con.fetchval(MADE_OF) == ["first_one", "half_one", "last_one"]
    finally:
        await con.close()


WAITS = """
    select count(*) > 0 from pg_stat_activity
    where datname = current_database() and query ~ $1 and wait_event_type = 'Lock'
"""
KILL = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query ~ 'xact_lock.77' and pid <> pg_backend_pid()
"""
HELD = "create table half_one (x int primary key); select pg_advisory_xact_lock(77);"


@pytest.mark.parametrize("killed", [False, True])
async def test_another_process_waits_for_the_whole_and_who_is_killed_in_between_is_gone_on_from(
    empty: str, folder: Path, killed: bool
) -> None:
    """The lock that one of them needs is let go with it, not with the last."""
    await migrate(empty)
    (folder / "9001_first.sql").write_text("alter table sessions add column grown int;")
    (folder / "9002_held.sql").write_text(HELD)
    (folder / "9003_last.sql").write_text("create table last_one (x int primary key);")
    con: Any = await asyncpg.connect(empty)
    try:
        await con.execute("select pg_advisory_lock(77)")
        one = asyncio.create_task(migrate(empty))
        await _until(con, WAITS, "xact_lock.77")
        other = asyncio.create_task(migrate(empty))
        await _until(con, WAITS, "pg_advisory_lock..1")
        # The first of them is through: its table is everybody's, long before the last one is.
        await con.execute("set lock_timeout = '1s'")
        assert await con.fetchval("select count(grown) from sessions") == 0
        assert await con.fetchval(MADE_OF) is None
        if killed:
            await con.execute(KILL)
            with pytest.raises(Setup, match=r"^Migration 9002_held.sql failed"):
                await one
            await _until(con, WAITS, "xact_lock.77")
        await con.execute("select pg_advisory_unlock(77)")
        done = [] if killed else await one
        rest = ["9002_held.sql", "9003_last.sql"]
        assert (done, await other) == (([], rest) if killed else (["9001_first.sql", *rest], []))
        assert await con.fetchval(MADE_OF) == ["half_one", "last_one"]
    finally:
        await con.close()


async def _until(con: Any, sql: str, *args: str) -> None:
    async with asyncio.timeout(30):
        while not await con.fetchval(sql, *args):
            await asyncio.sleep(0.02)


async def test_an_older_hub_changes_nothing_of_a_newer_database(empty: str) -> None:
    await migrate(empty)
    con: Any = await asyncpg.connect(empty)
    try:
        await con.execute("insert into migrations (name, sha256) values ('9999_newer.sql', '')")
        await con.execute("create table newer_one (account_id uuid primary key)")
        with pytest.raises(Setup, match=r"newer version \(9999_newer.sql\)"):
            await migrate(empty)
        assert not await con.fetchval("select relrowsecurity from pg_class where relname = 'newer_one'")
    finally:
        await con.close()


async def test_the_last_one_is_there_when_the_wall_is(empty: str, folder: Path) -> None:
    """Whoever waits for it begins to work at once, and who migrates may be killed in between."""
    await migrate(empty)
    (folder / "9001_first.sql").write_text("create table first_one (account_id uuid primary key);")
    (folder / "9002_last.sql").write_text("create table last_one (account_id uuid primary key);")
    con: Any = await asyncpg.connect(empty)
    other: Any = await asyncpg.connect(empty)
    try:
        holds = con.transaction()
        await holds.start()
        await con.execute("grant references on accounts to hub_system")
        one = asyncio.create_task(migrate(empty))
        await _until(other, WAITS, "raise_wall")
        assert await other.fetchval("select max(name) from migrations") == "9001_first.sql"
        await holds.rollback()
        assert await one == ["9001_first.sql", "9002_last.sql"]
        walled = "select bool_and(relrowsecurity) from pg_class where relname in ('first_one', 'last_one')"
        assert await other.fetchval(walled)
    finally:
        await con.close()
        await other.close()
