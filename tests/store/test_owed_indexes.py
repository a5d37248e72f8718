"""Indexes of grown tables: built beside those who write, of tables in one piece and in partitions."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hub.store import owed_indexes
from hub.store.db import Db
from hub.store.migrate import files, migrate
from hub.store.owed_indexes import PLAIN

INDEXES = "select indexdef from pg_indexes where schemaname = 'public' order by 1"


async def test_indexes_of_a_grown_database_are_built_beside_its_writers_and_none_is_missing(
    empty: str, owner: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if all tables had grown: what is owed is built afterwards, and the schema is that of everybody else."""
    built: list[str] = []
    whole = owed_indexes._built

    async def seen(con: Any, statement: str) -> None:
        built.append(statement)
        await whole(con, statement)

    monkeypatch.setattr(owed_indexes, "GROWN", 0)
    monkeypatch.setattr(owed_indexes, "_built", seen)
    await migrate(empty)
    names = {found[1] for b in built if (found := PLAIN.match(b))}
    assert {"session_order_unassigned", "session_order_put_away", "sessions_listed", "turns_of_account"} <= names
    assert "teams_name" not in names
    con: Any = await asyncpg.connect(empty)
    try:
        assert [r[0] for r in await con.fetch(INDEXES)] == [r[0] for r in await owner.fetch(INDEXES)]
        assert await con.fetchval("select count(*) from migrations where owed <> '{}'") == 0
        assert await con.fetchval("select count(*) from pg_index where not indisvalid") == 0
    finally:
        await con.close()


LONG = "heavy_" + "x" * 50
ODD = ("2027_01", 'a "quoted" one', "Ação " + "y" * 40, "z" * 62 + "1", "z" * 62 + "2")


async def test_an_owed_index_of_partitions_of_any_name_is_built(
    empty: str, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """One begins with a digit, one has blanks and quotes in it, and two differ only in what is cut off."""
    con: Any = await asyncpg.connect(empty)
    try:
        await migrate(empty)
        await con.execute("create table heavy (id int, part int) partition by list (part)")
        for n, name in enumerate(ODD):
            part = '"' + name.replace('"', '""') + '"'
            await con.execute(f"create table {part} partition of heavy for values in ({n})")
        await con.execute(f"insert into heavy select n, n % {len(ODD)} from generate_series(1, 100) n")
        made = f"create index {LONG} on heavy (id);\ncreate index heavy_part on heavy (part);\n"
        (folder / "9001_heavy.sql").write_text(made)
        monkeypatch.setattr(owed_indexes, "GROWN", 1)
        assert await migrate(empty) == ["9001_heavy.sql"]
        assert await con.fetchval("select cardinality(owed) from migrations where name = '9001_heavy.sql'") == 0
        for index in (LONG, "heavy_part"):
            assert await con.fetchval("select indisvalid from pg_index where indexrelid = to_regclass($1)", index)
            joined = await con.fetchval("select count(*) from pg_inherits where inhparent = to_regclass($1)", index)
            assert joined == len(ODD)
    finally:
        await con.close()


@pytest.mark.parametrize("cut", [False, True])
async def test_an_owed_index_waits_for_no_lock_of_a_writer_and_is_built_the_next_time(
    empty: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, cut: bool
) -> None:
    con: Any = await asyncpg.connect(empty)
    try:
        await migrate(empty)
        parts = "partition by list (part)" if cut else ""
        await con.execute(f"create table heavy (id int, part int) {parts}")
        if cut:
            await con.execute("create table heavy_1 partition of heavy for values in (1)")
            await con.execute("create table heavy_2 partition of heavy for values in (2)")
        await con.execute("insert into heavy select n, 1 + n % 2 from generate_series(1, 100) n")
        for file in files():
            (tmp_path / file.name).write_text(file.read_text())
        made = "create index heavy_once on heavy (id, (1 / (id - 7))) where id > 0;\n"
        (tmp_path / "9001_heavy.sql").write_text(made)
        monkeypatch.setattr(owed_indexes, "GROWN", 1)
        monkeypatch.setattr("hub.store.migrate.FOLDER", tmp_path)
        assert await migrate(empty) == ["9001_heavy.sql"]  # it could not be built: the migration stands all the same
        assert await con.fetchval("select cardinality(owed) from migrations where name = '9001_heavy.sql'") == 1
        await con.execute("delete from heavy where id = 7")
        assert await migrate(empty) == []
        assert await con.fetchval("select cardinality(owed) from migrations where name = '9001_heavy.sql'") == 0
        assert await con.fetchval("select indisvalid from pg_index where indexrelid = 'heavy_once'::regclass")
        assert await con.fetchval("select count(*) from pg_index where not indisvalid") == 0
    finally:
        await con.close()


async def test_a_partition_that_came_while_an_index_was_half_built_keeps_nobody_waiting_for_it(
    empty: str, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """PostgreSQL gave it one of its own, under another name."""
    con: Any = await asyncpg.connect(empty)
    try:
        await migrate(empty)
        await con.execute("create table heavy (id int, part int) partition by list (part)")
        await con.execute("create table heavy_1 partition of heavy for values in (1)")
        await con.execute("create table heavy_3 partition of heavy for values in (3)")
        await con.execute("insert into heavy values (1, 1), (7, 3)")
        (folder / "9001_heavy.sql").write_text("create index heavy_once on heavy (id, (1 / (id - 7)));\n")
        monkeypatch.setattr(owed_indexes, "GROWN", 1)
        assert await migrate(empty) == ["9001_heavy.sql"]
        await con.execute("create table heavy_2 partition of heavy for values in (2)")
        await con.execute("delete from heavy where id = 7")
        assert await migrate(empty) == []
        assert await con.fetchval("select cardinality(owed) from migrations where name = '9001_heavy.sql'") == 0
        assert await con.fetchval("select indisvalid from pg_index where indexrelid = 'heavy_once'::regclass")
        assert await con.fetchval("select count(*) from pg_index where indrelid = 'heavy_2'::regclass") == 1
    finally:
        await con.close()


class Dropping(asyncpg.Connection):
    """Somebody drops a partition right before its index is built."""

    dropped = ""

    async def execute(self, query: str, *args: Any, **more: Any) -> Any:
        if self.dropped and f'"{self.dropped}"' in query:
            await super().execute(f"drop table {self.dropped}")
            self.dropped = ""
        return await super().execute(query, *args, **more)


@pytest.mark.parametrize("when", ["meanwhile", "between two tries"])
@pytest.mark.parametrize("dropped", ["heavy_1", "heavy_3"])
async def test_a_month_that_is_dropped_while_an_index_is_owed_keeps_nobody_waiting_for_it(
    empty: str, monkeypatch: pytest.MonkeyPatch, folder: Path, when: str, dropped: str
) -> None:
    """Also the only one that lacked it: the index of the whole is valid then."""
    con: Any = await asyncpg.connect(empty, connection_class=Dropping)
    try:
        await migrate(empty)
        await con.execute("create table heavy (id int, part int) partition by list (part)")
        for n in (1, 2, 3):
            await con.execute(f"create table heavy_{n} partition of heavy for values in ({n})")
        await con.execute("insert into heavy values (7, 1), (1, 2), (1, 3)" if dropped == "heavy_1" else
                          "insert into heavy values (1, 1), (1, 2), (7, 3)")
        (folder / "9001_heavy.sql").write_text("create index heavy_once on heavy (id, (1 / (id - 7)));\n")
        monkeypatch.setattr(owed_indexes, "GROWN", 1)
        assert await migrate(empty) == ["9001_heavy.sql"]
        if when == "meanwhile":
            con.dropped = dropped
        else:
            await con.execute(f"drop table {dropped}")
        await owed_indexes.build(con)
        assert await con.fetchval("select cardinality(owed) from migrations where name = '9001_heavy.sql'") == 0
        assert await con.fetchval("select count(*) from pg_index where not indisvalid") == 0
        assert await con.fetchval("select count(*) from pg_inherits where inhparent = 'heavy_once'::regclass") == 2
    finally:
        await con.close()
