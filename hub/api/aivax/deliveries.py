"""What operators ask and do: deliveries, quarantine, and why a message was or was not answered."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field, field_validator

from hub.api.http import pagination
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.operators import why
from hub.chat.outbound import deliveries
from hub.pydantic_base import Camel
from hub.store import inbox

TAG = "Deliveries"
Json = dict[str, Any]


class Delivery(Camel):
    """One part of an answer on its way to a network."""

    id: UUID
    session_id: UUID
    turn_id: UUID | None
    message_id: UUID | None
    part: int
    channel: str | None
    chat: str
    text: str
    file: str | None
    template: str | None
    mode: str
    state: Literal["queued", "sending", "sent", "unknown", "dead", "cancelled"]
    attempt: int
    not_before: datetime | None
    provider_id: str | None
    fate: str | None
    code: str | None
    error: str | None
    resolution: str | None
    created_at: datetime
    closed_at: datetime | None


class Attempt(Camel):
    at: datetime
    outcome: str
    code: str | None
    error: str | None


class DeliveryDetails(Delivery):
    attempts: list[Attempt]


class Deliveries(Camel):
    deliveries: list[Delivery]
    next_cursor: str | None


class DeliveriesQuery(Camel):
    """state: one or several, comma separated."""

    state: list[str] | None = None
    session_id: UUID | None = None
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50

    @field_validator("state", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return [s.strip() for s in value.split(",") if s.strip()] if isinstance(value, str) else value


class ResolveIn(Camel):
    """as: `sent` (it arrived) or `dropped` (it shall not be sent)."""

    as_: Annotated[Literal["sent", "dropped"], Field(alias="as")]
    note: Annotated[str, Field(max_length=500)] = ""


class Held(Camel):
    id: UUID
    at: datetime
    reason: str
    size: int
    sha256: str


class HeldQuery(Camel):
    cursor: Annotated[UUID | None, Field(description="As `Link` of the answer before has it.")] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 50


class Why(Camel):
    message_id: UUID
    session_id: UUID | None
    channel: str
    role: str
    verdict: str
    steps: list[Json]


@endpoint(tag=TAG)
async def listing(request: web.Request, query: DeliveriesQuery) -> Deliveries:
    """List deliveries, newest first; failed and doubtful ones with `?state=dead,unknown`."""
    found = await deliveries.page(
        request.app[HUB], caller(request).account_id, query.state, query.session_id, query.cursor, query.limit
    )
    return Deliveries.model_validate(found)


@endpoint(tag=TAG)
async def view(request: web.Request, id: UUID) -> DeliveryDetails:
    """One delivery with every attempt."""
    return DeliveryDetails.model_validate(await deliveries.one(request.app[HUB], caller(request).account_id, id))


@endpoint(tag=TAG, says="Delivery queued again.", errors=(409,))
async def replay(request: web.Request, id: UUID) -> None:
    """Send a dead, unknown or cancelled delivery once more."""
    await deliveries.replay(request.app[HUB], caller(request).account_id, id)


@endpoint(tag=TAG, says="Delivery closed.", errors=(409,))
async def resolve(request: web.Request, id: UUID, body: ResolveIn) -> None:
    """Close a dead, unknown or waiting delivery by an operator's word."""
    await deliveries.resolve(request.app[HUB], caller(request).account_id, id, body.as_, body.note)


@endpoint(tag=TAG)
async def explain(request: web.Request, id: UUID) -> Why:
    """Tell a message's story: received, ignored by which rule, merged, answered, sent or failed why.

    Also of one that was never sent: an activation that the outreach policy refused or put off.
    """
    return Why.model_validate(await why.explain(request.app[HUB].db, caller(request).account_id, id))


@endpoint(tag=TAG, pages=True)
async def quarantined(request: web.Request, query: HeldQuery) -> list[Held]:
    """List webhook bodies that were accepted and could not be read."""
    db, account = request.app[HUB].db, caller(request).account_id
    found = await inbox.held(db, account, query.cursor, query.limit + 1)
    count = partial(inbox.held_count, db, account)
    rows = await pagination.newest(request, found, query.limit, query.cursor, count, "cursor")
    return [Held.model_validate(r) for r in rows]


ROUTES = [
    Route("GET", "/api/v1/deliveries", listing),
    Route("GET", "/api/v1/deliveries/{id}", view),
    Route("POST", "/api/v1/deliveries/{id}/replay", replay),
    Route("POST", "/api/v1/deliveries/{id}/resolve", resolve),
    Route("GET", "/api/v1/messages/{id}/why", explain),
    Route("GET", "/api/v1/quarantine", quarantined),
]
