"""What a business keeps of its contacts."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from hub.chat.operators.panel import CHOICES, FIELDS, LAST, NOTE
from hub.pydantic_base import SEEN, Camel

FieldType = Literal["text", "number", "date", "choice", "yes_no"]
Choices = Annotated[
    list[Annotated[str, Field(max_length=100)]], Field(max_length=CHOICES, description="Of the type `choice`.")
]
Place = Annotated[int, Field(ge=0, le=LAST, description="Smaller ones stand first.")]
Name = Annotated[str, Field(min_length=1, max_length=60, pattern=SEEN)]
Value = str | bool | int | float | None


class FieldOut(Camel):
    id: UUID
    key: str
    name: str
    type: FieldType
    choices: list[str]
    place: int
    bot: Annotated[bool, Field(description="Whether the bot is told what it holds.")]
    created_at: datetime


class FieldIn(Camel):
    """key: under which values are sent, and said in prepared replies: `{{contact.fields.key|none}}`."""

    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    name: Name
    type: FieldType = "text"
    choices: Choices = []
    place: Place = 0
    bot: Annotated[bool, Field(description="Whether the bot is told what it holds.")] = False


class FieldEdit(Camel):
    """Only what changes; key and type stay."""

    name: Name | None = None
    choices: Choices | None = None
    place: Place | None = None
    bot: bool | None = None

    def given(self) -> dict[str, Any]:
        return {k: v for k, v in self.model_dump(exclude_unset=True).items() if v is not None}


class ValuesIn(Camel):
    values: Annotated[
        dict[str, Value], Field(max_length=FIELDS, description="By the fields' keys; null takes one away.")
    ]


class ValuesOut(Camel):
    values: Annotated[dict[str, Value], Field(description="By the fields' keys; null: nothing is kept.")]


class ContactNoteIn(Camel):
    text: Annotated[str, Field(min_length=1, max_length=NOTE, pattern=SEEN)]


class ContactNoteOut(Camel):
    id: UUID
    author: str
    text: str
    created_at: datetime


class ContactCardIn(Camel):
    url: Annotated[str, Field(min_length=1, max_length=2000)]


class ContactCardMade(Camel):
    url: str
    secret: Annotated[str, Field(description="Signs each question; shown this once.")]


class ContactCardSet(Camel):
    url: str | None
