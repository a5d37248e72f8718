"""Conversations as a business's people sort them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from hub.api.http.pagination import Page
from hub.chat.operators.groups import LONGEST, MEMBERS, Colour, Sort
from hub.chat.operators.triage import MOST, PRIORITIES, Assign, Change, Priority, Status, Way
from hub.domain import Json
from hub.pydantic_base import SEEN, Camel, Moment
from hub.tools.schedule.targets import TARGETS

FIELDS: tuple[tuple[Literal["operator", "team"], str], ...] = (("operator", "assignee"), ("team", "team"))
Name = Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=SEEN)]


class InboxQuery(Page):
    show: Annotated[
        Literal["all", "any", "unassigned", "waiting", "asked", "person", "bot", "snoozed", "closed"],
        Field(description="`all`: those that are open; `any`: also those that were put away."),
    ] = "all"
    assignee: Annotated[UUID | None, Field(description="Id of an operator.")] = None
    team: UUID | None = None
    label: UUID | None = None
    priority: Priority | None = None
    sort: Sort = "newest"

    @property
    def filter(self) -> Json:
        found = {n: str(x) for n in ("assignee", "team", "label") if (x := getattr(self, n)) is not None}
        return found | ({"priority": PRIORITIES.index(self.priority)} if self.priority else {})


class LabelOn(Camel):
    name: str
    colour: Colour


class InboxState(Camel):
    """How a conversation stands."""

    session_id: UUID
    status: Status
    snoozed_until: datetime | None
    priority: Priority
    assignee_id: UUID | None
    assignee: str | None
    team_id: UUID | None
    team: str | None
    labels: list[LabelOn]

    @classmethod
    def of(cls, r: Json, **more: Any) -> Self:
        same = ("status", "snoozed_until", "assignee_id", "assignee", "team_id", "team")
        return cls(
            session_id=r["id"], priority=PRIORITIES[r["priority"]],
            labels=[LabelOn(name=one["name"], colour=one["colour"]) for one in r["labels"] or ()],
            **{n: r[n] for n in same}, **more,
        )


class InboxLine(InboxState):
    """waiting: the contact wrote last, and nobody is about to answer. snoozedUntil: nothing until the person writes."""

    web_chat_id: UUID
    target: str
    contact_name: str | None
    title: str | None
    last_message_at: datetime
    waiting: bool
    handoff: bool

    @classmethod
    def line(cls, r: Json) -> Self:
        return cls.of(
            r, web_chat_id=r["client_id"], target=TARGETS[r["channel"] or "web"],
            contact_name=r["contact_name"] or r["said_name"], title=r["title"], last_message_at=r["last_message_at"],
            waiting=r["waiting"], handoff=r["handoff_at"] is not None,
        )


class InboxPage(Camel):
    items: list[InboxLine]
    next_cursor: str | None


class InboxChange(Camel):
    """Only what changes."""

    assignee: Annotated[UUID | None, Field(description="Id of an operator; null: nobody.")] = None
    team: Annotated[UUID | None, Field(description="Id of a team; null: none.")] = None
    routing: Annotated[
        Way, Field(description="Other than `hand`: whose turn it is of its team, or of all, who are there.")
    ] = "hand"
    status: Annotated[
        Status | None, Field(description="What is closed or snoozed opens when its person writes.")
    ] = None
    snooze_until: Annotated[
        Moment | None, Field(description="With `snoozed`; without it, until the person writes.")
    ] = None
    priority: Priority | None = None
    add_labels: Annotated[list[UUID], Field(max_length=50)] = []
    remove_labels: Annotated[list[UUID], Field(max_length=50)] = []

    @model_validator(mode="after")
    def _zoned(self) -> "InboxChange":
        if self.snooze_until is not None and self.snooze_until.tzinfo is None:
            raise ValueError("snoozeUntil needs a time zone, such as 2026-01-15T09:30:00Z")
        return self

    def change(self) -> Change:
        said = self.model_fields_set
        stays = frozenset({n for n, field in FIELDS if field not in said})
        whose = len(stays) < len(FIELDS) or self.routing != "hand"
        return Change(
            assign=Assign(self.assignee, self.team, self.routing, stays) if whose else None, status=self.status,
            until=self.snooze_until, priority=PRIORITIES.index(self.priority) if self.priority else None,
            add=tuple(self.add_labels), drop=tuple(self.remove_labels),
        )


class BulkIn(InboxChange):
    session_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST)]


class BulkFailure(Camel):
    session_id: UUID
    name: str
    reason: str


class BulkOut(Camel):
    """Each conversation is done by itself: what could not be done is named, the rest is done."""

    done: int
    failed: list[BulkFailure]


class OperatorOut(Camel):
    """here: a console is open in front of them, and they have not said that they are away."""

    id: UUID
    name: str
    here: bool


class TeamMember(Camel):
    id: UUID
    name: str


class TeamOut(Camel):
    id: UUID
    name: str
    members: list[TeamMember]
    created_at: datetime


class TeamIn(Camel):
    name: Name
    members: Annotated[list[UUID], Field(max_length=MEMBERS, description="Ids of operators.")] = []


class TeamEdit(Camel):
    """Only what changes; members are replaced, whole."""

    name: Name | None = None
    members: Annotated[list[UUID] | None, Field(max_length=MEMBERS)] = None


class LabelOut(Camel):
    id: UUID
    name: str
    colour: Colour
    created_at: datetime


class LabelIn(Camel):
    """colour: of a palette that can be read in both themes."""

    name: Name
    colour: Colour = "grey"


class LabelEdit(Camel):
    """Only what changes."""

    name: Name | None = None
    colour: Colour | None = None
