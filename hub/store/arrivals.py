"""The journal of webhook calls that were acknowledged as they came, until they are folded into conversations."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from hub.store import inbox, personal
from hub.store.db import Call, clean, dump
from hub.store.inbox import ENDPOINT, Item, Stored

# Numbered in the order given: an identity is told as a row is written.
KEEP = """
    insert into arrivals (account_id, integration_id, headers, trace, body)
    select i.account_id, i.id, a.headers::jsonb, a.trace, a.body
    from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[]) with ordinality a(integration, headers, trace, body, place)
    join integrations i on i.id = a.integration order by a.place returning integration_id, id
"""
LEASE = "select lease_arrivals($1, $2, $3)"
# The first ones, as many as are looked at in one go; the first whatever its size.
HEAD = """
    select h.id, h.tries, h.headers, h.trace, h.body from (
        select a.*, sum(octet_length(a.body)) over (order by a.id) - octet_length(a.body) as before from (
            select a.id, a.tries, a.headers, a.trace, a.body from arrivals a where a.integration_id = $1 order by a.id limit $2) a) h
    where h.before < $3 order by h.id
"""
WHOSE = ENDPOINT.replace("where i.client_id = $1 and i.channel = $2", "where i.id = $1")
FOLD = """
    select n, outcome, session_id, seq, message_id, due_in,
           extract(epoch from clock_timestamp() - statement_timestamp())::float8 as took
    from fold_arrivals($1, $2, $3, $4, $5, $6) order by n
"""
FOLD_KEPT = """
    select n, outcome, session_id, seq, message_id, due_in,
           extract(epoch from clock_timestamp() - statement_timestamp())::float8 as took
    from fold_kept($1, $2, $3) order by n
"""
ASIDE = """
    with mine as (select 1 from arrival_folders f where f.integration_id = $1 and f.owner = $2 and f.epoch = $3 for update),
    gone as (
        delete from arrivals a using mine where a.integration_id = $1 and a.id = $4
        returning a.account_id, a.integration_id, a.headers, a.body)
    insert into quarantine (id, account_id, integration_id, sha256, raw, headers, reason)
    select $5, g.account_id, g.integration_id, sha256(g.body), substr(g.body, 1, $6), g.headers, $7 from gone g where $8
"""
# Nobody folds until it is tried again; by whom is open, and whoever it is suspects no call of having killed the last one.
MISSED = """
    with tried as (
        update arrivals a set tries = least(a.tries + $3, 1000) where a.integration_id = $1 and a.id = $2 returning a.tries)
    update arrival_folders f set owner = '', until = now() + make_interval(secs => least($7::float8,
        $6::float8 * 2 ^ greatest(0, least(10, coalesce((select max(t.tries) / $3::int from tried t), 1) - 1))))
    where f.integration_id = $1 and f.owner = $4 and f.epoch = $5
"""
COUNT = "select count(*) from (select 1 from arrivals where integration_id = $1 limit $2) a"
RELEASE = "delete from arrival_folders where integration_id = $1 and owner = $2 and epoch = $3"
RELEASE_ALL = "delete from arrival_folders where owner = $1"
LEFT = "select left_arrivals($1) as id"
WAITS = """
    select exists (select 1 from integrations i join arrivals a on a.integration_id = i.id where i.account_id = $1 and a.id <= $2)
"""
NEWEST = "select max(a.id) from integrations i join arrivals a on a.integration_id = i.id where i.account_id = $1"


# What the database says of a statement or of itself; what it says of a statement, or its driver of a value.
TROUBLE = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
REFUSED = (asyncpg.PostgresError, ValueError)


class Taken(Exception):
    """Somebody else has folded these calls, or folds by now."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A call to be kept. headers: what is still needed of them."""

    integration: UUID
    headers: Mapping[str, str]
    trace: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Arrival:
    """tries: how often it could not be folded."""

    id: int
    tries: int
    headers: dict[str, str]
    trace: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Lease:
    """That a process folds what arrived for an integration, and nobody else does."""

    integration: UUID
    me: str
    epoch: int
    seconds: float


async def keep(db: Call, calls: Sequence[Kept]) -> dict[UUID, list[int]]:
    """Commit calls in this order; as what each is kept, by integration. Those of integrations that are gone are not."""
    rows = await db.fetch(
        KEEP, [c.integration for c in calls], [dump(dict(c.headers)) for c in calls], [c.trace for c in calls],
        [c.body for c in calls],
    )
    there: dict[UUID, list[int]] = {}
    for integration, id in rows:
        there.setdefault(integration, []).append(id)
    return there


async def lease(db: Call, integration: UUID, me: str, seconds: float) -> Lease | None:
    """None while somebody else folds, and where there is no such integration."""
    epoch = await db.value(LEASE, integration, me, seconds)
    return None if epoch is None else Lease(integration, me, epoch, seconds)


async def head(db: Call, integration: UUID, most: int, size: int) -> list[Arrival]:
    """What arrived first: so many calls, of so many bytes."""
    rows = await db.fetch(HEAD, integration, most, size)
    return [Arrival(r["id"], r["tries"], r["headers"], r["trace"], bytes(r["body"])) for r in rows]


async def endpoint(db: Call, integration: UUID) -> dict[str, Any] | None:
    """As `inbox.endpoint`."""
    row = await db.row(WHOSE, integration)
    return dict(row) if row else None


async def fold(db: Call, held: Lease, arrivals: Sequence[int], items: Sequence[Item]) -> list[Stored]:
    """Store what these calls brought and drop them, in one transaction. Raise Taken."""
    sealed = await personal.items(db, items)
    given = (held.integration, held.me, held.epoch, held.seconds, list(arrivals), sealed)
    return await _folded(lambda: db.fetch(FOLD, *given))


async def fold_kept(db: Call, integration: UUID, arrivals: Sequence[int], items: Sequence[Item]) -> list[Stored]:
    """The same without a lease, by whoever has just kept them: as long as nobody has one, and none waits before them."""
    sealed = await personal.items(db, items)
    return await _folded(lambda: db.fetch(FOLD_KEPT, integration, list(arrivals), sealed))


async def _folded(folding: Callable[[], Awaitable[Sequence[asyncpg.Record]]]) -> list[Stored]:
    try:
        return await inbox.stored(folding)
    except asyncpg.ObjectNotInPrerequisiteStateError as e:
        if isinstance(e, asyncpg.LockNotAvailableError):
            raise
        raise Taken from None


async def set_aside(db: Call, held: Lease, arrival: int, id: UUID, reason: str, most: int, shown: bool) -> None:
    """Out of the way; into the quarantine, of which there may be enough already (`shown`)."""
    await db.run(ASIDE, held.integration, held.me, held.epoch, arrival, id, most, clean(reason), shown)


async def missed(db: Call, held: Lease, arrival: int, tries: int, first: float, most: float) -> None:
    """It could not be folded, which counts as so many tries; the lease is given back, and nobody has it before the next
    try: after `first` seconds, then twice as many each time, `most` in the end."""
    await db.run(MISSED, held.integration, arrival, tries, held.me, held.epoch, first, most)


async def count(db: Call, integration: UUID, most: int) -> int:
    """How many wait, as far as it matters."""
    return int(await db.value(COUNT, integration, most))


async def release(db: Call, held: Lease) -> None:
    await db.run(RELEASE, held.integration, held.me, held.epoch)


async def release_all(db: Call, me: str) -> None:
    """The process ends."""
    await db.run(RELEASE_ALL, me)


async def left(db: Call, seconds: float) -> list[UUID]:
    """Integrations whose first call has waited so long, and nobody folds."""
    return [r["id"] for r in await db.fetch(LEFT, seconds)]


async def newest(db: Call, account: UUID) -> int | None:
    """The last call that waits for an account's conversations."""
    found = await db.value(NEWEST, account)
    return None if found is None else int(found)


async def waits(db: Call, account: UUID, until: int) -> bool:
    """Whether one of the calls up to that one still waits."""
    return bool(await db.value(WAITS, account, until))
