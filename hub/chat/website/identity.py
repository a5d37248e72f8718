"""Who a visitor of the widget is, by what their site says of them. Pure.

A site proves it in one of two ways: `tagSignature` = hex HMAC-SHA256 of the tag with the account's salt,
or a JWT with `sub` and `exp` (HS256 with the salt; ES256 with the chat client's `identityPublicKey`).
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from hub.errors import Forbidden, Invalid

LONGEST = 200
ANON = "anon:"
# How names begin that the hub gives itself.
OURS = (ANON, "zp_")
# Claims that are kept with the session; from `phone_number` alone a chat is continued on WhatsApp.
PROVED = ("name", "email", "phone_number")
LEEWAY = 30.0


@dataclass(frozen=True, slots=True)
class Person:
    """`tag` as the site gave it. `said` goes to the session's metadata."""

    tag: str | None = None
    verified: bool = False
    said: Mapping[str, str] = field(default_factory=dict)


def signature(salt: str, tag: str) -> str:
    return hmac.new(salt.encode(), tag.encode(), hashlib.sha256).hexdigest()


def person(
    salt: str, public_key: str | None, client: str, *,
    tag: str | None, signed: str | None, token: str | None, attributes: Mapping[str, str],
) -> Person:
    """Raise Forbidden for a proof that does not hold, Invalid for a name that is the hub's own. What a browser says
    without one is marked `anon:`."""
    said = {ANON + name: value for name, value in attributes.items()}
    if token is not None:
        claims = _claims(token, salt, public_key, client)
        _free(str(claims["sub"]), "token")
        proved = {n: str(claims[n])[:500] for n in PROVED if isinstance(claims.get(n), str)}
        return Person(str(claims["sub"]), True, said | proved)
    if tag and signed is not None:
        if not hmac.compare_digest(signature(salt, tag).encode(), signed.strip().lower().encode()):
            raise Forbidden("tagSignature is not the HMAC-SHA256 of the tag with the account's salt.")
        _free(tag, "tag")
        return Person(tag, True, said)
    return Person(tag or None, False, said)


def _free(name: str, field: str) -> None:
    """Raise Invalid for a name that the hub itself gives to people on networks and to strangers."""
    if name.replace("\0", "").strip().lower().startswith(OURS):
        text = f"{field} must not be a name that begins with {' or '.join(OURS)}: those are the hub's."
        raise Invalid(text, field=field)


def _claims(token: str, salt: str, public_key: str | None, client: str) -> dict[str, Any]:
    try:
        # The header only chooses between two keys, each good for one algorithm.
        algorithm = str(jwt.get_unverified_header(token).get("alg"))
        key = {"HS256": salt, "ES256": public_key}.get(algorithm)
        if not key:
            raise Forbidden("token must be signed with HS256, or with ES256 where identityPublicKey is set.")
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=[algorithm], leeway=LEEWAY, audience=client,
            options={"require": ["sub", "exp"], "verify_aud": False},
        )
    except jwt.PyJWTError as e:
        raise Forbidden(f"token is not valid: {e}.") from None
    aud = claims.get("aud")
    if aud is not None and client not in (aud if isinstance(aud, list) else [aud]):
        raise Forbidden("token was made for another chat client (`aud`).")
    if not claims["sub"] or len(str(claims["sub"])) > LONGEST:
        raise Forbidden(f"token must name the user in `sub`, in at most {LONGEST} characters.")
    return claims
