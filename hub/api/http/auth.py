"""Who makes a request."""

import base64
import binascii
from uuid import UUID

from aiohttp import web

from hub.accounts import key_limits
from hub.api.http.app_keys import CALLER, HUB, KEYRING, PURSE, RATE, USER, USERS
from hub.domain import Caller
from hub.errors import Forbidden, Unauthorized
from hub.purse import purse
from hub.store import scope

LONGEST = 4096
IN_HEADER = "Send a valid API key: `Authorization: Bearer <key>`."


async def authenticate(request: web.Request, allowed: str, query: bool) -> None:
    """Note the caller on the request. allowed: key (private only), public (public keys too), user (a user's
    access token, no key), none.

    Raise Unauthorized without a valid key, Forbidden for a public key where it may not be used, TooMany for one that
    has limits of its own.
    """
    if allowed == "none":
        return
    if allowed == "user":
        with scope.itself():
            request[USER] = await request.app[USERS].user(credential(request, False) or "")
        scope.enter(request[USER].account_id)
        return
    try:
        if (key := credential(request, query)) is None:
            raise Unauthorized
        with scope.itself():
            who = await request.app[KEYRING].caller(key)
    except Unauthorized as e:
        # Nobody is sent where the key does not count.
        raise e if query else Unauthorized(IN_HEADER) from None
    if who.kind != "private" and allowed != "public":
        raise Forbidden("A public key may not do that; use a private key (sk-hub-...).", code="private_key_needed")
    request[CALLER] = who
    scope.enter(who.account_id)
    origin = request.headers.get("Origin")
    if who.origins and origin is not None and origin.lower() not in who.origins:
        raise Forbidden(f"Pages of {origin[:300]} may not use this key; add the origin to it.", code="origin_refused")
    await limited(request, who)


async def limited(request: web.Request, who: Caller) -> None:
    """Count the request for a key that has limits of its own, which pays for what models are asked meanwhile."""
    if who.limits is None:
        return
    hub = request.app[HUB]
    seen = await key_limits.counted(hub, who)
    if seen is not None:
        request[RATE] = seen
        if seen.over:
            raise key_limits.too_many(seen)
    found = key_limits.purse_of(hub, who)
    if found is not None:
        request[PURSE] = found
        purse.set(found)


async def server(request: web.Request, account: UUID) -> bool:
    """Whether a request beside its access key shows a private key of the account: it comes from a server of the
    business, not from a visitor's browser. Raise Unauthorized for a key that is none."""
    key = credential(request, False)
    if key is None:
        return False
    with scope.itself():
        who = await request.app[KEYRING].caller(key)
    return who.kind == "private" and who.account_id == account and (who.role != "viewer" or request.method == "GET")


def credential(request: web.Request, query: bool) -> str | None:
    """The key of a request: Bearer, Basic (its password), a bare header, x-api-key, or `?api-key=`."""
    header = request.headers.get("Authorization", "").strip()
    if len(header) > LONGEST:
        return None
    if header:
        scheme, _, rest = header.partition(" ")
        if not rest:
            return header
        if scheme.lower() == "bearer":
            return rest.strip()
        return _password(rest.strip()) if scheme.lower() == "basic" else None
    if request.path.startswith("/v1/") and (bare := request.headers.get("x-api-key", "").strip()):
        return bare if len(bare) <= LONGEST else None  # how clients of Anthropic send it
    return request.query.get("api-key") if query else None


def _password(encoded: str) -> str | None:
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password or user
