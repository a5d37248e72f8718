"""Files of shell workspaces (A-26..A-33)."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from hub.pydantic_base import Camel, Enveloped, Snake
from hub.tools.shell.files import Details, Entry


class PathQuery(Snake):
    path: Annotated[str, Field(description="From the root of the workspace, which is `/`.")]


class EntryOut(Camel):
    """`size` is null for everything but files."""

    name: str
    is_directory: bool
    size: int | None
    last_modified_utc: datetime
    created_at_utc: datetime

    @classmethod
    def of(cls, found: Entry) -> "EntryOut":
        return cls(
            name=found.name, is_directory=found.folder, size=found.size, last_modified_utc=found.modified,
            created_at_utc=found.created,
        )


class Listing(Camel):
    entries: list[EntryOut]


class FileOut(Camel):
    name: str
    size: int
    created_at_utc: datetime
    last_modified_utc: datetime
    mime_type: str
    is_plain_text: bool


class FileDetails(Enveloped):
    data: FileOut

    @classmethod
    def of(cls, found: Details) -> "FileDetails":
        entry = found.entry
        return cls(
            data=FileOut(
                name=entry.name, size=entry.size or 0, created_at_utc=entry.created, last_modified_utc=entry.modified,
                mime_type=found.mime, is_plain_text=found.plain,
            )
        )


class Address(Camel):
    name: str
    size: int
    public_url: Annotated[str, Field(description="Valid for one to two hours; whoever knows it can download the file.")]


class FileAddress(Enveloped):
    data: Address
