"""Cursors: opaque to clients. They name a place, never an account: every query is scoped anyway."""

import base64
import binascii
from typing import Annotated
from uuid import UUID

from pydantic import Field

from hub.errors import Invalid
from hub.pydantic_base import Camel

LARGEST = 100


class Page(Camel):
    """Query of a list that comes in pages."""

    limit: Annotated[int, Field(ge=1, le=LARGEST, description="Items of one page.")] = 50
    cursor: Annotated[str | None, Field(max_length=200, description="`nextCursor` of the page before.")] = None

    @property
    def after(self) -> UUID | None:
        """The id the page starts behind. Raise Invalid for anything but a cursor of ours."""
        return read(self.cursor) if self.cursor else None


def write(last: UUID) -> str:
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def read(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        raise Invalid("cursor is none that a page gave; leave it out to start again.", field="cursor") from None
