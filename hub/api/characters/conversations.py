"""C-03 to C-07: conversations and their messages."""

from typing import Any

from aiohttp import web

from hub.api.characters.message_stream import told
from hub.api.characters.schemas import ConversationEdit, ConversationIn, ConversationOut, MessageOut, SayIn
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.api.http.pagination import Span, following, read_place, shown
from hub.chat.turns.dialogs import Dialog
from hub.studio.characters import talks

TAG = "Conversations"
SETTINGS = {"system_prompt", "llm_id", "agent_id"}
ROLES = {"agent": "assistant"}


@endpoint(id="C-03", tag=TAG, family="characters", pages=True)
async def listed(request: web.Request, query: Span) -> list[ConversationOut]:
    """List conversations, the last changed first."""
    hub, account = request.app[HUB], caller(request).account_id
    found = await talks.listed(hub, account, read_place(query.before), query.limit + 1)

    async def count() -> int:
        return await talks.count(hub, account)

    found = await shown(request, found, query.limit, query.before is None, count, following)
    return [_shown(d) for d in found]


@endpoint(id="C-04", tag=TAG, family="characters", status=201, errors=(404,))
async def create(request: web.Request, body: ConversationIn) -> ConversationOut:
    """Start a conversation.

    `messages` are its history; nothing is answered.
    """
    past = [(ROLES.get(m.role, m.role), m.content) for m in body.messages or ()]
    account, settings = caller(request).account_id, body.model_dump(include=SETTINGS)
    return _shown(await talks.start(request.app[HUB], account, body.title, settings, past))


@endpoint(id="C-05", tag=TAG, family="characters")
async def view(request: web.Request, id: str) -> ConversationOut:
    """View a conversation."""
    return _shown(await talks.find(request.app[HUB], caller(request).account_id, id))


@endpoint(tag=TAG, family="characters")
async def edit(request: web.Request, id: str, body: ConversationEdit) -> ConversationOut:
    """Change a conversation; what is left out stays."""
    given: dict[str, Any] = body.model_dump(include=SETTINGS, exclude_unset=True)
    if given.get("llm_id", "") is None:
        del given["llm_id"]
    return _shown(await talks.edit(request.app[HUB], caller(request).account_id, id, body.title, given))


@endpoint(tag=TAG, family="characters", status=204)
async def remove(request: web.Request, id: str) -> None:
    """Delete a conversation with its messages."""
    await talks.remove(request.app[HUB], caller(request).account_id, id)


@endpoint(id="C-06", tag=TAG, family="characters")
async def messages(request: web.Request, conversation_id: str) -> list[MessageOut]:
    """List the messages of a conversation, the oldest first."""
    hub = request.app[HUB]
    dialog = await talks.find(hub, caller(request).account_id, conversation_id)
    return [MessageOut(**m) for m in await talks.messages(hub, dialog)]


@endpoint(
    id="C-07", tag=TAG, family="characters", status=201, produces="text/event-stream", errors=(402, 404, 502)
)
async def say(request: web.Request, conversation_id: str, body: SayIn) -> MessageOut | web.StreamResponse:
    """Say something; the agent's message is the answer.

    With `verbose` it has `thoughts`, what the model thought before it spoke.
    """
    hub, who = request.app[HUB], caller(request)
    asked = await talks.reply(hub, who, conversation_id, body.content, body.llm_id, body.verbose)
    return await told(request, lambda sink: talks.replied(hub, asked, sink), body.stream, body.verbose, 201)


def _shown(d: Dialog) -> ConversationOut:
    assert d.created_at is not None
    return ConversationOut(
        id=d.name, title=d.title, system_prompt=d.settings.get("system_prompt"), llm_id=d.settings["llm_id"],
        last_message_at=d.last_message_at or d.created_at, agent_id=d.settings.get("agent_id"),
    )


ROUTES = (
    Route("GET", "/api/v1/conversations", listed),
    Route("POST", "/api/v1/conversations", create),
    Route("GET", "/api/v1/conversations/{id}", view),
    Route("PATCH", "/api/v1/conversations/{id}", edit),
    Route("DELETE", "/api/v1/conversations/{id}", remove),
    Route("GET", "/api/v1/conversations/{conversation_id}/messages", messages),
    Route("POST", "/api/v1/conversations/{conversation_id}/messages", say),
)
