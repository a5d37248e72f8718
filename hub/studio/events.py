"""What happened, told to webhooks: written in the transaction of what it tells, or not at all."""

from typing import Any
from uuid import UUID

from hub import ids
from hub.store import outgoing_webhooks
from hub.store.db import Call

Json = dict[str, Any]
MESSAGE = "chat.message.created"
THREAD_DELETED = "chat.thread.deleted"
DOCUMENT_PUBLISHED = "document.published"
DOCUMENT_VERSION = "document.version.created"
VOICE_READY = "voice.ready"
CHATBOT_MESSAGE = "chatbot.message.created"
CHATBOT_ESCALATED = "chatbot.conversation.escalated"
CHATBOT_CSAT = "chatbot.csat.submitted"
RUN_COMPLETED = "workflow.run.completed"
RUN_FAILED = "workflow.run.failed"
# Written by the database with the usage that reaches it (migration 0060).
KEY_BUDGET = "key.budget.reached"
TYPES = (
    MESSAGE, THREAD_DELETED, DOCUMENT_PUBLISHED, DOCUMENT_VERSION, VOICE_READY, CHATBOT_MESSAGE, CHATBOT_ESCALATED,
    CHATBOT_CSAT, RUN_COMPLETED, RUN_FAILED, KEY_BUDGET,
)


async def emit(db: Call, account: UUID, type: str, data: Json, subject: UUID | None) -> None:
    """One event. Call it last in its transaction: until that ends, other events of the account wait. subject: the
    conversation, document, voice or run that it tells of, with which it is deleted."""
    await outgoing_webhooks.emit(db, account, ids.uuid7(), type, data, subject)
