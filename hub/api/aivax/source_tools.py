"""Tools of MCP servers and function sources whose changes wait for somebody to look at them."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field

from hub.api.http import pagination
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.domain import Caller
from hub.errors import Forbidden
from hub.pydantic_base import Camel
from hub.tools import pins

TAG = "AI gateways"
Json = dict[str, Any]


class SourceTool(Camel):
    """approved: what a model is told of it now; proposed: what the server says; leftOut: why it is never offered."""

    id: UUID
    source: str
    url: Annotated[str, Field(description="Without its query.")]
    name: str
    approved: Json | None
    proposed: Json | None
    left_out: str | None
    seen_at: datetime


class WaitingQuery(Camel):
    limit: Annotated[int, Field(ge=1, le=pins.MOST, description="The most of one answer.")] = pins.MOST
    before: Annotated[UUID | None, Field(description="As `Link` of the answer before has it.")] = None


@endpoint(tag=TAG, pages=True)
async def listed(request: web.Request, query: WaitingQuery) -> list[SourceTool]:
    """List tools of other servers that wait for approval, or that are left out, newest first.

    They wait where the account has `approveToolChanges` or the MCP source `requireApproval`.
    """
    db, account = request.app[HUB].db, caller(request).account_id
    found = await pins.waiting(db, account, query.before, query.limit + 1)
    rows = await pagination.newest(request, found, query.limit, query.before, partial(pins.count, db, account))
    return [SourceTool.model_validate(r) for r in rows]


@endpoint(tag=TAG, says="The tool is approved as its server describes it now.")
async def approve(request: web.Request, id: UUID) -> None:
    """Let models be told what a tool's server says of it now; of the roles owner and admin."""
    await pins.decide(request.app[HUB].db, _looking(request).account_id, id, True)


@endpoint(tag=TAG, says="The change is refused.")
async def refuse(request: web.Request, id: UUID) -> None:
    """Go on with what was approved before, or without the tool; of the roles owner and admin."""
    await pins.decide(request.app[HUB].db, _looking(request).account_id, id, False)


def _looking(request: web.Request) -> Caller:
    who = caller(request)
    if not who.trusted:
        raise Forbidden("Tools are approved with a key of the role owner or admin.", code="role_too_low")
    return who


BASE = "/api/v1/source-tools"
ROUTES = (
    Route("GET", BASE, listed),
    Route("POST", BASE + "/{id}/approve", approve),
    Route("POST", BASE + "/{id}/refuse", refuse),
)
