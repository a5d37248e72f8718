"""The proof that a call to a customer's address comes from the customer's account."""

import asyncio
from uuid import UUID

import bcrypt

from hub.store import accounts
from hub.store.db import Call

HEADER = "X-Request-Nonce"
# The salt is random and long: the hash only has to be different each time, not slow to guess.
ROUNDS = 4


async def nonce(db: Call, account: UUID) -> str | None:
    """A fresh bcrypt hash of the account's salt; None without a salt."""
    found = await accounts.get(db, account)
    if found is None or not found.salt:
        return None
    hashed = await asyncio.to_thread(bcrypt.hashpw, found.salt.encode(), bcrypt.gensalt(ROUNDS))
    return hashed.decode()


async def headers(db: Call, account: UUID) -> dict[str, str]:
    """`X-Request-Nonce`, or nothing without a salt."""
    found = await nonce(db, account)
    return {HEADER: found} if found else {}
