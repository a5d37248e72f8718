"""Connections to lent databases are kept when they are closed, for whoever asks for the same on the same loop.

A new connection costs PostgreSQL more than most tests ask of it: a process, and in it every table, type and function
that is used read for the first time. Whoever gets one that was kept finds nothing of what was before: no setting, role,
lock, cursor, transaction or listener, and of the rows none, as the database was emptied (`tests/databases.py`).
"""

import asyncio
import functools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg
import pytest

LENT = re.compile(r"/(t[0-9a-f]{32})\?")
# Role and user begin as they were asked for when it was made; the other settings do so by `reset all`.
ANEW = "select pg_advisory_unlock_all(); close all; unlisten *; reset role; reset all; discard temp; discard sequences"
# Of one kind: what a crowd has opened at once is not kept for who comes alone.
MOST = 4

Loop = asyncio.AbstractEventLoop
CONNECTION: Any = asyncpg.Connection
LOOP: Any = asyncio.SelectorEventLoop


@dataclass
class Connections:
    """Those to lent databases of one server ("host=..."). `idle` are those that nobody uses now, by the loop they
    belong to and by what was asked for."""

    server: str
    idle: dict[Loop, dict[str, list[Any]]] = field(default_factory=dict)
    asked: "WeakKeyDictionary[Any, str]" = field(default_factory=WeakKeyDictionary)
    codecs: "WeakKeyDictionary[Any, dict[str, Any]]" = field(default_factory=WeakKeyDictionary)
    _connect: Any = asyncpg.connect
    _close: Any = CONNECTION.close
    _codec: Any = CONNECTION.set_type_codec
    _end: Any = LOOP.close

    def pids(self, database: str) -> list[int]:
        """The server's processes of those that are kept for this database."""
        return [  # copies, as loops of other threads come and go meanwhile
            con.get_server_pid()
            for kinds in list(self.idle.values()) for asked, cons in list(kinds.items()) if f"/{database}?" in asked
            for con in list(cons) if not con.is_closed()
        ]

    async def connect(self, dsn: Any = None, **how: Any) -> Any:
        if not isinstance(dsn, str) or not LENT.search(dsn) or dsn.rpartition("?")[2] != self.server:
            return await self._connect(dsn, **how)
        asked = f"{dsn} {sorted((k, repr(v)) for k, v in how.items() if k not in ('loop', 'timeout'))}"
        kept = self.idle.get(asyncio.get_running_loop(), {}).get(asked, [])
        while kept:
            con = kept.pop()
            if not con.is_closed():
                return con
        con = await self._connect(dsn, **how)
        self.asked[con] = asked
        return con

    async def close(self, con: Any, *, timeout: float | None = None) -> None:
        place = self._place(con)
        if place is None or not await _anew(con):
            await self._close(con, timeout=timeout)
            return
        _left(con)
        place.append(con)

    def _place(self, con: Any) -> list[Any] | None:
        """Where it is kept; None where it has to be closed: it was cut off or is in the middle of something, or there
        are enough."""
        asked, loop = self.asked.get(con), asyncio.get_running_loop()
        if asked is None or con._loop is not loop or con.is_closed() or con._protocol._is_cancelling():
            return None
        place = self.idle.setdefault(loop, {}).setdefault(asked, [])
        return None if con.is_in_transaction() or len(place) >= MOST else place

    async def set_type_codec(self, con: Any, name: str, *, schema: str = "public", **how: Any) -> None:
        """What was set already stays, and with it the statements that are prepared."""
        known = self.codecs.setdefault(con, {})
        if known.get(f"{schema}.{name}") != how:
            await self._codec(con, name, schema=schema, **how)
            known[f"{schema}.{name}"] = how

    def end(self, loop: Any) -> None:
        """With a loop go its connections."""
        if loop in self.idle and not loop.is_closed() and not loop.is_running():
            loop.run_until_complete(self._ended(loop))
        self._end(loop)

    async def _ended(self, loop: Loop) -> None:
        for cons in self.idle.pop(loop).values():
            for con in cons:
                await self._close(con)


async def _anew(con: Any) -> bool:
    """Whether it is again as it was when it was made."""
    con._listeners.clear()
    try:
        await con.execute(ANEW)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False
    except asyncio.CancelledError:
        con.terminate()
        raise
    return not con.is_closed()


def _left(con: Any) -> None:
    """As `asyncpg.Connection._cleanup` does it, but for the statements, which stay prepared."""
    con._call_termination_listeners()
    holder = con._pool_holder and con._pool_holder()
    con._pool_holder = None
    if holder is not None and holder._con is con:
        holder._release_on_close()
    con._log_listeners.clear()
    con._query_loggers.clear()
    getattr(con, "__dict__", {}).clear()  # what the hub remembers of it


@contextmanager
def kept(server: str) -> Iterator[Connections]:
    """Until the end, connections to lent databases of this server are kept."""
    here = Connections(server)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncpg, "connect", here.connect)
        patch.setattr(CONNECTION, "close", _method(here.close))
        patch.setattr(CONNECTION, "set_type_codec", _method(here.set_type_codec))
        patch.setattr(LOOP, "close", _method(here.end))
        yield here


def _method(of: Callable[..., Any]) -> Callable[..., Any]:
    """A function that becomes a method of where it is put: its `self` is what `of` is about."""
    return functools.wraps(of)(lambda *given, **named: of(*given, **named))
