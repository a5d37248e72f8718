"""Memories (A-40..A-42)."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from hub.errors import Invalid
from hub.pydantic_base import Camel, Defaults, Enveloped
from hub.tools.memory.dates import NOTES, REMIND, TITLE
from hub.tools.memory.records import DAYS, FEWEST_DAYS, MOST_DAYS

Format = Literal["Text", "DateReminder"]
User = Annotated[str, Field(max_length=256, pattern=r"\S", description="A session's tag, or `user` of a request.")]


class MemoriesQuery(Camel):
    filter: Annotated[str, Field(max_length=200, description="Part of id, content or external user id.")] = ""
    format: Format | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    before: Annotated[UUID | None, Field(description="Id of the last memory of the page before.")] = None


class MemoriesGone(Camel):
    """Which memories to delete: one by `id`, or those of a person and a format."""

    id: UUID | None = None
    external_user_id: User | None = None
    format: Annotated[Format | None, Field(description="Needed with externalUserId.")] = None

    def checked(self) -> Self:
        """Raise Invalid unless it names one of the two, and a format where that is needed."""
        if (self.id is None) == (self.external_user_id is None):
            raise Invalid("Send either id or externalUserId.", field="id")
        if self.external_user_id is not None and self.format is None:
            raise Invalid("format is missing; send Text or DateReminder with externalUserId.", field="format")
        return self


class MemoriesDeleted(Enveloped):
    message: str = "Memories deleted successfully."
    removed_count: int
    external_user_id: str
    format: Format


class MemoryLine(Camel):
    """`content` is cut at 120 characters."""

    id: UUID
    external_user_id: str
    content: str | None
    format: Format


class MemoryOut(Camel):
    id: UUID
    external_user_id: str
    content: str
    format: Format
    created_at: datetime
    expires_at: datetime


class Reminder(Defaults):
    """An event. Times without an offset are meant in `timeZone`; a day alone is the whole day."""

    title: Annotated[str, Field(max_length=TITLE)]
    starts_at: Annotated[str, Field(max_length=40, description="2026-03-01T14:30 or 2026-03-01.")]
    ends_at: Annotated[str | None, Field(max_length=40)] = None
    time_zone: Annotated[str, Field(max_length=60, description="IANA name.")] = "UTC"
    notes: Annotated[str | None, Field(max_length=NOTES)] = None
    remind_minutes_before: Annotated[int | None, Field(ge=0, le=REMIND)] = None


class MemoryIn(Defaults):
    """A text, or an event as a DateReminder, which is kept until 30 days after its end."""

    external_user_id: User
    format: Format = "Text"
    content: Annotated[str | None, Field(description="Of a Text: at most 10 KB.")] = None
    retention_days: Annotated[int, Field(ge=FEWEST_DAYS, le=MOST_DAYS)] = DAYS
    reminder: Annotated[Reminder | None, Field(description="Of a DateReminder.")] = None

    def checked(self) -> Self:
        """Raise Invalid unless it has what its format needs, and nothing else."""
        needed, other = ("content", "reminder") if self.format == "Text" else ("reminder", "content")
        if getattr(self, needed) is None:
            raise Invalid(f"{needed} is missing; a {self.format} needs it.", field=needed)
        if getattr(self, other) is not None:
            raise Invalid(f"{other} does not belong to a {self.format}; leave it out.", field=other)
        return self
