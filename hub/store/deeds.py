"""In whose name the database is changed: told to it with the change, noted by it in the same transaction."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import orjson

Json = dict[str, Any]
# A plain look. What calls a function may change something in it.
_READS = re.compile(r"\s*select\b(?!\s+(?:[\w, .*]+\s+from\s+)?(?!(?:count|coalesce|exists|max|min|sum)\b)\w+\()", re.I)


@dataclass(slots=True)
class Deed:
    """Who does what, as the audit log will tell it. object: the thing's id; without one it is that of the first row that
    changes, or that is made in `table`. detail: without secrets. over: what goes on afterwards is nobody's deed."""

    account: UUID
    kind: str
    actor_id: UUID | None
    actor: str
    action: str
    object: str | None = None
    detail: Json = field(default_factory=dict)
    table: str | None = None
    id: UUID = field(default_factory=uuid4)
    over: bool = False

    def text(self) -> str:
        """As the database is told it. orjson escapes what PostgreSQL cannot hold: the caller cleans it."""
        told = {
            "id": self.id, "account": self.account, "kind": self.kind, "actor_id": self.actor_id, "actor": self.actor,
            "action": self.action, "object": self.object, "detail": self.detail,
            "table": self.table,
        }
        return orjson.dumps(told, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


_current: ContextVar[Deed | None] = ContextVar("deed", default=None)


def current() -> Deed | None:
    """What is being done by whoever is served now."""
    found = _current.get()
    return None if found is None or found.over else found


@contextmanager
def doing(deed: Deed) -> Iterator[Deed]:
    """Whatever changes meanwhile is done in this name."""
    token = _current.set(deed)
    try:
        yield deed
    finally:
        deed.over = True
        _current.reset(token)


@contextmanager
def nobodys() -> Iterator[None]:
    """Whatever changes meanwhile is no deed of whoever began it."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


def changing(sql: str) -> Deed | None:
    """The deed, when the statement may change something."""
    found = current()
    return None if found is None or _READS.match(sql) else found
