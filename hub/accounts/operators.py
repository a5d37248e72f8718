"""People at the console: who they are, what they may do, and what they did."""

import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub import ids
from hub.accounts import audit
from hub.accounts.audit import Actor
from hub.accounts.passwords import Passwords
from hub.errors import Conflict, Forbidden, Invalid, NotFound, Setup, TooMany, Unauthorized
from hub.live.limits import Limits
from hub.sealing import digest
from hub.store import deeds, operators
from hub.store.db import Call, Db

Json = dict[str, Any]
ROLES = ("viewer", "agent", "admin", "owner")
# The least role that may do it; everybody may look.
LEAST: Mapping[str, str] = {
    "inbox": "agent", "delivery": "agent", "bot": "admin", "channel": "admin", "knowledge": "admin",
    "schedule": "admin", "campaign": "admin", "key": "admin", "team": "admin", "settings": "admin", "self": "viewer",
    "look": "viewer", "secrets": "admin",
}
DAY = 86400.0
ABSOLUTE, IDLE = 7 * DAY, DAY / 2
LOGIN_LINK, INVITE_LINK = 900.0, 3 * DAY
_EMAIL = re.compile(r"[^@\s]{1,100}@[^@\s]{1,150}")


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who is signed in."""

    id: UUID
    account_id: UUID
    email: str
    name: str
    role: str
    account_name: str

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

    def changed(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Keep what differs."""
        self.change |= {
            k: {"from": before.get(k), "to": v} for k, v in after.items() if before.get(k) != v
        }


def allow(who: Operator, thing: str) -> None:
    """Raise Forbidden when the role is not enough."""
    if not who.may(thing):
        raise Forbidden(f"Your role ({who.role}) may not do that; it takes the role {LEAST[thing]}.", code="role")


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


# Signing in and out


async def log_in(db: Db, passwords: Passwords, limits: Limits, email: str, password: str, ip: str) -> str:
    """The token of a new browser session. Raise Unauthorized, TooMany."""
    for scope, name, count in (("login", ip, 30), ("login", email.strip().lower()[:200], 10)):
        await slowed(limits, scope, name, count)
    found = await operators.by_email(db, email.strip())
    if not await passwords.fits(password, found["password"] if found else None) or found is None:
        raise Unauthorized("The e-mail address or the password is not right.")
    return await _open(db, found["id"], found["account_id"], found["name"], "password")


async def log_in_by_link(db: Db, limits: Limits, token: str, ip: str) -> str:
    """Use a one-time link up. Raise Unauthorized when it was used before or has expired."""
    await slowed(limits, "login-link", ip, 30)
    seen = await operators.linked(db, digest(token))
    id = await operators.use_link(db, digest(token))
    if seen is None or id is None:
        raise Unauthorized("This link was used before or has expired; ask for a new one (`hub login`).")
    return await _open(db, id, seen["account_id"], seen["name"], "link")


async def slowed(limits: Limits, scope: str, who: str, count: int) -> None:
    """Raise TooMany after so many tries within ten minutes."""
    if (wait := await limits.take(scope, who, count, 600.0)) > 0:
        raise TooMany("Too many tries; wait a few minutes.", retry_after=wait)


async def _open(db: Db, id: UUID, account: UUID, name: str, how: str) -> str:
    token = secrets.token_urlsafe(32)
    async with db.transaction() as tx:
        await operators.open_session(tx, digest(token), id, ABSOLUTE, how == "link")
        await audit.note(tx, account, Actor("user", id, name), "self.signed_in", str(id), {"with": how})
    return token


async def signed_in(db: Db, token: str, visit: bool = True) -> Operator | None:
    """Whose browser it is, if it is anybody's. `visit`: they did something, so it stays signed in."""
    row = await operators.of_session(db, digest(token), IDLE, visit)
    return Operator(**{k: row[k] for k in Operator.__dataclass_fields__}) if row else None


async def came_by_link(db: Db, token: str) -> bool:
    """Whether this browser was signed in by a link just now, and no password was set since."""
    return await operators.linked_now(db, digest(token), LOGIN_LINK)


async def log_out(db: Db, token: str) -> None:
    await operators.close_session(db, digest(token))


async def linked(db: Db, token: str) -> Json | None:
    """Whom a link signs in; `joined`: whether they have a password."""
    return await operators.linked(db, digest(token))


async def login_link(db: Call, operator: UUID, seconds: float = LOGIN_LINK) -> str:
    """The token of a new one-time link."""
    token = secrets.token_urlsafe(24)
    await operators.add_link(db, digest(token), operator, seconds)
    return token


async def link_for(db: Db, email: str | None, seconds: float = LOGIN_LINK) -> tuple[str, str]:
    """A one-time link for somebody at the terminal: (address, token).

    Without an address it is the first owner of the first account, made when there is none yet. Raise Setup.
    """
    if email is not None:
        found = await operators.by_email(db, email)
        if found is not None:
            return found["email"], await _given(db, found["account_id"], found["id"], seconds)
    account = await operators.first_account(db)
    if account is None:
        raise Setup("There is no account yet; start with `hub up` or `hub init`.")
    owner = await operators.first_owner(db, account)
    if email is not None and owner is not None:
        raise Setup(f"Nobody signs in with {email}; invite them in the console under Team.")
    if owner is None:
        wanted = _email(email or "owner@localhost")
        await operators.add(db, account, ids.uuid7(), wanted, "Owner", "owner")
        owner = await operators.first_owner(db, account)
        assert owner is not None
    return owner["email"], await _given(db, account, owner["id"], seconds)


async def _given(db: Db, account: UUID, id: UUID, seconds: float) -> str:
    """A link for whoever sits at the terminal, who needs no name there: the log tells that it was given."""
    async with db.transaction() as tx:
        token = await login_link(tx, id, seconds)
        await audit.note(tx, account, audit.HUB, "team.link_given", str(id))
    return token


# The team


async def invite(db: Db, who: Operator, email: str, name: str, role: str) -> tuple[UUID, str]:
    """Add somebody; return their id and the token of the link that lets them in. Raise Invalid, Conflict."""
    ranked(who, role)
    id, wanted = ids.uuid7(), _email(email)
    shown = _name(name or wanted.partition("@")[0])
    if not await operators.add(db, who.account_id, id, wanted, shown, role):
        raise Conflict(f"Somebody signs in with {wanted} already.")
    return id, await login_link(db, id, INVITE_LINK)


async def member(db: Db, who: Operator, id: UUID) -> Json:
    """Raise NotFound."""
    found = await operators.one(db, who.account_id, id)
    if found is None:
        raise NotFound("No such person in this account.")
    return found


async def set_role(db: Db, who: Operator, id: UUID, role: str) -> None:
    """Raise Forbidden above one's own role, Conflict for the last owner."""
    seen = await member(db, who, id)
    ranked(who, role)
    ranked(who, seen["role"])
    async with db.transaction() as tx:
        if role != "owner" and await operators.owners(tx, who.account_id) == {id}:
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
    db: Db, passwords: Passwords, who: Operator, token: str, *, email: str, name: str, password: str
) -> None:
    """One's own address, name and password ("" keeps it); a new password signs every other browser out.

    Raise Invalid, Conflict."""
    hashed = await passwords.hashed(password) if password else None
    async with db.transaction() as tx:
        if not await operators.set_profile(tx, who.account_id, who.id, _email(email), _name(name), hashed):
            raise Conflict(f"Somebody else signs in with {email.strip()}.")
        if hashed:
            await operators.close_others(tx, who.id, digest(token))
            await operators.unlink(tx, digest(token))


def ranked(who: Operator, role: str) -> None:
    """Raise Forbidden to decide about a role above one's own, Invalid for none."""
    if role not in ROLES:
        raise Invalid(f"role must be one of {', '.join(ROLES)}.", field="role")
    if ROLES.index(role) > ROLES.index(who.role):
        raise Forbidden(f"Your role ({who.role}) may not decide about the role {role}.", code="role")


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text.strip()):
        raise Invalid("email must be an e-mail address such as ann@example.com.", field="email")
    return text.strip()


def _name(text: str) -> str:
    if not 0 < len(text.strip()) <= 100:
        raise Invalid("name must have 1 to 100 characters.", field="name")
    return text.strip()
