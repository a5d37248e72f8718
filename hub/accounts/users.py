"""End users of an account: they register, sign in, stay signed in by tokens that are good once."""

from dataclasses import dataclass
from uuid import UUID

from hub import ids
from hub.accounts import audit
from hub.accounts.audit import Actor
from hub.accounts.emails import email_address, same_address
from hub.accounts.passwords import Passwords
from hub.accounts.sign_in_waits import Try, network_of
from hub.accounts.tokens import ACCESS, ACCESS_SECONDS, LEEWAY, REFRESH, REFRESH_SECONDS, Tokens
from hub.config import Settings
from hub.domain import Json, User
from hub.errors import Conflict, Forbidden, NotFound, Overloaded, TooMany, Unauthorized
from hub.sealing import Sealer, digest
from hub.store import ares_users, devices
from hub.store.db import Call, Db


@dataclass(frozen=True, slots=True)
class Pass:
    """What a user who is signed in gets. seconds: how long `access` is good."""

    user: User
    access: str
    refresh: str
    seconds: int = ACCESS_SECONDS


class Users:
    """Who may speak as which user."""

    def __init__(self, db: Db, sealer: Sealer, passwords: Passwords, settings: Settings) -> None:
        self._db = db
        self._passwords = passwords
        self._settings = settings
        self._tokens = Tokens(sealer)

    async def register(self, email: str, password: str, name: str) -> Pass:
        """A new user of the account that ARES belongs to. Raise Forbidden when nobody may register, TooMany when
        too many have today, Conflict when the address is taken."""
        if not self._settings.ares_registration:
            raise Forbidden(
                "Registration is closed on this server; ask its owner for a user.", code="registration_closed"
            )
        wanted = UUID(self._settings.ares_account) if self._settings.ares_account else None
        account = await ares_users.home(self._db, wanted)
        if account is None:
            raise Overloaded("Nobody can register: this server has no account for ARES yet.", retry_after=60)
        most = self._settings.ares_registrations_per_day
        if most and await ares_users.registered_today(self._db) >= most:
            raise TooMany("Too many users have registered today; try again tomorrow.", retry_after=3600)
        return await self._enter(await self.add(account, email, password, name, registered=True))

    async def add(self, account: UUID, email: str, password: str, name: str, registered: bool = False) -> User:
        """A new user. Raise Invalid naming the field, Conflict when the address is taken."""
        email, name = email_address(email), " ".join(name.split())
        user = User(account, ids.uuid7(), email, name or email.split("@", 1)[0], registered)
        hashed = await self._passwords.hashed(password, about=(email, user.name))
        if not await ares_users.add(self._db, account, user.id, email, user.name, hashed, registered):
            raise Conflict("There is a user with this e-mail address already; sign in.", field="email")
        return user

    async def edit(self, account: UUID, id: UUID, name: str | None, password: str | None) -> None:
        """Change what is given. A new password ends every sign-in. Raise NotFound."""
        hashed = await self._passwords.hashed(password, about=(name or "",)) if password is not None else None
        name = " ".join(name.split()) if name is not None else None
        async with self._db.transaction() as t:
            if not await ares_users.edit(t, account, id, name, hashed):
                raise NotFound

    async def login(self, email: str, password: str, ip: str) -> Pass:
        """Raise Unauthorized, in the same time whether the address or the password is wrong; TooMany.

        Where they have signed in before, nobody else's guesses make them wait."""
        row, place = await ares_users.by_email(self._db, same_address(email)), digest(f"network:{network_of(ip)}")
        known = place if row and await devices.user_known(self._db, row["id"], place) else None
        tried = Try("ares", same_address(email), ip, known)
        await tried.begin(self._db)
        if not await self._passwords.fits(password, row["password"] if row else None) or row is None:
            if row:
                await self._note(row, "user.sign_in_failed", {"from": ip})
            raise Unauthorized("Invalid credentials")
        await tried.succeeded(self._db)
        await devices.user_remember(self._db, row["account_id"], row["id"], place)
        return await self._enter(_user(row))

    async def _note(self, row: Json, action: str, detail: Json) -> None:
        actor = Actor("user", row["id"], f"{row['name']} <{row['email']}>")
        await audit.note(self._db, row["account_id"], actor, action, str(row["id"]), detail)

    async def _enter(self, user: User) -> Pass:
        return await self._pass(self._db, user, ids.uuid7())

    async def _pass(self, db: Call, user: User, family: UUID) -> Pass:
        made = Pass(user, self._tokens.access(user, family), self._tokens.refresh(user, family))
        lasts = REFRESH_SECONDS + LEEWAY
        await ares_users.keep(db, user.account_id, user.id, digest(made.refresh), family, lasts)
        return made

    async def refresh(self, token: str) -> Pass:
        """New tokens for an old one, which is spent by that. A spent one that comes again was stolen, from its
        owner or by the owner: nobody goes on with any that came of it. Raise Unauthorized."""
        self._tokens.read(token, REFRESH)
        async with self._db.transaction() as t:
            row = await ares_users.spend(t, digest(token))
            if row is not None:
                return await self._pass(t, _user(row), row["family"])
        if (stolen := await ares_users.spent(self._db, digest(token))) is not None:
            await self._note(stolen, "user.token_reused", {})
        await self.logout(token)
        raise Unauthorized("Unauthorized")

    async def logout(self, token: str) -> None:
        """End what came of the same sign-in; of a token that is none, nothing."""
        async with self._db.transaction() as t:
            await ares_users.revoke(t, digest(token))

    async def user(self, token: str) -> User:
        """Whose access token it is. Raise Unauthorized, also when the user is gone, or the sign-in was ended: by
        signing out, a new password, a refresh token that came twice."""
        id, family = self._tokens.read(token, ACCESS)
        row = await ares_users.get(self._db, id, family)
        if row is None:
            raise Unauthorized("Unauthorized")
        return _user(row)


def _user(row: Json) -> User:
    return User(row["account_id"], row["id"], row["email"], row["name"], row["registered"])


async def listed(db: Call, account: UUID) -> list[Json]:
    """id, email, name, created_at; the oldest first."""
    return await ares_users.of_account(db, account)


async def remove(db: Db, account: UUID, id: UUID) -> None:
    """With all that was said and learned. Raise NotFound."""
    async with db.transaction() as t:
        if not await ares_users.remove(t, account, id):
            raise NotFound
