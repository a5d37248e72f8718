"""Ids, times and pages as the AresGen API prints them."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from hub import ids
from hub.api.http import pagination
from hub.pydantic_base import Snake

T = TypeVar("T")
LETTERS = "[0-9A-HJKMNP-TV-Z]{26}"


def _read(prefix: str, value: Any) -> UUID:
    if isinstance(value, UUID):
        return value
    try:
        return ids.of_named(prefix, value) if isinstance(value, str) else UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise ValueError(f"must be an id that begins with {prefix}_") from None


def _id(prefix: str) -> tuple[Any, ...]:
    """How an id with this prefix is read, written and described."""
    schema = {"type": "string", "pattern": f"^{prefix}_{LETTERS}$"}
    return (
        BeforeValidator(partial(_read, prefix)),
        PlainSerializer(partial(ids.named, prefix), return_type=str, when_used="json"),
        WithJsonSchema(schema),
    )


VoiceId = Annotated[UUID, *_id("voc")]
DocumentId = Annotated[UUID, *_id("doc")]
VersionId = Annotated[UUID, *_id("ver")]
ChatbotId = Annotated[UUID, *_id("bot")]
ConversationId = Annotated[UUID, *_id("conv")]
MessageId = Annotated[UUID, *_id("msg")]
WorkflowId = Annotated[UUID, *_id("wf")]
RunId = Annotated[UUID, *_id("run")]
WebhookId = Annotated[UUID, *_id("whk")]
EventId = Annotated[UUID, *_id("evt")]
DeliveryId = Annotated[UUID, *_id("dlv")]
WorkspaceId = Annotated[UUID, *_id("ws")]


def _zoned(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _told(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Time = Annotated[
    datetime, AfterValidator(_zoned), PlainSerializer(_told, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class Cursor(Snake):
    """Query of a list that comes in pages."""

    limit: Annotated[int, Field(ge=1, le=pagination.LARGEST, description="Items of one page.")] = 20
    cursor: Annotated[str | None, Field(max_length=200, description="`next_cursor` of the page before.")] = None

    @property
    def after(self) -> UUID | None:
        """The id the page starts behind. Raise Invalid for anything but a cursor of ours."""
        return pagination.read(self.cursor) if self.cursor else None

    @property
    def wanted(self) -> int:
        """One more than a page holds tells whether there is another."""
        return self.limit + 1


class Paged(Snake, Generic[T]):
    """A page of a list."""

    data: list[T]
    next_cursor: str | None
    has_more: bool


def page(rows: list[Any], query: Cursor, shaped: Any, key: str = "id", cut: bool = False) -> dict[str, Any]:
    """Rows, one more than wanted where there are more, as a page; key: of a row, the cursor's id. cut: there are more
    behind these, however few they are."""
    shown = rows[: query.limit]
    more = cut or len(rows) > query.limit
    return {
        "data": [shaped(r) for r in shown], "has_more": more,
        "next_cursor": pagination.write(shown[-1][key]) if more else None,
    }
