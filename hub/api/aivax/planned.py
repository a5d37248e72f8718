"""Messages that are sent to a contact later."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.operators import inbox, planned
from hub.chat.operators.planned import Plan
from hub.domain import Json
from hub.errors import NotFound
from hub.pydantic_base import SEEN, Camel, Moment
from hub.store import planned as rows
from hub.tools.schedule.book import zone_of

TAG = "Inbox"
At = Annotated[Moment, Field(description="With its offset; within the next year.")]
Zone = Annotated[str, Field(max_length=60, description="IANA name, in which people are shown the time.")]
Text = Annotated[str, Field(min_length=1, max_length=20_000, pattern=SEEN)]


class PlanIn(Camel):
    """id: made by the caller, so that a request that is sent again plans nothing twice."""

    content: Text
    at: At
    time_zone: Zone = "UTC"
    id: UUID | None = None


class PlanEdit(Camel):
    """Only what changes."""

    content: Text | None = None
    at: At | None = None
    time_zone: Zone | None = None


class PlanOut(Camel):
    """reason: why it was not sent: `ended` (the conversation had), `network` (was removed), `window` (WhatsApp's 24
    hours were over), `trouble`. warning: why it will not be sent as things are now."""

    id: UUID
    content: str
    at: datetime
    time_zone: str
    author: str
    state: Literal["planned", "sent", "cancelled", "failed"]
    reason: str | None
    warning: str | None
    created_at: datetime

    @classmethod
    def of(cls, row: Json) -> "PlanOut":
        return cls(
            id=row["id"], content=row["content"].get("text", ""), at=row["at"], time_zone=row["zone"],
            author=row["author"], state=row["state"], reason=row["reason"], warning=row["warning"],
            created_at=row["created_at"],
        )


@endpoint(tag=TAG)
async def listed(request: web.Request, session_id: UUID) -> list[PlanOut]:
    """List what is planned in a conversation, the soonest first, and what could not be sent."""
    db, account = request.app[HUB].db, caller(request).account_id
    one = await inbox.view(db, account, session_id)
    return [PlanOut.of(r) for r in await planned.listed(db, account, session_id, one)]


@endpoint(tag=TAG, errors=(409,))
async def create(request: web.Request, session_id: UUID, body: PlanIn) -> PlanOut:
    """Plan a message to a contact.

    It is sent at its time, in order with what else is said. It is not sent, and `state` tells so, when the
    conversation has ended by then, or WhatsApp's 24 hours are over.
    """
    hub, account = request.app[HUB], caller(request).account_id
    plan = Plan(body.content, body.at, zone_of(body.time_zone))
    made = await planned.add(hub, account, session_id, plan, None, "API", body.id)
    return await _view(request, session_id, made)


@endpoint(tag=TAG, errors=(409,))
async def edit(request: web.Request, session_id: UUID, id: UUID, body: PlanEdit) -> PlanOut:
    """Change what is planned, or when."""
    hub, account = request.app[HUB], caller(request).account_id
    zone = zone_of(body.time_zone) if body.time_zone else None
    await planned.change(hub, account, session_id, id, body.content, body.at, zone)
    return await _view(request, session_id, id)


@endpoint(tag=TAG, says="Planned message cancelled.", errors=(409,))
async def cancel(request: web.Request, session_id: UUID, id: UUID) -> None:
    """Cancel a planned message; or take one away that could not be sent."""
    await planned.cancel(request.app[HUB], caller(request).account_id, session_id, id)


async def _view(request: web.Request, session: UUID, id: UUID) -> PlanOut:
    db, account = request.app[HUB].db, caller(request).account_id
    one, row = await inbox.view(db, account, session), await rows.one(db, account, session, id)
    if row is None:
        raise NotFound(planned.NONE)
    return PlanOut.of(planned.shown(row, one["window"]))


BASE = "/api/v1/inbox/conversations/{session_id}/planned"
ROUTES = (
    Route("GET", BASE, listed), Route("POST", BASE, create), Route("PUT", BASE + "/{id}", edit),
    Route("DELETE", BASE + "/{id}", cancel),
)
