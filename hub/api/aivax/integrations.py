"""A-13 and A-14: a chat client's accounts at networks."""

from uuid import UUID

from aiohttp import web

from hub.api.aivax.paths import either
from hub.api.aivax.schemas.integrations import IntegrationsIn
from hub.api.aivax.schemas.templates import TemplatesOut
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.clients import integrations, templates
from hub.pydantic_base import Message

TAG = "Integrations"
SAVED = "Web client integrations updated successfully."
REMOVED = "Web client integration deleted successfully."


@endpoint(id="A-13", tag=TAG, says=SAVED, errors=(409,))
async def edit(request: web.Request, id: UUID, body: IntegrationsIn) -> Message:
    """Set an integration and register its webhook.

    The integration is kept when the network refuses the webhook: the message says what it said, and
    sending the same again tries again.
    """
    said = await integrations.save(request.app[HUB], caller(request).account_id, id, body.given())
    return Message.of(SAVED, said)


@endpoint(id="A-14", tag=TAG, says=REMOVED)
async def remove(request: web.Request, id: UUID, name: str) -> Message:
    """Delete an integration and its webhook.

    `name` is Zapi, Telegram, EvolutionApi, Kapso, or that of another network.
    """
    said = await integrations.remove(request.app[HUB], caller(request).account_id, id, integrations.channel_of(name))
    return Message.of(REMOVED, said)


@endpoint(tag=TAG)
async def listed(request: web.Request, id: UUID, name: str) -> TemplatesOut:
    """List the WhatsApp templates of an integration: what they say, what they want filled in, whether they may be sent.

    `name` is Kapso or WhatsAppCloud (which needs `businessAccountId`). The network is asked once a minute at most; what
    its webhooks tell of a template is shown at once.
    """
    channel = integrations.channel_of(name)
    return TemplatesOut.of(await templates.of_client(request.app[HUB], caller(request).account_id, id, channel))


ROUTES = either(
    Route("PUT", "/api/v1/web-chat-client/{id}/integrations", edit),
    Route("DELETE", "/api/v1/web-chat-client/{id}/integrations/{name}", remove),
    Route("GET", "/api/v1/web-chat-client/{id}/integrations/{name}/templates", listed),
)
