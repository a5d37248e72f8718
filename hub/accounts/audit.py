"""Who did what: written in the transaction of the change itself, or not at all.

A door says whose request it serves (`deed`, or the console's `operators.doing`); the database notes the first row that
changes meanwhile (migration 0035). `note` says it in better words, or what no row of the database tells.
"""

from dataclasses import dataclass
from uuid import UUID

from hub.domain import Caller, Json
from hub.store import audit, deeds
from hub.store.db import Call
from hub.store.deeds import Deed


@dataclass(frozen=True, slots=True)
class Actor:
    """kind: key, user (of the console or of ARES) or hub. name: as people know it."""

    kind: str
    id: UUID | None
    name: str


HUB = Actor("hub", None, "the hub")


def of_caller(who: Caller) -> Actor:
    return Actor("key", who.key_id, f"API key {who.key_id}")


def deed(account: UUID, actor: Actor, action: str, object: str | None = None, detail: Json | None = None) -> Deed:
    """To be done inside `deeds.doing`."""
    return Deed(account, actor.kind, actor.id, actor.name, action, object, detail or {})


async def exported(db: Call, account: UUID, actor: Actor, thing: str, object: str | None, detail: Json) -> None:
    """Something was given out as a file: told before its first byte, or it is not given. detail: what was asked for."""
    told = {k: str(v) for k, v in detail.items() if v is not None}
    await note(db, account, actor, f"{thing}.exported", object, told)


async def note(
    db: Call, account: UUID, actor: Actor, action: str, object: str | None = None, detail: Json | None = None
) -> None:
    """action: `thing.verb`, such as `thread.deleted`. object: the thing's id. detail: without secrets.

    Within a deed of the account it is the deed that is told in these words: still one row."""
    done = deeds.current()
    if done is None or done.account != account:
        await audit.add(db, account, actor.kind, actor.id, actor.name, action, object, detail or {})
        return
    done.action, done.object, done.detail = action, object or done.object, done.detail | (detail or {})
    await audit.add(db, account, done.kind, done.actor_id, done.actor, action, done.object, done.detail, done.id)
