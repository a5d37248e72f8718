"""People of an account: look at them, join two that are one, take a join back."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from hub import phones
from hub.accounts import audit
from hub.accounts.audit import Actor
from hub.domain import Json
from hub.errors import Conflict, Invalid, NotFound
from hub.store import contact_panel, contacts
from hub.store.db import Call, Db

TALKS = 100
NONE = "There is no such contact."


@dataclass(frozen=True, slots=True)
class Whole:
    """A person with why they are held for one, their conversations (the latest hundred), their consent and where they
    were first seen."""

    person: Json
    joins: Sequence[Json]
    talks: Sequence[Json]
    consents: Sequence[Json]
    origin: Json | None


def looked(words: str) -> tuple[str, list[str]]:
    """What is looked for in names, and the names that the words may be: a phone in any of its forms."""
    digits = "".join(c for c in words if c.isascii() and c.isdigit())
    if len(digits) >= 4 and not set(words) - set("0123456789 +().-"):
        return digits, [phones.named(f"phone:{digits}")]
    return words.strip(), []


async def page(db: Call, account: UUID, words: str, after: UUID | None, limit: int) -> list[Json]:
    return await contacts.page(db, account, *looked(words), after, limit)


async def count(db: Call, account: UUID, words: str) -> int:
    return await contacts.count(db, account, *looked(words))


async def view(db: Call, account: UUID, id: UUID) -> Whole:
    """Raise NotFound."""
    found = await contacts.one(db, account, id)
    if found is None:
        raise NotFound(NONE)
    return Whole(
        found, await contacts.joins(db, account, id), await contacts.talks(db, account, id, TALKS),
        await contact_panel.consents(db, account, id), await contact_panel.origin(db, account, id),
    )


async def join(db: Db, account: UUID, actor: Actor, a: UUID, b: UUID, reason: str | None) -> Whole:
    """Hold two for one person, because somebody says so. Raise NotFound, Conflict when they are already."""
    async with db.transaction() as tx:
        for id, field in ((a, None), (b, "contactId")):
            if await contacts.one(tx, account, id) is None:
                raise NotFound(NONE, field=field)
        made = await contacts.join(tx, account, a, b, "operator", {"reason": reason} if reason else {}, actor.name)
        if made is None:
            raise Conflict("They are one contact already, or one of them is a group.", code="already_joined")
        await audit.note(tx, account, actor, "contact.joined", str(a), {"with": str(b), "join": str(made)})
    return await view(db, account, a)


def _key(name: str) -> str:
    """The name as it is looked up, however a phone is written."""
    kind, _, value = name.strip().partition(":")
    digits = "".join(c for c in value if c.isascii() and c.isdigit())
    return phones.named(f"phone:{digits}") if kind == "phone" else name.strip()


async def split(
    db: Db, account: UUID, actor: Actor, id: UUID, joined: UUID | None, name: str | None
) -> tuple[Whole, Whole]:
    """Take a join back, or give one name (identity) back to somebody else; with neither, the only join there is.

    Return both people. Raise NotFound, Invalid, Conflict.
    """
    async with db.transaction() as tx:
        if await contacts.one(tx, account, id) is None:
            raise NotFound(NONE)
        if name is not None:
            left, other = id, await contacts.split_name(tx, account, id, _key(name), actor.name)
            if other is None:
                raise Conflict("This is no identity of the contact, or its only one.", code="not_split")
        else:
            left, other, joined = await _undone(tx, account, actor, id, joined)
        detail = {"from": str(left), "other": str(other), "join": str(joined) if joined else None}
        if name is not None:
            detail["identity"] = name.partition(":")[0]  # its kind: the log keeps nobody's address
        await audit.note(tx, account, actor, "contact.split", str(id), detail)
    return await view(db, account, left), await view(db, account, other)


async def _undone(tx: Call, account: UUID, actor: Actor, id: UUID, joined: UUID | None) -> tuple[UUID, UUID, UUID]:
    """The two ends of the join that was taken back, and its id."""
    standing = [j for j in await contacts.joins(tx, account, id) if j["split_at"] is None]
    if joined is None and len(standing) > 1:
        raise Invalid("joinId is missing: there is more than one join; say which one is wrong.", field="joinId")
    found = [j for j in standing if joined in (None, j["id"])]
    if not found or not await contacts.split(tx, account, found[0]["id"], actor.name):
        raise NotFound("There is no such join of this contact.", field="joinId")
    return found[0]["a_id"], found[0]["b_id"], found[0]["id"]
