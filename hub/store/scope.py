"""For whom the database is asked: one account, nobody yet, or the hub itself.

A request begins as nobody's (or, where signing in comes first, as the hub's own) and becomes an account's when it is known
whose it is. Whatever is done outside of requests is the hub's own work: workers, the scheduler, sweeps. `Db` reads it where
it hands out connections; PostgreSQL's row level security (hub/store/wall.py) holds to it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from hub.store import deeds

NOBODY = ""


@dataclass(slots=True)
class _Scope:
    account: UUID | None = None
    itself: bool = False


_current: ContextVar[_Scope | None] = ContextVar("scope", default=None)


def whose() -> str | None:
    """The account's id, NOBODY, or None for the hub itself."""
    found = _current.get()
    if found is None or found.itself:
        return None
    return str(found.account) if found.account is not None else NOBODY


@contextmanager
def request(itself: bool) -> Iterator[None]:
    """Around a request: nobody's until `enter`. itself: the hub's own until then."""
    token = _current.set(_Scope(itself=itself))
    try:
        yield
    finally:
        _current.reset(token)


def begin(account: UUID) -> None:
    """The task that runs, which serves one request and ends with it, is this account's."""
    _current.set(_Scope(account))


def enter(account: UUID) -> None:
    """From here on the request, and what it sets going, is this account's. Outside of requests it changes nothing."""
    found = _current.get()
    if found is not None:
        found.account, found.itself = account, False


@contextmanager
def itself() -> Iterator[None]:
    """Meanwhile the hub itself works, for all accounts and in nobody's name, whoever began it."""
    token = _current.set(None)
    try:
        with deeds.nobodys():
            yield
    finally:
        _current.reset(token)
