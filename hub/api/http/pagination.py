"""Cursors: opaque to clients. They name a place, never an account: every query is scoped anyway."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Protocol, TypeVar
from uuid import UUID

from aiohttp import web
from pydantic import Field

from hub.api.http.app_keys import CUT, HUB, Cut
from hub.domain import Json
from hub.errors import Invalid
from hub.pydantic_base import Camel, Snake

LARGEST = 100
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
T = TypeVar("T")


class Page(Camel):
    """Query of a list that comes in pages."""

    limit: Annotated[int, Field(ge=1, le=LARGEST, description="Items of one page.")] = 50
    cursor: Annotated[str | None, Field(max_length=200, description="`nextCursor` of the page before.")] = None

    @property
    def after(self) -> UUID | None:
        """The id the page starts behind. Raise Invalid for anything but a cursor of ours."""
        return read(self.cursor) if self.cursor else None


class Span(Snake):
    """Query of a list that answers a bare array: cut ones say so in their headers."""

    limit: Annotated[int, Field(ge=1, le=1000, description="The most of one answer.")] = 1000
    before: Annotated[str | None, Field(max_length=200, description="As `Link` of the answer before has it.")] = None


async def shown(
    request: web.Request, rows: Sequence[T], limit: int, first: bool, count: Callable[[], Awaitable[int]],
    following: Callable[[Sequence[T]], Mapping[str, str]],
) -> list[T]:
    """The first `limit` of `rows`, of which one more was read. `X-Total-Count` tells how many there are, and
    `Link` where it goes on when it is cut: `following` makes the query of what is shown."""
    page = list(rows[:limit])
    cut = len(rows) > limit
    total = await count() if cut or not first else len(rows)
    request[CUT] = Cut(total, _address(request, following(page)) if cut else None)
    return page


async def newest(
    request: web.Request, rows: Sequence[Json], limit: int, before: UUID | None, count: Callable[[], Awaitable[int]],
    name: str = "before",
) -> list[Json]:
    """The same of rows that come newest first and go on behind an id, which the query calls `name`."""
    return await shown(request, rows, limit, before is None, count, lambda page: {name: str(page[-1]["id"])})


def _address(request: web.Request, changed: Mapping[str, str]) -> str:
    url = request.rel_url.update_query(dict(changed))
    return f"{request.app[HUB].settings.address}{url}"


class _Placed(Protocol):
    """What is ordered by when it was changed."""

    @property
    def id(self) -> UUID: ...
    @property
    def updated_at(self) -> datetime | None: ...


def following(page: Sequence[_Placed]) -> dict[str, str]:
    """The query behind a page of a list that is ordered by when things were changed."""
    return {"before": write_place(page[-1].updated_at or EPOCH, page[-1].id)}


def write_place(at: datetime, id: UUID) -> str:
    """A place in a list that is ordered by time and id."""
    micros = (at - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(micros.to_bytes(8, "big") + id.bytes).decode().rstrip("=")


def read_place(cursor: str | None, field: str = "before") -> tuple[datetime, UUID] | None:
    """Raise Invalid for anything but a place of ours."""
    if cursor is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return EPOCH + timedelta(microseconds=int.from_bytes(raw[:8], "big")), UUID(bytes=raw[8:])
    except (ValueError, binascii.Error, OverflowError):
        raise Invalid(f"{field} is none that a Link gave; leave it out to start again.", field=field) from None


def write(last: UUID) -> str:
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def read(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        raise Invalid("cursor is none that a page gave; leave it out to start again.", field="cursor") from None
