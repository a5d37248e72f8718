"""A-56 to A-60: AI gateways."""

from uuid import UUID

from aiohttp import web

from hub.accounts import gateways
from hub.accounts.gateway_secrets import shown
from hub.accounts.parameters import GatewayParameters
from hub.api.aivax.schemas.gateways import GatewayEdit, GatewayId, GatewayIn, GatewayLine, GatewayOut
from hub.api.http.app_keys import DIRECTORY, HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.api.http.query_params import Filter

TAG = "AI gateways"


@endpoint(id="A-56", tag=TAG, errors=(409,))
async def create(request: web.Request, body: GatewayIn) -> GatewayId:
    """Create an AI gateway."""
    hub, account = request.app[HUB], caller(request).account_id
    id = await gateways.add(hub.db, hub.sealer, hub.outbound.guard, account, body.name, body.parameters)
    return GatewayId(ai_gateway_id=id)


@endpoint(id="A-57", tag=TAG)
async def listed(request: web.Request, query: Filter) -> list[GatewayLine]:
    """List AI gateways.

    `filter` is part of a name, model name or slug, or an id.
    """
    rows = await gateways.listed(request.app[HUB].db, caller(request).account_id, query.filter)
    return [GatewayLine.of(r) for r in rows]


@endpoint(id="A-58", tag=TAG, says="The AI gateway was edited successfully.")
async def edit(request: web.Request, id: UUID, body: GatewayEdit) -> None:
    """Edit an AI gateway.

    Parameters that are left out stay, `apiKey` too; those that are sent are replaced whole. Where scheme, host or
    port of an address changes, the secrets that go there must be sent with it.
    """
    hub, account = request.app[HUB], caller(request).account_id
    await gateways.edit(hub.db, hub.sealer, hub.outbound.guard, account, id, body.name, body.parameters)
    request.app[DIRECTORY].forget(account)


@endpoint(id="A-59", tag=TAG)
async def view(request: web.Request, id: UUID) -> GatewayOut:
    """View an AI gateway.

    Keys and headers are masked; below the role admin also queries of addresses and `additionalSettings`. A mask that
    is sent back stands for the value there is.
    """
    hub, who = request.app[HUB], caller(request)
    found = await gateways.load(hub.db, hub.sealer, who.account_id, id)
    parameters = GatewayParameters.model_validate(shown(found, who.trusted))
    return GatewayOut(name=found.name, slug=found.slug, parameters=parameters)


@endpoint(id="A-60", tag=TAG, says="The AI gateway was deleted successfully.")
async def remove(request: web.Request, id: UUID) -> None:
    """Delete an AI gateway.

    Chat clients that use it stay, without a gateway.
    """
    account = caller(request).account_id
    await gateways.remove(request.app[HUB].db, account, id)
    request.app[DIRECTORY].forget(account)


ROUTES = (
    Route("POST", "/api/v1/ai-gateways", create),
    Route("GET", "/api/v1/ai-gateways", listed),
    Route("PATCH", "/api/v1/ai-gateways/{id}", edit),
    Route("GET", "/api/v1/ai-gateways/{id}", view),
    Route("DELETE", "/api/v1/ai-gateways/{id}", remove),
)
