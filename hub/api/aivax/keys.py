"""A-63 to A-65: API keys."""

from datetime import datetime
from uuid import UUID

from aiohttp import web

from hub.accounts import accounts, keys, salts
from hub.accounts.value_types import mask
from hub.api.aivax.schemas.accounts import KeyDetail, KeyEdit, KeyGrant, KeyIn, KeyList, KeyOut
from hub.api.http.app_keys import HUB, KEYRING, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.errors import Invalid

TAG = "API keys"


def moment(at: datetime | None, field: str) -> datetime | None:
    """Raise Invalid for a moment that does not say where on earth it is."""
    if at is not None and at.tzinfo is None:
        raise Invalid(f"{field} needs a time zone, such as 2026-12-31T00:00:00Z.", field=field)
    return at


@endpoint(id="A-63", tag=TAG)
async def listed(request: web.Request) -> KeyList:
    """List API keys and the account's salt, which is masked below the role admin."""
    hub, who = request.app[HUB], caller(request)
    account = await accounts.view(hub.db, who)
    salt = salts.opened(hub.sealer, account.id, account.salt)
    shown = salt if who.trusted else mask(salt) or ""
    return KeyList(api_keys=[KeyOut.of(k) for k in await keys.granted(hub.db, who.account_id)], salt=shown)


@endpoint(id="A-64", tag=TAG)
async def create(request: web.Request, body: KeyIn) -> KeyGrant:
    """Create an API key.

    The key is shown this once; only its hash is kept.
    """
    db, who = request.app[HUB].db, caller(request)
    return KeyGrant(grant_key=await keys.create(
        db, who, body.label, body.duration, body.type, body.role or who.role, origins=body.origins, models=body.models,
        limits=body.limits, tags=body.tags, expires_at=moment(body.expires_at, "expiresAt"),
    ))


@endpoint(tag=TAG)
async def show(request: web.Request, key_id: UUID) -> KeyDetail:
    """View an API key: its limits, what is spent of its budgets, what was told of that.

    Owners and admins see all keys that they may manage; a key sees itself.
    """
    return KeyDetail.whole(*await keys.view(request.app[HUB].db, caller(request), key_id))


@endpoint(tag=TAG, says="API key edited successfully.")
async def edit(request: web.Request, key_id: UUID, body: KeyEdit) -> None:
    """Change label, limits, tags or expiry of an API key.

    `limits` are replaced whole: `{}` takes them away; what was spent already counts for a new budget. A key that has
    limits changes none, its own least of all.
    """
    given = body.model_fields_set
    expires = (moment(body.expires_at, "expiresAt"),) if "expires_at" in given else None
    change = keys.Change(label=body.label, tags=body.tags, limits=body.limits, expires_at=expires)
    await keys.edit(request.app[HUB].db, caller(request), key_id, change)
    request.app[KEYRING].forget(key_id)


@endpoint(id="A-65", tag=TAG, says="API key deleted successfully.")
async def remove(request: web.Request, key_id: str) -> None:
    """Delete an API key.

    A key that is not the account's is answered with 400.
    """
    id = _uuid(key_id)
    await keys.revoke(request.app[HUB].db, caller(request), id)
    request.app[KEYRING].forget(id)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)  # a key that nobody has


ROUTES = (
    Route("GET", "/api/v1/accounts/api-key", listed),
    Route("POST", "/api/v1/accounts/api-key", create),
    Route("GET", "/api/v1/accounts/api-key/{key_id}", show),
    Route("PATCH", "/api/v1/accounts/api-key/{key_id}", edit),
    Route("DELETE", "/api/v1/accounts/api-key/{key_id}", remove),
)
