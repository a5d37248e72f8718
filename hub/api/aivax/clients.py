"""A-08 to A-12: chat clients."""

from uuid import UUID

from aiohttp import web

from hub.api.aivax.paths import either
from hub.api.aivax.schemas.clients import ClientEdit, ClientId, ClientIn, ClientLine, ClientOut
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.clients import clients
from hub.pydantic_base import Message

TAG = "Chat clients"


@endpoint(id="A-08", tag=TAG)
async def listed(request: web.Request) -> list[ClientLine]:
    """List chat clients."""
    rows = await clients.listed(request.app[HUB].db, caller(request).account_id)
    return [ClientLine.of(r) for r in rows]


@endpoint(id="A-09", tag=TAG)
async def create(request: web.Request, body: ClientIn) -> ClientId:
    """Create a chat client."""
    id = await clients.add(
        request.app[HUB].db, caller(request).account_id, body.name, body.ai_gateway_id, body.limiting_parameters,
        body.client_parameters,
    )
    return ClientId(id=id)


@endpoint(id="A-10", tag=TAG)
async def view(request: web.Request, id: UUID) -> ClientOut:
    """View a chat client with its integrations.

    Secrets are masked; `webhookUrl` is where the network calls, its secret masked below the role admin.
    """
    who = caller(request)
    return ClientOut.of(await clients.view(request.app[HUB], who.account_id, id), who.trusted)


@endpoint(id="A-11", tag=TAG, says="Web client updated successfully.")
async def edit(request: web.Request, id: UUID, body: ClientEdit) -> None:
    """Edit a chat client.

    Send only what changes: the parameters are merged, lists are replaced whole.
    """
    await clients.edit(request.app[HUB].db, caller(request).account_id, id, body.given())


@endpoint(id="A-12", tag=TAG, says="Web client deleted successfully.")
async def remove(request: web.Request, id: UUID) -> Message:
    """Delete a chat client with its sessions and integrations."""
    said = await clients.remove(request.app[HUB], caller(request).account_id, id)
    return Message.of("Web client deleted successfully.", said)


ROUTES = either(
    Route("GET", "/api/v1/web-chat-client", listed),
    Route("POST", "/api/v1/web-chat-client", create),
    Route("GET", "/api/v1/web-chat-client/{id}", view),
    Route("PUT", "/api/v1/web-chat-client/{id}", edit),
    Route("DELETE", "/api/v1/web-chat-client/{id}", remove),
)
