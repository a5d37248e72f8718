"""`hub audit verify`: whether the audit log is as it was written."""

from collections.abc import Callable

from hub.config import Settings
from hub.store import audit
from hub.store.db import open_db
from hub.store.migrate import demand


async def verify(settings: Settings, say: Callable[[str], None]) -> bool:
    """Say for every account how many rows are whole, and the first that is not. The hash of the newest row stands for
    all of them: whoever keeps it elsewhere will see a log that was written anew. Raise Setup."""
    whole = True
    async with open_db(settings.database_url.get_secret_value(), size=2) as db:
        await demand(db)
        for account in await audit.accounts(db):
            found = await audit.verify(db, account)
            whole = whole and found.broken is None
            said = f"BROKEN: {found.broken}; {found.count} rows before it are whole" if found.broken else "whole"
            say(f"account {account}: {found.count} rows, newest {found.head[:16] or '-'}, {said}")
    return whole
