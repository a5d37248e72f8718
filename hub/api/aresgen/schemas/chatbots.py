"""Chatbots and their conversations."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from hub.accounts.value_types import Called
from hub.api.aresgen.schemas.documents import Model
from hub.api.aresgen.schemas.kinds import ChatbotId, ConversationId, Cursor, MessageId, Time, VoiceId
from hub.api.aresgen.schemas.threads import MessageOut
from hub.api.aresgen.schemas.workspace import zoned
from hub.pydantic_base import Moment, Snake
from hub.store.chatbots import Chatbot, Filters
from hub.studio.aresgen.conversations import Reply

Json = dict[str, Any]
Instructions = Annotated[str, Field(max_length=100_000)]
Score = Annotated[int, Field(ge=1, le=5)]


class ChatbotIn(Snake):
    name: Called
    knowledge_base_id: Annotated[UUID | None, Field(description="Id of a collection.")] = None
    voice_id: VoiceId | None = None
    instructions: Instructions = ""
    model: Model | None = None


class ChatbotEdit(Snake):
    """Only what changes; null takes knowledge base, voice and model away."""

    name: Called | None = None
    knowledge_base_id: UUID | None = None
    voice_id: VoiceId | None = None
    instructions: Instructions | None = None
    model: Model | None = None

    def given(self) -> Json:
        found = self.model_dump(exclude_unset=True)
        return {k: v for k, v in found.items() if v is not None or k not in ("name", "instructions")}


class ChatbotOut(Snake):
    id: ChatbotId
    name: str
    knowledge_base_id: UUID | None
    voice_id: VoiceId | None
    instructions: str
    model: str | None
    embed_key: Annotated[str, Field(description="Opens its chat on websites, and nothing else; masked below admin.")]
    embed_url: str
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, bot: Chatbot, key: str, address: str) -> "ChatbotOut":
        return cls(
            id=bot.id, name=bot.name, knowledge_base_id=bot.knowledge_base_id, voice_id=bot.voice_id,
            instructions=bot.instructions, model=bot.model, embed_key=key, embed_url=f"{address}/embed/{key}",
            created_at=bot.created_at, updated_at=bot.updated_at,
        )


class MessageIn(Snake):
    message: Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"\S")]
    conversation_id: Annotated[ConversationId | None, Field(description="Without one a conversation begins.")] = None
    user_id: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    metadata: Annotated[dict[str, Annotated[str, Field(max_length=2000)]], Field(max_length=50)] | None = None


class Answered(Snake):
    id: MessageId
    role: Literal["assistant"] = "assistant"
    content: str
    created_at: Time


class ReplyOut(Snake):
    conversation_id: ConversationId
    message: Answered
    intent: str
    escalated: bool

    @classmethod
    def of(cls, made: Reply) -> "ReplyOut":
        message = Answered(id=made.message, content=made.text, created_at=made.at)
        return cls(
            conversation_id=made.conversation, message=message, intent=made.intent, escalated=made.escalated
        )


class ConversationQuery(Cursor):
    from_: Annotated[Moment | None, Field(alias="from", description="Begun then or later.")] = None
    to: Annotated[Moment | None, Field(description="Begun before.")] = None
    intent: Annotated[str | None, Field(max_length=40)] = None
    escalated: bool | None = None
    csat: Score | None = None
    csat_min: Score | None = None

    @property
    def filters(self) -> Filters:
        return Filters(
            zoned(self.from_), zoned(self.to), self.intent, self.escalated, self.csat, self.csat_min
        )


class ConversationLine(Snake):
    id: ConversationId
    source: Annotated[Literal["api", "web"], Field(description="web: from the chat on a website.")]
    user_id: str | None
    title: str | None
    intent: str | None
    escalated: bool
    escalation_reason: str | None
    csat: int | None
    csat_comment: str | None
    message_count: int
    created_at: Time
    last_message_at: Time | None

    @classmethod
    def fields(cls, row: Json) -> Json:
        known = ("id", "title", "intent", "csat", "csat_comment", "message_count", "created_at", "last_message_at")
        return {name: row[name] for name in known} | {
            "source": "web" if row["kind"] == "web" else "api",
            "user_id": row["tag"] if row["kind"] == "web" else (row["settings"] or {}).get("user_id"),
            "escalated": row["escalated_at"] is not None, "escalation_reason": row["escalation"],
        }


class ConversationOut(ConversationLine):
    messages: list[MessageOut]


class CsatIn(Snake):
    score: Score
    comment: Annotated[str | None, Field(max_length=5000)] = None
