"""Usage: what answers consumed; those of one moment share one insert."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hub.store import scope
from hub.store.db import Call

ADD = "select usage_add($1)"
# Dollars that users who registered themselves have cost an account since midnight (UTC).
REGISTERED = """
    select coalesce(sum(u.amount), 0)::float8 from usage u
    where u.account_id = $1 and u.at >= date_trunc('day', now(), 'UTC') and u.user_id is not null
        and exists (select 1 from ares_users a where a.id = u.user_id and a.registered)
"""
GROUP = 500


def _whose(
    rows: Sequence[dict[str, Any]], owner: dict[str, UUID | None]
) -> list[dict[str, Any]]:
    return [{**row, **{k: str(v) for k, v in owner.items() if v is not None}} for row in rows]


class Meter:
    """Writes usage. Whatever comes while a write is on its way goes into the next one, and everyone is
    told when theirs is committed."""

    def __init__(self, db: Call) -> None:
        self._db = db
        self._waiting: list[tuple[list[dict[str, Any]], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(
        self, account: UUID, rows: Sequence[dict[str, Any]], *, key: UUID | None = None, gateway: UUID | None = None,
        session: UUID | None = None, user: UUID | None = None,
    ) -> None:
        """Write the rows of one answer (see hub.llm.prices.bill); return when they are committed. Raise what
        writing them raised."""
        if not rows:
            return
        owner = {"account": account, "key": key, "gateway": gateway, "session": session, "user": user}
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((_whose(rows, owner), done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await asyncio.shield(done)

    async def _write(self) -> None:
        """For whoever waits: one account began it, and all are served."""
        with scope.itself():
            await self._groups()

    async def _groups(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
            try:
                await self._db.run(ADD, [row for rows, _ in group for row in rows])
            except Exception as e:  # noqa: BLE001 - everyone who waits must hear of it
                for _, done in group:
                    if not done.done():
                        done.set_exception(e)
            else:
                for _, done in group:
                    if not done.done():
                        done.set_result(None)

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)


async def of_registered(db: Call, account: UUID) -> float:
    return float(await db.value(REGISTERED, account))
