"""Passwords: argon2id, hashed and checked away from the event loop."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.errors import Invalid

SHORTEST, LONGEST = 8, 1024
# Each check takes 64 MiB for some 50 ms: more of them at once than this would help whoever floods the login.
AT_ONCE = 4
# Checked where there is no user, so that a login takes as long for unknown addresses as for known ones.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$vF8kyPvNcLNOOYzKSUXuDEi5d5B6gI6UWqRT1pcrLp0"


class Passwords:
    """One of a process; its semaphore bounds what logins may cost."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._free = asyncio.Semaphore(AT_ONCE)

    async def hashed(self, password: str, field: str = "password") -> str:
        """What is stored. Raise Invalid when it is shorter than 8 or longer than 1,024 characters."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise Invalid(f"{field} must have {SHORTEST} to {LONGEST} characters.", field=field)
        async with self._free:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, password: str, stored: str | None) -> bool:
        """Whether it is the password of what is stored; None (no such user) takes as long and is False."""
        async with self._free:
            return await asyncio.to_thread(self._fits, password[:LONGEST], stored)

    def _fits(self, password: str, stored: str | None) -> bool:
        try:
            return self._hasher.verify(stored or NOBODY, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False
