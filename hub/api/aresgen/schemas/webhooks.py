"""Webhooks: endpoints, deliveries, replays."""

from typing import Annotated, Any, Literal

from pydantic import Field

from hub.accounts.value_types import Address
from hub.api.aresgen.schemas.kinds import Cursor, DeliveryId, EventId, Time, WebhookId
from hub.api.aresgen.schemas.workspace import zoned
from hub.pydantic_base import Moment, Snake

Json = dict[str, Any]
Types = Annotated[
    list[Annotated[str, Field(max_length=100)]],
    Field(min_length=1, max_length=50, description="Exact types, wildcards such as `chatbot.*`, or `*`."),
]


class WebhookIn(Snake):
    url: Address
    events: Types = ["*"]
    description: Annotated[str, Field(max_length=500)] = ""


class WebhookEdit(Snake):
    url: Address | None = None
    events: Types | None = None
    description: Annotated[str, Field(max_length=500)] | None = None
    secret: Annotated[
        str | None,
        # The length beside the pattern: counted within it, 200 times all letters there are take 18 MB.
        Field(
            min_length=24, max_length=200, pattern=r"^[\w-]*$",
            description="A new one to sign with; needed when the url moves elsewhere.",
        ),
    ] = None
    enabled: Annotated[bool | None, Field(description="true also takes a disabled endpoint up again.")] = None


class WebhookOut(Snake):
    id: WebhookId
    url: str
    events: list[str]
    description: str
    enabled: bool
    disabled_at: Time | None
    disabled_reason: str | None
    failing_since: Time | None
    created_at: Time
    updated_at: Time


class WebhookGrant(WebhookOut):
    secret: Annotated[str, Field(description="Signs the events; it is shown this once.")]


class DeliveryQuery(Cursor):
    state: Literal["queued", "delivered", "failed"] | None = None


class Attempt(Snake):
    at: str
    status: int | None
    error: str | None
    ms: int


class DeliveryOut(Snake):
    id: DeliveryId
    event_id: EventId
    type: str
    state: Literal["queued", "delivered", "failed"]
    replay: bool
    attempts: list[Attempt]
    created_at: Time
    ended_at: Time | None


class ReplayIn(Snake):
    """Which events are told again: by id, by type, by time, or all of these at once."""

    webhook_id: Annotated[WebhookId | None, Field(description="Only to this one.")] = None
    event_ids: Annotated[list[EventId], Field(min_length=1, max_length=1000)] | None = None
    types: Types | None = None
    from_: Annotated[Moment | None, Field(alias="from")] = None
    to: Moment | None = None

    def given(self) -> Json:
        return {
            "webhook_id": self.webhook_id, "event_ids": self.event_ids, "types": self.types,
            "from": zoned(self.from_), "to": zoned(self.to),
        }


class ReplayOut(Snake):
    queued: Annotated[int, Field(description="Deliveries; at most 10,000 of one call.")]
