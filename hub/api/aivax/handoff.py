"""A person takes a conversation over and answers in it."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from hub.api.aivax.paths import either
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.operators import handoff
from hub.pydantic_base import Camel

TAG = "Handoff"


class HandoffIn(Camel):
    active: bool


class SayIn(Camel):
    content: Annotated[str, Field(min_length=1, max_length=20_000)]


class SaidOut(Camel):
    message_id: UUID


@endpoint(tag=TAG, says="Handoff changed.")
async def switch(request: web.Request, client_id: UUID, session_id: UUID, body: HandoffIn) -> None:
    """Take a conversation over (`active: true`: the bot is silent) or give it back."""
    await handoff.switch(request.app[HUB], caller(request).account_id, client_id, session_id, body.active)


@endpoint(tag=TAG)
async def say(request: web.Request, client_id: UUID, session_id: UUID, body: SayIn) -> SaidOut:
    """Write to the contact as an operator."""
    message = await handoff.say(request.app[HUB], caller(request).account_id, client_id, session_id, body.content)
    return SaidOut(message_id=message)


BASE = "/api/v1/web-chat-client/{client_id}/sessions/{session_id}"
ROUTES = either(Route("PUT", BASE + "/handoff", switch), Route("POST", BASE + "/messages", say))
