"""What every test would pay for and none is about: done once, or at its cheapest, in the libraries beneath the hub."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import jinja2
import pytest
from argon2 import PasswordHasher
from pytest_rerunfailures import ClientStatusDB, StatusDB

CHEAP = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
EARNEST = {name: getattr(PasswordHasher(), name) for name in CHEAP}


def remember_types() -> None:
    """What asyncpg asks a server about PostgreSQL's own types is always the same, and costs each connection more than
    most tests ask of it: here it is asked once."""
    connection: Any = asyncpg.Connection
    asked = connection._introspect_types
    known: dict[frozenset[int], Any] = {}

    async def introspect(con: Any, oids: Any, timeout: Any) -> Any:
        wanted = frozenset(oids)
        if max(wanted) >= 16384:
            return await asked(con, oids, timeout)
        if wanted not in known:
            found = await asked(con, oids, timeout)
            known[wanted] = found[0]
            return found
        return known[wanted], SimpleNamespace(name="asked before")

    connection._introspect_types = introspect


def compile_pages_once(folder: Path) -> None:
    """Each application has templates of its own, and each file of tests an application: what one has compiled, the
    others of the run find in a folder. What is another text is compiled anew."""
    folder.mkdir(exist_ok=True)
    kept = jinja2.FileSystemBytecodeCache(str(folder))
    environment: Any = jinja2.Environment
    begin = environment.__init__

    def init(self: Any, *given: Any, **named: Any) -> None:
        begin(self, *given, **{"bytecode_cache": kept} | named)

    environment.__init__ = init


def count_tries_here(config: pytest.Config) -> None:
    """pytest-rerunfailures tells the first process of each test and asks it, byte by byte, so that a test whose process
    died can be tried again. That cannot be where tests of a file stay together, so each process counts for itself."""
    told = getattr(config, "failures_db", None)
    if isinstance(told, ClientStatusDB):
        told.sock.close()
        config.failures_db = StatusDB()  # type: ignore[attr-defined]  # its own place for it


def passwords_cost(given: dict[str, int]) -> None:
    """What argon2 does for a password from now on, where nobody says otherwise."""
    begin: Any = PasswordHasher.__init__
    begin.__defaults__ = (*given.values(), *begin.__defaults__[len(given):])
