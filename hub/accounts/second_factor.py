"""The second proof of who signs in at the console: a code of an app, a passkey, a recovery code."""

import secrets
import time
from uuid import UUID

import pyotp

from hub.errors import Conflict, Invalid
from hub.sealing import Sealer, digest
from hub.store import second_factors
from hub.store.db import Db

STEP, CODES = 30, 10
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
PLACE = "operator_totp.secret"


async def begin_totp(db: Db, sealer: Sealer, operator: UUID) -> str:
    """A new secret, which counts for nothing until a code of it was given. Raise Conflict when one is in use."""
    secret = pyotp.random_base32()
    if not await second_factors.begin_totp(db, operator, sealer.seal(PLACE, operator, secret)):
        raise Conflict("Codes of an app are asked for already; remove that app first.")
    return secret


def address(secret: str, email: str) -> str:
    """What apps read from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Hub")


async def waiting_totp(db: Db, sealer: Sealer, operator: UUID) -> str | None:
    """The secret that waits for its first code."""
    row = await second_factors.totp(db, operator)
    return sealer.open(PLACE, operator, row["secret"]) if row and not row["confirmed"] else None


async def confirm_totp(db: Db, sealer: Sealer, operator: UUID, code: str) -> list[str]:
    """Ask for codes from now on; return recovery codes, which are shown once. Raise Invalid."""
    if await waiting_totp(db, sealer, operator) is None or not await _fits(db, sealer, operator, code):
        raise Invalid("code is not the one that the app shows now; is the clock of the phone right?", field="code")
    codes = new_codes()
    async with db.transaction() as tx:
        await second_factors.confirm(tx, operator)
        await second_factors.set_codes(tx, operator, [digest(c) for c in codes])
    return codes


def new_codes() -> list[str]:
    return ["-".join("".join(secrets.choice(_SIGNS) for _ in range(5)) for _ in range(2)) for _ in range(CODES)]


async def proves(db: Db, sealer: Sealer, operator: UUID, code: str) -> str | None:
    """How a code proves who somebody is: "totp", "recovery code"; None when it does not. It is used up by that."""
    plain = code.strip().lower().replace(" ", "")
    row = await second_factors.totp(db, operator)
    if row and row["confirmed"] and await _fits(db, sealer, operator, plain):
        return "totp"
    dashed = plain if "-" in plain else f"{plain[:5]}-{plain[5:]}"
    return "recovery code" if await second_factors.use_code(db, operator, digest(dashed)) else None


async def _fits(db: Db, sealer: Sealer, operator: UUID, code: str) -> bool:
    """A code of this half minute or the ones beside it, never one that was used."""
    row = await second_factors.totp(db, operator)
    if row is None or not (code.isascii() and code.isdecimal() and len(code) == 6):
        return False
    app, now = pyotp.TOTP(sealer.open(PLACE, operator, row["secret"])), int(time.time()) // STEP
    for step in (now, now - 1, now + 1):
        if secrets.compare_digest(app.generate_otp(step), code):
            return await second_factors.use_step(db, operator, step)
    return False
