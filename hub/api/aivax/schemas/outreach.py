"""The outreach policy, its people, and what it decided."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, field_validator

from hub.api.http.pagination import Page
from hub.outreach.results import told
from hub.pydantic_base import Camel
from hub.tools.schedule.targets import TARGETS

Json = dict[str, Any]
State = Literal["waiting", "due", "admitted", "done", "refused", "failed", "cancelled", "missed"]


class PolicyEdit(Camel):
    """Only what changes; what is given replaces what is stored, whole."""

    quiet_hours: Json | None = None
    per_day: int | None = None
    per_week: int | None = None
    numbers: Json | None = None
    opt_out_words: list[str] | None = None
    opt_in_words: list[str] | None = None
    patience_hours: int | None = None

    def given(self) -> Json:
        return self.model_dump(by_alias=True, exclude_unset=True)


class PersonQuery(Camel):
    opted_out: Annotated[bool, Field(alias="optedOut", description="Only who has opted out.")] = True
    after: Annotated[str | None, Field(max_length=300, description="The last `contact` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class Person(Camel):
    """contact: `phone:5511999990000`, `tg:700000001` or another id, the same for all bots of the account."""

    contact: str
    time_zone: str | None
    opted_out_at: datetime | None
    opted_out_by: Annotated[str | None, Field(description="contact or operator")]
    opted_out_words: str | None

    @classmethod
    def of(cls, r: Json) -> "Person":
        return cls(
            contact=r["person"], time_zone=r["zone"], opted_out_at=r["opted_out_at"], opted_out_by=r["opted_out_by"],
            opted_out_words=r["opted_out_words"],
        )


class PersonEdit(Camel):
    """Only what changes; a timeZone of null is as the phone tells."""

    opted_out: bool | None = None
    time_zone: Annotated[str | None, Field(max_length=60)] = None


class ActivationQuery(Page):
    """state: one or several, comma separated."""

    state: list[State] | None = None
    schedule_id: Annotated[UUID | None, Field(alias="scheduleId")] = None
    campaign_id: Annotated[UUID | None, Field(alias="campaignId")] = None
    contact: Annotated[str | None, Field(max_length=300)] = None

    @field_validator("state", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return [s.strip() for s in value.split(",") if s.strip()] if isinstance(value, str) else value


class Activation(Camel):
    """One message that nobody just asked for. Its id works in /api/v1/messages/{id}/why."""

    id: UUID
    web_chat_id: UUID
    schedule_id: UUID | None
    campaign_id: UUID | None
    external_user_id: str | None
    contact: str | None
    target: str
    target_identifier: str
    scheduled_time: datetime
    state: State
    reason: Annotated[str | None, Field(description="opted_out, quiet_hours, daily_cap, inactive, pacing ...")]
    result: str | None
    waiting_until: datetime | None
    session_id: UUID | None
    activated_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, r: Json) -> "Activation":
        return cls(
            id=r["id"], web_chat_id=r["client_id"], schedule_id=r["schedule_id"], campaign_id=r["campaign_id"],
            external_user_id=r["external_user"], contact=r["person"], target=TARGETS[r["channel"]],
            target_identifier=r["address"], scheduled_time=r["fire_at"], state=r["state"], reason=r["reason"],
            result=told(r), waiting_until=r["not_before"] if r["state"] == "due" else None,
            session_id=r["session_id"], activated_at=r["admitted_at"], created_at=r["created_at"],
        )


class Activations(Camel):
    activations: list[Activation]
    next_cursor: str | None
