"""The log of requests made with an API key: who asked for what, and how it was answered."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import PostgresError

from hub.errors import HubError
from hub.store.db import Call

log = logging.getLogger(__name__)

ADD = """
    insert into requests (account_id, key_id, at, ip, user_agent, method, path, status, ms)
    select r.account, r.key, r.at, r.ip, r.agent, r.method, r.path, r.status, r.ms
    from jsonb_to_recordset($1) r(account uuid, key uuid, at timestamptz, ip text, agent text, method text, path text,
        status int, ms int)
    where exists (select 1 from accounts a where a.id = r.account) order by r.at
"""
LIST = """
    select id, key_id, at, ip, user_agent, method, path, status, ms from requests
    where account_id = $1 and ($2::bigint is null or id < $2) and ($3::uuid is null or key_id = $3)
        and ($4::timestamptz is null or at >= $4) and ($5::timestamptz is null or at < $5)
        and ($6::int is null or status = $6)
    order by id desc limit $7
"""
FORGET = """
    delete from requests where id in (select id from requests where at < now() - interval '30 days' limit 20000)
"""
SECONDS, GROUP, MOST = 0.5, 1000, 20_000

Json = dict[str, Any]


async def listed(
    db: Call, account: UUID, before: int | None, key: UUID | None, times: tuple[datetime | None, datetime | None],
    status: int | None, limit: int,
) -> list[Json]:
    """Newest first. times: from, to."""
    return [dict(r) for r in await db.fetch(LIST, account, before, key, *times, status, limit)]


async def forget(db: Call) -> int:
    return await db.run(FORGET)


class RequestLog:
    """Rows wait here and are written together: nobody waits for them, and what a dead process held is lost."""

    def __init__(self, db: Call) -> None:
        self._db = db
        self._waiting: list[Json] = []
        self.lost = 0

    def add(self, row: Json) -> None:
        """{account, key, at, ip, agent, method, path, status, ms}"""
        if len(self._waiting) >= MOST:
            self.lost += 1
            return
        self._waiting.append(row)

    async def run(self) -> None:
        """Write what waits, again and again."""
        while True:
            await asyncio.sleep(SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what waits; a database that is away is tried again with the next ones."""
        while self._waiting:
            group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
            try:
                await self._write(group)
            except HubError as e:
                self._waiting = [*group, *self._waiting][:MOST]
                log.warning("the log of requests waits: %s", e)
                return
            except PostgresError as e:
                # An account that was deleted meanwhile, say: what cannot be written must not stop what can.
                self.lost += len(group)
                log.warning("%d lines of the log of requests were lost: %s", len(group), type(e).__name__)

    async def _write(self, group: Sequence[Json]) -> None:
        await self._db.run(ADD, list(group))
