"""How the account's people work in the inbox: their hours, what is said while they are away, how soon they answer."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from hub.accounts import desk
from hub.accounts.desk import Available, Desk, Shift, Words
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.domain import Json
from hub.errors import NotFound
from hub.pydantic_base import Camel
from hub.store import accounts

TAG = "Inbox"
BASE = "/api/v1/inbox/settings"


class DeskEdit(Camel):
    """Only what changes; what is given replaces what is stored, whole."""

    hours: Annotated[list[Shift] | None, Field(max_length=21)] = None
    called_text: Words | None = None
    away_text: Words | None = None
    target_minutes: Annotated[int | None, Field(ge=0, le=1440)] = None
    warn_minutes: Annotated[int | None, Field(ge=0, le=1440)] = None
    routing: Literal["none", "round_robin", "least_busy"] | None = None

    def given(self) -> Json:
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


@endpoint(tag=TAG)
async def view(request: web.Request) -> Desk:
    """View when the account's people answer, and what is said while they do not."""
    return await desk.load(request.app[HUB].db, caller(request).account_id)


@endpoint(tag=TAG)
async def edit(request: web.Request, body: DeskEdit) -> Desk:
    """Change when the account's people answer. Bots with `AskForHuman` among their functions follow it at once."""
    return await desk.edit(request.app[HUB].db, caller(request).account_id, body.given())


@endpoint(tag=TAG)
async def available(request: web.Request) -> Available:
    """Whether somebody can be called now: within the hours, and with a console open."""
    db, account = request.app[HUB].db, caller(request).account_id
    found = await accounts.get(db, account)
    if found is None:
        raise NotFound
    return await desk.available(db, account, found.parameters)


ROUTES = (Route("GET", BASE, view), Route("PUT", BASE, edit), Route("GET", "/api/v1/inbox/available", available))
