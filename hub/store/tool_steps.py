"""Tool calls of a turn, remembered across its runs."""

from uuid import UUID

from hub.domain import Json
from hub.store import personal
from hub.store.db import Call

BEGIN = "select begin_step($1, $2, $3, $4, $5)"
END = "select end_step($1, $2, $3, $4, $5)"
ACCOUNT = "select account_id from sessions where id = $1"
FORGET = """
    delete from turn_steps where ctid = any (array(
        select ctid from turn_steps where at < now() - interval '2 days' limit 20000))
"""


async def begin(db: Call, session: UUID, epoch: int, since: int, key: str, name: str) -> Json | None:
    """{state: new | started | done, result}; None when the turn belongs to somebody else by now."""
    found: Json | None = await db.value(BEGIN, session, epoch, since, key, name)
    return found


async def end(db: Call, session: UUID, epoch: int, since: int, key: str, result: Json) -> bool:
    return bool(await db.value(END, session, epoch, since, key, await _sealed(db, session, result)))


async def _sealed(db: Call, session: UUID, result: Json) -> Json:
    account = await db.value(ACCOUNT, session) if db.keys is not None else session
    return await personal.body(db, account or session, session, result)


async def forget(db: Call) -> int:
    return await db.run(FORGET)
