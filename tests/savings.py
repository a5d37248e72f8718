"""What every test would pay for and none is about: done once, or at its cheapest, in the libraries beneath the hub."""

import socket
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from argon2 import PasswordHasher

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


def tell_at_once(config: pytest.Config) -> None:
    """pytest-rerunfailures tells the first process of each test in two small packets, of which the second would wait
    40 ms until the receipt of the first has come."""
    told = getattr(getattr(config, "failures_db", None), "sock", None)
    if isinstance(told, socket.socket):
        told.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def passwords_cost(given: dict[str, int]) -> None:
    """What argon2 does for a password from now on, where nobody says otherwise."""
    begin: Any = PasswordHasher.__init__
    begin.__defaults__ = (*given.values(), *begin.__defaults__[len(given):])
