"""Calls to the database: they end, they say when it is away, they hold any text."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Overloaded
from hub.store.db import FEW, Db, clean, dump, open_db

SOCKET = ".s.PGSQL.5432"
WEIRD = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(), max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture
async def quick(dsn: str) -> AsyncIterator[Db]:
    """Two connections and a limit of half a second."""
    async with open_db(dsn, size=2, limit=0.5) as one:
        yield one


async def test_a_stalled_statement_is_cut_off(quick: Db) -> None:
    with pytest.raises(Overloaded):
        await quick.value("select pg_sleep(5)")
    assert await quick.value("select 1") == 1, "the pool is whole"


async def test_a_pool_that_is_used_up_says_busy(quick: Db) -> None:
    async with quick.transaction(), quick.transaction():
        with pytest.raises(Overloaded, match="busy") as caught:
            await quick.value("select 1")
    assert caught.value.retry_after == 5
    assert await quick.value("select 1") == 1


async def test_what_types_are_is_asked_for_once(dsn: str) -> None:
    """Not by each connection: two kinds of arrays that nothing else uses."""
    asked: list[str] = []
    async with open_db(dsn, size=4) as one, AsyncExitStack() as stack:
        for _ in range(4):
            con = await stack.enter_async_context(one.pool.acquire())
            con.add_query_logger(lambda told: asked.append(told.query))
            assert await con.fetchval("select $1::lseg[]", []) == []
            assert await con.fetchval("select $1::macaddr[]", ["08:00:2b:01:02:03"]) == ["08:00:2b:01:02:03"]
    assert sum("typeinfo" in query for query in asked) <= 2


async def test_what_is_done_together_has_few_connections_of_its_own(dsn: str) -> None:
    """Each plans large statements for itself; and a crowd of others holds nobody up."""
    async with open_db(dsn, size=8, limit=20) as one, AsyncExitStack() as stack:
        busy = [await stack.enter_async_context(one.transaction()) for _ in range(8)]
        held = {await tx.value("select pg_backend_pid()") for tx in busy}
        pids = await asyncio.gather(*(one.few.value("select pg_backend_pid() from pg_sleep(0.01)") for _ in range(24)))
    assert len(held) == 8 and not held & set(pids) and len(set(pids)) <= FEW


async def test_a_cancelled_call_gives_its_connection_back(dsn: str, owner: Db) -> None:
    """Cancelled while it takes a connection, and while its statement runs."""
    running = "select exists (select 1 from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active')"
    # A limit that a busy machine keeps; a connection that is not given back is missed all the same.
    async with open_db(dsn, size=2, limit=20) as one:
        for n in range(6):
            task = asyncio.create_task(one.value("select pg_sleep(60)"))
            await asyncio.sleep(0)
            while n % 2 and not await owner.value(running):
                await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await asyncio.gather(*(one.value("select 1") for _ in range(4))) == [1] * 4


async def test_a_backend_that_is_shut_down_is_away_and_then_back(quick: Db, owner: Db) -> None:
    running = asyncio.create_task(quick.value("select pg_sleep(0.4)"))
    await asyncio.sleep(0.1)
    await owner.run(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where query = 'select pg_sleep(0.4)'"
    )
    with pytest.raises(Overloaded):
        await running
    assert await quick.value("select 1") == 1


async def test_a_transaction_whose_backend_is_shut_down_is_away_and_then_back(quick: Db, owner: Db) -> None:
    for again in (False, True):  # between two statements, and at the second one more
        with pytest.raises(Overloaded):
            async with quick.transaction() as tx:
                pid = await tx.value("select pg_backend_pid()")
                await owner.run("select pg_terminate_backend($1, 2000)", pid)
                if again:
                    with suppress(Exception):
                        await tx.value("select 1")
                await tx.value("select 1")
        assert await quick.value("select 1") == 1


async def test_what_fails_beside_the_statements_of_a_transaction_is_no_trouble_of_the_database(quick: Db) -> None:
    with pytest.raises(FileNotFoundError):
        async with quick.transaction() as tx:
            await tx.value("select 1")
            raise FileNotFoundError("gone")
    with pytest.raises(asyncpg.UniqueViolationError):
        async with quick.transaction() as tx:
            await tx.run("do $$ begin raise exception 'no' using errcode = '23505'; end $$")


@pytest.mark.parametrize("state", ["53100", "53300", "57014", "57P01", "57P03", "25006", "08006"])
async def test_a_server_in_trouble_is_away(db: Db, state: str) -> None:
    with pytest.raises(Overloaded):
        await db.run(f"do $$ begin raise exception 'no' using errcode = '{state}'; end $$")


async def test_a_connection_that_breaks_in_the_middle_of_a_word_is_away(dsn: str, tmp_path: Path) -> None:
    """What asyncpg itself cannot make sense of is no fault of the caller: half of an answer, or none."""
    for n, last in enumerate((b"", b"Z\x00\x00\x00\x05", b"T\x00\x00\x00\x40\x00\x01", b"1\x00\x00\x00\x04t\x00\x00")):
        (folder := tmp_path / str(n)).mkdir()
        async with _spoiled(dsn, folder, last) as (through, spoil), open_db(through, size=1, limit=2.0) as one:
            assert await one.value("select 1") == 1
            spoil.set()
            with pytest.raises(Overloaded):
                await one.value("select 2")
            spoil.clear()
            assert await one.value("select 3") == 3, "and the next call has a new connection"


@asynccontextmanager
async def _spoiled(dsn: str, folder: Path, last: bytes) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """The database behind somebody who, when told, ends each connection with these bytes in place of an answer."""
    host, spoil = parse_qs(urlsplit(dsn).query)["host"][0], asyncio.Event()

    async def passed(source: asyncio.StreamReader, to: asyncio.StreamWriter, back: bool) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                to.write(last if back and spoil.is_set() else data)
                if back and spoil.is_set():
                    break
        to.close()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far, to = await asyncio.open_unix_connection(f"{host}/{SOCKET}")
        await asyncio.gather(passed(reader, to, False), passed(far, writer, True))

    server = await asyncio.start_unix_server(met, folder / SOCKET)
    try:
        yield dsn.replace(f"host={host}", f"host={folder}"), spoil
    finally:
        server.close()


async def test_a_wrong_call_is_not_called_away(db: Db) -> None:
    """The driver's own refusals stay the caller's fault, and cost no connection."""
    with pytest.raises(asyncpg.InterfaceError):
        await db.value("select $1::int")
    with pytest.raises(asyncpg.DataError):
        await db.value("select $1::int", "word")


async def test_a_wrong_statement_is_not_called_away(db: Db) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await db.value("select 1 from nowhere")


async def test_a_transaction_is_all_or_nothing(owner: Db) -> None:
    db = owner
    await db.run("create table t (x int)")
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as tx:
            assert await tx.run("insert into t values (1), (2)") == 2
            raise ZeroDivisionError
    assert await db.value("select count(*) from t") == 0
    async with db.transaction() as tx:
        await tx.run("insert into t values (1)")
    assert await db.run("update t set x = 2") == 1


async def test_a_closed_database_is_away(dsn: str) -> None:
    async with open_db(dsn, size=2) as db:
        pass
    with pytest.raises(Overloaded):
        await db.value("select 1")


@given(WEIRD)
def test_cleaned_values_can_be_written(value: object) -> None:
    text = dump(clean(value))
    assert "\\u0000" not in text and clean(clean(value)) == clean(value)


async def test_json_vectors_and_odd_text_go_and_come(db: Db) -> None:
    value = {"a": [1, None, "olá\U0001f600"], "b": {"c": 1.5}}
    assert await db.value("select $1::jsonb", value) == value
    assert await db.value("select $1::jsonb", clean({"a\x00": "b\x00\ud800"})) == {
        "a\ufffd": "b\ufffd\ufffd"
    }
    assert await db.value("select $1::vector", [0.5, -1.0, 2.0]) == [0.5, -1.0, 2.0]
