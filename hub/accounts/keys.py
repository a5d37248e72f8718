"""API keys: made once, shown once, looked up by hash."""

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hub import ids
from hub.domain import Caller
from hub.errors import BadRequest, Unauthorized
from hub.sealing import digest
from hub.store import keys
from hub.store.db import Call

REMEMBER = 1.0  # seconds: a deleted key stops working everywhere within this time
KEPT = 5000


class Keyring:
    """Finds out whose a key is; remembers it for a second."""

    def __init__(self, db: Call) -> None:
        self._db = db
        self._known: dict[bytes, tuple[float, datetime | None, Caller]] = {}

    async def caller(self, key: str) -> Caller:
        """Raise Unauthorized for anything but a key that is valid now."""
        hashed, now = digest(key), time.monotonic()
        kept = self._known.get(hashed)
        if kept and kept[0] > now and not keys.expired(kept[1], datetime.now(UTC)):
            return kept[2]
        if not ids.plausible_key(key):
            raise Unauthorized
        found = await keys.find(self._db, hashed)
        if found is None:
            self._known.pop(hashed, None)
            raise Unauthorized
        if found["stale"]:
            await keys.used(self._db, found["id"])
        who = Caller(found["account_id"], found["id"], found["kind"], found["role"], found["plan"])
        self._remember(hashed, now, found["expires_at"], who)
        return who

    def _remember(self, hashed: bytes, now: float, expires_at: datetime | None, who: Caller) -> None:
        if len(self._known) >= KEPT:
            self._known = {k: v for k, v in self._known.items() if v[0] > now}
        if len(self._known) < KEPT:
            self._known[hashed] = (now + REMEMBER, expires_at, who)

    def forget(self, key_id: UUID) -> None:
        """Stop accepting a key in this process at once."""
        self._known = {k: v for k, v in self._known.items() if v[2].key_id != key_id}


async def grant(
    db: Call, account_id: UUID, label: str, days: int | None, kind: str = "private", role: str = "owner"
) -> str:
    """A new key, in plain text for the only time. `days` None or negative: it never expires."""
    key = ids.api_key(kind)
    lasting = days if days is not None and days >= 0 else None
    await keys.add(
        db, ids.uuid7(), account_id, key_hash=digest(key), tail=key[-6:], label=label, kind=kind, days=lasting,
        role=role,
    )
    return key


async def granted(db: Call, account_id: UUID) -> list[dict[str, Any]]:
    return await keys.of_account(db, account_id)


async def revoke(db: Call, account_id: UUID, key_id: UUID) -> None:
    """Raise BadRequest (documented so, not NotFound) for a key that is not the account's."""
    if not await keys.remove(db, account_id, key_id):
        raise BadRequest("API key not found or does not belong to the account.", field="key-id")
