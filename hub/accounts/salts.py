"""Salts of accounts as they are kept: what a copy of the database shows of one signs nothing.

A new one is worked out from a stored part and the sealing key; one that was stored open before is sealed. Both are
told from a plain one, which older versions of the hub stored, by how they begin.
"""

import base64
import hmac
from uuid import UUID

from hub import ids
from hub.sealing import Sealer

PLACE, PURPOSE = "accounts.salt", "accounts.salt"
DERIVED, SEALED = "derived:", "sealed:"
LENGTH = 40


def fresh() -> str:
    """A new one, as it is stored."""
    return DERIVED + ids.salt()


def sealed(sealer: Sealer, account: UUID, salt: str) -> str:
    """One that is known already, as it is stored."""
    return SEALED + base64.b64encode(sealer.seal(PLACE, account, salt)).decode()


def opened(sealer: Sealer, account: UUID, stored: str) -> str:
    """The salt; "" where there is none."""
    if stored.startswith(DERIVED):
        return hmac.digest(sealer.derived(PURPOSE), f"{account}|{stored}".encode(), "sha256").hex()[:LENGTH]
    if stored.startswith(SEALED):
        return sealer.open(PLACE, account, base64.b64decode(stored.removeprefix(SEALED)))
    return stored


def plain(stored: str) -> bool:
    """Whether it is stored open."""
    return bool(stored) and not stored.startswith((DERIVED, SEALED))
