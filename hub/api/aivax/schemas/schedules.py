"""Schedules and recurring tasks (hook activations) of a chat client."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from hub.chat import timespan
from hub.chat.timespan import TimeSpan
from hub.errors import Invalid
from hub.outreach.forecast import Forecast
from hub.outreach.results import told
from hub.pydantic_base import SEEN, Camel, Moment
from hub.tools.schedule import book, targets, words
from hub.tools.schedule.recurrence import Rule
from hub.tools.schedule.targets import TARGETS

Json = dict[str, Any]
Network = Annotated[str, AfterValidator(targets.known), Field(json_schema_extra={"enum": list(TARGETS.values())})]
User = Annotated[str, Field(min_length=1, max_length=200, pattern=SEEN)]
Text = Annotated[str, Field(min_length=1, max_length=20_000, pattern=SEEN)]
Zone = Annotated[str | None, Field(max_length=60, description="IANA name, such as America/Sao_Paulo.")]
Limit = Annotated[int | None, Field(ge=1, le=1_000_000, description="Executions after which it ends; null: never.")]
CatchUp = Annotated[
    Literal["skip", "once", "all"],
    Field(description="Times missed while the hub was down: skip; once: the last of them; all of them (at most 1000)."),
]
Within = Annotated[TimeSpan, Field(description="How late a missed time may still be made up for; null: any.")]
State = Literal["active", "paused", "done"]


EXPECTED = "When the outreach policy will let it go; null when it will refuse it, `policy` says why."


class ScheduleQuery(Camel):
    external_user_id: Annotated[
        str | None, Field(alias="external-user-id", max_length=200, description="Only of this user.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 500
    before: Annotated[UUID | None, Field(description="Id of the last of the page before; newest come first.")] = None


class WebChat(Camel):
    id: UUID
    name: str


class InactiveUser(Camel):
    """Who has not written since the last scheduled message."""

    external_user_id: str
    last_scheduled_message_at: datetime
    last_user_message_at: datetime | None


class ScheduleLine(Camel):
    id: UUID
    external_user_id: str
    target: Network
    target_identifier: str
    scheduled_time: datetime
    activated_at: datetime | None
    created_at: datetime
    state: State

    @staticmethod
    def values(r: Json) -> Json:
        return _common(r) | {"scheduled_time": r["scheduled_at"], "activated_at": r["x_admitted_at"]}


class Held(Camel):
    """What the outreach policy makes of a schedule's own time."""

    reason: Annotated[str, Field(description="quiet_hours, daily_cap, weekly_cap, opted_out, ...")]
    text: str | None

    @classmethod
    def of(cls, seen: Forecast) -> "Held | None":
        return cls(reason=seen.reason, text=seen.text) if seen.reason else None


class ScheduleOut(ScheduleLine):
    reason: str
    context: str | None
    time_zone: str
    catch_up: CatchUp
    catch_up_within: TimeSpan
    activated_session_id: UUID | None
    activation_result: str | None
    activation_id: Annotated[UUID | None, Field(description="For /api/v1/messages/{id}/why.")]
    waiting_until: Annotated[datetime | None, Field(description="When the policy lets it go, if it is put off.")]
    expected_activation: Annotated[datetime | None, Field(description=EXPECTED)]
    policy: Held | None

    @classmethod
    def of(cls, r: Json, seen: Forecast) -> "ScheduleOut":
        return cls(
            **cls.values(r), reason=r["instruction"], context=r["context"], time_zone=r["zone"],
            catch_up=r["catch_up"], catch_up_within=_span(r["within_seconds"]),
            activated_session_id=r["x_session_id"], activation_result=told(r, "x_"), activation_id=r["activation_id"],
            waiting_until=r["x_not_before"] if r["x_state"] == "due" else None,
            expected_activation=seen.at, policy=Held.of(seen),
        )


class RecurringLine(Camel):
    id: UUID
    external_user_id: str
    target: Network
    target_identifier: str
    cron_expression: str
    next_activation: datetime | None
    last_activation: datetime | None
    execution_count: int
    created_at: datetime
    state: State

    @staticmethod
    def values(r: Json) -> Json:
        return _common(r) | {
            "cron_expression": r["cron"], "next_activation": r["next_at"] if r["state"] == "active" else None,
            "last_activation": r["last_at"], "execution_count": r["execution_count"],
        }


class RecurringOut(RecurringLine):
    job_description: str
    context: str | None
    max_executions: int | None
    time_zone: str
    every: Annotated[int, Field(description="Of the days, weeks or months only every n-th counts.")]
    every_unit: Literal["day", "week", "month"]
    in_words: str
    catch_up: CatchUp
    catch_up_within: TimeSpan
    activated_session_id: UUID | None
    activation_result: Annotated[str | None, Field(description="Of the latest run.")]
    activation_id: UUID | None
    expected_activation: Annotated[datetime | None, Field(description=EXPECTED)]
    policy: Held | None

    @classmethod
    def of(cls, r: Json, seen: Forecast) -> "RecurringOut":
        rule = Rule.of(r)
        return cls(
            **cls.values(r), job_description=r["instruction"], context=r["context"], max_executions=r["max_executions"],
            time_zone=r["zone"], every=r["every"], every_unit=r["unit"], in_words=words.rule(rule),
            catch_up=r["catch_up"], catch_up_within=_span(r["within_seconds"]),
            activated_session_id=r["x_session_id"], activation_result=told(r, "x_"), activation_id=r["activation_id"],
            expected_activation=seen.at, policy=Held.of(seen),
        )


class Overview(Camel):
    web_chat: WebChat
    inactive_users: list[InactiveUser]
    schedules: list[ScheduleLine]
    recurring_tasks: list[RecurringLine]

    @classmethod
    def of(cls, found: Json) -> "Overview":
        return cls(
            web_chat=WebChat(id=found["client"].id, name=found["client"].name),
            inactive_users=[
                InactiveUser(
                    external_user_id=u["external_user"], last_scheduled_message_at=u["said_at"],
                    last_user_message_at=u["user_at"],
                )
                for u in found["inactive"]
            ],
            schedules=[ScheduleLine(**ScheduleLine.values(r)) for r in found["once"]],
            recurring_tasks=[RecurringLine(**RecurringLine.values(r)) for r in found["recurring"]],
        )


class _Made(Camel):
    external_user_id: User
    target: Annotated[Network | None, Field(description="May be left out for a user who has written.")] = None
    target_identifier: Annotated[
        str | None, Field(max_length=100, description="Telegram chat id or phone; may be left out likewise.")
    ] = None
    time_zone: Zone = None
    context: Annotated[str | None, Field(max_length=20_000)] = None
    catch_up: CatchUp = "once"
    catch_up_within: Within = None

    def within(self) -> int | None:
        """Fifteen minutes for `once` unless something else is said."""
        if "catch_up_within" in self.model_fields_set or self.catch_up == "all":
            return seconds(self.catch_up_within)
        return book.WITHIN


class ScheduleIn(_Made):
    scheduled_time: Annotated[Moment | None, Field(description="ISO 8601; without an offset in `timeZone`.")] = None
    when: Annotated[
        str | None, Field(max_length=200, description="In words instead: `tomorrow at 9`, `amanhã às 9`.")
    ] = None
    reason: Text

    @model_validator(mode="after")
    def _one_time(self) -> "ScheduleIn":
        if (self.scheduled_time is None) == (self.when is None):
            raise ValueError("needs one of scheduledTime and when")
        return self


class RecurringIn(_Made):
    cron_expression: Annotated[str | None, Field(max_length=200, description="Five fields.")] = None
    every: Annotated[
        str | None, Field(max_length=200, description="In words instead: `every second Monday at 9`.")
    ] = None
    job_description: Text
    max_executions: Limit = None

    @model_validator(mode="after")
    def _one_rule(self) -> "RecurringIn":
        if (self.cron_expression is None) == (self.every is None):
            raise ValueError("needs one of cronExpression and every")
        return self


class ScheduleEdit(Camel):
    """Only what changes."""

    scheduled_time: Moment | None = None
    when: Annotated[str | None, Field(max_length=200)] = None
    time_zone: Zone = None
    paused: bool | None = None
    reason: Text | None = None
    context: Annotated[str | None, Field(max_length=20_000)] = None
    catch_up: CatchUp | None = None
    catch_up_within: Within = None


class RecurringEdit(Camel):
    """Only what changes; null clears context and maxExecutions."""

    cron_expression: Annotated[str | None, Field(max_length=200)] = None
    every: Annotated[str | None, Field(max_length=200)] = None
    time_zone: Zone = None
    paused: bool | None = None
    job_description: Text | None = None
    context: Annotated[str | None, Field(max_length=20_000)] = None
    max_executions: Limit = None
    catch_up: CatchUp | None = None
    catch_up_within: Within = None


class PreviewQuery(Camel):
    count: Annotated[int, Field(ge=1, le=100)] = 10


class PreviewOf(PreviewQuery):
    """A time or a repetition that has not been stored."""

    when: Annotated[str | None, Field(max_length=200)] = None
    every: Annotated[str | None, Field(max_length=200, description="In words or cron.")] = None
    time_zone: Annotated[str, Field(alias="timeZone", max_length=60)] = "UTC"


class Occurrence(Camel):
    utc: datetime
    local: Annotated[datetime, Field(description="The same moment on the wall clock of the zone.")]


class Preview(Camel):
    time_zone: str
    in_words: str
    times: list[Occurrence]

    @classmethod
    def of(cls, zone: str, said: str, times: list[datetime]) -> "Preview":
        return cls(
            time_zone=zone, in_words=said, times=[Occurrence(utc=t, local=book.wall(t, zone)) for t in times]
        )


class Made(Camel):
    id: UUID
    time_zone: str
    in_words: Annotated[str, Field(description="How it was understood.")]
    next_activation: Annotated[datetime | None, Field(description=EXPECTED)]
    policy: Held | None
    note: Annotated[
        str | None, Field(description="What is wrong with the template that WhatsApp wants after 24 hours.")
    ] = None


class Ran(Camel):
    activation_id: Annotated[UUID, Field(description="For /api/v1/messages/{id}/why.")]


def seconds(span: str | None) -> int | None:
    return timespan.seconds(span) if span else None


def _span(total: int | None) -> str | None:
    return timespan.text(total) if total is not None else None


def _common(r: Json) -> Json:
    return {
        "id": r["id"], "external_user_id": r["external_user"], "target": TARGETS[r["channel"]],
        "target_identifier": targets.shown(r["channel"], r["address"]),
        "created_at": r["created_at"], "state": r["state"],
    }


def one_of(first: object, second: object, names: str) -> None:
    """Raise Invalid when both are given."""
    if first is not None and second is not None:
        raise Invalid(f"Send one of {names}, not both.", field=names.split(" ")[0])
