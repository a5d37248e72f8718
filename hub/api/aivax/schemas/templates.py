"""WhatsApp's templates as they are told."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from channels.templates import Template
from hub.chat.clients.templates import Listed
from hub.pydantic_base import Camel


class VariableOut(Camel):
    key: Annotated[str, Field(description="Under which `values` of a campaign's message names it.")]
    kind: Annotated[str, Field(description="text, code, or image, video, document: the https:// address of one.")]


class TemplateOut(Camel):
    name: str
    language: str
    category: str
    status: Annotated[str, Field(description="APPROVED, PAUSED, DISABLED, REJECTED, PENDING ... in Meta's words.")]
    quality: Annotated[str, Field(description="GREEN, YELLOW, RED, UNKNOWN or empty.")]
    sendable: bool
    why: Annotated[str | None, Field(description="Why it cannot be sent now.")]
    preview: Annotated[str, Field(description="How it reads, with its variables in braces.")]
    variables: list[VariableOut]

    @classmethod
    def of(cls, t: Template) -> "TemplateOut":
        why = t.why_not()
        return cls(
            name=t.name, language=t.language, category=t.category, status=t.status, quality=t.quality,
            sendable=why is None, why=why, preview=t.shown({}),
            variables=[VariableOut(key=s.key, kind=s.kind) for s in t.slots],
        )


class TemplatesOut(Camel):
    templates: list[TemplateOut]
    read_at: Annotated[datetime | None, Field(description="When the network said so; it is asked once a minute.")]
    note: Annotated[str | None, Field(description="What the network said where it did not list them.")]

    @classmethod
    def of(cls, found: Listed) -> "TemplatesOut":
        return cls(
            templates=[TemplateOut.of(t) for t in found.templates], read_at=found.at, note=found.words or None
        )
