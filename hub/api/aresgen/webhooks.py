"""Webhooks: endpoints that are told what happens."""

from aiohttp import web

from hub.accounts.destinations import unqueried
from hub.api.aresgen.schemas.kinds import Cursor, Paged, WebhookId, page
from hub.api.aresgen.schemas.webhooks import (
    DeliveryOut,
    DeliveryQuery,
    ReplayIn,
    ReplayOut,
    WebhookEdit,
    WebhookGrant,
    WebhookIn,
    WebhookOut,
)
from hub.api.http.app_keys import HUB, caller, fresh_id
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.domain import Json
from hub.store import outgoing_webhooks as rows
from hub.studio import outgoing_webhooks

TAG = "Webhooks"
FAMILY = "aresgen"


@endpoint(tag=TAG, family=FAMILY, query_key=False, status=201)
async def create(request: web.Request, body: WebhookIn) -> WebhookGrant:
    """Subscribe an address to events.

    The secret that signs them is shown this once.
    """
    hub, account = request.app[HUB], caller(request).account_id
    id = fresh_id(request)
    secret = await outgoing_webhooks.add(hub, account, id, body.url, body.events, body.description)
    return WebhookGrant(**await outgoing_webhooks.get(hub, account, id), secret=secret)


def _out(request: web.Request, row: Json) -> WebhookOut:
    """Queries of addresses are for those who may see secrets."""
    return WebhookOut(**row if caller(request).trusted else {**row, "url": unqueried(row["url"])})


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def listed(request: web.Request, query: Cursor) -> Paged[WebhookOut]:
    """List webhooks, newest first."""
    found = await outgoing_webhooks.listed(request.app[HUB], caller(request).account_id, query.after, query.wanted)
    return Paged[WebhookOut](**page(found, query, lambda r: _out(request, r)))


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def show(request: web.Request, id: WebhookId) -> WebhookOut:
    """Show a webhook."""
    return _out(request, await outgoing_webhooks.get(request.app[HUB], caller(request).account_id, id))


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def edit(request: web.Request, id: WebhookId, body: WebhookEdit) -> WebhookOut:
    """Change a webhook, or switch it off and on.

    Where scheme, host or port of `url` changes, `secret` must be sent: the one there is, or a new one.
    """
    given = body.model_dump(exclude_none=True)
    return _out(request, await outgoing_webhooks.edit(request.app[HUB], caller(request).account_id, id, given))


@endpoint(tag=TAG, family=FAMILY, query_key=False, status=204)
async def remove(request: web.Request, id: WebhookId) -> None:
    """Delete a webhook with its log."""
    await outgoing_webhooks.remove(request.app[HUB], caller(request).account_id, id)


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def deliveries(request: web.Request, id: WebhookId, query: DeliveryQuery) -> Paged[DeliveryOut]:
    """List what was told to a webhook, newest first, for 30 days."""
    hub, account = request.app[HUB], caller(request).account_id
    await outgoing_webhooks.get(hub, account, id)
    found = await rows.log(hub.db, account, id, query.after, query.state, query.wanted)
    return Paged[DeliveryOut](**page(found, query, lambda r: DeliveryOut(**r)))


@endpoint(tag=TAG, family=FAMILY, query_key=False, status=202, errors=(404,))
async def replay(request: web.Request, body: ReplayIn) -> ReplayOut:
    """Tell events of the last 30 days again, under their old ids."""
    return ReplayOut(queued=await outgoing_webhooks.replay(request.app[HUB], caller(request).account_id, body.given()))


BASE = "/v1/webhooks"
ROUTES = (
    Route("POST", BASE, create),
    Route("GET", BASE, listed),
    Route("POST", BASE + "/replay", replay),
    Route("GET", BASE + "/{id}", show),
    Route("PATCH", BASE + "/{id}", edit),
    Route("DELETE", BASE + "/{id}", remove),
    Route("GET", BASE + "/{id}/deliveries", deliveries),
)
