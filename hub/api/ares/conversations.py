"""R-03 to R-06: a user's conversations."""

from aiohttp import web

from hub.api.ares.schemas import ConversationLine, ConversationOut, Done, MessageOut, TitleIn
from hub.api.http.app_keys import HUB, user
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.api.http.pagination import Span, following, read_place, shown
from hub.chat.turns import dialogs
from hub.studio.ares import talk

TAG = "Conversations"


@endpoint(id="R-03", tag=TAG, auth="user", family="ares", pages=True)
async def listed(request: web.Request, query: Span) -> list[ConversationLine]:
    """List the user's conversations, the last changed first."""
    hub, who = request.app[HUB], user(request)
    found = await talk.listed(hub, who, read_place(query.before), query.limit + 1)

    async def count() -> int:
        return await talk.count(hub, who)

    found = await shown(request, found, query.limit, query.before is None, count, following)
    return [ConversationLine(**talk.shown(d), message_count=d.spoken_count) for d in found]


@endpoint(id="R-04", tag=TAG, auth="user", family="ares")
async def view(request: web.Request, id: str) -> ConversationOut:
    """View a conversation with its messages."""
    hub = request.app[HUB]
    d = await talk.find(hub, user(request), id)
    said = [
        MessageOut(id=m["id"], role=m["role"], content=m["content"], created_at=m["created_at"])
        for m in await talk.messages(hub, d)
    ]
    return ConversationOut(**talk.shown(d), messages=said)


@endpoint(id="R-05", tag=TAG, auth="user", family="ares")
async def edit(request: web.Request, id: str, body: TitleIn) -> Done:
    """Change the title of a conversation; null clears it."""
    await talk.rename(request.app[HUB], user(request), id, body.title)
    return Done()


@endpoint(id="R-06", tag=TAG, auth="user", family="ares", status=204)
async def remove(request: web.Request, id: str) -> None:
    """Delete a conversation with its messages."""
    hub = request.app[HUB]
    await dialogs.remove(hub, await talk.find(hub, user(request), id))


ROUTES = (
    Route("GET", "/api/conversations", listed),
    Route("GET", "/api/conversations/{id}", view),
    Route("PUT", "/api/conversations/{id}", edit),
    Route("DELETE", "/api/conversations/{id}", remove),
)
