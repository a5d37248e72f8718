"""What happened, told to webhooks: written in the transaction of what it tells, or not at all."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from hub import ids
from hub.store import outgoing_webhooks
from hub.store.db import Call
from hub.translations import told

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
# Noted by the database with the rows they are about (migration 0130), made events by hub/studio/session_events.py.
SESSION_RECEIVED = "session.message.received"
SESSION_ANSWERED = "session.message.answered"
SESSION_UNDELIVERED = "session.message.failed"
ANSWER_FAILED = "session.answer.failed"
SESSION_TAKEN = "session.taken_over"
SESSION_HANDED_BACK = "session.handed_back"
SESSION_CLOSED = "session.closed"
SESSION_RATED = "session.rated"
CONTACT_JOINED = "contact.joined"
CAMPAIGN_COMPLETED = "campaign.completed"
# What each tells, for those who choose.
TOLD: Mapping[str, str] = MappingProxyType({
    SESSION_RECEIVED: told("A person wrote to a chat client."),
    SESSION_ANSWERED: told("An answer was stored and is on its way: of the assistant, an operator or a schedule."),
    SESSION_UNDELIVERED: told("A part of an answer could not be delivered, or nobody knows whether it was."),
    ANSWER_FAILED: told("The model gave no answer; the person was told so."),
    SESSION_TAKEN: told("An operator took a conversation over."),
    SESSION_HANDED_BACK: told("The assistant answers again."),
    SESSION_CLOSED: told("A conversation ended."),
    SESSION_RATED: told("A visitor rated an answer."),
    CONTACT_JOINED: told("Somebody wrote for the first time over a network."),
    CAMPAIGN_COMPLETED: told("A campaign has nobody left to write to."),
    MESSAGE: told("A message was added to a thread."),
    THREAD_DELETED: told("A thread was deleted."),
    DOCUMENT_PUBLISHED: told("A document was published."),
    DOCUMENT_VERSION: told("A document has a new version."),
    VOICE_READY: told("A brand voice is ready."),
    CHATBOT_MESSAGE: told("A message was added to a conversation with a chatbot."),
    CHATBOT_ESCALATED: told("A chatbot handed a conversation to a person."),
    CHATBOT_CSAT: told("A conversation with a chatbot was rated."),
    RUN_COMPLETED: told("A workflow ran to its end."),
    RUN_FAILED: told("A workflow failed."),
    KEY_BUDGET: told("A key has spent its budget."),
})
TYPES = tuple(TOLD)


async def emit(db: Call, account: UUID, type: str, data: Json, subject: UUID | None) -> None:
    """One event. Call it last in its transaction: until that ends, other events of the account wait. subject: the
    conversation, document, voice or run that it tells of, with which it is deleted."""
    await outgoing_webhooks.emit(db, account, ids.uuid7(), type, data, subject)
