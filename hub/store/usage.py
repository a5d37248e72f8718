"""Usage: what answers consumed; those of one moment share one insert."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub.errors import HubError
from hub.store import scope
from hub.store.db import Call

log = logging.getLogger(__name__)

ADD = "select usage_add($1)"
# Dollars that users who registered themselves have cost an account since midnight (UTC).
REGISTERED = """
    select coalesce(sum(u.amount), 0)::float8 from usage u
    where u.account_id = $1 and u.at >= date_trunc('day', now(), 'UTC') and u.user_id is not null
        and exists (select 1 from ares_users a where a.id = u.user_id and a.registered)
"""
# Whole days whose detail is kept no longer become their sums, in one statement: whoever adds up sees each row once. What is
# old is looked for account by account, from one to the next by the index: however large the table, only that is read.
FOLD = """
    with recursive owners(id) as (
        select (select u.account_id from usage u order by u.account_id limit 1)
        union all
        select (select u.account_id from usage u where u.account_id > o.id order by u.account_id limit 1) from owners o where o.id is not null),
    old as materialized (
        select o.id from owners w cross join lateral (
            select u.id from usage u where u.account_id = w.id
                and u.at < date_trunc('day', now(), 'UTC') - make_interval(days => $1) order by u.at limit $2) o
        where w.id is not null limit $2),
    gone as materialized (delete from usage where id = any(array(select id from old)) returning *),
    summed as (
        insert into usage_days as d (account_id, day, key_id, gateway_id, client_id, amount, tokens_in, tokens_cached, tokens_out, entries)
        select g.account_id, date_trunc('day', g.at, 'UTC'), g.key_id, g.gateway_id, s.client_id, sum(g.amount),
            coalesce(sum(g.quantity) filter (where g.sku like '%.in' or g.sku like '%.in.written'), 0),
            coalesce(sum(g.quantity) filter (where g.sku like '%.in.cached'), 0),
            coalesce(sum(g.quantity) filter (where g.sku like '%.out'), 0), count(*)
        from gone g left join sessions s on s.id = g.session_id group by 1, 2, 3, 4, 5
        on conflict (account_id, day, key_id, gateway_id, client_id) do update set amount = d.amount + excluded.amount,
            tokens_in = d.tokens_in + excluded.tokens_in, tokens_cached = d.tokens_cached + excluded.tokens_cached,
            tokens_out = d.tokens_out + excluded.tokens_out, entries = d.entries + excluded.entries)
    select count(*)::int from gone
"""
GROUP = 500
NOBODY = UUID(int=0)
# Seconds that usage may wait for that of others where nobody waits for it.
BEHIND = 0.02
FOLDED = 20_000  # rows at once


def _whose(
    rows: Sequence[dict[str, Any]], owner: dict[str, UUID | None]
) -> list[dict[str, Any]]:
    whose = {k: str(v) for k, v in owner.items() if v is not None}
    return [{**row, **whose} for row in rows]


@dataclass(slots=True)
class _Entry:
    """The rows of one answer; done: who waits until they are committed."""

    account: UUID
    rows: list[dict[str, Any]]
    done: asyncio.Future[None] | None = None

    def over(self, error: Exception | None) -> None:
        if self.done is None:
            if error is not None:
                log.error("usage of account %s was not written: %s", self.account, error)
        elif not self.done.done():
            if error is None or not self.rows:
                self.done.set_result(None)
            else:
                self.done.set_exception(error)


class Meter:
    """Writes usage. Whatever comes while a write is on its way goes into the next one, and everyone who waits is
    told when theirs is committed."""

    def __init__(self, db: Call) -> None:
        self._db = db
        self._waiting: list[_Entry] = []
        self._writing: asyncio.Task[None] | None = None
        self._soon: asyncio.TimerHandle | None = None

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
        self._waiting.append(_Entry(account, _whose(rows, owner), done))
        self._begin()
        await asyncio.shield(done)

    def later(self, account: UUID, rows: Sequence[dict[str, Any]], *, key: UUID, gateway: UUID | None) -> None:
        """Write them within a moment, in which those of others come beside them; nobody waits. What a process that is
        killed held is lost."""
        if not rows:
            return
        self._waiting.append(_Entry(account, _whose(rows, {"account": account, "key": key, "gateway": gateway})))
        if self._soon is None and (self._writing is None or self._writing.done()):
            self._soon = asyncio.get_running_loop().call_later(BEHIND, self._begin)

    async def settled(self) -> None:
        """Until all that came before is written, or was given up."""
        if self._waiting or (self._writing is not None and not self._writing.done()):
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(_Entry(NOBODY, [], done))
            self._begin()
            await asyncio.shield(done)

    def _begin(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """For whoever waits: one account began it, and all are served."""
        with scope.itself():
            while self._waiting:
                group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
                await self._group(group)

    async def _group(self, group: list[_Entry]) -> None:
        try:
            if rows := [row for one in group for row in one.rows]:
                await self._db.run(ADD, rows)
        except Exception as e:  # noqa: BLE001 - everyone who waits must hear of it
            if len(group) > 1 and not isinstance(e, HubError):
                # A key that was deleted meanwhile, say: what cannot be written must not stop what can.
                for one in group:
                    await self._group([one])
                return
            for one in group:
                one.over(e)
        else:
            for one in group:
                one.over(None)

    async def close(self) -> None:
        """Write what waits."""
        await self.settled()
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)


async def fold(db: Call, days: int) -> int:
    """Sum up what is older than so many whole days; how many rows of detail went."""
    return int(await db.value(FOLD, days, FOLDED))


async def of_registered(db: Call, account: UUID) -> float:
    return float(await db.value(REGISTERED, account))
