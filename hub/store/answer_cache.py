"""Answers of models that may be given again."""

import random
from uuid import UUID

from hub.store.db import Call

MOST = 5000
# Of what an account may have, one part in so many may be put in between two looks at how much there is: each reads all of it.
PARTS = 32
GET = "select answer from answer_cache where account_id = $1 and digest = $2 and expires_at > now()"
PUT = """
    insert into answer_cache (account_id, digest, answer, expires_at)
    values ($1, $2, $3, now() + make_interval(secs => $4))
    on conflict (account_id, digest) do update set answer = excluded.answer, created_at = now(), expires_at = excluded.expires_at
"""
# The newest stay, within the bytes and the number that an account may have.
TRIM = """
    delete from answer_cache where account_id = $1 and digest in (
        select c.digest from answer_cache c join (
            select digest, sum(size) over newest as bytes, row_number() over newest as place from answer_cache where account_id = $1
            window newest as (order by created_at desc, digest rows unbounded preceding)
        ) n on n.digest = c.digest
        where c.account_id = $1 and (n.bytes > $2 or n.place > $3 or c.expires_at < now()) limit 1000 for update of c skip locked)
"""
FORGET = """
    delete from answer_cache where (account_id, digest) in (
        select account_id, digest from answer_cache where expires_at < now() limit 5000 for update skip locked)
"""


async def get(db: Call, account: UUID, digest: bytes) -> bytes | None:
    found = await db.value(GET, account, digest)
    return bytes(found) if found is not None else None


async def put(db: Call, account: UUID, digest: bytes, answer: bytes, seconds: float, most: int) -> None:
    """most: bytes of all answers of the account; about a thirtieth more may be there for a while."""
    await db.run(PUT, account, digest, answer, seconds)
    if random.random() < PARTS * max(len(answer) / max(most, 1), 1 / MOST):
        await db.run(TRIM, account, most, MOST)


async def forget(db: Call) -> int:
    """Drop what is too old."""
    return await db.run(FORGET)
