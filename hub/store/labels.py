"""Labels: a business's own words for what conversations are about."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

LIST = """
    select id, name, colour, created_at from labels where account_id = $1 and ($2::uuid is null or id = $2) order by lower(name), id limit 500
"""
MANY = "select count(*)::int from labels where account_id = $1"
# Until the transaction ends no other label of the account is made or renamed.
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('labels:' || account_id::text, 0)) from (select $1::uuid as account_id) a"
ADD = """
    insert into labels (id, account_id, name, colour) select $2, a.id, $3, $4 from accounts a where a.id = $1
    on conflict (account_id, lower(name)) do nothing
"""
LOCK = "select id, name, colour from labels where account_id = $1 and id = $2 for no key update"
TAKEN = "select exists (select 1 from labels where account_id = $1 and lower(name) = lower($3) and id <> $2)"
EDIT = "update labels set name = $3, colour = $4 where account_id = $1 and id = $2"
REMOVE = "delete from labels where account_id = $1 and id = $2"
PUT_ON = """
    insert into session_labels (session_id, label_id, account_id)
    select s.id, l.id, s.account_id from sessions s join labels l on l.account_id = s.account_id
    where s.account_id = $1 and s.id = $2 and l.id = any($3::uuid[]) on conflict do nothing returning label_id
"""
TAKE_OFF = """
    delete from session_labels where account_id = $1 and session_id = $2 and label_id = any($3::uuid[]) returning label_id
"""

Json = dict[str, Any]


async def listed(db: Call, account: UUID) -> list[Json]:
    return [dict(r) for r in await db.fetch(LIST, account, None)]


async def one(db: Call, account: UUID, id: UUID) -> Json | None:
    row = await db.row(LIST, account, id)
    return dict(row) if row else None


async def many(db: Call, account: UUID) -> int:
    return int(await db.value(MANY, account))


async def alone(db: Call, account: UUID) -> None:
    """In a transaction: nobody else makes or renames a label of the account until it ends."""
    await db.run(ONE_AT_A_TIME, account)


async def add(db: Call, account: UUID, id: UUID, name: str, colour: str) -> bool:
    """False when there is one of this name."""
    return await db.run(ADD, account, id, clean(name), colour) == 1


async def lock(db: Call, account: UUID, id: UUID) -> Json | None:
    row = await db.row(LOCK, account, id)
    return dict(row) if row else None


async def taken(db: Call, account: UUID, id: UUID, name: str) -> bool:
    """Whether another label has the name."""
    return bool(await db.value(TAKEN, account, id, clean(name)))


async def edit(db: Call, account: UUID, id: UUID, name: str, colour: str) -> None:
    await db.run(EDIT, account, id, clean(name), colour)


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    """It goes from all conversations."""
    return await db.run(REMOVE, account, id) == 1


async def put_on(db: Call, account: UUID, session: UUID, labels: Sequence[UUID]) -> set[UUID]:
    """Those of them that it did not have before."""
    return {r["label_id"] for r in await db.fetch(PUT_ON, account, session, list(labels))}


async def take_off(db: Call, account: UUID, session: UUID, labels: Sequence[UUID]) -> set[UUID]:
    """Those of them that it had."""
    return {r["label_id"] for r in await db.fetch(TAKE_OFF, account, session, list(labels))}
