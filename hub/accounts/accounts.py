"""The account itself: name, parameters, salt (as `hub.accounts.salts` keeps it)."""

from collections.abc import Callable
from typing import Any

from hub import ids
from hub.accounts import salts
from hub.domain import Account, Caller, User
from hub.errors import NotFound
from hub.store import accounts
from hub.store.db import Call, Db

DEFAULTS = {"allowConversationsLogging": False, "automaticJsonHealing": False, "requireSecondFactor": False}


async def create_account(db: Call, name: str) -> Account:
    """A new account with a salt of its own; it has no key yet (`hub.accounts.keys.grant`)."""
    return await accounts.add(db, ids.uuid7(), name, salts.fresh())


async def view(db: Call, who: Caller | User) -> Account:
    found = await accounts.get(db, who.account_id)
    if found is None:
        raise NotFound
    return found


async def edit(
    db: Db, who: Caller, name: str | None, parameters: dict[str, Any], seen: Callable[[Account], None] | None = None
) -> None:
    """Change what is given; the rest stays. seen: raises when what it is given is not what the change was made from."""
    async with db.transaction() as tx:
        old = await accounts.get(tx, who.account_id, lock=True)
        if seen is not None and old is not None:
            seen(old)
        await accounts.edit(tx, who.account_id, name, parameters)


async def roll_salt(db: Call, who: Caller) -> None:
    """Calls to workers, functions and sources are signed with the new salt from now on."""
    await accounts.set_salt(db, who.account_id, salts.fresh())
