"""Campaigns: one message for a list of people."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, field_validator, model_validator

from hub.accounts.value_types import Called
from hub.api.aivax.schemas.choices import ChoiceIn
from hub.chat.choices import MOST
from hub.outreach.campaigns import Plan, Planned, Wanted
from hub.outreach.results import told
from hub.pydantic_base import Camel, Moment
from hub.tools.schedule.targets import CHANNELS, TARGETS, known

Json = dict[str, Any]
SENT_TO = [name for channel, name in TARGETS.items() if channel != "web"]
State = Literal["draft", "running", "paused", "stopped", "done"]
Recipients = Literal["waiting", "due", "admitted", "done", "refused", "failed", "cancelled", "missed"]


class Message(Camel):
    """One of text, template and instruction; `{name}` stands for the recipient's value of that name."""

    text: Annotated[str | None, Field(min_length=1, max_length=20_000, description="Sent as it is, Markdown.")] = None
    template: Annotated[
        str | None, Field(min_length=1, max_length=200, description="Name of a WhatsApp template (Kapso, Meta).")
    ] = None
    language: Annotated[str | None, Field(max_length=20, description="Of the template, e.g. pt_BR.")] = None
    parameters: Annotated[
        list[Annotated[str, Field(max_length=2000)]], Field(max_length=50, description="Of the template's body.")
    ] = []
    values: Annotated[
        dict[Annotated[str, Field(max_length=120)], Annotated[str, Field(max_length=2000)]],
        Field(max_length=50, description="Of the template's variables, by the keys that its list gives: `body.1`, "
              "`body.name`, `header` (of a file its https:// address), `button.0`."),
    ] = {}
    instruction: Annotated[
        str | None, Field(min_length=1, max_length=20_000, description="The assistant writes each message.")
    ] = None

    choices: Annotated[list[ChoiceIn], Field(max_length=MOST, description="Buttons below a text.")] = []

    def stored(self) -> Json:
        """As it is kept; without choices where there are none."""
        absent = {name for name in ("choices", "values") if not getattr(self, name)}
        return self.model_dump(exclude_none=True, exclude=absent)

    @model_validator(mode="after")
    def _one(self) -> "Message":
        if self.choices and self.text is None:
            raise ValueError("takes choices with a text only")
        if self.values and self.template is None:
            raise ValueError("takes values with a template only")
        if sum(v is not None for v in (self.text, self.template, self.instruction)) != 1:
            raise ValueError("needs one of text, template and instruction")
        return self


class CampaignIn(Camel):
    web_chat_id: UUID
    name: Called
    target: Annotated[str, AfterValidator(known), Field(json_schema_extra={"enum": SENT_TO})]
    message: Message
    recipients: Annotated[
        str | list[Json],
        Field(description="CSV with a header, JSON lines, or a list: `phone` or `targetIdentifier`, and variables."),
    ]
    per_minute: Annotated[int, Field(ge=1, le=6000, description="Recipients a minute.")] = 60
    starts_at: Annotated[Moment | None, Field(description="Not before this time.")] = None
    dry_run: Annotated[bool, Field(description="true: only say what would happen, store nothing.")] = False

    @field_validator("starts_at")
    @classmethod
    def _ahead(cls, value: datetime | None) -> datetime | None:
        if value is not None and not 2000 <= value.year <= datetime.now(UTC).year + 2:
            raise ValueError("must lie within the next two years")
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)

    def wanted(self, recipients: str) -> Wanted:
        return Wanted(
            client_id=self.web_chat_id, name=self.name, channel=CHANNELS[self.target],
            message=self.message.stored(), recipients=recipients, per_minute=self.per_minute,
            starts_at=self.starts_at,
        )


class PlannedRecipient(Camel):
    """What would happen to one recipient."""

    place: int
    target_identifier: str
    external_user_id: str
    contact: str | None
    name: str | None
    at: Annotated[datetime | None, Field(description="The earliest time, by pace and quiet hours.")]
    through: Annotated[str, Field(description="text, template ..., or instruction turn.")]
    refused: Annotated[str | None, Field(description="The reason in a word.")]
    why: str | None

    @classmethod
    def of(cls, p: Planned) -> "PlannedRecipient":
        reason, words = p.refusal or (None, None)
        return cls(
            place=p.recipient.place, target_identifier=p.recipient.address, external_user_id=p.recipient.external_user,
            contact=p.person, name=p.contact, at=p.at, through=p.through, refused=reason, why=words,
        )


class PlanOut(Camel):
    """The dry run: numbers over the whole list, rows for its first 200."""

    id: Annotated[UUID | None, Field(description="Of the draft; null with dryRun.")]
    state: State | None
    recipients: int
    going: int
    refused: Annotated[dict[str, int], Field(description="How many by reason.")]
    ends_at: datetime | None
    rows: list[PlannedRecipient]
    preview: Annotated[str | None, Field(description="How the template reads, with its values.")] = None
    note: Annotated[str | None, Field(description="Why it could not be started now, or not be looked at.")] = None

    @classmethod
    def of(cls, plan: Plan, id: UUID | None) -> "PlanOut":
        return cls(
            id=id, state="draft" if id else None, recipients=plan.size, going=plan.going, refused=plan.refused,
            ends_at=plan.ends_at, rows=[PlannedRecipient.of(r) for r in plan.rows], preview=plan.preview,
            note=plan.note,
        )


class CampaignLine(Camel):
    id: UUID
    web_chat_id: UUID
    name: str
    target: str
    state: State
    recipients: int
    per_minute: int
    starts_at: datetime | None
    created_at: datetime
    halted: Annotated[str | None, Field(description="Why the hub itself paused it: its template may not be sent.")]

    @staticmethod
    def values(r: Json) -> Json:
        return {
            "id": r["id"], "web_chat_id": r["client_id"], "name": r["name"], "target": TARGETS[r["channel"]],
            "state": r["state"], "recipients": r["size"], "per_minute": r["per_minute"], "starts_at": r["starts_at"],
            "created_at": r["created_at"], "halted": r["halted"],
        }


class CampaignOut(CampaignLine):
    message: Json
    counts: Annotated[dict[str, int], Field(description="Recipients by state.")]

    @classmethod
    def of(cls, r: Json) -> "CampaignOut":
        return cls(**cls.values(r), message=r["message"], counts=r["counts"])


class Campaigns(Camel):
    campaigns: list[CampaignLine]
    next_cursor: str | None


class RecipientQuery(Camel):
    state: list[Recipients] | None = None
    after: Annotated[int, Field(ge=0, description="The last `place` of the page before.")] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 200

    @field_validator("state", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return [s.strip() for s in value.split(",") if s.strip()] if isinstance(value, str) else value


class RecipientOut(Camel):
    id: Annotated[UUID, Field(description="For /api/v1/messages/{id}/why.")]
    place: int
    target_identifier: str
    external_user_id: str | None
    contact: str | None
    variables: Json
    state: Recipients
    reason: str | None
    result: str | None
    session_id: UUID | None
    at: datetime | None

    @classmethod
    def of(cls, r: Json) -> "RecipientOut":
        return cls(
            id=r["id"], place=r["place"], target_identifier=r["address"], external_user_id=r["external_user"],
            contact=r["person"], variables=r["variables"], state=r["state"], reason=r["reason"], result=told(r),
            session_id=r["session_id"], at=r["admitted_at"] or r["closed_at"],
        )
