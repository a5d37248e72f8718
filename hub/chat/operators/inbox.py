"""The operators' desk: conversations to look at and to work in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hub import ids
from hub.chat.clients.networks import WINDOWED
from hub.chat.website import transcript
from hub.errors import Conflict, Invalid, NotFound, TooLarge
from hub.runtime import Hub
from hub.store import files, handoffs, operator_inbox
from hub.store.db import Db

Json = dict[str, Any]
Seen = Callable[[Json | None], None]
SHOWN, OLDER, GROWN = 40, 40, 400
SHOWS = ("all", "waiting", "asked", "mine", "person", "bot")
NOTE = 5000
WINDOW = timedelta(hours=24)
# In the order of how much an operator has to know about it.
TICKS = ("dead", "unknown", "queued", "sending", "cancelled", "sent")

TICK_WORDS: Mapping[str, str] = {
    "dead": "failed", "unknown": "doubtful", "queued": "waiting", "sending": "waiting", "cancelled": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Thread:
    """Items of a conversation in order: {item: message | note | switch | waiting, ...}. older: position to go on
    from, when there is more before."""

    items: list[Json]
    older: int | None


async def view(db: Db, account: UUID, session: UUID) -> Json:
    """With `window`: whether and until when its person may be written to freely. Raise NotFound."""
    found = await operator_inbox.one(db, account, session)
    if found is None:
        raise NotFound("No such conversation.")
    return found | {"window": window(found["channel"], found["heard_at"], datetime.now(UTC))}


def window(channel: str | None, heard: datetime | None, now: datetime) -> Json | None:
    """WhatsApp's 24 hours since the person's last message, in any of their conversations there; None where there is no
    such rule. Pure."""
    if channel not in WINDOWED:
        return None
    until = heard + WINDOW if heard else None
    return {"open": until is not None and until > now, "until": until}


async def thread(
    db: Db, account: UUID, session: UUID, before: int | None = None, limit: int = SHOWN, since: int | None = None
) -> Thread:
    """The newest messages, or those before a position, with what happened between them. since: the position from
    which they are shown already, so that what comes is added to it."""
    rows = await operator_inbox.messages(db, account, session, before, limit + 1)
    if since is not None and len(rows) > limit:
        if rows[-1]["position"] >= since:
            rows, limit = await operator_inbox.messages(db, account, session, None, GROWN + 1), GROWN
        newer = [r for r in rows if r["position"] >= since]
        if since and newer and len(newer) < len(rows):
            rows, limit = [*newer, rows[len(newer)]], len(newer)
    older = rows[limit - 1]["position"] if len(rows) > limit else None
    rows = rows[:limit]
    since = rows[-1]["created_at"] if older else None
    until = rows[0]["created_at"] if before is not None and rows else None
    items = [{"item": "message", **r, "tick": tick(r["parts"])} for r in rows]
    items += [{"item": "note", **r} for r in await operator_inbox.notes(db, account, session, since, until)]
    items += [{"item": "switch", **r} for r in await operator_inbox.switches(db, account, session, since, until)]
    if before is None:
        items += [{"item": "waiting", **r} for r in await operator_inbox.waiting(db, account, session, since)]
    items.sort(key=_place)
    return Thread(items, older)


def _place(item: Json) -> tuple[datetime, int]:
    # The messages of one turn have one time; their position orders them.
    return item["created_at"], item.get("position", 0)


def tick(parts: Sequence[str] | None) -> str | None:
    """What became of an answer on its network: failed, doubtful, waiting, sent, delivered, read. Pure."""
    if not parts:
        return None
    state, _, fate = min(parts, key=lambda p: TICKS.index(p.partition(":")[0])).partition(":")
    if state in TICK_WORDS:
        return TICK_WORDS[state]
    return {"delivered": "delivered", "read": "read", "played": "read", "failed": "failed"}.get(fate, "sent")


async def note(db: Db, account: UUID, operator: UUID, author: str, session: UUID, text: str) -> UUID:
    if not 0 < len(text.strip()) <= NOTE:
        raise Invalid(f"note must have 1 to {NOTE:,} characters.", field="text")
    id = ids.uuid7()
    if not await operator_inbox.add_note(db, account, session, id, operator, author, text.strip()):
        raise NotFound("No such conversation.")
    return id


async def attach(hub: Hub, account: UUID, session: UUID, given: Sequence[tuple[str, str, bytes]]) -> list[Json]:
    """Keep an operator's files (name, type, bytes) and describe them as attachments. Raise TooLarge."""
    limit = hub.settings.upload_limit_mb << 20
    if any(len(raw) > limit for _, _, raw in given):
        raise TooLarge(f"A file may have at most {hub.settings.upload_limit_mb} MB.", field="file")
    if given and await handoffs.where(hub.db, account, None, session) is None:
        raise NotFound("No such conversation.")
    kept = [await transcript.store(hub, account, session, name, mime, raw) for name, mime, raw in given if raw]
    rows = await files.of_session(hub.db, account, session, kept)
    return [transcript.attachment(r) for r in rows]


async def canned(db: Db, account: UUID) -> list[Json]:
    return await operator_inbox.canned(db, account)


async def save_canned(db: Db, account: UUID, shortcut: str, text: str, seen: Seen | None = None) -> None:
    """Add a prepared reply, or change the one of this shortcut. seen: raises when what it is given is not what the
    change was made from."""
    name, said = _prepared(shortcut, text)
    async with db.transaction() as tx:
        id = ids.uuid7()
        added = await operator_inbox.add_canned(tx, account, id, name, said)
        old = None if added else await operator_inbox.lock_canned(tx, account, name)
        if seen is not None:
            seen(old)
        if old is not None:
            await operator_inbox.edit_canned(tx, account, old["id"], name, said)


async def edit_canned(db: Db, account: UUID, id: UUID, shortcut: str, text: str, seen: Seen | None = None) -> None:
    """Raise NotFound, Conflict where another reply has the shortcut. seen: as above."""
    name, said = _prepared(shortcut, text)
    async with db.transaction() as tx:
        old = await operator_inbox.lock_canned(tx, account, id)
        if old is None:
            raise NotFound("No such prepared reply.")
        if seen is not None:
            seen(old)
        if not await operator_inbox.edit_canned(tx, account, id, name, said):
            raise Conflict(f"Another reply is called /{name}.", field="shortcut")


def _prepared(shortcut: str, text: str) -> tuple[str, str]:
    """A shortcut and its text as they are stored. Raise Invalid."""
    name = shortcut.strip().lstrip("/").lower()
    if not name or len(name) > 40 or not name.replace("-", "").replace("_", "").isalnum():
        raise Invalid("shortcut must be 1 to 40 letters, digits, - or _.", field="shortcut")
    if not 0 < len(text.strip()) <= NOTE:
        raise Invalid(f"text must have 1 to {NOTE:,} characters.", field="text")
    return name, text.strip()


async def remove_canned(db: Db, account: UUID, id: UUID) -> None:
    if not await operator_inbox.remove_canned(db, account, id):
        raise NotFound("No such prepared reply.")
