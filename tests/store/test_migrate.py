"""Migrations: from empty, at once, never twice, never backwards."""

import asyncio
import re
import sys
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from hub import SCHEMA
from hub.errors import Setup
from hub.store.db import Db, open_db
from hub.store.migrate import current, files, migrate
from hub.store.owed_indexes import PLAIN

# Tables whose rows belong to something that has an account, or to nobody.
SHARED = {
    "accounts": "is the account",
    "talk_marks": "one row: how far the sums of all accounts are",
    "contact_ids": "of an integration",
    "inbox_dedupe": "of an integration, narrow on purpose",
    "attempts": "of a delivery",
    "number_paces": "of an integration",
    "scheduled_users": "of a chat client",
    "turn_steps": "of a session",
    "operator_sessions": "of an operator",
    "operator_links": "of an operator",
    "session_reads": "of an operator and a session",
    "operator_devices": "of an operator",
    "operator_totp": "of an operator",
    "operator_recovery_codes": "of an operator",
    "operator_passkeys": "of an operator",
    "operator_pending": "of an operator",
    "operator_identities": "of an operator",
    "sign_in_waits": "of nobody who is known yet",
    "worker_beats": "of the machine",
    "leader": "of the machine",
    "personal_folders": "of the machine",
    "drills": "of the machine",
    "migrations": "of the database",
}


async def test_from_empty_to_current(empty: str) -> None:
    assert await migrate(empty) == [f.name for f in files()]
    assert await migrate(empty) == []
    async with open_db(empty, size=2) as db:
        assert await current(db)


async def test_an_empty_database_is_not_current(empty: str) -> None:
    async with open_db(empty, size=2) as db:
        assert not await current(db)


async def test_six_at_once_apply_everything_once(empty: str) -> None:
    code = (
        "import asyncio, sys; from hub.store.migrate import migrate;"
        " print(len(asyncio.run(migrate(sys.argv[1]))))"
    )
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            code,
            empty,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(6)
    ]
    said = [await one.communicate() for one in started]
    assert [err.decode() for _, err in said] == [""] * 6
    assert sorted(int(out) for out, _ in said) == [0] * 5 + [len(files())]


async def test_a_changed_file_is_refused(owner: Db, dsn: str) -> None:
    await owner.run("update migrations set sha256 = 'other' where name = $1", files()[0].name)
    with pytest.raises(
        Setup,
        match=f"^Migration {files()[0].name} was changed after it was applied; restore",
    ):
        await migrate(dsn)


async def test_a_newer_database_is_refused_with_a_sentence(db: Db, owner: Db, dsn: str) -> None:
    await owner.run("insert into migrations (name, sha256) values ('9000_later.sql', 'x')")
    with pytest.raises(
        Setup,
        match=r"^The database is of a newer version \(9000_later.sql\) than this hub .*backup.*\.$",
    ):
        await migrate(dsn)
    assert not await current(db)


async def test_an_owner_who_may_not_make_extensions_is_told_what_to_ask_for(empty: str) -> None:
    """Once somebody who may has made them, the owner goes on alone."""
    admin: Any = await asyncpg.connect(empty)
    role = f"r{uuid4().hex}"
    try:
        await admin.execute(f"create role {role} login; grant all on schema public to {role}")
        own = empty.replace("postgres@", f"{role}@", 1)
        assert own != empty
        with pytest.raises(Setup, match="may not make extensions .*create extension if not exists vector; ") as said:
            await migrate(own)
        for statement in str(said.value).split("then start again: ")[1].rstrip(".").split("; "):
            await admin.execute(statement)
        assert await migrate(own) == [f.name for f in files()]
    finally:
        await admin.execute(f"drop owned by {role} cascade; drop role {role}")
        await admin.close()


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://nobody@127.0.0.1:1/hub",
        "postgresql://x@/hub?host=/nowhere",
        "postgresql://u:planted@127.0.0.1:1/hub",
        "no address",
    ],
)
async def test_a_database_that_is_not_there_is_one_sentence(dsn: str) -> None:
    with pytest.raises(Setup, match="HUB_DATABASE_URL") as caught:
        await migrate(dsn)
    assert "\n" not in str(caught.value) and "planted" not in str(caught.value)


def test_files_are_numbered_once_and_known() -> None:
    numbers = [int(f.name.split("_")[0]) for f in files()]
    assert numbers == sorted(set(numbers))
    assert all(f.name.split("_")[0].isdigit() and len(f.name.split("_")[0]) == 4 for f in files())
    assert numbers[-1] == SCHEMA > 0


async def test_every_table_of_a_tenant_names_its_account(db: Db) -> None:
    rows = await db.fetch(
        "select c.relname as name, exists (select 1 from pg_attribute a where a.attrelid = c.oid"
        " and a.attname = 'account_id') as scoped"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'public' and c.relkind in ('r', 'p')"
    )
    assert {r["name"] for r in rows if not r["scoped"]} == set(SHARED)


# Days of a calendar, which are no moments.
CALENDAR = {
    ("schedules", "anchor"): "every n-th day, week or month counts from it, on the wall clock of the zone",
    ("number_paces", "first_day"): "days of a number's life are counted, in UTC",
    ("accounts", "guest_day"): "whose guests' bytes are counted, in UTC",
    ("number_paces", "day"): "whose messages are counted, in UTC",
    ("retention_runs", "day"): "of the last look at what an account keeps no longer, in UTC",
}


async def test_times_have_a_zone_and_ids_are_indexed(db: Db) -> None:
    naive = await db.fetch(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'public'"
        " and data_type in ('timestamp without time zone', 'time without time zone', 'date')"
    )
    assert {tuple(r) for r in naive} == set(CALENDAR)
    bare = await db.fetch(
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'public' and c.relkind = 'r'"
        " and not exists (select 1 from pg_index i where i.indrelid = c.oid)"
    )
    assert [r["relname"] for r in bare] == []


# Rows go when their session or account goes, which is rare; an index would cost every insert.
UNINDEXED = {
    "files.account_id",
    "outbox.integration_id",
    "outbox.session_id",
    "schedules.contact_id",  # indexed where it is set, which serves the key as well
    # The same: what changes with every message stands in as few indexes as can be.
    "session_order.assignee_id", "session_order.snoozed_by", "session_order.team_id",
    "sessions.integration_id",
}


async def test_every_key_to_another_table_is_indexed(db: Db) -> None:
    """Without an index, deleting the other row reads the whole table."""
    rows = await db.fetch(
        "select k.conrelid::regclass::text as table_name, a.attname as name from pg_constraint k"
        " join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]"
        " where k.contype = 'f' and not exists ("
        "   select 1 from pg_index i where i.indrelid = k.conrelid and i.indkey[0] = k.conkey[1]"
        "   and i.indpred is null)"
    )
    found = {f"{r['table_name']}.{r['name']}" for r in rows}
    assert found == UNINDEXED, "an index, or a reason"


# The newest one that landed before this was asked of each.
LANDED = "0251"
MADE = re.compile(r"create\s+table\s+(?:if\s+not\s+exists\s+)?(\w+)", re.I)
INDEXED = re.compile(r"[^\n;]*\bcreate\s+(?:unique\s+)?index\b[^;]*?\bon\s+(?:only\s+)?(\w+)[^;]*;?", re.I)
KEYED = re.compile(r"alter\s+table\s+(?:only\s+)?(\w+)[^;]*\badd\s[^;]*\b(?:unique|primary\s+key|exclude)\b[^;]*", re.I)


def holds_up(text: str) -> list[str]:
    """Statements of a migration that make an index of a table which may have grown, and hold up whoever writes."""
    bare = re.sub(r"--[^\n]*", "", text)
    new = {name.lower() for name in MADE.findall(bare)}
    ordinary = [
        found[0].strip() for found in INDEXED.finditer(bare)
        if found[1].lower() not in new and not PLAIN.fullmatch(found[0].strip("\n"))
    ]
    return ordinary + [found[0] for found in KEYED.finditer(bare) if found[1].lower() not in new]


def test_no_migration_holds_up_writers_while_an_index_is_built() -> None:
    for file in files():
        if file.name > LANDED:
            assert holds_up(file.read_text()) == [], file.name


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("create table a (id int);\ncreate unique index a_id on a (id);\ncreate index on a (id);", 0),
        ("create index sessions_x on sessions (id) where id is not null;", 0),
        ("-- An index.\ncreate index turns_x on turns\n    (id);\ncreate index on turns (id);", 1),
        ("create unique index sessions_x on sessions (id);", 1),
        ("create index on sessions (id);", 1),
        ("create index concurrently sessions_x on sessions (id);", 1),
        ("do $$ begin execute 'create index sessions_x on sessions (id)'; end $$;", 1),
        ("alter table sessions add column x text unique;", 1),
        ("alter table sessions add constraint y primary key (id, x);", 1),
        ("alter table sessions add column x text;", 0),
    ],
)
def test_what_holds_up_writers_is_found(text: str, held: int) -> None:
    assert len(holds_up(text)) == held, holds_up(text)
