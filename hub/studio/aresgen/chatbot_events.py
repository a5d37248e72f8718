"""What webhooks are told of chatbots."""

from typing import Any
from uuid import UUID

from hub import ids
from hub.store.chatbots import Chatbot
from hub.store.db import Call
from hub.studio.events import CHATBOT_CSAT, CHATBOT_ESCALATED, CHATBOT_MESSAGE, emit

Json = dict[str, Any]


def _named(bot: Chatbot, session: UUID) -> Json:
    return {"chatbot_id": ids.named("bot", bot.id), "conversation_id": ids.named("conv", session)}


async def message(tx: Call, bot: Chatbot, session: UUID, id: UUID, role: str, text: str) -> None:
    said = {"message_id": ids.named("msg", id), "role": role, "content": text, "model": bot.model}
    voice = ids.named("voc", bot.voice_id) if bot.voice_id else None
    await emit(tx, bot.account_id, CHATBOT_MESSAGE, _named(bot, session) | said | {"voice_id": voice}, session)


async def escalated(tx: Call, bot: Chatbot, session: UUID, reason: str) -> None:
    await emit(tx, bot.account_id, CHATBOT_ESCALATED, _named(bot, session) | {"reason": reason}, session)


async def rated(tx: Call, bot: Chatbot, session: UUID, score: int, comment: str | None) -> None:
    await emit(tx, bot.account_id, CHATBOT_CSAT, _named(bot, session) | {"csat": score, "comment": comment}, session)
