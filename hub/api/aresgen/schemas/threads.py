"""Threads."""

from typing import Annotated, Any, Literal

from pydantic import Field

from hub.api.aresgen.schemas.kinds import MessageId, Time
from hub.chat.turns.dialogs import Dialog
from hub.pydantic_base import Snake

Json = dict[str, Any]


class MessageOut(Snake):
    id: MessageId
    role: Literal["user", "assistant", "tool", "system"]
    content: str
    created_at: Time

    @classmethod
    def of(cls, row: Json) -> "MessageOut":
        text = row["content"].get("text") or ""
        return cls(id=row["id"], role=row["role"], content=text, created_at=row["created_at"])


class ThreadLine(Snake):
    id: Annotated[str, Field(description="`thr_...`, or the name that its first request gave.")]
    title: str | None
    model: str | None
    voice_id: str | None
    message_count: int
    created_at: Time
    updated_at: Time

    @classmethod
    def fields(cls, found: Dialog) -> Json:
        created = found.created_at
        return {
            "id": found.name, "title": found.title, "model": found.settings.get("model"),
            "voice_id": found.settings.get("voice_id"), "message_count": found.message_count, "created_at": created,
            "updated_at": found.updated_at or created,
        }


class ThreadOut(ThreadLine):
    messages: list[MessageOut]
