"""Passkeys of operators (WebAuthn): made and checked by py_webauthn.

A challenge is kept nowhere: it is derived from a cookie of the browser and the minute, so that asking for one costs
nothing and an answer of another browser, or of yesterday, is none.
"""

import ipaddress
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from hub.errors import Conflict, Invalid, Unauthorized
from hub.later import later
from hub.loading import loaded
from hub.sealing import Sealer, sign
from hub.store import second_factors
from hub.store.db import Db

if TYPE_CHECKING:
    import webauthn
    from webauthn.helpers import exceptions, structs
else:
    webauthn = later("webauthn")
    exceptions, structs = later("webauthn.helpers.exceptions"), later("webauthn.helpers.structs")

PACKAGE = "webauthn"  # it takes too long to be imported in the loop
MOST, LONGEST, LASTS = 20, 16_384, 300


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys are good: the hub's own address, as browsers see it."""

    address: str

    @property
    def origin(self) -> str:
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def host(self) -> str:
        return urlsplit(self.origin).hostname or ""

    @property
    def able(self) -> bool:
        """Browsers make passkeys for names only, over HTTPS or on the machine itself."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return self.origin.startswith("https://") or self.host == "localhost"
        return False


def challenge(sealer: Sealer, cookie: str, age: int = 0) -> bytes:
    """What is to be signed in this browser. age: minutes ago."""
    minute = int(time.time()) // 60 - age
    return bytes.fromhex(sign(sealer.derived("console.passkeys").hex(), f"{cookie}|{minute}"))


async def to_register(db: Db, sealer: Sealer, site: Site, operator: UUID, email: str, name: str, cookie: str) -> str:
    """JSON that a browser makes a passkey from."""
    await loaded(PACKAGE)
    options = webauthn.generate_registration_options(
        rp_id=site.host, rp_name="Hub", user_id=operator.bytes, user_name=email, user_display_name=name,
        challenge=challenge(sealer, cookie),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            structs.PublicKeyCredentialDescriptor(id=bytes.fromhex(k["id"]))
            for k in await second_factors.passkeys(db, operator)
        ],
    )
    return str(webauthn.options_to_json(options))


async def register(
    db: Db, sealer: Sealer, site: Site, operator: UUID, name: str, answer: str, cookie: str
) -> None:
    """Keep a passkey that a browser has made. Raise Invalid, Conflict."""
    if len(await second_factors.passkeys(db, operator)) >= MOST:
        raise Conflict(f"{MOST} passkeys are enough; remove one first.")
    await loaded(PACKAGE)
    given, seen = _read(answer), None
    for age in range(LASTS // 60):
        try:
            seen = webauthn.verify_registration_response(
                credential=given, expected_challenge=challenge(sealer, cookie, age), expected_rp_id=site.host,
                expected_origin=site.origin, require_user_verification=True,
            )
            break
        except (exceptions.WebAuthnException, ValueError, KeyError, TypeError):
            continue
    if seen is None:
        raise Invalid("The passkey was not made by this page; reload it and try again.", field="credential")
    shown = " ".join(name.split())[:60] or "Passkey"
    if not await second_factors.add_passkey(
        db, operator, seen.credential_id, seen.credential_public_key, seen.sign_count, shown
    ):
        raise Conflict("This passkey is registered already.")


async def to_sign(sealer: Sealer, site: Site, cookie: str, allowed: list[str] | None = None) -> str:
    """JSON that a browser signs with a passkey. allowed: ids in hex; None: any of this hub."""
    await loaded(PACKAGE)
    options = webauthn.generate_authentication_options(
        rp_id=site.host, challenge=challenge(sealer, cookie),
        user_verification=structs.UserVerificationRequirement.REQUIRED,
        allow_credentials=[structs.PublicKeyCredentialDescriptor(id=bytes.fromhex(k)) for k in allowed or ()],
    )
    return str(webauthn.options_to_json(options))


async def owner(db: Db, sealer: Sealer, site: Site, answer: str, cookie: str) -> UUID:
    """Whose passkey signed. Raise Unauthorized, Invalid."""
    await loaded(PACKAGE)
    given = _read(answer)
    try:
        id = webauthn.base64url_to_bytes(str(given.get("id", "")))
    except ValueError:
        id = b""
    row = await second_factors.passkey(db, id)
    for age in range(LASTS // 60 if row else 0):
        assert row is not None
        try:
            seen = webauthn.verify_authentication_response(
                credential=given, expected_challenge=challenge(sealer, cookie, age), expected_rp_id=site.host,
                expected_origin=site.origin, credential_public_key=row["public_key"],
                credential_current_sign_count=0, require_user_verification=True,
            )
        except (exceptions.WebAuthnException, ValueError, KeyError, TypeError):
            continue
        if await second_factors.signed(db, id, seen.new_sign_count):
            return UUID(str(row["operator_id"]))
        break
    raise Unauthorized("This passkey does not sign in here; use another one, or your password.")




def _read(answer: str) -> dict[str, Any]:
    try:
        given = orjson.loads(answer) if len(answer) <= LONGEST else None
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise Invalid("credential must be what the browser's passkey answered, as JSON.", field="credential")
    return given
