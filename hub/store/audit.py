"""The audit log: who did what to which object."""

from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

ADD = """
    insert into audit (account_id, actor_kind, actor_id, actor, action, object, detail) values ($1, $2, $3, $4, $5, $6, $7)
"""
LIST = """
    select id, at, actor_kind, actor_id, actor, action, object, detail from audit
    where account_id = $1 and ($2::bigint is null or id < $2) and ($3::text is null or action like $3 || '%')
    order by id desc limit $4
"""

Json = dict[str, Any]


async def add(
    db: Call, account: UUID, kind: str, actor_id: UUID | None, actor: str, action: str, object: str | None, detail: Json
) -> None:
    await db.run(ADD, account, kind, actor_id, clean(actor), action, clean(object), clean(detail))


async def find(db: Call, account: UUID, before: int | None, action: str | None, limit: int) -> list[Json]:
    """Newest first; `action`: the beginning of its name."""
    return [dict(r) for r in await db.fetch(LIST, account, before, clean(action), limit)]
