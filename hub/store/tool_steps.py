"""Tool calls of a turn, remembered across its runs."""

from uuid import UUID

from hub.domain import Json
from hub.store.db import Call, clean

BEGIN = "select begin_step($1, $2, $3, $4, $5)"
END = "select end_step($1, $2, $3, $4, $5)"
FORGET = """
    delete from turn_steps where ctid = any (array(
        select ctid from turn_steps where at < now() - interval '2 days' limit 20000))
"""


async def begin(db: Call, session: UUID, epoch: int, since: int, key: str, name: str) -> Json | None:
    """{state: new | started | done, result}; None when the turn belongs to somebody else by now."""
    found: Json | None = await db.value(BEGIN, session, epoch, since, key, name)
    return found


async def end(db: Call, session: UUID, epoch: int, since: int, key: str, result: Json) -> bool:
    return bool(await db.value(END, session, epoch, since, key, clean(result)))


async def forget(db: Call) -> int:
    return await db.run(FORGET)
