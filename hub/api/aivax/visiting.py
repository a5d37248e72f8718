"""What a visitor's page tells by itself."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from hub.api.http.app_keys import HUB
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.website import prompts as visits
from hub.chat.website import visitor_typing
from hub.chat.website.visitor_typing import DRAFT
from hub.pydantic_base import Camel


class VisitorTypingIn(Camel):
    """text: the draft, which is shown only where the chat client's `visitorTyping` is `draft`."""

    active: bool
    text: Annotated[str | None, Field(max_length=DRAFT)] = None


@endpoint(tag="Public chat", auth="none", status=204, errors=(422,))
async def typing(request: web.Request, key: str, body: VisitorTypingIn) -> None:
    """Tell operators who look at the conversation that its visitor writes, or has stopped.

    Shown for seconds and stored nowhere; nothing where `visitorTyping` of the chat client is `hidden`.
    """
    hub = request.app[HUB]
    await visitor_typing.tell(hub, await visits.visit(hub, key), body.active, body.text)


ROUTES = (Route("POST", "/api/v1/public/chat-clients/{key}/typing", typing),)
