"""The workspace, its API keys, and the log of its requests."""

from uuid import UUID

from aiohttp import web

from hub.accounts import accounts, keys
from hub.api.aresgen.schemas.kinds import Paged, page
from hub.api.aresgen.schemas.workspace import (
    KeyOut,
    RequestOut,
    RequestQuery,
    RotatedOut,
    RotateIn,
    WorkspaceOut,
)
from hub.api.http.app_keys import HUB, KEYRING, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.store import api_request_log

TAG = "Workspace"
FAMILY = "aresgen"


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def show(request: web.Request) -> WorkspaceOut:
    """Show the workspace of the key you use."""
    hub, who = request.app[HUB], caller(request)
    found = await accounts.view(hub.db, who)
    region = hub.settings.region or None
    return WorkspaceOut.model_validate(
        {"id": found.id, "name": found.name, "plan": found.plan, "region": region, "role": who.role}
    )


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def listed(request: web.Request) -> list[KeyOut]:
    """List the API keys of the workspace."""
    return [KeyOut.of(k) for k in await keys.granted(request.app[HUB].db, caller(request).account_id)]


@endpoint(tag=TAG, family=FAMILY, query_key=False, status=201, errors=(409,), bare=True)
async def rotate(request: web.Request, id: UUID, body: RotateIn) -> RotatedOut:
    """Put a new key in the place of an old one, which goes on working for 24 hours, but manages no keys any more.

    `immediate` ends it at once, as for one that has leaked. Only keys of the roles owner and admin may do that, and
    only owners with the key of an owner.
    """
    new, key, ends = await keys.rotate(request.app[HUB].db, caller(request), id, body.immediate)
    request.app[KEYRING].forget(id)
    return RotatedOut(id=new, api_key=key, old_id=id, old_expires_at=ends)


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def asked(request: web.Request, query: RequestQuery) -> Paged[RequestOut]:
    """List the requests that were made with keys of the workspace, newest first, for 30 days."""
    before = min(query.after.int, 2**63 - 1) if query.after else None
    rows = await api_request_log.listed(
        request.app[HUB].db, caller(request).account_id, before, query.key_id, query.times, query.status, query.wanted
    )
    found = [{**r, "place": UUID(int=r["id"])} for r in rows]
    return Paged[RequestOut](**page(found, query, lambda r: RequestOut(**r), "place"))


ROUTES = (
    Route("GET", "/v1/workspace", show),
    Route("GET", "/v1/api-keys", listed),
    Route("POST", "/v1/api-keys/{id}/rotate", rotate),
    Route("GET", "/v1/request-log", asked),
)
