"""Answers of POST /v1/responses that are kept: of an account and of the key that asked, until they expire."""

from typing import Any
from uuid import UUID

from hub.store import personal
from hub.store.db import Call, clean

# Not of one whose forerunner was deleted while it was answered: what is deleted is gone.
ADD = """
    insert into responses (id, account_id, key_id, previous_id, root_id, external_user, input, answer, talk, size, expires_at)
    select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now() + make_interval(days => $11)
    where $4::uuid is null or exists (select 1 from responses p where p.account_id = $2 and p.id = $4 for key share)
"""
ONE = """
    select r.id, r.previous_id, r.root_id, r.input, r.answer from responses r
    where r.account_id = $1 and r.key_id in (select keys_of($1, $2)) and r.id = $3 and r.expires_at > now()
"""
# From the newest on; those that are too old or too many to be told are not read.
CHAIN = """
    with recursive line as (
        select r.id, r.previous_id, r.root_id, r.size, 1 as place, r.size::bigint as total from responses r
            where r.account_id = $1 and r.key_id in (select keys_of($1, $2)) and r.id = $3 and r.expires_at > now()
        union all
        select r.id, r.previous_id, r.root_id, r.size, l.place + 1, l.total + r.size from line l join responses r on r.id = l.previous_id
            where r.account_id = $1 and r.key_id in (select keys_of($1, $2)) and r.expires_at > now() and l.place < $4 and l.total <= $5)
    select l.id, l.previous_id, l.root_id, l.place, l.total, r.talk from line l join responses r on r.id = l.id and r.account_id = $1
    where (select max(total) from line) <= $5 order by l.place desc
"""
REMOVE = """
    delete from responses r where r.account_id = $1 and r.key_id in (select keys_of($1, $2)) and r.id = $3
"""
# Of what a key keeps the oldest, beyond so many.
CROWDED = """
    delete from responses where id in (
        select r.id from responses r where r.account_id = $1 and r.key_id = $2 order by r.id desc offset $3 limit 100)
"""
FORGET = "delete from responses where id in (select r.id from responses r where r.expires_at < now() limit 5000)"
MOST = 10_000

Json = dict[str, Any]


async def add(
    db: Call, account: UUID, key: UUID, id: UUID, *, previous: UUID | None, root: UUID, user: str | None, input: list[Json],
    answer: Json, talk: list[Json], size: int, days: int
) -> bool:
    """False when what it goes on from is gone. Beyond MOST of a key the oldest go."""
    who = f"user:{user}" if user is not None else None
    given, told = [[await personal.whole(db, account, who, one) for one in part] for part in (input, talk)]
    kept = await personal.whole(db, account, who, answer)
    added = await db.run(ADD, id, account, key, previous, root, clean(user), given, kept, told, size, days)
    if added:
        await db.run(CROWDED, account, key, MOST)
    return added == 1


async def one(db: Call, account: UUID, key: UUID, id: UUID) -> Json | None:
    row = await db.row(ONE, account, key, id)
    return dict(row) if row else None


async def chain(db: Call, account: UUID, key: UUID, id: UUID, most: int, size: int) -> list[Json]:
    """A response and all that it goes on from, the first one first. Empty: there is none, or it is larger than `size`."""
    return [dict(r) for r in await db.fetch(CHAIN, account, key, id, most, size)]


async def remove(db: Call, account: UUID, key: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, key, id) == 1


async def forget(db: Call) -> int:
    return await db.run(FORGET)
