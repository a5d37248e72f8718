"""Sessions as a business opens, lists and ends them."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hub import ids
from hub.accounts import addresses
from hub.accounts.destinations import queried
from hub.accounts.value_types import MASK
from hub.chat.clients import context
from hub.chat.clients.clients import load
from hub.chat.news import ended
from hub.config import Settings
from hub.errors import Conflict, NotFound
from hub.runtime import Hub
from hub.sealing import Sealer, digest
from hub.store import sessions

PLACE = "sessions.key"
PREVIEW = 200
OPENED = 2000
# Shorter parts are found in too many keys to mean one.
KEY_PART = re.compile(r"[a-z0-9_]{5,100}")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a session is opened with; None keeps what the tag's live session has."""

    tag: str | None
    extra_context: str | None
    context_location: str | None
    metadata: dict[str, str] | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Opened:
    id: UUID
    access_key: str
    talk_url: str


def talk_url(settings: Settings, access_key: str) -> str:
    """Where a visitor with this key talks."""
    return f"{settings.address}/chat/{access_key}"


async def open(hub: Hub, account_id: UUID, client_id: UUID, wanted: Wanted) -> Opened:
    """A new session, or the tag's live one, renewed and brought up to date. Raise NotFound."""
    if wanted.context_location:
        addresses.check(hub.outbound.guard, wanted.context_location, "contextLocation")
    id, key = ids.uuid7(), ids.access_key()
    async with hub.db.transaction() as tx:
        if wanted.tag:
            await sessions.close_expired(tx, account_id, client_id, wanted.tag)
        found = await sessions.start(
            tx, account_id, client_id, id, tag=wanted.tag or None, key=(digest(key), hub.sealer.seal(PLACE, id, key)),
            extra_context=wanted.extra_context, context=context.split(hub.sealer, client_id, wanted.context_location),
            metadata=wanted.metadata, seconds=wanted.seconds,
        )
    if found is None:
        raise NotFound
    key = hub.sealer.open(PLACE, found[0], found[1])
    return Opened(found[0], key, talk_url(hub.settings, key))


@dataclass(frozen=True, slots=True)
class Listing:
    """Sessions of a chat client that have `filter` as a part of id, key, tag or context."""

    hub: Hub
    account_id: UUID
    client_id: UUID
    filter: str
    keyed: list[UUID]

    async def page(self, before: UUID | None, limit: int) -> list[Json]:
        """Newest first; each with its `key` opened ("" for conversations on networks)."""
        rows = await sessions.of_client(
            self.hub.db, self.account_id, self.client_id, self.filter, self.keyed, before, limit
        )
        return [_opened(self.hub.sealer, r) for r in rows]

    async def count(self) -> int:
        return await sessions.count(self.hub.db, self.account_id, self.client_id, self.filter, self.keyed)


async def listed(hub: Hub, account_id: UUID, client_id: UUID, filter: str, *, keys: bool = True) -> Listing:
    """keys: parts of keys are looked for as well, which tells what they are."""
    await load(hub.db, account_id, client_id)
    filter = filter.strip()
    keyed = await _keyed(hub, account_id, client_id, filter) if keys and KEY_PART.fullmatch(filter) else []
    return Listing(hub, account_id, client_id, filter, keyed)


async def _keyed(hub: Hub, account_id: UUID, client_id: UUID, part: str) -> list[UUID]:
    """Sessions whose key has a part. Keys are sealed, so that all are opened, off the loop."""

    def having(rows: list[tuple[UUID, bytes]]) -> list[UUID]:
        return [id for id, sealed in rows if part in hub.sealer.open(PLACE, id, sealed)]

    found: list[UUID] = []
    after, more = UUID(int=0), True
    while more:
        rows = await sessions.keys(hub.db, account_id, client_id, after, OPENED)
        found += await asyncio.to_thread(having, rows)
        after, more = rows[-1][0] if rows else after, len(rows) == OPENED
    return found


async def view(hub: Hub, account_id: UUID, client_id: UUID, id: UUID) -> Json:
    row = await sessions.get(hub.db, account_id, client_id, id)
    if row is None:
        raise NotFound
    return _opened(hub.sealer, row)


def _opened(sealer: Sealer, row: Json) -> Json:
    key = sealer.open(PLACE, row["id"], row["key_sealed"]) if row["key_sealed"] else ""
    if "context_sealed" in row:
        place = context.joined(sealer, row["client_id"], row["context_location"], row["context_sealed"])
        row = {**row, "context_location": place}
    return {**row, "key": key, "live": sessions.live(row, datetime.now(UTC))}


async def edit(
    hub: Hub, account_id: UUID, client_id: UUID, id: UUID, fields: Mapping[str, Any], seconds: float | None
) -> None:
    """`fields` by their documented names: extraContext, contextLocation, metadata, title; null clears.
    `seconds` renews the session from now on. Raise NotFound, Conflict when it has ended."""
    changes, sealed = dict(fields), None
    if place := changes.get("contextLocation"):
        if place.endswith(f"?{MASK}"):
            known = (await view(hub, account_id, client_id, id))["context_location"]
            place = queried(place, "contextLocation", [known or ""])
        addresses.check(hub.outbound.guard, place, "contextLocation")
        changes["contextLocation"], sealed = context.split(hub.sealer, client_id, place)
    if await sessions.edit(hub.db, account_id, client_id, id, changes, seconds, sealed):
        return
    await view(hub, account_id, client_id, id)
    raise Conflict("The session has ended and cannot be renewed; open a new one.")


async def remove(hub: Hub, account_id: UUID, client_id: UUID, id: UUID) -> None:
    """End and delete a session with its messages; a turn that runs is stopped."""
    if not await sessions.remove(hub.db, account_id, client_id, id):
        raise NotFound
    await ended(hub, account_id, [id])
