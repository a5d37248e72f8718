"""Sessions of a chat client."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from hub.accounts.destinations import unqueried
from hub.accounts.value_types import Address, mask
from hub.chat.clients.sessions import PREVIEW, Opened, Wanted
from hub.pydantic_base import Camel

Json = dict[str, Any]
HOUR, SHORTEST, LONGEST = 3600, 600, 90 * 86_400
Metadata = Annotated[
    dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=4000)]],
    Field(max_length=100, description="For workers and functions; the assistant does not see it."),
]
Context = Annotated[str, Field(max_length=200_000, description="The assistant reads it with every message.")]
Expires = Annotated[float, Field(ge=SHORTEST, le=LONGEST, description="Seconds from now: ten minutes to ninety days.")]


class SessionIn(Camel):
    extra_context: Context | None = None
    tag: Annotated[
        str | None, Field(max_length=200, description="Your name for this user: the same tag is the same session.")
    ] = None
    expires: Expires | None = None
    context_location: Annotated[Address | None, Field(description="Fetched with every message.")] = None
    metadata: Metadata | None = None

    def wanted(self) -> Wanted:
        return Wanted(
            tag=self.tag, extra_context=self.extra_context, context_location=self.context_location,
            metadata=self.metadata, seconds=HOUR if self.expires is None else self.expires,
        )


class SessionOpened(Camel):
    session_id: UUID
    access_key: str
    talk_url: str

    @classmethod
    def of(cls, opened: Opened) -> "SessionOpened":
        return cls(session_id=opened.id, access_key=opened.access_key, talk_url=opened.talk_url)


class SessionQuery(Camel):
    filter: Annotated[str, Field(max_length=200, description="Part of id, session key, tag or context.")] = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 500
    before: Annotated[UUID | None, Field(description="Id of the last session of the page before.")] = None


class SessionLine(Camel):
    id: UUID
    tag_name: str | None
    context_preview: str | None
    session_key: Annotated[str, Field(description="Empty for conversations on networks; masked below admin.")]
    created_at: datetime
    last_message: datetime | None
    message_count: int
    token_count: int
    kind: Annotated[str, Field(description="web, or channel for conversations on networks.")]
    channel: str | None
    title: str | None
    expires_at: datetime | None
    active: bool
    handoff: Annotated[bool, Field(description="A person answers instead of the assistant.")]

    @staticmethod
    def values(row: Json, whole: bool) -> Json:
        context = row["extra_context"]
        return {
            "id": row["id"],
            "tag_name": row["tag"],
            "context_preview": context[:PREVIEW] if context else None,
            "session_key": row["key"] if whole else mask(row["key"]) or "",
            "created_at": row["created_at"],
            "last_message": row["last_message_at"],
            "message_count": row["message_count"],
            "token_count": row["token_count"],
            "kind": row["kind"],
            "channel": row["channel"],
            "title": row["title"],
            "expires_at": row["expires_at"],
            "active": row["live"],
            "handoff": row["handoff"],
        }

    @classmethod
    def of(cls, row: Json, whole: bool) -> "SessionLine":
        return cls(**cls.values(row, whole))


class SessionOut(SessionLine):
    extra_context: str | None
    context_location: str | None
    metadata: dict[str, Any]
    talk_url: Annotated[str | None, Field(description="Null below the role admin: whoever knows it may talk.")]

    @classmethod
    def shown(cls, row: Json, talk_url: str | None, whole: bool) -> "SessionOut":
        """whole: with what opens something."""
        place = row["context_location"]
        return cls(
            **cls.values(row, whole),
            extra_context=row["extra_context"],
            context_location=unqueried(place) if place and not whole else place,
            metadata=row["metadata"],
            talk_url=talk_url if whole else None,
        )


class SessionEdit(Camel):
    """Only what changes; null clears."""

    extra_context: Context | None = None
    context_location: Address | None = None
    metadata: Metadata | None = None
    title: Annotated[str | None, Field(max_length=200)] = None
    expires: Expires | None = None

    def given(self) -> Json:
        sent = self.model_dump(by_alias=True, exclude_unset=True, exclude={"expires"})
        if "metadata" in sent and sent["metadata"] is None:
            sent["metadata"] = {}
        return sent
