"""Skills (A-18..A-25)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from hub.accounts.parameters import SkillOptions
from hub.accounts.skills import Description, Instructions, Slug
from hub.api.aivax.schemas.knowledge import LineError
from hub.domain import Json
from hub.pydantic_base import Camel, Enveloped, Part


def _without_default(schema: Json) -> None:
    schema.pop("default", None)


class SkillIn(Camel):
    slug: Slug
    description: Description | None = None
    instructions: Instructions
    options: SkillOptions = SkillOptions()


class SkillEdit(Camel):
    """Only what changes. `options` are merged: a list that is sent replaces the stored one."""

    # The document would say that what is left out is no slug.
    slug: Annotated[Slug, Field(json_schema_extra=_without_default)] = ""
    description: Description | None = None
    instructions: Instructions = ""
    options: Annotated[Json, Part(SkillOptions)] = {}


class SkillId(Camel):
    id: UUID


class SkillCreated(Enveloped):
    message: str = "Skill created successfully."
    data: SkillId


class SkillLine(Camel):
    id: UUID
    created_at: datetime
    slug: str
    description: str | None
    allowed_tools_count: int


class SkillOut(Camel):
    """Header values of `options.instructionSources` are masked; a mask that comes back changes nothing."""

    id: UUID
    created_at: datetime
    slug: str
    description: str | None
    instructions: str
    options: SkillOptions


class SkillsImported(Camel):
    """`errors` tells why lines were skipped, and which masked headers were left out."""

    enqueued: int
    skipped: int
    errors: list[LineError]
