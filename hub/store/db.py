"""The pool, and calls whose deadline really ends."""

import asyncio
import functools
import re
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar, cast

import asyncpg
import orjson

from hub import personal_keys
from hub.errors import Overloaded, Setup
from hub.objects import Objects
from hub.personal_keys import PersonalKeys, plain
from hub.store import deeds, hosts, scope
from hub.store.deeds import Deed
from hub.store.shelves import Shelves
from hub.store.wall import MEMBER, SYSTEM, TENANT

Row = asyncpg.Record
T = TypeVar("T")

NAME = "select set_config('hub.account', $1, false)"
TELL = "select set_config('hub.deed', $1, true)"
_NAME = re.compile(r"[^\W\d_]+(?:[ .'’-]+[^\W\d_]+)*")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

FIRST_MADE = 16384  # numbers of types from here on are one database's alone
# Connections for what is asked together (`hub/store/together.py`): each of them plans those large statements for itself,
# which takes it as long as ten messages, so they are few, and stay open between two crowds for so many seconds.
FEW, STAYS = 3, 240.0

# Disk full, shutting down, a replica that may not write: it may be better in a moment.
AWAY = (OSError, asyncpg.PostgresConnectionError, asyncpg.InsufficientResourcesError, asyncpg.OperatorInterventionError,
        asyncpg.ReadOnlySQLTransactionError)
# What asyncpg itself stumbles over when a server dies in the middle of a word.
LOST = (asyncpg.InterfaceError, asyncpg.InternalClientError)
# Two transactions got in each other's way: the same again may go well.
CLASH = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


def of_data(error: BaseException) -> bool:
    """Whether what was to be stored is to blame (SQLSTATE of the classes 22 and 23, 54000 where it is too long for an
    index or a value, or no value of its type), so that it cannot be stored later either."""
    if isinstance(error, asyncpg.PostgresError):
        state = str(error.sqlstate or "")
        return state[:2] in ("22", "23") or state == "54000"
    return isinstance(error, ValueError)


class Call(Protocol):
    """What store functions need of a connection; the pool and a transaction both give it."""

    blobs: Objects | None
    keys: PersonalKeys | None

    async def fetch(self, sql: str, *args: Any) -> list[Row]: ...
    async def row(self, sql: str, *args: Any) -> Row | None: ...
    async def value(self, sql: str, *args: Any) -> Any: ...
    async def run(self, sql: str, *args: Any) -> int: ...


class _Connection(asyncpg.Connection):
    whose: str | None = None  # the account that it names

    def get_reset_query(self) -> str:
        # Halves the round trips of a single statement; legal because nothing uses session state.
        return ""


def _remembering() -> type[_Connection]:
    """Of one database. What arrays of PostgreSQL's own types are is asked for once, not by each connection: that takes the
    server as long as three messages."""
    known: dict[frozenset[int], Any] = {}

    class Remembering(_Connection):
        async def _introspect_types(self, typeoids: Iterable[int], timeout: float | None) -> Any:
            asked, asking = frozenset(typeoids), cast(Any, super())
            found = known.get(asked) or await asking._introspect_types(asked, timeout)
            if max(asked) < FIRST_MADE:
                known[asked] = found
            return found

    return Remembering


def clean(value: Any) -> Any:
    """Text and JSON that PostgreSQL can hold: NUL and lone surrogates become U+FFFD."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {clean(str(k)): clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [clean(v) for v in value]
    return value


def pattern(words: str) -> str:
    """Of `ilike`, for a text in which these words stand as they are."""
    escaped: str = clean(words).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def near(words: str) -> str | None:
    """What a name may be meant by, with a slip or without its accents; None where a part of a word is looked for."""
    return str(clean(words)) if len(words) >= 4 and _NAME.fullmatch(words) else None


def dump(value: Any) -> str:
    """JSON that PostgreSQL can hold. What it cannot hold is looked for in the text: that is rare, and
    looking through every value beforehand costs more than everything else here."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a lone surrogate, if not something that is no JSON at all
        text = b"\\u0000"
    if b"\\u0000" in text:
        text = orjson.dumps(clean(value), option=orjson.OPT_NON_STR_KEYS)
    return text.decode()


def _dumped(value: Any) -> str:
    """The same where people's words are sealed: nothing else may look like it."""
    text = dump(value)
    return dump(plain(value)) if personal_keys.MARK in text else text


async def _prepare(con: Any, keys: PersonalKeys | None = None) -> None:
    read, write = (orjson.loads, dump) if keys is None else (keys.loads, _dumped)
    for kind in ("json", "jsonb"):
        await con.set_type_codec(kind, encoder=write, decoder=read, schema="pg_catalog")


async def _vectors(con: Any, keys: PersonalKeys | None = None) -> None:
    await _prepare(con, keys)
    # Vectors travel as text "[0.1,...]"; the extension's schema is not always public.
    schema = await con.fetchval("select n.nspname from pg_type t join pg_namespace n on n.oid = t.typnamespace"
                                " where t.typname = 'vector'")
    if schema:
        await con.set_type_codec("vector", encoder=_vector_text, decoder=_vector, schema=schema, format="text")


def _vector_text(vector: Sequence[float]) -> str:
    return "[" + ",".join(format(x, ".7g") for x in vector) + "]"


def _vector(text: str) -> list[float]:
    return [float(x) for x in text[1:-1].split(",")]


class Transaction:
    """One connection inside one transaction. In whose name it changes something is told before it does."""

    def __init__(self, con: Any, blobs: Objects | None = None, keys: PersonalKeys | None = None) -> None:
        self._con = con
        self.blobs = blobs
        self.keys = keys
        self._told: tuple[Deed, str] | None = None

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        await self._tell(deeds.changing(sql))
        rows: list[Row] = await self._con.fetch(sql, *args)
        return rows

    async def row(self, sql: str, *args: Any) -> Row | None:
        await self._tell(deeds.changing(sql))
        row: Row | None = await self._con.fetchrow(sql, *args)
        return row

    async def value(self, sql: str, *args: Any) -> Any:
        await self._tell(deeds.changing(sql))
        return await self._con.fetchval(sql, *args)

    async def run(self, sql: str, *args: Any) -> int:
        await self._tell(deeds.changing(sql))
        return _count(await self._con.execute(sql, *args))

    async def _tell(self, deed: Deed | None) -> None:
        if deed is not None and self._told != (told := (deed, deed.text())):
            await self._con.execute(TELL, clean(told[1]))
            self._told = told

    async def ending(self) -> None:
        """Before the commit: what became known of the deed since it was told."""
        if self._told is not None:
            await self._tell(self._told[0])


class Db:
    """The pool. Every call has a deadline: a stalled backend is cut off, not waited for."""

    def __init__(
        self, pool: Any, limit: float, tenants: Any = None, several: bool = False, blobs: Objects | None = None,
        keys: PersonalKeys | None = None, few: "Db | None" = None,
    ) -> None:
        """tenants: of connections that serve one account at a time; without it there is no wall between accounts.
        several: there are other servers, of which one may be the primary by now. blobs: where contents of files are.
        keys: what people's words are sealed under, where they are. few: for what the hub itself does for many together."""
        self.few = self if few is None else few
        self.blobs = blobs
        self.keys = keys
        self.shelves = Shelves()
        self._several = several
        self.pool = pool
        self.tenants = tenants
        self._limit = limit

    @property
    def walled(self) -> bool:
        return self.tenants is not None

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        rows: list[Row] = await self._guard("fetch", sql, args)
        return rows

    async def row(self, sql: str, *args: Any) -> Row | None:
        row: Row | None = await self._guard("fetchrow", sql, args)
        return row

    async def value(self, sql: str, *args: Any) -> Any:
        return await self._guard("fetchval", sql, args)

    async def run(self, sql: str, *args: Any) -> int:
        """Run a statement; return how many rows it touched."""
        return _count(await self._guard("execute", sql, args))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        whose, pool, con = await self._acquire()
        try:
            await _serve(con, whose)
            async with con.transaction():
                tx = Transaction(con, self.blobs, self.keys)
                yield tx
                await tx.ending()
        except (*AWAY, *LOST) as e:
            # What is done beside the statements, with a file for one, is no trouble of the database's.
            if isinstance(e, OSError | asyncpg.InterfaceError) and not _gone(con):
                raise
            raise await self._away(pool, con, e) from e
        finally:
            await pool.release(con)

    async def _away(self, pool: Any, con: Any, error: BaseException) -> Overloaded:
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            await self._elsewhere(pool)
        if isinstance(error, asyncpg.InternalClientError) and not _gone(con):
            con.terminate()  # nobody knows what it would say next
        return Overloaded("The database is away; try again in a few seconds.", retry_after=5)

    async def _elsewhere(self, pool: Any) -> None:
        """A server that says nothing, or is a replica by now: the next calls look for the primary. Where there is one
        server alone, a call that takes long is its own trouble."""
        if self._several:
            await pool.expire_connections()

    async def _acquire(self) -> tuple[str | None, Any, Any]:
        """For whom, and the connection with its pool."""
        whose = scope.whose() if self.walled else None
        pool = self.pool if whose is None else self.tenants
        try:
            return whose, pool, await pool.acquire(timeout=self._limit)
        except TimeoutError:
            raise Overloaded("The database is busy; try again in a few seconds.", retry_after=5) from None
        except (OSError, asyncpg.PostgresError, *LOST):
            raise Overloaded("The database cannot be reached; try again in a few seconds.", retry_after=5) from None

    async def _guard(self, method: str, sql: str, args: Sequence[Any]) -> Any:
        whose, pool, con = await self._acquire()
        task = asyncio.ensure_future(_called(con, whose, method, sql, args))
        try:
            done, _ = await asyncio.wait([task], timeout=self._limit)
            if not done:
                con.terminate()  # wait_for would hang inside the pool's release
                await self._elsewhere(pool)
            return await task
        except (*AWAY, *LOST) as e:
            # The driver tells of a call that was wrong in the same way: that one leaves its connection as it was.
            if isinstance(e, asyncpg.InterfaceError) and not _gone(con):
                raise
            raise await self._away(pool, con, e) from e
        except asyncio.CancelledError:
            # The caller is gone; the statement may still commit, which every statement here allows.
            if not task.done():
                con.terminate()
            await asyncio.gather(task, return_exceptions=True)
            raise
        finally:
            await pool.release(con)


def _gone(con: Any) -> bool:
    try:
        return bool(con.is_closed())
    except asyncpg.InterfaceError:  # the pool has taken it away, as its server is gone
        return True


async def _serve(con: Any, whose: str | None) -> None:
    """Let a tenants' connection name the account, unless it does already."""
    if whose is None or con._con.whose == whose:
        return
    con._con.whose = None
    await con.execute(NAME, whose)
    con._con.whose = whose


async def _called(con: Any, whose: str | None, method: str, sql: str, args: Sequence[Any]) -> Any:
    await _serve(con, whose)
    deed = deeds.changing(sql)
    if deed is None:
        return await getattr(con, method)(sql, *args)
    return await _in_name(con, deed, method, sql, args)


async def _in_name(con: Any, deed: Deed, method: str, sql: str, args: Sequence[Any]) -> Any:
    async with con.transaction():
        await con.execute(TELL, clean(deed.text()))
        return await getattr(con, method)(sql, *args)


def _count(status: str) -> int:
    last = status.rsplit(" ", 1)[-1]
    return int(last) if last.isdigit() else 0


async def reach(connecting: Awaitable[Any]) -> Any:
    """The connection; one that cannot be had is one sentence, without the address and its password."""
    try:
        return await connecting
    except (OSError, TimeoutError):
        words = "no PostgreSQL answers there"
    except asyncpg.PostgresError as e:
        words = str(e)
    except (asyncpg.InterfaceError, ValueError):
        words = "it is not postgresql://user:password@host:port/database"
    raise Setup(f"The database of HUB_DATABASE_URL cannot be used: {words}.")


async def _walled(dsn: str) -> bool:
    """Whether who signs in may work under the roles of the wall."""
    con: Any = await reach(hosts.connect(dsn, timeout=5))
    try:
        return bool(await con.fetchval(MEMBER))
    finally:
        await con.close()


def _pool(
    dsn: str, role: str | None, least: int, size: int, limit: float, keys: PersonalKeys | None = None,
    kind: type[_Connection] = _Connection, stays: float = 60.0,
) -> Any:
    finding: Any = hosts.connect
    settings = {"application_name": "hub", "timezone": "UTC", "jit": "off"} | ({"role": role} if role else {})
    return asyncpg.create_pool(
        dsn,
        min_size=least,
        max_size=size,
        timeout=5,
        command_timeout=limit * 2,
        max_inactive_connection_lifetime=stays,
        connection_class=kind,
        connect=finding,
        init=functools.partial(_vectors, keys=keys),
        server_settings=settings,
    )


@asynccontextmanager
async def open_db(
    dsn: str, size: int = 10, limit: float = 5.0, blobs: Objects | None = None, keys: PersonalKeys | None = None
) -> AsyncIterator[Db]:
    """Open a pool of at most `size` connections for the hub itself, one for its accounts and a small one (`Db.few`);
    `limit` is the longest a call may take, seconds."""
    walled = await _walled(dsn)
    role, several, kind = SYSTEM if walled else None, len(hosts.each(dsn)) > 1, _remembering()
    pools: list[Any] = [await reach(_pool(dsn, role, 1, size, limit, keys, kind))]
    try:
        pools.append(await reach(_pool(dsn, role, 0, min(size, FEW), limit, keys, kind, STAYS)))
        if walled:
            pools.append(await reach(_pool(dsn, TENANT, 0, size, limit, keys, kind)))
        few = Db(pools[1], limit, None, several, blobs, keys)
        yield Db(pools[0], limit, pools[2] if walled else None, several, blobs, keys, few)
    finally:
        await asyncio.gather(*(_closed(pool) for pool in pools))


async def _closed(pool: Any) -> None:
    try:
        async with asyncio.timeout(5):
            await pool.close()
    except TimeoutError:
        pool.terminate()
