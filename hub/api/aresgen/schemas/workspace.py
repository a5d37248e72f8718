"""The workspace: its keys, and the log of its requests."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from hub.api.aresgen.schemas.kinds import Cursor, Time, WorkspaceId
from hub.pydantic_base import Moment, Snake

Json = dict[str, Any]
Role = Literal["owner", "admin", "member", "viewer"]


class WorkspaceOut(Snake):
    id: WorkspaceId
    name: str
    plan: str
    region: Annotated[Literal["eu", "us"] | None, Field(description="Where this hub runs, as its operator says.")]
    role: Annotated[Role, Field(description="Of the key you use.")]


class KeyOut(Snake):
    id: UUID
    label: str
    role: Role
    type: Literal["private", "public"]
    tail: Annotated[str, Field(description="The last six characters.")]
    created_at: Time
    expires_at: Time | None
    used_at: Time | None
    replaced_by: Annotated[UUID | None, Field(description="The key that took its place.")]

    @classmethod
    def of(cls, row: Json) -> "KeyOut":
        return cls(**{**row, "type": row["kind"]})


class RotateIn(Snake):
    immediate: Annotated[bool, Field(description="The old key ends now instead of in 24 hours.")] = False


class RotatedOut(Snake):
    id: UUID
    api_key: Annotated[str, Field(description="The new key; it is shown this once.")]
    old_id: UUID
    old_expires_at: Annotated[Time, Field(description="Until then the old key works too.")]


class RequestQuery(Cursor):
    key_id: UUID | None = None
    status: Annotated[int, Field(ge=100, le=599)] | None = None
    from_: Annotated[Moment | None, Field(alias="from")] = None
    to: Moment | None = None

    @property
    def times(self) -> tuple[datetime | None, datetime | None]:
        return zoned(self.from_), zoned(self.to)


def zoned(value: datetime | None) -> datetime | None:
    """A time without a zone is UTC."""
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class RequestOut(Snake):
    key_id: UUID
    at: Time
    ip: str
    user_agent: str
    method: str
    path: str
    status: int
    ms: int
