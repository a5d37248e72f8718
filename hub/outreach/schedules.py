"""Schedules and recurring tasks as operators see and run them."""

from typing import Any
from uuid import UUID

from hub import ids
from hub.errors import Conflict, NotFound
from hub.outreach import firing
from hub.outreach.results import told
from hub.runtime import Hub
from hub.store import activations, clients, schedules
from hub.store.db import Db
from hub.tools.schedule.book import NONE, Kind

Json = dict[str, Any]


async def overview(db: Db, account: UUID, client: UUID, user: str | None, before: UUID | None, limit: int) -> Json:
    """The chat client with its schedules, recurring tasks and all inactive users; of the first two together the newest
    `limit` ones, and their `ids` with one more where there is one.
    Raise NotFound."""
    found = await clients.get(db, account, client)
    if found is None:
        raise NotFound
    both: dict[str, list[Json]] = {
        kind: await schedules.seen(db, account, client, kind, user=user, before=before, limit=limit + 1)
        for kind in ("once", "recurring")
    }
    newest = sorted((row["id"] for rows in both.values() for row in rows), reverse=True)
    kept = set(newest[:limit])
    return {
        "client": found,
        "inactive": await schedules.inactive(db, account, client, user),
        **{kind: [row for row in rows if row["id"] in kept] for kind, rows in both.items()},
        "ids": newest[: limit + 1],
    }


async def count(db: Db, account: UUID, client: UUID, user: str | None) -> int:
    return await schedules.count(db, account, client, user)


async def one(db: Db, account: UUID, client: UUID, kind: Kind, id: UUID) -> Json:
    """Raise NotFound."""
    rows = await schedules.seen(db, account, client, kind, id=id)
    if not rows:
        raise NotFound(NONE[kind])
    return rows[0]


async def run_now(hub: Hub, account: UUID, client: UUID, kind: Kind, id: UUID) -> UUID:
    """Activate at once, beside its times; a one-time schedule is done with that. Raise Conflict when it is over."""
    activation = ids.uuid7()
    async with hub.db.transaction() as tx:
        row = await schedules.lock(tx, account, client, kind, id)
        if row is None:
            raise NotFound(NONE[kind])
        if row["state"] == "done":
            raise Conflict("This has been activated or has ended; make a new one.")
        await schedules.run_now(tx, account, id, activation)
        if kind == "once":
            await schedules.edit(tx, account, row | {"state": "done", "next_at": None})
    await firing.ring(hub)
    return activation


async def fired(db: Db, account: UUID, id: UUID, limit: int) -> list[Json]:
    """Its latest occurrences with what became of them, newest first."""
    rows = await activations.page(db, account, schedule=id, limit=limit)
    return [r | {"told": told(r)} for r in rows]
