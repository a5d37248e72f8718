"""Memories: keep, find, change and remove, for the tools and for the API."""

import re
from datetime import datetime
from functools import partial
from uuid import UUID

from hub.domain import Json
from hub.errors import Conflict, Invalid, NotFound
from hub.knowledge.search import SCALE, SUPPORT, words
from hub.runtime import Hub
from hub.store import memories
from hub.store.memories import Given, Memory

BYTES, MOST = 10 * 1024, 1000
DAYS, FEWEST_DAYS, MOST_DAYS = 30, 1, 365
TEXT, DATE = "Text", "DateReminder"
PREVIEW = 120
# What the hub calls people on networks; the end of the chat client's id may be missing.
OURS = re.compile(r"(?P<name>zp_[a-z]+:.+?)(?:@[0-9a-f]{12})?", re.DOTALL)


async def text(hub: Hub, content: str, days: int | None, field: str) -> Given:
    """A text to keep. Raise Invalid naming the field."""
    content = content.strip()
    if not content:
        raise Invalid(f"{field} must not be empty.", field=field)
    size = len(content.encode(errors="replace"))
    if size > BYTES:
        raise Invalid(f"{field} must have at most {BYTES:,} bytes; it has {size:,}.", field=field)
    return Given(content, await _vector(hub, content), days)


async def event(hub: Hub, content: str, details: Json, starts_at: datetime, ends_at: datetime) -> Given:
    """A date to keep: until 30 days after it has ended."""
    return Given(content, await _vector(hub, content), DAYS, details, starts_at, ends_at)


async def add(hub: Hub, account: UUID, person: UUID, user: str, given: Given) -> UUID:
    """Raise Conflict when the person has too many. user: the name under which it is kept."""
    id = await memories.add(hub.db, account, person, user, given, MOST)
    if id is None:
        raise Conflict(f"{MOST:,} are kept for this person already; remove some first.")
    return id


async def edit(hub: Hub, account: UUID, person: UUID, id: UUID, given: Given) -> None:
    if not await memories.edit(hub.db, account, person, id, given):
        raise missing(id)


async def get(hub: Hub, account: UUID, id: UUID) -> Memory:
    found = await memories.get(hub.db, account, id)
    if found is None:
        raise missing(id)
    return found


async def owned(hub: Hub, account: UUID, person: UUID, id: UUID, format: str) -> Memory:
    found = await memories.owned(hub.db, account, person, id, format)
    if found is None:
        raise missing(id)
    return found


async def listed(
    hub: Hub, account: UUID, filter: str, format: str | None, before: UUID | None, limit: int
) -> list[Memory]:
    return await memories.listed(hub.db, account, format, filter.strip(), PREVIEW, before, limit)


async def count(hub: Hub, account: UUID, filter: str, format: str | None) -> int:
    return await memories.count(hub.db, account, format, filter.strip())


async def search(
    hub: Hub, account: UUID, person: UUID, format: str, question: str, limit: int,
    since: datetime | None = None, until: datetime | None = None,
) -> list[Memory]:
    """The nearest of a person's memories, best first; those with the question's words where there are no vectors."""
    rest = hub.embedder.rest
    made = await rest.tried([account], partial(hub.embedder.queries, [question], account), rest.patience)
    return await memories.search(
        hub.db, account, person, format, made[0] if made else None, words([question]), scale=SCALE, support=SUPPORT,
        limit=limit, since=since, until=until,
    )


async def remove(hub: Hub, account: UUID, id: UUID) -> Memory:
    """Return what was removed."""
    found = await memories.remove(hub.db, account, id)
    if found is None:
        raise missing(id)
    return found


async def remove_owned(hub: Hub, account: UUID, person: UUID, id: UUID, format: str) -> None:
    if not await memories.remove_owned(hub.db, account, person, id, format):
        raise missing(id)


async def remove_named(hub: Hub, account: UUID, user: str, format: str) -> tuple[int, str]:
    """Remove what belongs to an external user id; return how many, and the id that was looked for.

    Ids are taken as they are: "ana@one.example" and "ana@two.example" are two people. Only ids that the hub made
    itself, `zp_<network>:<name>@<end of the chat client's id>`, count up to that `@`: one person at all chat clients.
    """
    user = user.strip()
    made = OURS.fullmatch(user)
    name = made["name"] if made else ""
    return await memories.clear_named(hub.db, account, user, name, format), name or user


def missing(id: UUID) -> NotFound:
    return NotFound(f"There is no memory {id}.")


async def _vector(hub: Hub, content: str) -> list[float]:
    [vector] = await hub.embedder.passages([content])
    return vector
