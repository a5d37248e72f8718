"""Who did what: written in the transaction of the change itself, or not at all."""

from dataclasses import dataclass
from uuid import UUID

from hub.domain import Caller, Json
from hub.store import audit
from hub.store.db import Call


@dataclass(frozen=True, slots=True)
class Actor:
    """kind: key, user (of the console) or hub. name: as people know it."""

    kind: str
    id: UUID | None
    name: str


def of_caller(who: Caller) -> Actor:
    return Actor("key", who.key_id, f"API key {who.key_id}")


async def note(
    db: Call, account: UUID, actor: Actor, action: str, object: str | None = None, detail: Json | None = None
) -> None:
    """action: `thing.verb`, such as `thread.deleted`. object: the thing's id. detail: without secrets."""
    await audit.add(db, account, actor.kind, actor.id, actor.name, action, object, detail or {})
