"""What an account spends, told apart by what it was spent on; as a table for spreadsheets too."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hub.accounts import tables
from hub.domain import Json
from hub.store import key_limits
from hub.store.db import Call

GROUPS = tuple(key_limits.GROUPS)
COLUMNS = ("id", "name", "amount", "tokens_in", "tokens_cached", "tokens_out", "entries")
MOST = key_limits.MOST


async def told(
    db: Call, account: UUID, by: str, since: datetime, until: datetime, *, key: UUID | None = None,
    tag: str | None = None, limit: int = MOST, skip: int = 0,
) -> list[Json]:
    """Rows with the fields of COLUMNS, and the `total` of them. by: one of GROUPS."""
    return await key_limits.spend(db, account, by, since, until, key, tag, limit, skip)


def table(rows: Sequence[Json], by: str) -> str:
    """The same as CSV. Pure."""
    return tables.of([(by, *COLUMNS[1:]), *([r[c] for c in COLUMNS] for r in rows)])
