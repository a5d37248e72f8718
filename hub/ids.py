"""Identifiers: UUIDv7 for rows, prefixed random text for keys."""

import binascii
import hashlib
import random
import secrets
import time
from datetime import datetime
from uuid import UUID

DAY, TIMELESS = 86_400, 0xFF
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LOWER = "abcdefghijklmnopqrstuvwxyz0123456789"
PRIVATE_KEY, PUBLIC_KEY = "sk-hub-", "pk-hub-"


def uuid7() -> UUID:
    """A UUID version 7 (RFC 9562): 48 bits of milliseconds, the rest random."""
    ms = time.time_ns() // 1_000_000
    # Names, not secrets; the generator is seeded anew in every process, forked ones too.
    n = (ms << 80) | random.getrandbits(80)
    n = n & ~(0xF << 76) | (0x7 << 76)
    n = n & ~(0x3 << 62) | (0x2 << 62)
    return UUID(int=n)


def made_at(id: UUID, at: datetime) -> bool:
    """Whether an id that anybody may have given stands where those of that day do."""
    return id.version == 7 and abs((id.int >> 80) / 1000 - at.timestamp()) < DAY


def timeless(name: bytes) -> UUID:
    """The id of what has this name: of no moment that there ever was, as it tells of none."""
    return UUID(bytes=bytes([TIMELESS]) + hashlib.sha256(name).digest()[1:16], version=4)


def _base62(number: int, width: int) -> str:
    text = ""
    for _ in range(width):
        number, rest = divmod(number, 62)
        text = ALPHABET[rest] + text
    return text


def api_key(kind: str) -> str:
    """`sk-hub-` or `pk-hub-`, 32 random characters (190 bits) and a 6 character checksum."""
    prefix = PUBLIC_KEY if kind == "public" else PRIVATE_KEY
    body = "".join(secrets.choice(ALPHABET) for _ in range(32))
    return prefix + body + _checksum(prefix + body)


def plausible_key(key: str) -> bool:
    """Whether the checksum fits: a mistyped key is refused without asking the database."""
    if not key.startswith((PRIVATE_KEY, PUBLIC_KEY)) or len(key) != len(PRIVATE_KEY) + 38:
        return False
    return key.isascii() and secrets.compare_digest(_checksum(key[:-6]), key[-6:])


def _checksum(text: str) -> str:
    return _base62(binascii.crc32(text.encode()), 6)


def access_key() -> str:
    """Key of one chat session: `wky_` and 55 lower case letters and digits (284 bits)."""
    return "wky_" + "".join(secrets.choice(LOWER) for _ in range(55))


def path_secret() -> str:
    """Secret of a webhook path, also valid as Telegram's header secret (192 bits)."""
    return secrets.token_hex(24)


def salt() -> str:
    """An account's salt (160 bits)."""
    return secrets.token_hex(20)


def slug(name: str) -> str:
    """Gateway slug: the name in lower case words and four random characters, `name:xxxx`."""
    words = "".join(c if c.isalnum() and c.isascii() else "-" for c in name.lower())
    base = "-".join(w for w in words.split("-") if w)[:40] or "gateway"
    return f"{base}:{''.join(secrets.choice(LOWER) for _ in range(4))}"


# Crockford's base 32, whose order is that of the numbers.
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(id: UUID) -> str:
    """A UUID as 26 letters of a ULID; of version 7 it sorts by time, as a ULID does."""
    number, text = id.int, ""
    for _ in range(26):
        number, rest = divmod(number, 32)
        text = CROCKFORD[rest] + text
    return text


def of_ulid(text: str) -> UUID:
    """Raise ValueError for anything else."""
    if len(text) != 26:
        raise ValueError("a ULID has 26 letters")
    number = 0
    for letter in text:
        number = number * 32 + CROCKFORD.index(letter)
    return UUID(int=number)


def named(prefix: str, id: UUID) -> str:
    """An id as a family prints it: `run_01JD...`."""
    return f"{prefix}_{ulid(id)}"


def of_named(prefix: str, text: str) -> UUID:
    """Raise ValueError for an id of something else."""
    if not text.startswith(prefix + "_"):
        raise ValueError(f"begins with {prefix}_")
    return of_ulid(text[len(prefix) + 1 :])


def unnamed(prefix: str, text: str) -> UUID | None:
    """The id that `named` wrote; None when it is none with this prefix."""
    try:
        return of_named(prefix, text)
    except ValueError:
        return None


def secret(prefix: str) -> str:
    """A secret that is shown once: the prefix and 43 characters (256 bits)."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"
