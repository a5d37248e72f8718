"""People at the console: who they are, what they may do, and what they did."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub import ids
from hub.accounts import audit
from hub.accounts.audit import Actor
from hub.accounts.emails import email_address
from hub.accounts.passwords import Passwords
from hub.errors import Conflict, Forbidden, Invalid, NotFound
from hub.sealing import digest
from hub.store import deeds, devices, operators, second_factors
from hub.store.db import Db
from hub.translations import LANGUAGES, told

Json = dict[str, Any]
ROLES = ("viewer", "agent", "admin", "owner")
NAMED: Mapping[str, str] = {
    "viewer": told("viewer"), "agent": told("agent"), "admin": told("admin"), "owner": told("owner"),
}
# The least role that may do it; everybody may look.
LEAST: Mapping[str, str] = {
    "inbox": "agent", "delivery": "agent", "bot": "admin", "channel": "admin", "knowledge": "admin",
    "schedule": "admin", "campaign": "admin", "key": "admin", "team": "admin", "settings": "admin", "self": "viewer",
    "look": "viewer", "secrets": "admin", "webhook": "admin", "export": "agent", "cost": "admin",
}


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who is signed in. unproved: the account asks for a second factor that they have not set up.
    language: which they have chosen for themselves, else the browser's."""

    id: UUID
    account_id: UUID
    email: str
    name: str
    role: str
    account_name: str
    unproved: bool = False
    language: str | None = None

    @property
    def actor(self) -> Actor:
        return Actor("user", self.id, f"{self.name} <{self.email}>")

    def may(self, thing: str) -> bool:
        return ROLES.index(self.role) >= ROLES.index(LEAST[thing])


class Deed:
    """What is being done, as the audit log will tell it. object: id of the thing. change: without secrets.

    begun: something is changed already, so that the log tells of it even when the rest fails."""

    def __init__(self, told: deeds.Deed) -> None:
        self._told = told
        self.begun = False

    @property
    def object(self) -> str | None:
        return self._told.object

    @object.setter
    def object(self, id: str | None) -> None:
        self._told.object = id

    @property
    def change(self) -> Json:
        return self._told.detail

    @change.setter
    def change(self, change: Json) -> None:
        self._told.detail = change

    def named(self, id: UUID | None) -> None:
        """Told under this id, by which it is found again."""
        self._told.id = id or self._told.id

    def changed(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Keep what differs."""
        self.change |= {
            k: {"from": before.get(k), "to": v} for k, v in after.items() if before.get(k) != v
        }


def allow(who: Operator, thing: str) -> None:
    """Raise Forbidden when the role is not enough."""
    if not who.may(thing):
        text = told(
            "Your role (%(role)s) may not do that; it takes the role %(least)s.", role=NAMED[who.role],
            least=NAMED[LEAST[thing]],
        )
        raise Forbidden(text, code="role")


@asynccontextmanager
async def doing(db: Db, who: Operator, action: str, object: str | None = None) -> AsyncIterator[Deed]:
    """Around every change an operator makes: refused without the role, written to the audit log in the change's own
    transaction; what changes no row of the database, when it is done, and what `begun`, when it failed halfway.

    action: `thing.verb`; the thing says which role it takes. What is to be told of it is set before the change.
    """
    allow(who, action.partition(".")[0])
    with deeds.doing(audit.deed(who.account_id, who.actor, action, object)) as told:
        deed = Deed(told)
        try:
            yield deed
        except BaseException:
            if deed.begun:
                # Beside the row of what was changed before it failed.
                told.over = True
                await audit.note(db, who.account_id, who.actor, action, deed.object, told.detail | {"failed": True})
            raise
        await audit.note(db, who.account_id, who.actor, told.action)


# The team


async def invite(db: Db, who: Operator, email: str, name: str, role: str) -> UUID:
    """Add somebody, who still needs a link. Raise Invalid, Conflict."""
    ranked(who, role)
    id, wanted = ids.uuid7(), email_address(email)
    shown = _name(name or wanted.partition("@")[0])
    if not await operators.add(db, who.account_id, id, wanted, shown, role):
        raise Conflict(f"Somebody signs in with {wanted} already.")
    return id


async def member(db: Db, who: Operator, id: UUID) -> Json:
    """Raise NotFound."""
    found = await operators.one(db, who.account_id, id)
    if found is None:
        raise NotFound("No such person in this account.")
    return found


async def set_role(
    db: Db, who: Operator, id: UUID, role: str, seen: Callable[[Json], None] | None = None
) -> None:
    """seen: raises when what it is given is not what the change was made from. Raise Forbidden above one's own role,
    Conflict for the last owner."""
    ranked(who, role)
    async with db.transaction() as tx:
        owners = await operators.owners(tx, who.account_id)
        old = await operators.locked(tx, who.account_id, id)
        if old is None:
            raise NotFound("No such person in this account.")
        ranked(who, old["role"])
        if seen is not None:
            seen(old)
        if role != "owner" and owners == {id}:
            raise Conflict("An account needs an owner; make somebody else an owner first.")
        await operators.set_role(tx, who.account_id, id, role)


async def remove(db: Db, who: Operator, id: UUID) -> None:
    seen = await member(db, who, id)
    ranked(who, seen["role"])
    async with db.transaction() as tx:
        if await operators.owners(tx, who.account_id) == {id}:
            raise Conflict("An account needs an owner; make somebody else an owner first.")
        await operators.remove(tx, who.account_id, id)


async def set_profile(
    db: Db, passwords: Passwords, who: Operator, token: str, device: str, *, email: str, name: str, password: str,
    language: str | None = None, seen: Callable[[Json], None] | None = None,
) -> None:
    """One's own address, name and password ("" keeps it); a new password signs every other browser out and
    makes it a stranger. device: of the browser that is kept. language: None for the browser's. seen: as in `set_role`.

    Raise Invalid, Conflict."""
    wanted, shown = email_address(email), _name(name)
    if language is not None and language not in LANGUAGES:
        raise Invalid(f"language must be one of {', '.join(LANGUAGES)}.", field="language")
    hashed = await passwords.hashed(password, "new", (wanted, shown, who.account_name)) if password else None
    async with db.transaction() as tx:
        old = await operators.locked(tx, who.account_id, who.id)
        if seen is not None and old is not None:
            seen(old)
        if not await operators.set_profile(tx, who.account_id, who.id, wanted, shown, hashed, language):
            raise Conflict(f"Somebody else signs in with {wanted}.")
        if hashed:
            await operators.close_others(tx, who.id, digest(token))
            await operators.unlink(tx, digest(token))
            await devices.forget_others(tx, who.id, digest(device))


def below(who: Operator, role: str) -> None:
    """Raise Forbidden for whoever's role is not below one's own: who could sign in as them would be them."""
    if ROLES.index(role) >= ROLES.index(who.role):
        raise Forbidden(told(
            "Somebody with the role %(role)s gets a new link of a higher role, or from `hub login` where the hub runs.",
            role=NAMED[role],
        ), code="role")


async def drop_factors(db: Db, who: Operator, id: UUID) -> None:
    """For somebody whose phone is lost: they sign in with the password alone, until they set up another."""
    below(who, (await member(db, who, id))["role"])
    async with db.transaction() as tx:
        await second_factors.drop_all(tx, id)


def ranked(who: Operator, role: str) -> None:
    """Raise Forbidden to decide about a role above one's own, Invalid for none."""
    if role not in ROLES:
        raise Invalid(f"role must be one of {', '.join(ROLES)}.", field="role")
    if ROLES.index(role) > ROLES.index(who.role):
        names = {"own": NAMED[who.role], "role": NAMED[role]}
        text = told("Your role (%(own)s) may not decide about the role %(role)s.", **names)
        raise Forbidden(text, code="role")


def _name(text: str) -> str:
    if not 0 < len(text.strip()) <= 100:
        raise Invalid("name must have 1 to 100 characters.", field="name")
    return text.strip()
