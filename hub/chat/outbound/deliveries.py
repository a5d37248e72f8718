"""What operators do with deliveries: list, look, replay, resolve."""

from datetime import datetime
from typing import Any
from uuid import UUID

from hub import ids
from hub.errors import Conflict, Invalid, NotFound
from hub.live.queue import Bell
from hub.runtime import Hub
from hub.store import outbox

Json = dict[str, Any]
STATES = ("queued", "sending", "sent", "unknown", "dead", "cancelled")
RESOLUTIONS = {"sent": "sent", "dropped": "cancelled"}


async def page(
    hub: Hub, account: UUID, states: list[str] | None, session: UUID | None, cursor: str | None, limit: int
) -> Json:
    """Newest first; `nextCursor` is null on the last page."""
    wrong = [s for s in states or () if s not in STATES]
    if wrong:
        raise Invalid(f"state: '{wrong[0]}' is not one of {', '.join(STATES)}.", field="state")
    if cursor is not None and not cursor.isdigit():
        raise Invalid("cursor: use the nextCursor of the page before.", field="cursor")
    rows = await outbox.list_(hub.db, account, states, session, int(cursor) if cursor else None, None, limit + 1)
    return {
        "deliveries": [_view(r) for r in rows[:limit]],
        "nextCursor": str(rows[limit - 1]["serial"]) if len(rows) > limit else None,
    }


async def one(hub: Hub, account: UUID, key: UUID) -> Json:
    rows = await outbox.list_(hub.db, account, None, None, None, key, 1)
    if not rows:
        raise NotFound("No such delivery.")
    return _view(rows[0]) | {"attempts": await outbox.attempts(hub.db, account, key)}


async def replay(hub: Hub, account: UUID, key: UUID) -> None:
    """Send a dead or unknown part once more. Raise Conflict when it is neither."""
    await one(hub, account, key)
    session = await outbox.replay(hub.db, account, key)
    if session is None:
        raise Conflict("Only a delivery that is dead, unknown or cancelled can be replayed.")
    await hub.queue.send(session, f"r:{key}")


async def replay_all(hub: Hub, account: UUID, keys: list[UUID] | None, since: datetime | None = None) -> int:
    """Send those of the keys that are dead or unknown once more, or (None) all since then; return how many.

    At most 500 at once: the page shows what is left.
    """
    sessions = await outbox.replay_all(hub.db, account, keys, since)
    mark = ids.uuid7()
    await hub.queue.ring(Bell("send", (str(s),), f"s:{s}:a{mark}") for s in dict.fromkeys(sessions))
    return len(sessions)


async def resolve(hub: Hub, account: UUID, key: UUID, as_: str, words: str) -> None:
    """Close a dead, unknown or waiting part by an operator's word, so that what is behind it goes on."""
    await one(hub, account, key)
    session = await outbox.resolve(hub.db, account, key, RESOLUTIONS[as_], words or f"resolved as {as_}")
    if session is None:
        raise Conflict("Only a delivery that is dead, unknown or queued can be resolved.")
    await hub.queue.send(session, f"c:{key}")


def _view(r: Json) -> Json:
    body = r["body"]
    return {
        "id": r["id"],
        "sessionId": r["session_id"],
        "turnId": r["turn_id"],
        "messageId": r["message_id"],
        "part": r["part"],
        "channel": r["channel"],
        "chat": r["chat"],
        "text": body.get("plain") or body.get("text") or "",
        "file": (body.get("file") or {}).get("url"),
        "template": body.get("template"),
        "mode": r["mode"],
        "state": r["state"],
        "attempt": r["attempt"],
        "notBefore": None if r["code"] == "window_closed" else r["not_before"],
        "providerId": r["network_id"],
        "fate": r["fate"],
        "code": r["code"],
        "error": r["error"],
        "resolution": r["resolution"],
        "createdAt": r["created_at"],
        "closedAt": r["closed_at"],
    }
