"""G-10 to G-12: chatbots and their conversations."""

from aiohttp import web

from hub.accounts.value_types import mask
from hub.api.aresgen.schemas.chatbots import (
    ChatbotEdit,
    ChatbotIn,
    ChatbotOut,
    ConversationLine,
    ConversationOut,
    ConversationQuery,
    CsatIn,
    MessageIn,
    ReplyOut,
)
from hub.api.aresgen.schemas.kinds import ChatbotId, ConversationId, Cursor, Paged, page
from hub.api.aresgen.schemas.threads import MessageOut
from hub.api.http.app_keys import HUB, MAKES, SUBJECT, caller, fresh_id
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.store import chatbots as rows
from hub.store import dialogs
from hub.store.chatbots import Chatbot
from hub.studio.aresgen import chatbots
from hub.studio.aresgen import conversations as bot_conversations
from hub.studio.aresgen.conversations import Said

TAG = "Chatbots"
FAMILY = "aresgen"


def _out(request: web.Request, bot: Chatbot, made: bool = False) -> ChatbotOut:
    """made: the embed key is the caller's own doing; else it is masked below the role admin."""
    hub, key = request.app[HUB], chatbots.embed_key(request.app[HUB], bot)
    return ChatbotOut.of(bot, key if made or caller(request).trusted else mask(key) or "", hub.settings.address)


@endpoint(id="G-10", tag=TAG, family=FAMILY, query_key=False, status=201, errors=(404,))
async def create(request: web.Request, body: ChatbotIn) -> ChatbotOut:
    """Create a chatbot with a knowledge base, a voice and an embed key."""
    made = await chatbots.add(request.app[HUB], caller(request).account_id, fresh_id(request), body.model_dump())
    return _out(request, made, made=True)


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def listed(request: web.Request, query: Cursor) -> Paged[ChatbotOut]:
    """List chatbots, newest first."""
    found = await rows.listed(request.app[HUB].db, caller(request).account_id, query.after, query.wanted)
    return Paged[ChatbotOut](**page(found, query, lambda r: _out(request, Chatbot(**r))))


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def show(request: web.Request, id: ChatbotId) -> ChatbotOut:
    """Show a chatbot."""
    return _out(request, await chatbots.get(request.app[HUB].db, caller(request).account_id, id))


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def edit(request: web.Request, id: ChatbotId, body: ChatbotEdit) -> ChatbotOut:
    """Change a chatbot; what is left out stays."""
    return _out(request, await chatbots.edit(request.app[HUB], caller(request).account_id, id, body.given()))


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def rotate(request: web.Request, id: ChatbotId) -> ChatbotOut:
    """Give a chatbot a new embed key; the old one opens nothing any more."""
    return _out(request, await chatbots.rotate(request.app[HUB], caller(request).account_id, id), made=True)


@endpoint(tag=TAG, family=FAMILY, query_key=False, status=204)
async def remove(request: web.Request, id: ChatbotId) -> None:
    """Delete a chatbot with its conversations."""
    await chatbots.remove(request.app[HUB], caller(request).account_id, id)


@endpoint(id="G-11", tag=TAG, family=FAMILY, query_key=False, errors=(402, 502))
async def message(request: web.Request, id: ChatbotId, body: MessageIn) -> ReplyOut:
    """Send a message and get the answer.

    `escalated` once somebody asked for a human, or the model did.
    """
    who, again = caller(request), request.get(MAKES)
    said = Said(
        text=body.message, conversation=body.conversation_id, user=body.user_id, metadata=body.metadata, key=who.key_id,
        step=f"request {again}" if again else None, new=None if body.conversation_id else again,
    )
    reply = await bot_conversations.say(request.app[HUB], who.account_id, id, said)
    request[SUBJECT] = reply.conversation
    return ReplyOut.of(reply)


@endpoint(id="G-12", tag=TAG, family=FAMILY, query_key=False)
async def conversations(request: web.Request, id: ChatbotId, query: ConversationQuery) -> Paged[ConversationLine]:
    """List conversations, newest first: of a time, an intent, an escalation status, a CSAT."""
    db, account = request.app[HUB].db, caller(request).account_id
    found = await bot_conversations.listed(db, account, id, query.after, query.filters, query.wanted)
    return Paged[ConversationLine](**page(found, query, lambda r: ConversationLine(**ConversationLine.fields(r))))


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def conversation(request: web.Request, id: ChatbotId, cid: ConversationId) -> ConversationOut:
    """Show a conversation with its messages."""
    db, account = request.app[HUB].db, caller(request).account_id
    found = await bot_conversations.show(db, account, id, cid)
    said = await dialogs.latest(db, account, cid, None)
    return ConversationOut(**ConversationLine.fields(found), messages=[MessageOut.of(r) for r in said])


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def csat(request: web.Request, id: ChatbotId, cid: ConversationId, body: CsatIn) -> ConversationLine:
    """Rate a conversation from 1 to 5; a later rating takes the place of an earlier one."""
    account = caller(request).account_id
    found = await bot_conversations.rate(request.app[HUB], account, id, cid, body.score, body.comment)
    return ConversationLine(**ConversationLine.fields(found))


BASE = "/v1/chatbots"
ROUTES = (
    Route("POST", BASE, create),
    Route("GET", BASE, listed),
    Route("GET", BASE + "/{id}", show),
    Route("PATCH", BASE + "/{id}", edit),
    Route("DELETE", BASE + "/{id}", remove),
    Route("POST", BASE + "/{id}/embed-key", rotate),
    Route("POST", BASE + "/{id}/messages", message),
    Route("GET", BASE + "/{id}/conversations", conversations),
    Route("GET", BASE + "/{id}/conversations/{cid}", conversation),
    Route("POST", BASE + "/{id}/conversations/{cid}/csat", csat),
)
