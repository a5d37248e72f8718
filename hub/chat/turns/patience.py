"""Trouble of a model that passes: waited for, then an apology, and the answer after all when the model is back."""

from datetime import UTC, datetime
from typing import Any

from hub.chat.turns.draft import Draft
from hub.errors import HubError
from hub.llm.types import Failed
from hub.runtime import Hub
from hub.store.turns import Claim

Json = dict[str, Any]
# Seconds between two tries: a quarter of the time that was waited already, within these; after the apology a tenth.
SOON, SELDOM = (2.0, 20.0), (15.0, 300.0)


def passes(e: HubError | None) -> bool:
    """Whether the same question may be answered in a while: the provider cannot be reached, fails, or has too much to
    do. A silence that was waited out may have been paid for, and is not asked for again."""
    if not isinstance(e, Failed):
        return False
    if e.code == "model_paused":
        return True
    return not e.permanent and (e.down or e.kind == 429 or e.kind >= 500)


def step(hub: Hub, claimed: Claim, draft: Draft) -> tuple[str, float]:
    """What to do with a turn that was made: ("close", 0) it; ("wait", seconds) without a word; ("apologise", seconds)
    and wait; ("silence", 0): close it without a second apology.

    Only on networks: whoever looks at a page is told at once, and asks again themselves.
    """
    if draft.outcome != "failed" or claimed.integration is None or not claimed.batch:
        return "close", 0.0
    told = claimed.session.get("apologised_seq") or 0
    fresh = [row for row in claimed.batch if row["seq"] > told]
    close = ("close" if fresh else "silence"), 0.0
    # What its tools did would be done again; and no command that waits behind it, such as /reset, waits for a model.
    acted = draft.ask is not None and bool(draft.ask.trace.made)
    behind = claimed.upto < claimed.session["last_seq"] and claimed.session.get("commanded", True)
    if acted or not passes(draft.failure) or claimed.batch[0]["command"] or behind:
        return close
    asked = draft.failure.retry_after or 0.0 if draft.failure else 0.0
    if fresh:
        age = _age(fresh)
        if age < _patience(hub, claimed):
            return "wait", min(max(_within(age / 4, SOON), asked), 60.0)
        return ("apologise", SELDOM[0]) if hub.settings.late_answer_seconds else close
    age = _age(claimed.batch)
    return ("wait", _within(age / 10, SELDOM)) if age < hub.settings.late_answer_seconds else close


def _patience(hub: Hub, claimed: Claim) -> float:
    own = claimed.client["parameters"].get("modelPatienceSeconds")
    return float(hub.settings.model_patience_seconds if own is None else own)


def _age(rows: list[Json]) -> float:
    oldest = min(datetime.fromisoformat(row["received_at"]) for row in rows)
    return (datetime.now(UTC) - oldest).total_seconds()


def _within(seconds: float, bounds: tuple[float, float]) -> float:
    return min(max(seconds, bounds[0]), bounds[1])
