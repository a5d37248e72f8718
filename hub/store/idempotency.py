"""Requests that were sent with an Idempotency-Key, and their answers."""

from dataclasses import dataclass
from uuid import UUID

from hub import ids
from hub.domain import Json
from hub.store.db import Call, clean

# A claim whose process died is free after its lease; one of another request keeps its digest.
CLAIM = """
    insert into idempotency as i (id, account_id, key_id, name, method, path, digest, lease_until)
    values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
    on conflict (key_id, name, method, path) do update set epoch = i.epoch + 1, lease_until = excluded.lease_until, subject = null,
        id = case when i.created_at < now() - interval '24 hours' then excluded.id else i.id end,
        digest = excluded.digest, status = null, headers = null, body = null,
        created_at = case when i.created_at < now() - interval '24 hours' then now() else i.created_at end
    where i.created_at < now() - interval '24 hours'
        or (i.status is null and i.digest = excluded.digest and (i.lease_until is null or i.lease_until < now()))
    returning id, epoch
"""
FOUND = """
    select id, digest, status, headers, body, greatest(0, extract(epoch from lease_until - now()))::float8 as left
    from idempotency where account_id = $1 and key_id = $2 and name = $3 and method = $4 and path = $5
"""
RENEW = """
    update idempotency set lease_until = now() + make_interval(secs => $4)
    where id = $2 and account_id = $1 and epoch = $3 and status is null
"""
FINISH = """
    update idempotency set status = case when k.kept then $4 else 410 end, headers = case when k.kept then $5::jsonb end,
        body = case when k.kept then $6::bytea end, lease_until = null, subject = $7, person = $8
    from (select $7::uuid is null or alive($7) as kept) k
    where id = $2 and account_id = $1 and epoch = $3 and status is null
"""
FREE = "delete from idempotency where id = $2 and account_id = $1 and epoch = $3 and status is null"
FORGET = """
    delete from idempotency where id in (
        select id from idempotency where created_at < now() - interval '25 hours' limit 20000)
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an Idempotency-Key (`name`) holds: one API key, one method, one path."""

    account: UUID
    key: UUID
    name: str
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that is being answered. epoch: fences off a process that was taken for dead."""

    account: UUID
    id: UUID
    epoch: int


async def claim(db: Call, at: Place, digest: bytes, seconds: float) -> Claim | None:
    """None when the key is taken (see `found`)."""
    row = await db.row(CLAIM, ids.uuid7(), at.account, at.key, clean(at.name), at.method, clean(at.path), digest, seconds)
    return Claim(at.account, row["id"], row["epoch"]) if row else None


async def found(db: Call, at: Place) -> Json | None:
    """Who has the key: its digest, its answer if there is one, seconds left of its lease."""
    row = await db.row(FOUND, at.account, at.key, clean(at.name), at.method, clean(at.path))
    return dict(row) if row else None


async def renew(db: Call, claimed: Claim, seconds: float) -> bool:
    return await db.run(RENEW, claimed.account, claimed.id, claimed.epoch, seconds) == 1


async def finish(
    db: Call, claimed: Claim, status: int, headers: Json, body: bytes, subject: UUID | None = None, person: str | None = None
) -> bool:
    """Keep the answer for as long as there is its subject, and its person by their external user id. False: somebody else has taken the request over."""
    return await db.run(
        FINISH, claimed.account, claimed.id, claimed.epoch, status, clean(headers), body, subject, clean(person)
    ) == 1


async def free(db: Call, claimed: Claim) -> None:
    """Forget the request, so that it can be sent again."""
    await db.run(FREE, claimed.account, claimed.id, claimed.epoch)


async def forget(db: Call) -> int:
    return await db.run(FORGET)
