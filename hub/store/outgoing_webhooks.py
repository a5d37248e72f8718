"""Webhooks out: endpoints, events, and deliveries in the order of the events."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store import personal
from hub.store.db import Call, clean

EMIT = "select emit(account_id, $2, $3, $4, $5) from (select $1::uuid as account_id) a"
ADD = """
    insert into webhook_endpoints (id, account_id, url, events, description, secret) values ($1, $2, $3, $4, $5, $6)
    on conflict do nothing
"""
SECRET = "select secret from webhook_endpoints where account_id = $1 and id = $2"
COUNT = "select count(*)::int from webhook_endpoints where account_id = $1"
LIST = """
    select id, url, events, description, enabled, disabled_at, disabled_reason, failing_since, created_at, updated_at,
        secret
    from webhook_endpoints where account_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3
"""
GET = """
    select id, url, events, description, enabled, disabled_at, disabled_reason, failing_since, created_at, updated_at,
        secret
    from webhook_endpoints where account_id = $1 and id = $2
"""
LOCK = """
    select id, url, secret, events, description, enabled from webhook_endpoints where account_id = $1 and id = $2
    for no key update
"""
EDIT = """
    update webhook_endpoints set url = $3, events = coalesce($4, events),
        description = coalesce($5, description), enabled = coalesce($6, enabled), secret = $7,
        disabled_at = case when $6 then null when not $6 then now() else disabled_at end,
        disabled_reason = case when $6 then null when not $6 then 'It was switched off.' else disabled_reason end,
        failing_since = case when $6 then null else failing_since end, next_at = case when $6 then now() else next_at end,
        updated_at = now()
    where account_id = $1 and id = $2
"""
REMOVE = "delete from webhook_endpoints where account_id = $1 and id = $2"
# Every endpoint has a line of its own, so that a dead one holds up nobody else.
DUE = """
    select e.id from webhook_endpoints e
    where e.enabled and e.next_at <= now() and (e.lease_until is null or e.lease_until < now())
        and exists (select 1 from webhook_deliveries d where d.endpoint_id = e.id and d.state = 'queued')
    order by e.next_at limit $1
"""
CLAIM = """
    update webhook_endpoints set owner = $2, epoch = epoch + 1, lease_until = now() + make_interval(secs => $3)
    where id = (select id from webhook_endpoints where id = $1 and enabled and next_at <= now()
        and (lease_until is null or lease_until < now()) for update skip locked)
    returning id, account_id, url, secret, epoch
"""
HEAD = """
    select d.id, d.event_id, v.type, v.data, v.created_at, jsonb_array_length(d.attempts) as attempts
    from webhook_deliveries d join webhook_events v on v.id = d.event_id
    where d.endpoint_id = $1 and d.account_id = $2 and d.state = 'queued' order by d.place limit 1
"""
# The fence and the record in one: a sender that was taken for dead writes nothing.
DELIVERED = """
    with mine as (
        update webhook_endpoints set failing_since = null, lease_until = now() + make_interval(secs => $5)
        where id = $1 and account_id = $2 and epoch = $3 and lease_until is not null returning id)
    update webhook_deliveries d set state = 'delivered', ended_at = now(), attempts = attempts || $6
    from mine where d.id = $4 and d.endpoint_id = mine.id and d.state = 'queued'
"""
FAILED = """
    with mine as (
        update webhook_endpoints set failing_since = coalesce(failing_since, now()), lease_until = null, owner = null,
            next_at = now() + make_interval(secs => $5)
        where id = $1 and account_id = $2 and epoch = $3 and lease_until is not null returning id)
    update webhook_deliveries d set attempts = attempts || $6, state = case when $7 then 'failed' else 'queued' end,
        ended_at = case when $7 then now() end
    from mine where d.id = $4 and d.endpoint_id = mine.id and d.state = 'queued'
"""
DISABLE = """
    update webhook_endpoints set enabled = false, disabled_at = now(), disabled_reason = $3, updated_at = now()
    where id = $1 and account_id = $2 and enabled and failing_since <= now() - interval '72 hours'
"""
RELEASE = """
    update webhook_endpoints set lease_until = null, owner = null where id = $1 and account_id = $2 and epoch = $3
"""
LOG = """
    select d.id, d.event_id, v.type, d.state, d.attempts, d.replay, d.created_at, d.ended_at, v.created_at as event_at
    from webhook_deliveries d join webhook_events v on v.id = d.event_id
    where d.account_id = $1 and d.endpoint_id = $2 and ($4::text is null or d.state = $4)
        and ($3::uuid is null or d.place < (select p.place from webhook_deliveries p where p.id = $3))
    order by d.place desc limit $5
"""
# In the order of the events, behind what waits already.
REPLAY = """
    with wanted as (
        select e.id as endpoint, v.id as event, v.place from webhook_events v join webhook_endpoints e
            on e.account_id = v.account_id and e.enabled and ($2::uuid is null or e.id = $2)
        where v.account_id = $1 and ($3::uuid[] is null or v.id = any($3))
            and ($4::timestamptz is null or v.created_at >= $4) and ($5::timestamptz is null or v.created_at < $5)
            and ($6::text[] is null or v.type = any($6)) and v.created_at > now() - interval '30 days'
            and exists (select 1 from unnest(e.events) w where w = '*' or w = v.type
                or (w like '%.*' and starts_with(v.type, left(w, -1))))
        order by v.place limit $7)
    insert into webhook_deliveries (id, account_id, endpoint_id, event_id, replay)
    select gen_random_uuid(), $1, endpoint, event, true from wanted order by place
"""
FORGET_DELIVERIES = """
    delete from webhook_deliveries where id in (select id from webhook_deliveries
        where created_at < now() - interval '30 days' and state <> 'queued' limit 10000)
"""
FORGET_EVENTS = """
    delete from webhook_events where id in (select v.id from webhook_events v
        where v.created_at < now() - interval '30 days' and not exists (
            select 1 from webhook_deliveries d where d.event_id = v.id and d.state = 'queued') limit 10000)
"""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """An endpoint whose turn it is, leased. secret: sealed."""

    id: UUID
    account_id: UUID
    url: str
    secret: bytes
    epoch: int


async def emit(db: Call, account: UUID, id: UUID, type: str, data: Json, subject: UUID | None) -> None:
    """subject: what the event is about; it goes when that is deleted, and is none when that is gone already. What it
    tells of a person's conversation is sealed as their words are."""
    whose = f"session:{subject}" if type.startswith("session.") else None
    await db.run(EMIT, account, id, type, await personal.whole(db, account, whose, data), subject)


async def add(
    db: Call, account: UUID, id: UUID, url: str, events: list[str], description: str, secret: bytes
) -> None:
    """Nothing when there is one of this id."""
    await db.run(ADD, id, account, clean(url), events, clean(description), secret)


async def secret(db: Call, account: UUID, id: UUID) -> bytes | None:
    """Sealed."""
    found: bytes | None = await db.value(SECRET, account, id)
    return found


async def count(db: Call, account: UUID) -> int:
    return int(await db.value(COUNT, account))


async def listed(db: Call, account: UUID, before: UUID | None, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(LIST, account, before, limit)]


async def get(db: Call, account: UUID, id: UUID) -> Json | None:
    """secret: sealed."""
    row = await db.row(GET, account, id)
    return dict(row) if row else None


async def lock(db: Call, account: UUID, id: UUID) -> Json | None:
    """Address and sealed secret of an endpoint that nobody else changes until the transaction ends."""
    row = await db.row(LOCK, account, id)
    return dict(row) if row else None


async def edit(
    db: Call,
    account: UUID,
    id: UUID,
    url: str,
    events: list[str] | None,
    description: str | None,
    enabled: bool | None,
    secret: bytes,
) -> None:
    """Of events, description and enabled, what is None stays. secret: sealed."""
    await db.run(EDIT, account, id, clean(url), events, clean(description), enabled, secret)


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, id) == 1


async def due(db: Call, limit: int) -> list[UUID]:
    """Endpoints that have something to be told now and nobody tells."""
    return [r["id"] for r in await db.fetch(DUE, limit)]


async def claim(db: Call, id: UUID, me: str, lease: float) -> Line | None:
    row = await db.row(CLAIM, id, me, lease)
    return Line(**dict(row)) if row else None


async def head(db: Call, line: Line) -> Json | None:
    """The first delivery that is not done: nothing behind it goes out before it."""
    row = await db.row(HEAD, line.id, line.account_id)
    return dict(row) if row else None


async def delivered(db: Call, line: Line, delivery: UUID, lease: float, attempt: Json) -> bool:
    """False: the line is somebody else's by now."""
    found = await db.run(DELIVERED, line.id, line.account_id, line.epoch, delivery, lease, [clean(attempt)])
    return found == 1


async def failed(db: Call, line: Line, delivery: UUID, pause: float, attempt: Json, last: bool) -> bool:
    """The line rests for `pause` seconds; last: the delivery is given up."""
    found = await db.run(FAILED, line.id, line.account_id, line.epoch, delivery, pause, [clean(attempt)], last)
    return found == 1


async def disable(db: Call, line: Line, reason: str) -> bool:
    """Switch off an endpoint that has failed for 72 hours."""
    return await db.run(DISABLE, line.id, line.account_id, clean(reason)) == 1


async def release(db: Call, line: Line) -> None:
    await db.run(RELEASE, line.id, line.account_id, line.epoch)


async def log(
    db: Call, account: UUID, endpoint: UUID, before: UUID | None, state: str | None, limit: int
) -> list[Json]:
    return [dict(r) for r in await db.fetch(LOG, account, endpoint, before, state, limit)]


async def replay(
    db: Call, account: UUID, endpoint: UUID | None, events: list[UUID] | None,
    times: tuple[datetime | None, datetime | None], types: list[str] | None, most: int,
) -> int:
    """How many deliveries were queued again."""
    return await db.run(REPLAY, account, endpoint, events, *times, types, most)


async def forget(db: Call) -> int:
    return await db.run(FORGET_DELIVERIES) + await db.run(FORGET_EVENTS)
