"""Prove that a call comes from the customer's Evolution server."""

import base64
import binascii
import hmac
import time
from collections.abc import Mapping
from typing import Any

import orjson

from channels import loose
from channels.base import BadSignature, Hook, Link

SECRET_HEADER = "x-hub-secret"
SKEW = 60.0


def verify(link: Link, hook: Hook) -> None:
    """Check every proof the call carries.

    None is required: a global webhook sends no headers of ours, so what then proves the sender is
    the secret in the webhook's path, which the receiver checks. The apikey in the body proves nothing
    more: it is the instance's own token, the server's global one or none, as the server is set up, and
    Evolution never repeats a call that was refused.
    """
    secret = hook.headers.get(SECRET_HEADER)
    if secret is not None and not any(loose.same(secret, one) for one in link.proofs):
        raise BadSignature("the secret header is wrong")
    scheme, _, token = hook.headers.get("authorization", "").partition(" ")
    now, given = time.time(), token.strip()
    if scheme.lower() == "bearer" and not any(good_token(given, one, now) for one in link.proofs):
        raise BadSignature("the bearer token is wrong or has expired")


def prove(link: Link, headers: Mapping[str, str]) -> None:
    """The proofs, none of which stands in the body."""
    verify(link, Hook(headers, b""))


def good_token(token: str, secret: str, now: float) -> bool:
    """Whether this is an unexpired HS256 JSON Web Token signed with the secret."""
    signed, _, signature = token.rpartition(".")
    try:
        header, claims = (_part(p) for p in signed.split("."))
        given = _decode(signature)
    except (ValueError, binascii.Error):
        return False
    # The token's own word on the algorithm is only compared, never followed.
    if header.get("alg") != "HS256":
        return False
    if not hmac.compare_digest(hmac.digest(secret.encode(), signed.encode(), "sha256"), given):
        return False
    expires, starts = loose.decimal(claims.get("exp")), loose.decimal(claims.get("nbf", 0))
    if expires is None or starts is None:
        return False
    return starts - SKEW <= now <= expires + SKEW


def _part(part: str) -> dict[str, Any]:
    return loose.obj(orjson.loads(_decode(part)))


def _decode(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
