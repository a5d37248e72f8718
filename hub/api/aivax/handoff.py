"""A person takes a conversation over and answers in it."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from hub.api.aivax.paths import either
from hub.api.aivax.schemas.choices import ChoiceIn
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat import content
from hub.chat.choices import MOST
from hub.chat.operators import handoff
from hub.domain import Json
from hub.pydantic_base import SEEN, Camel

TAG = "Handoff"


class HandoffIn(Camel):
    active: bool


class PlaceIn(Camel):
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    name: Annotated[str, Field(max_length=200)] = ""
    address: Annotated[str, Field(max_length=300)] = ""


class CardIn(Camel):
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=SEEN)]
    phone: Annotated[str, Field(pattern=r"^\+?[0-9]{5,17}$", description="With the country code.")]


class SayIn(Camel):
    """Words, a place and a contact, of which one is enough; choices are buttons where the network has some."""

    content: Annotated[str, Field(max_length=20_000)] = ""
    choices: Annotated[list[ChoiceIn], Field(max_length=MOST)] = []
    location: PlaceIn | None = None
    contact: CardIn | None = None

    def shared(self) -> list[Json]:
        found = [content.place(**self.location.model_dump())] if self.location else []
        one = self.contact
        return found + ([content.card(one.name, one.phone.removeprefix("+"))] if one else [])


class SaidOut(Camel):
    message_id: UUID


@endpoint(tag=TAG, says="Handoff changed.")
async def switch(request: web.Request, client_id: UUID, session_id: UUID, body: HandoffIn) -> None:
    """Take a conversation over (`active: true`: the bot is silent) or give it back."""
    await handoff.switch(request.app[HUB], caller(request).account_id, client_id, session_id, body.active)


@endpoint(tag=TAG)
async def say(request: web.Request, client_id: UUID, session_id: UUID, body: SayIn) -> SaidOut:
    """Write to the contact as an operator."""
    message = await handoff.say(
        request.app[HUB], caller(request).account_id, client_id, session_id, body.content, body.shared(),
        choices=[c.model_dump(exclude_none=True) for c in body.choices],
    )
    return SaidOut(message_id=message)


BASE = "/api/v1/web-chat-client/{client_id}/sessions/{session_id}"
ROUTES = either(Route("PUT", BASE + "/handoff", switch), Route("POST", BASE + "/messages", say))
