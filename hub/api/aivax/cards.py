"""Where the card of a contact is asked for: the business's own server."""

from aiohttp import web

from hub.api.aivax.schemas.panel import ContactCardIn, ContactCardMade, ContactCardSet
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.operators import cards

TAG = "Contacts"


@endpoint(tag=TAG)
async def view(request: web.Request) -> ContactCardSet:
    """View where the card of contacts is asked for. A query, which may hold a token, is shown as its mask."""
    return ContactCardSet(url=await cards.address(request.app[HUB], caller(request).account_id))


@endpoint(tag=TAG)
async def choose(request: web.Request, body: ContactCardIn) -> ContactCardMade:
    """Set where the card of contacts is asked for; each time with a new secret.

    When somebody opens the card beside a conversation, the hub sends
    `{"contactId", "name", "identities": [{"kind", "value"}], "fields", "sessionId"}` there by POST, with
    `Aresgen-Timestamp` and `Aresgen-Signature`: hex HMAC-SHA256 of `<timestamp>.<body>` under the secret. The server
    answers 200 within three seconds, with at most 64 kB:
    `{"title": "Orders", "items": [{"label": "1042", "value": "on its way", "url": "https://shop.example/1042"}]}`.
    All of it is shown as words; `url`, which may be left out, is a link when it begins with https. A card is kept for a
    minute.
    """
    hub, account = request.app[HUB], caller(request).account_id
    secret = await cards.choose(hub, account, body.url)
    return ContactCardMade(url=await cards.address(hub, account) or "", secret=secret)


@endpoint(tag=TAG, says="Card removed.")
async def clear(request: web.Request) -> None:
    """Ask for no card any more."""
    await cards.clear(request.app[HUB], caller(request).account_id)


BASE = "/api/v1/inbox/card"
ROUTES = (Route("GET", BASE, view), Route("PUT", BASE, choose), Route("DELETE", BASE, clear))
