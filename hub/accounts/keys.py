"""API keys: made once, shown once, looked up by hash."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hub import ids
from hub.accounts import audit, key_limits
from hub.accounts.key_limits import Limits
from hub.domain import Caller
from hub.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthorized
from hub.live.single_flight import Flights
from hub.sealing import digest
from hub.store import key_limits as rows
from hub.store import keys
from hub.store.db import Call, Db

REMEMBER = 1.0  # seconds: a deleted key stops working everywhere within this time
KEPT = 5000
FOREVER = 36_500  # days
GRACE = 86_400.0  # seconds that a rotated key goes on working
MANAGERS = ("owner", "admin")


class Keyring:
    """Finds out whose a key is; remembers it for a second."""

    def __init__(self, db: Call) -> None:
        self._db = db
        self._known: dict[bytes, tuple[float, datetime | None, Caller]] = {}
        self._flights = Flights()
        self._forgotten = 0

    async def caller(self, key: str) -> Caller:
        """Raise Unauthorized for anything but a key that is valid now."""
        known = self.known(key)
        if known is not None:
            return known
        hashed = digest(key)
        if not ids.plausible_key(key):
            raise Unauthorized
        # Whoever comes after a key was forgotten joins none that began before.
        turn = self._forgotten
        return await self._flights.one((hashed, turn), lambda: self._looked_up(hashed, turn))

    def known(self, key: str) -> Caller | None:
        """Whose a key is that is remembered."""
        kept = self._known.get(digest(key))
        if kept is None or kept[0] <= time.monotonic() or keys.expired(kept[1], datetime.now(UTC)):
            return None
        return kept[2]

    async def _looked_up(self, hashed: bytes, turn: int) -> Caller:
        now = time.monotonic()
        found = await keys.find(self._db, hashed)
        if found is None:
            self._known.pop(hashed, None)
            raise Unauthorized
        if found["stale"]:
            await keys.used(self._db, found["id"])
        who = Caller(
            found["account_id"], found["id"], found["kind"], found["role"], found["plan"],
            tuple(found["origins"]), tuple(found["models"]), key_limits.of(found["limits"]),
        )
        if turn == self._forgotten:
            self._remember(hashed, now, found["expires_at"], who)
        return who

    def _remember(self, hashed: bytes, now: float, expires_at: datetime | None, who: Caller) -> None:
        if len(self._known) >= KEPT:
            self._known = {k: v for k, v in self._known.items() if v[0] > now}
        if len(self._known) < KEPT:
            self._known[hashed] = (now + REMEMBER, expires_at, who)

    def forget(self, key_id: UUID) -> None:
        """Stop accepting a key in this process at once."""
        self._forgotten += 1
        self._known = {k: v for k, v in self._known.items() if v[2].key_id != key_id}


async def grant(
    db: Call, account_id: UUID, label: str, days: int | None, kind: str = "private", role: str = "owner", *,
    origins: Sequence[str] = (), models: Sequence[UUID] = (), limits: Limits | None = None, tags: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> str:
    """A new key, in plain text for the only time. `days` None, negative or beyond a hundred years: it never expires.
    origins, models: what a public key is bound to. limits: of its own. In a transaction, where it has limits."""
    id = ids.uuid7()
    key = ids.api_key(kind)
    lasting = days if days is not None and 0 <= days <= FOREVER else None
    await keys.add(
        db, id, account_id, key_hash=digest(key), tail=key[-6:], label=label, kind=kind, days=lasting,
        role=role, origins=origins, models=models,
    )
    if tags or expires_at:
        await keys.edit(db, account_id, id, None, tags, (expires_at,) if expires_at else None)
    if limits is not None and (stored := limits.stored()):
        await rows.set_limits(db, account_id, id, stored)
    return key


async def create(
    db: Db, who: Caller, label: str, days: int | None, kind: str, role: str, *, origins: Sequence[str] = (),
    models: Sequence[UUID] = (), limits: Limits | None = None, tags: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> str:
    """The same for whoever holds a key. Raise Forbidden for who may not manage keys of this role."""
    may_manage(who.role, role)
    async with db.transaction() as tx:
        await _in_place(tx, who)
        return await grant(
            tx, who.account_id, label, days, kind, role, origins=origins, models=models, limits=limits, tags=tags,
            expires_at=expires_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Of a key; None stays as it is. limits: all of them anew. expires_at: the moment or never, in brackets."""

    label: str | None = None
    tags: Sequence[str] | None = None
    limits: Limits | None = None
    expires_at: tuple[datetime | None] | None = None


async def edit(db: Db, who: Caller, id: UUID, change: Change) -> None:
    """Raise NotFound, Forbidden."""
    async with db.transaction() as tx:
        await keys.lock_all(tx, who.account_id, (who.key_id, id))
        await _in_place(tx, who)
        await changed(tx, who.account_id, who.role, id, change)
        await audit.note(tx, who.account_id, audit.of_caller(who), "key.edited", str(id))


async def changed(
    tx: Call, account: UUID, mine: str, id: UUID, change: Change, seen: Callable[[dict[str, Any]], None] | None = None
) -> None:
    """Change a key as somebody of the role `mine`. seen: raises when what it is given is not what the change was made
    from. Raise NotFound, Forbidden."""
    old = await keys.lock(tx, account, id)
    if old is None:
        raise NotFound("There is no such API key.")
    may_manage(mine, old["role"])
    if seen is not None:
        seen(old)
    await keys.edit(tx, account, id, change.label, change.tags, change.expires_at)
    if change.limits is not None:
        await rows.set_limits(tx, account, id, change.limits.stored())


async def view(db: Call, who: Caller, id: UUID) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """A key, its budgets with what is spent, what was told of them. Raise NotFound, Forbidden."""
    found = next((k for k in await keys.of_account(db, who.account_id) if k["id"] == id), None)
    if found is None:
        raise NotFound("There is no such API key.")
    if who.key_id != id:
        may_manage(who.role, found["role"])
    return found, await rows.spent(db, who.account_id, id), await rows.alerts(db, who.account_id, id)


async def _in_place(db: Call, who: Caller) -> None:
    """Raise Forbidden for a key that was rotated: during its last hours it may be somebody else's; and for one that has
    limits, which it would not have for long."""
    if who.limits is not None:
        raise Forbidden("A key with limits manages no keys; use one without.", code="key_limited")
    if await keys.replaced(db, who.account_id, who.key_id):
        raise Forbidden("This key was rotated and manages no keys any more; use the new one.", code="key_rotated")


async def granted(db: Call, account_id: UUID) -> list[dict[str, Any]]:
    return await keys.of_account(db, account_id)


async def revoke(db: Db, who: Caller, key_id: UUID) -> None:
    """Raise as `drop` does."""
    async with db.transaction() as tx:
        await keys.lock_all(tx, who.account_id, (who.key_id, key_id))
        await _in_place(tx, who)
        await drop(tx, who.account_id, who.role, key_id)
        await audit.note(tx, who.account_id, audit.of_caller(who), "key.deleted", str(key_id))


async def drop(db: Call, account: UUID, mine: str, key_id: UUID) -> None:
    """Delete a key as somebody of the role `mine`. Raise BadRequest (documented so, not NotFound) for a key that
    is not the account's, Forbidden for one that may not be touched."""
    old = await keys.lock(db, account, key_id)
    if old is None:
        raise BadRequest("API key not found or does not belong to the account.", field="key-id")
    may_manage(mine, old["role"])
    await keys.remove(db, account, key_id)


async def rotate(db: Db, who: Caller, key_id: UUID, immediate: bool = False) -> tuple[UUID, str, datetime]:
    """The id and the plain text of a key in place of an old one, and until when that one works: a day, or with
    `immediate` no longer.

    Raise NotFound, Conflict for a key that was rotated before, Forbidden for one that may not be touched.
    """
    new, key = ids.uuid7(), ""
    async with db.transaction() as tx:
        await keys.lock_all(tx, who.account_id, (who.key_id, key_id))
        old = await keys.lock(tx, who.account_id, key_id)
        if old is None:
            raise NotFound
        may_manage(who.role, old["role"])
        if old["replaced_by"] is not None:
            raise Conflict("This key was rotated before; rotate the one that took its place.", code="key_rotated")
        await _in_place(tx, who)
        key = ids.api_key(old["kind"])
        ends = await keys.succeed(tx, who.account_id, key_id, new, digest(key), key[-6:], 0.0 if immediate else GRACE)
        await rows.succeed(tx, who.account_id, key_id, new)
        await audit.note(tx, who.account_id, audit.of_caller(who), "key.rotated", str(key_id), {"new": str(new)})
    return new, key, ends


def may_manage(mine: str, role: str) -> None:
    """Raise Forbidden: keys are the business of owners and admins, an owner's key that of owners."""
    if mine not in MANAGERS or (role == "owner" and mine != "owner"):
        raise Forbidden(
            f"The role {mine} may not create, rotate or delete a key of the role {role}.",
            code="role_too_low",
        )
