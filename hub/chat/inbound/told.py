"""Who is rung for when something was stored."""

from collections.abc import Coroutine, Sequence
from typing import Any

from hub import ids
from hub.chat.news import of_account
from hub.live.queue import Bell, Due, Queue, send_bell, turn_bells
from hub.store.inbox import Item, Stored

KEPT = ("accepted", "ignored", "recorded", "taken")


def ring(queue: Queue, items: Sequence[Item], stored: Sequence[Stored]) -> Coroutine[Any, Any, bool] | None:
    """To be run; None where there is nobody to ring for. What is behind was not stored."""
    pairs = [(item, got) for item, got in zip(items, stored, strict=True) if got.outcome != "behind"]
    bells, news = _bells(pairs), _news(pairs)
    return queue.ring(bells, news) if bells or news else None


def _lane(item: Item) -> tuple[str, str]:
    return str(item.get("account") or ""), str(item.get("integration") or "")


def _bells(stored: Sequence[tuple[Item, Stored]]) -> list[Bell]:
    bells: list[Bell] = []
    due: list[Due] = []
    for item, got in stored:
        if got.outcome == "accepted" and got.session_id and got.seq and not item.get("held_by_web"):
            due.append(Due(got.session_id, got.seq, got.due_in or 0.0, _lane(item)))
        if got.outcome == "ignored" and got.session_id and got.seq:
            bells.append(send_bell(got.session_id, f"n{got.seq}", lane=_lane(item)))
        if got.outcome == "failed":
            bells.append(Bell("failed", (str(item["integration"]), item["fate"]), f"w:{ids.uuid7()}"))
        if item.get("callback") and got.outcome != "duplicate":
            bells.append(Bell("acknowledge", (str(item["integration"]), item["callback"]), f"k:{item['callback']}"))
        if item.get("fetch") and got.message_id and got.outcome in KEPT:
            bells.append(Bell("media", (str(got.message_id),), f"m:{got.message_id}", bulk=True))
    return [*turn_bells(due), *bells]


def _news(stored: Sequence[tuple[Item, Stored]]) -> list[tuple[str, Any]]:
    """One event for each account whose operators see something new; and a turn stops where a person has answered."""
    changed: dict[str, list[str]] = {}
    stopped = [("cancel", {"session": str(got.session_id)}) for _, got in stored if got.outcome == "taken"]
    for item, got in stored:
        if got.session_id and got.outcome in KEPT:
            changed.setdefault(str(item["account"]), []).append(str(got.session_id))
        elif item["kind"] == "event":
            changed.setdefault(str(item["account"]), [])
    return [*stopped, *((of_account(a), {"type": "arrived", "sessions": ids}) for a, ids in changed.items())]
