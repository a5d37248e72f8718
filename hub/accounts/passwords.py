"""Passwords: argon2id, hashed and checked away from the event loop; the common ones are refused."""

import asyncio
import gzip
import re
import unicodedata
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.errors import Invalid
from hub.language.marks import fewer

SHORTEST, LONGEST = 8, 1024
# Each check takes 64 MiB for some 50 ms: more of them at once than this would help whoever floods the login.
AT_ONCE = 4
# Checked where there is no user, so that a login takes as long for unknown addresses as for known ones.
NOBODY = "$argon2id$v=19$m={m},t={t},p={p}$c29tZXNhbHRzb21lc2FsdA$vF8kyPvNcLNOOYzKSUXuDEi5d5B6gI6UWqRT1pcrLp0"
# The 30,000 most frequent of public leaks, one a line (from zxcvbn, MIT license).
COMMON = Path(__file__).with_name("common_passwords.txt.gz")
_LEET = str.maketrans("@4831!05$7", "aabeiiosst")
_TAIL = re.compile(r"^[\W\d_]+|[\W\d_]+$")


class Passwords:
    """One of a process; its semaphore bounds what logins may cost."""

    def __init__(self) -> None:
        self._hasher = cost = PasswordHasher()
        self._nobody = NOBODY.format(m=cost.memory_cost, t=cost.time_cost, p=cost.parallelism)
        self._free = asyncio.Semaphore(AT_ONCE)

    async def hashed(self, password: str, field: str = "password", about: tuple[str, ...] = ()) -> str:
        """What is stored. about: words that a password must not be, such as its owner's address.

        Raise Invalid when it is shorter than 8 or longer than 1,024 characters, or easily guessed."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise Invalid(f"{field} must have {SHORTEST} to {LONGEST} characters.", field=field)
        async with self._free:
            if await asyncio.to_thread(guessed, password, about):
                raise Invalid(
                    f"{field} is one that many people use, or is taken from your name or address; choose another.",
                    field=field,
                )
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, password: str, stored: str | None) -> bool:
        """Whether it is the password of what is stored; None (no such user) takes as long and is False."""
        async with self._free:
            return await asyncio.to_thread(self._fits, password[:LONGEST], stored)

    def _fits(self, password: str, stored: str | None) -> bool:
        try:
            return self._hasher.verify(stored or self._nobody, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


@cache
def _common() -> frozenset[str]:
    return frozenset(gzip.decompress(COMMON.read_bytes()).decode().split("\n"))


def guessed(password: str, about: tuple[str, ...] = ()) -> bool:
    """Whether it is among the first that somebody would try: a common one, also with signs for letters or figures
    around it; the same few signs again and again; a piece of `about`."""
    plain = unicodedata.normalize("NFKC", fewer(password)).casefold()
    forms = {plain, plain.translate(_LEET), _TAIL.sub("", plain), _TAIL.sub("", plain).translate(_LEET)}
    words = {part for text in about for word in (text.casefold(),) for part in (word, *re.split(r"[@.\s]+", word))}
    if any(len(form) >= 4 and (form in _common() or form in words) for form in forms):
        return True
    return any(len(plain) % n == 0 and plain[:n] * (len(plain) // n) == plain for n in (1, 2))
