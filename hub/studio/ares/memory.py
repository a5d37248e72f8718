"""What is remembered about a user: shown, told to the agents, forgotten."""

from collections.abc import Sequence
from uuid import UUID

from hub.domain import Json, User
from hub.errors import NotFound
from hub.store import ares_memory
from hub.store.db import Call, Db

SURE, PREFERENCES, FACTS = 0.5, 10, 20


async def view(db: Call, who: User) -> tuple[list[Json], list[Json]]:
    """Preferences and facts, the surest first."""
    account, user = who.account_id, who.id
    return await ares_memory.preferences(db, account, user), await ares_memory.facts(db, account, user)


async def told(db: Call, who: User) -> str:
    """For the agents' instructions; empty when nothing is known."""
    return text(*await view(db, who))


def text(preferences: Sequence[Json], facts: Sequence[Json]) -> str:
    """What is sure enough, as lines. Values are one line each, whatever they are."""
    liked = [f"- {_line(p['category'], p['key'], p['value'])}" for p in preferences if p["confidence"] >= SURE]
    known = [f"- {_line(f['category'], f['fact_key'], f['fact_value'])}" for f in facts if f["confidence"] >= SURE]
    parts = []
    if liked:
        parts.append("\n".join(("User Preferences:", *liked[:PREFERENCES])))
    if known:
        parts.append("\n".join(("Known Facts about User:", *known[:FACTS])))
    return "\n\n".join(parts)


def _line(category: str, key: str, value: str) -> str:
    return " ".join(f"{category}/{key}: {value}".split())


async def forget(db: Db, who: User) -> None:
    """Everything, also what would still be learned from what was said."""
    async with db.transaction() as t:
        await ares_memory.forget(t, who.account_id, who.id)


async def forget_preference(db: Call, who: User, category: str, key: str) -> None:
    if not await ares_memory.forget_preference(db, who.account_id, who.id, category, key):
        raise NotFound


async def forget_fact(db: Call, who: User, id: UUID) -> None:
    if not await ares_memory.forget_fact(db, who.account_id, who.id, id):
        raise NotFound
