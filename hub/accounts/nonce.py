"""The proof that a call to a customer's address comes from the customer's account."""

import asyncio
from uuid import UUID

import bcrypt

from hub.accounts import salts
from hub.runtime import Hub
from hub.store import accounts

HEADER = "X-Request-Nonce"
# The salt is random and long: the hash only has to be different each time, not slow to guess.
ROUNDS = 4


async def nonce(hub: Hub, account: UUID) -> str | None:
    """A fresh bcrypt hash of the account's salt; None without a salt."""
    found = await accounts.get(hub.db, account)
    salt = salts.opened(hub.sealer, account, found.salt) if found else ""
    if not salt:
        return None
    hashed = await asyncio.to_thread(bcrypt.hashpw, salt.encode(), bcrypt.gensalt(ROUNDS))
    return hashed.decode()


async def headers(hub: Hub, account: UUID) -> dict[str, str]:
    """`X-Request-Nonce`, or nothing without a salt."""
    found = await nonce(hub, account)
    return {HEADER: found} if found else {}
