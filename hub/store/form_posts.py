"""Forms of the console that were sent, and what came of them: each is done once."""

from dataclasses import dataclass
from uuid import UUID

from hub.domain import Json
from hub.store.db import Call, clean

# A claim whose process died is free after its lease.
CLAIM = """
    insert into form_posts as f (account_id, operator_id, name, lease_until) values ($1, $2, $3, now() + make_interval(secs => $4))
    on conflict (operator_id, name) do update set lease_until = excluded.lease_until where f.status is null and f.lease_until < now()
    returning f.created_at < now() as again
"""
FOUND = "select status, location, said from form_posts where account_id = $1 and operator_id = $2 and name = $3"
FINISH = """
    update form_posts set status = $4, location = $5, said = $6 where account_id = $1 and operator_id = $2 and name = $3 and status is null
"""
FREE = "delete from form_posts where account_id = $1 and operator_id = $2 and name = $3 and status is null"
DONE = "select exists (select 1 from audit where account_id = $1 and deed = $2)"
FORGET = """
    delete from form_posts where (operator_id, name) in (
        select operator_id, name from form_posts where created_at < now() - interval '25 hours' limit 20000)
"""


@dataclass(frozen=True, slots=True)
class Post:
    """One form as one person sent it; `name` is also the deed's in the audit log."""

    account: UUID
    operator: UUID
    name: UUID


async def claim(db: Call, post: Post, seconds: float) -> str:
    """`first`; `again` when who had it died; `taken`: see `found`."""
    row = await db.row(CLAIM, post.account, post.operator, post.name, seconds)
    return "taken" if row is None else "again" if row["again"] else "first"


async def found(db: Call, post: Post) -> Json | None:
    """What came of it: {status: None while it is being done, location, said}."""
    row = await db.row(FOUND, post.account, post.operator, post.name)
    return dict(row) if row else None


async def finish(db: Call, post: Post, status: int, location: str | None, said: str | None) -> None:
    await db.run(FINISH, post.account, post.operator, post.name, status, clean(location), clean(said))


async def free(db: Call, post: Post) -> None:
    """It was refused: the same form may be sent again."""
    await db.run(FREE, post.account, post.operator, post.name)


async def done(db: Call, post: Post) -> bool:
    """Whether the audit log has it: it was written with the change itself."""
    return bool(await db.value(DONE, post.account, post.name))


async def forget(db: Call) -> int:
    return await db.run(FORGET)
