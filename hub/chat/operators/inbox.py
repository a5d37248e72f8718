"""The operators' desk: conversations to look at and to work in."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hub import ids
from hub.accounts.desk import HERE
from hub.chat.clients.networks import WINDOWED
from hub.chat.website import transcript
from hub.errors import Invalid, NotFound, TooLarge
from hub.runtime import Hub
from hub.store import files, handoffs, human_requests, operator_inbox, triage
from hub.store.db import Call, Db

Json = dict[str, Any]
SHOWN, OLDER, GROWN = 40, 40, 400
SHOWS = (
    "all", "mine", "team", "unassigned", "waiting", "asked", "mentions", "person", "bot", "snoozed", "closed", "any",
)
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


async def view(db: Call, account: UUID, session: UUID) -> Json:
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
    """Colleagues whom it names with an @ are told."""
    if not 0 < len(text.strip()) <= NOTE:
        raise Invalid(f"note must have 1 to {NOTE:,} characters.", field="text")
    id = ids.uuid7()
    called = mentioned(text, await human_requests.colleagues(db, account, HERE)) if "@" in text else []
    async with db.transaction() as tx:
        if not await operator_inbox.add_note(tx, account, session, id, operator, author, text.strip()):
            raise NotFound("No such conversation.")
        if called:
            await triage.mention(tx, account, session, [one for one in called if one != operator])
    return id


def mentioned(text: str, colleagues: Sequence[Json]) -> list[UUID]:
    """Whom `@Ana Ribeiro` or `@ana` means: the longest name there, or a first name that one alone has. Pure."""
    names = [(one["id"], " ".join(one["name"].casefold().split())) for one in colleagues]
    firsts = Counter(name.partition(" ")[0] for _, name in names)
    calls = defaultdict[str, list[UUID]](list)
    for id, name in names:
        calls[name].append(id)
        if firsts[first := name.partition(" ")[0]] == 1 and first != name:
            calls[first].append(id)
    longest = "|".join(map(re.escape, sorted(filter(None, calls), key=len, reverse=True)))
    found = re.findall(rf"(?<!\w)@({longest})(?!\w)", text.casefold()) if longest else []
    return list(dict.fromkeys(id for name in found for id in calls[name]))


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
