"""C-01 and C-02: models, and answers without a conversation."""

from datetime import UTC, datetime

from aiohttp import web

from hub.api.characters.message_stream import told
from hub.api.characters.schemas import CompletionIn, MessageOut, ModelOut, ModelsQuery
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.studio.characters import models, talks

TAG = "Models"
ROLES = {"agent": "assistant"}


@endpoint(id="C-01", tag=TAG, family="characters")
async def listed(request: web.Request, query: ModelsQuery) -> list[ModelOut]:
    """List language models or models of images."""
    hub = request.app[HUB]
    found = await models.llms(hub, caller(request).account_id) if query.type == "llm" else models.painters(hub)
    return [ModelOut(**m) for m in found]


@endpoint(id="C-02", tag=TAG, family="characters", produces="text/event-stream", errors=(402, 404, 502))
async def complete(request: web.Request, body: CompletionIn) -> MessageOut | web.StreamResponse:
    """Answer messages; nothing is kept."""
    hub, who = request.app[HUB], caller(request)
    talk = [(ROLES.get(m.role, m.role), m.content) for m in body.messages]
    ask = await talks.completion(hub, who, talk, body.llm_id, body.agent_id)
    now = datetime.now(UTC)
    return await told(request, lambda sink: talks.completed(hub, who, ask, now, sink), body.stream, False)


ROUTES = (
    Route("GET", "/api/v1/models", listed),
    Route("POST", "/api/v1/completions", complete),
)
