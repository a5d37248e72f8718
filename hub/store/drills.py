"""Backups that were made and rehearsals of their restore, newest first."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from hub.store.db import Call, clean

NOTE = "insert into drills (kind, ok, words, detail, began_at) values ($1, $2, $3, $4, $5)"
# Of each kind the newest.
LATEST = "select distinct on (kind) kind, ok, words, detail, began_at, ended_at from drills order by kind, began_at desc"
SINCE = "select exists (select 1 from drills where kind = $1 and began_at >= $2)"
FORGET = "delete from drills where began_at < now() - interval '400 days'"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Drill:
    """kind: backup or rehearsal. ok: it was made, or the answer was go."""

    kind: str
    ok: bool
    words: str
    began: datetime
    ended: datetime


async def note(db: Call, kind: str, ok: bool, words: str, detail: Json, began: datetime) -> None:
    """A database that is still to be migrated has no place for it; its backup is as good."""
    with suppress(asyncpg.UndefinedTableError):
        await db.run(NOTE, kind, ok, clean(words)[:2000], clean(detail), began)


async def latest(db: Call) -> dict[str, Drill]:
    """The newest of each kind."""
    return {r["kind"]: Drill(r["kind"], r["ok"], r["words"], r["began_at"], r["ended_at"]) for r in await db.fetch(LATEST)}


async def done_since(db: Call, kind: str, at: datetime) -> bool:
    return bool(await db.value(SINCE, kind, at))


async def forget(db: Call) -> int:
    return await db.run(FORGET)
