"""What a business sets up for its inbox: teams, labels, and each operator's own views."""

from collections.abc import Callable, Sequence
from typing import Literal, get_args
from uuid import UUID

from hub import ids
from hub.domain import Json
from hub.errors import Conflict, Invalid, NotFound
from hub.store import inbox_views, labels, teams
from hub.store.db import Call, Db

Seen = Callable[[Json | None], None]
TEAMS, LABELS, MEMBERS = 50, 200, 200
Colour = Literal["grey", "red", "orange", "yellow", "green", "teal", "blue", "purple", "pink"]
COLOURS: tuple[Colour, ...] = get_args(Colour)
Sort = Literal["newest", "priority"]
SORTS: tuple[Sort, ...] = get_args(Sort)
LONGEST = 60


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 0 < len(name) <= LONGEST:
        raise Invalid(f"name must have 1 to {LONGEST} characters.", field="name")
    return name


async def add_team(db: Db, account: UUID, name: str, members: Sequence[UUID]) -> UUID:
    """Raise Invalid, Conflict where the name is taken."""
    called, id = _name(name), ids.uuid7()
    async with db.transaction() as tx:
        await teams.alone(tx, account)
        if await teams.many(tx, account) >= TEAMS:
            raise Conflict(f"An account has at most {TEAMS} teams.")
        if not await teams.add(tx, account, id, called):
            raise Conflict(f"There is a team {called} already.", field="name")
        await _members(tx, account, id, members)
    return id


async def edit_team(
    db: Db, account: UUID, id: UUID, name: str | None, members: Sequence[UUID] | None, seen: Seen | None = None
) -> None:
    """What is None stays. seen: raises when what it is given is not what the change was made from."""
    called = _name(name) if name is not None else None
    async with db.transaction() as tx:
        await teams.alone(tx, account)
        if not await teams.lock(tx, account, id):
            raise NotFound("No such team.")
        if seen is not None:
            seen(await teams.one(tx, account, id))
        if called is not None:
            if await teams.taken(tx, account, id, called):
                raise Conflict(f"There is a team {called} already.", field="name")
            await teams.rename(tx, account, id, called)
        if members is not None:
            await _members(tx, account, id, members)


async def _members(tx: Call, account: UUID, id: UUID, members: Sequence[UUID]) -> None:
    wanted = list(dict.fromkeys(members))
    if len(wanted) > MEMBERS:
        raise Invalid(f"members has more than {MEMBERS}.", field="members")
    if await teams.work(tx, account, wanted) != len(wanted):
        raise Invalid("members has somebody who does not work here, or only looks.", field="members")
    await teams.put(tx, account, id, wanted)


async def remove_team(db: Db, account: UUID, id: UUID) -> None:
    if not await teams.remove(db, account, id):
        raise NotFound("No such team.")


async def add_label(db: Db, account: UUID, name: str, colour: str) -> UUID:
    """Raise Invalid, Conflict where the name is taken."""
    called, id = _name(name), ids.uuid7()
    _coloured(colour)
    async with db.transaction() as tx:
        await labels.alone(tx, account)
        if await labels.many(tx, account) >= LABELS:
            raise Conflict(f"An account has at most {LABELS} labels.")
        if not await labels.add(tx, account, id, called, colour):
            raise Conflict(f"There is a label {called} already.", field="name")
    return id


async def edit_label(
    db: Db, account: UUID, id: UUID, name: str | None, colour: str | None, seen: Seen | None = None
) -> None:
    """What is None stays. seen: as in `edit_team`."""
    called = _name(name) if name is not None else None
    if colour is not None:
        _coloured(colour)
    async with db.transaction() as tx:
        await labels.alone(tx, account)
        now = await labels.lock(tx, account, id)
        if now is None:
            raise NotFound("No such label.")
        if seen is not None:
            seen(now)
        if called is not None and await labels.taken(tx, account, id, called):
            raise Conflict(f"There is a label {called} already.", field="name")
        await labels.edit(tx, account, id, called or now["name"], colour or now["colour"])


async def remove_label(db: Db, account: UUID, id: UUID) -> None:
    if not await labels.remove(db, account, id):
        raise NotFound("No such label.")


def _coloured(colour: str) -> None:
    if colour not in COLOURS:
        raise Invalid(f"colour must be one of {', '.join(COLOURS)}.", field="colour")


async def keep_view(db: Db, account: UUID, operator: UUID, name: str, filter: Json, sort: str) -> UUID:
    """Raise Invalid, Conflict."""
    called = _name(name)
    made = await inbox_views.keep(db, account, operator, ids.uuid7(), called, filter, sort)
    if made is None:
        raise Conflict("You have 20 views; delete one first.")
    return made


async def remove_view(db: Db, account: UUID, operator: UUID, id: UUID) -> None:
    if not await inbox_views.remove(db, account, operator, id):
        raise NotFound("No such view.")
