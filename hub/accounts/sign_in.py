"""Signing in to the console: with a password, a link that works once, a passkey or an identity provider."""

import secrets
from dataclasses import dataclass
from uuid import UUID

from hub import ids
from hub.accounts import audit, passkeys, second_factor
from hub.accounts.audit import Actor
from hub.accounts.emails import email_address, same_address
from hub.accounts.operators import Operator
from hub.accounts.passkeys import Site
from hub.accounts.passwords import Passwords
from hub.accounts.sign_in_waits import Try
from hub.domain import Json
from hub.errors import Setup, TooMany, Unauthorized
from hub.live.limits import Limits
from hub.sealing import Sealer, digest
from hub.store import devices, operators, second_factors
from hub.store.db import Call, Db

DAY = 86400.0
ABSOLUTE, IDLE = 7 * DAY, DAY / 2
LOGIN_LINK, INVITE_LINK, PENDING = 900.0, 3 * DAY, 300.0
WRONG = "The e-mail address or the password is not right."


@dataclass(frozen=True, slots=True)
class Browser:
    """Where somebody signs in from. device: the cookie that says that they were here before."""

    ip: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What signing in gave. token: of the browser's session; when `more` is asked for, of the step that is still
    to come. device: the cookie of a browser that has been here."""

    token: str
    more: bool = False
    device: str = ""


async def log_in(db: Db, passwords: Passwords, email: str, password: str, at: Browser) -> Entry:
    """Raise Unauthorized, TooMany."""
    found = await operators.by_email(db, same_address(email))
    tried = Try("console", same_address(email), at.ip, await _known(db, found["id"] if found else None, at))
    await tried.begin(db)
    if not await passwords.fits(password, found["password"] if found else None) or found is None:
        if found:
            await _failed(db, found, at, "password")
        raise Unauthorized(WRONG)
    await tried.succeeded(db)
    return await enter(db, found, "password", at)


async def log_in_by_link(db: Db, limits: Limits, token: str, at: Browser) -> Entry:
    """Use a one-time link up. Raise Unauthorized when it was used before or has expired."""
    await slowed(limits, "login-link", at.ip, 30)
    seen = await operators.linked(db, digest(token))
    id = await operators.use_link(db, digest(token))
    if seen is None or id is None:
        raise Unauthorized("This link was used before or has expired; ask for a new one (`hub login`).")
    return await enter(db, seen, "link", at, trusted=seen["trusted"])


async def log_in_by_passkey(db: Db, sealer: Sealer, site: Site, answer: str, cookie: str, at: Browser) -> Entry:
    """A passkey is both factors: something one has, unlocked by something one is or knows. Raise Unauthorized."""
    tried = Try("console", None, at.ip)
    await tried.begin(db)
    id = await passkeys.owner(db, sealer, site, answer, cookie)
    await tried.succeeded(db)
    found = await operators.by_id(db, id)
    if found is None:
        raise Unauthorized("Nobody signs in with this passkey any more.")
    return await _open(db, found, "passkey", at)


async def log_in_by_identity(
    db: Db, issuer: str, subject: str, email: str | None, name: str, at: Browser
) -> Entry:
    """Who an identity provider says it is: known by the subject, the first time by an address that it has proved.

    Raise Unauthorized for whoever was not invited here."""
    id = await second_factors.identity(db, issuer, subject)
    found = await operators.by_id(db, id) if id else None
    if found is None and email:
        found = await operators.by_email(db, same_address(email))
        if found is not None:
            async with db.transaction() as tx:
                await second_factors.bind(tx, issuer, subject, found["id"])
                detail = {"provider": name, "issuer": issuer}
                await audit.note(
                    tx, found["account_id"], _actor(found), "self.identity_bound", str(found["id"]), detail
                )
    if found is None:
        who = email or "an address that it has not proved"
        raise Unauthorized(f"{name} knows you as {who}, and nobody here signs in with that; ask for an invitation.")
    return await enter(db, found, name, at)


async def prove(db: Db, sealer: Sealer, token: str, code: str, at: Browser) -> Entry:
    """The second step, with a code. Raise Unauthorized, TooMany."""
    found = await waiting(db, token)
    tried = Try("console-code", str(found["id"]), at.ip, await _known(db, found["id"], at))
    await tried.begin(db)
    how = await second_factor.proves(db, sealer, found["id"], code)
    if how is None:
        await _failed(db, found, at, "second factor")
        raise Unauthorized("The code is not right, or was used before.")
    await tried.succeeded(db)
    await _used(db, token)
    return await _open(db, found, f"{found['how']}, {how}", at)


async def prove_by_passkey(db: Db, sealer: Sealer, site: Site, token: str, answer: str, at: Browser) -> Entry:
    """The second step, with a passkey of the same person. Raise Unauthorized."""
    found = await waiting(db, token)
    if await passkeys.owner(db, sealer, site, answer, token) != found["id"]:
        await _failed(db, found, at, "passkey")
        raise Unauthorized("This is the passkey of somebody else.")
    await _used(db, token)
    return await _open(db, found, f"{found['how']}, passkey", at)


async def waiting(db: Db, token: str) -> Json:
    """Who has given the first factor. Raise Unauthorized when that is too long ago."""
    found = await second_factors.pending(db, digest(token))
    if found is None:
        raise Unauthorized("That took too long; sign in again.")
    return found


async def keys_of(db: Db, operator: UUID) -> list[str]:
    """Ids of somebody's passkeys, in hex."""
    return [str(k["id"]) for k in await second_factors.passkeys(db, operator)]


async def enter(db: Db, found: Json, how: str, at: Browser, trusted: bool = False) -> Entry:
    """What follows the first factor: the session, or the second step when they have set one up.

    trusted: the first one was made at the hub's own terminal."""
    has = await second_factors.enrolled(db, found["id"])
    if trusted or not (has["totp"] or has["passkeys"]):
        return await _open(db, found, how, at)
    token = secrets.token_urlsafe(32)
    await second_factors.add_pending(db, digest(token), found["id"], how, PENDING)
    return Entry(token, more=True)


async def _used(db: Db, token: str) -> None:
    if not await second_factors.use_pending(db, digest(token)):
        raise Unauthorized("This step was taken already; sign in again.")


async def _open(db: Db, found: Json, how: str, at: Browser) -> Entry:
    token, device = secrets.token_urlsafe(32), at.device or secrets.token_urlsafe(24)
    linked = how.split(",")[0] == "link"
    async with db.transaction() as tx:
        await operators.open_session(tx, digest(token), found["id"], ABSOLUTE, linked)
        await devices.remember(tx, found["id"], digest(device))
        await audit.note(tx, found["account_id"], _actor(found), "self.signed_in", str(found["id"]), {"with": how})
    return Entry(token, device=device)


async def _known(db: Db, operator: UUID | None, at: Browser) -> bytes | None:
    hashed = digest(at.device)
    return hashed if at.device and operator and await devices.known(db, operator, hashed) else None


async def _failed(db: Db, found: Json, at: Browser, how: str) -> None:
    detail = {"with": how, "from": at.ip}
    await audit.note(db, found["account_id"], _actor(found), "self.sign_in_failed", str(found["id"]), detail)


def _actor(found: Json) -> Actor:
    return Actor("user", found["id"], f"{found['name']} <{found['email']}>")


async def slowed(limits: Limits, scope: str, who: str, count: int) -> None:
    """Raise TooMany after so many tries within ten minutes."""
    if (wait := await limits.take(scope, who, count, 600.0)) > 0:
        raise TooMany("Too many tries; wait a few minutes.", retry_after=wait)


async def signed_in(db: Db, token: str, visit: bool = True) -> Operator | None:
    """Whose browser it is, if it is anybody's. `visit`: they did something, so it stays signed in."""
    row = await operators.of_session(db, digest(token), IDLE, visit)
    return Operator(**{k: row[k] for k in Operator.__dataclass_fields__}) if row else None


async def confirmed(db: Db, limits: Limits, passwords: Passwords, who: Operator, token: str, password: str) -> None:
    """Before something that a passer-by at an open browser must not do: ask for the password. Raise Unauthorized.

    Who has none, or has just signed in by a link, need not know it: so a lost one is replaced."""
    known = await operators.by_id(db, who.id)
    if known is None or not known["password"] or await operators.linked_now(db, digest(token), LOGIN_LINK):
        return
    await slowed(limits, "password", str(who.id), 10)
    if not await passwords.fits(password, known["password"]):
        raise Unauthorized("The password you have now is not right.", field="old")


async def log_out(db: Db, token: str) -> None:
    await operators.close_session(db, digest(token))


async def linked(db: Db, token: str) -> Json | None:
    """Whom a link signs in; `joined`: whether they have a password."""
    return await operators.linked(db, digest(token))


async def login_link(db: Call, operator: UUID, seconds: float = LOGIN_LINK, trusted: bool = False) -> str:
    """The token of a new one-time link. trusted: no second factor is asked for."""
    token = secrets.token_urlsafe(24)
    await operators.add_link(db, digest(token), operator, seconds, trusted)
    return token


async def link_for(db: Db, email: str | None, seconds: float = LOGIN_LINK) -> tuple[str, str]:
    """A one-time link for somebody at the terminal: (address, token).

    Without an address it is the first owner of the first account, made when there is none yet. Raise Setup.
    """
    if email is not None:
        found = await operators.by_email(db, same_address(email))
        if found is not None:
            return found["email"], await _given(db, found["account_id"], found["id"], seconds)
    account = await operators.first_account(db)
    if account is None:
        raise Setup("There is no account yet; start with `hub up` or `hub init`.")
    owner = await operators.first_owner(db, account)
    if email is not None and owner is not None:
        raise Setup(f"Nobody signs in with {email}; invite them in the console under Team.")
    if owner is None:
        wanted = email_address(email or "owner@localhost")
        await operators.add(db, account, ids.uuid7(), wanted, "Owner", "owner")
        owner = await operators.first_owner(db, account)
        assert owner is not None
    return owner["email"], await _given(db, account, owner["id"], seconds)


async def _given(db: Db, account: UUID, id: UUID, seconds: float) -> str:
    """A link for whoever sits at the terminal, who needs no name there: the log tells that it was given."""
    async with db.transaction() as tx:
        token = await login_link(tx, id, seconds, trusted=True)
        await audit.note(tx, account, audit.HUB, "team.link_given", str(id))
    return token
