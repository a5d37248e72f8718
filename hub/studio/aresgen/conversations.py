"""Conversations with chatbots: asked over the API, looked through when they come from a website, rated."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub import ids
from hub.accounts.balance import paying
from hub.chat.clients import sessions
from hub.chat.clients.sessions import Opened, Wanted
from hub.chat.turns import dialogs
from hub.chat.turns.dialogs import Also, Dialog, Exchange, Question
from hub.domain import Gateway
from hub.engine.ask import Answer
from hub.errors import HubError, NotFound
from hub.language.human_requests import wants_human
from hub.language.intents import OTHER
from hub.runtime import Hub
from hub.sealing import digest
from hub.store import chatbots, leader_election
from hub.store.chatbots import Chatbot
from hub.store.db import Call
from hub.studio.aresgen import chatbot_events as told
from hub.studio.aresgen import chatbots as bots
from hub.studio.aresgen import intents
from hub.task_groups import together
from hub.tools import handover

log = logging.getLogger(__name__)

Json = dict[str, Any]
KIND, PREFIX = "chatbot", "conv"
WEEK = 7 * 86_400.0
AT_ONCE, MANY = 20, 200
LEADS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody says. user: as the caller names them. step: of a workflow; said twice, it is answered once."""

    text: str
    conversation: UUID | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    key: UUID | None = None
    step: str | None = None
    new: UUID | None = None
    seconds: float = dialogs.SECONDS


@dataclass(frozen=True, slots=True)
class Reply:
    conversation: UUID
    message: UUID
    text: str
    at: datetime
    intent: str
    escalated: bool
    cost: float = 0.0


async def say(hub: Hub, account: UUID, id: UUID, said: Said) -> Reply:
    """Ask a chatbot. Raise NotFound for it or the conversation, Upstream when the model fails."""
    bot = await bots.get(hub.db, account, id)
    await paying(hub, account)
    dialog = await _dialog(hub, bot, said)
    if said.step and dialog.created_at is not None:
        before = await _before(hub, bot, dialog, said.step)
        if before is not None:
            return before
    gateway = await bots.speaker(hub, bot)
    body: Json = {"text": said.text} | ({"step": said.step} if said.step else {})
    asked = Question(
        gateway=gateway, said=body, external_user=said.user, metadata=said.metadata or {}, key=said.key,
        seconds=said.seconds,
    )
    known = await chatbots.talk(hub.db, account, bot.id, dialog.id)
    vague = known is None or known["intent"] in intents.VAGUE
    made = await dialogs.exchange(hub, dialog, asked, also=_also(bot, said, vague))
    hub.reached("C1")
    if vague:
        await _named(hub, bot, gateway, made.dialog.id, said)
    now = await show(hub.db, account, bot.id, made.dialog.id)
    price = sum(float(r["amount"]) for r in made.answer.billed)
    return Reply(
        made.dialog.id, made.replied[0], made.answer.text, made.replied[1], now["intent"] or OTHER,
        now["escalated_at"] is not None, price,
    )


async def _dialog(hub: Hub, bot: Chatbot, said: Said) -> Dialog:
    """Raise NotFound for a conversation of another chatbot."""
    if said.conversation is not None:
        try:
            found = await dialogs.find(hub.db, bot.account_id, KIND, ids.named(PREFIX, said.conversation))
        except NotFound:
            raise _gone(said.conversation) from None
        if await chatbots.talk(hub.db, bot.account_id, bot.id, found.id) is None:
            raise _gone(said.conversation)
        return found
    id = said.new or ids.uuid7()
    settings: Json = {"user_id": said.user, "metadata": said.metadata or {}}
    if said.new is not None:
        found = await dialogs.entered(hub.db, bot.account_id, KIND, ids.named(PREFIX, id))
        if found.created_at is not None:
            return found
    return Dialog(id, bot.account_id, KIND, ids.named(PREFIX, id), settings=settings)


def _gone(id: UUID) -> NotFound:
    return NotFound(f"This chatbot has no conversation {ids.named(PREFIX, id)}.", field="conversation_id")


async def _before(hub: Hub, bot: Chatbot, dialog: Dialog, step: str) -> Reply | None:
    """What was answered to this step before the workflow was interrupted."""
    row = await chatbots.step(hub.db, bot.account_id, dialog.id, step)
    talk = await chatbots.talk(hub.db, bot.account_id, bot.id, dialog.id) if row else None
    if row is None or talk is None:
        return None
    return Reply(
        dialog.id, row["id"], row["content"].get("text") or "", row["created_at"], talk["intent"] or OTHER,
        talk["escalated_at"] is not None,
    )


def _also(bot: Chatbot, said: Said, vague: bool) -> Also:
    """What is stored and told with an exchange, in its transaction. The intent is the one of the words alone, until
    a model has named it."""

    async def also(tx: Call, made: Exchange) -> None:
        account, session = bot.account_id, made.dialog.id
        if not await chatbots.join(tx, account, session, bot.id):
            raise NotFound(f"There is no chatbot {ids.named('bot', bot.id)} any more.", field="chatbot_id")
        if vague:
            await chatbots.set_intent(tx, account, session, intents.by_rules(said.text))
        why = reason(said.text, made.answer)
        fresh = why is not None and await chatbots.escalate(tx, account, session, why)
        for place, role, text in ((made.said, "user", said.text), (made.replied, "assistant", made.answer.text)):
            await told.message(tx, bot, session, place[0], role, text)
        if fresh:
            await told.escalated(tx, bot, session, str(why))

    return also


async def _named(hub: Hub, bot: Chatbot, gateway: Gateway, session: UUID, said: Said) -> None:
    """Let a model name what a conversation is about; what words alone said of it stays when that fails."""
    try:
        intent = await intents.named(hub, bot.account_id, gateway, said.text, said.key)
        await chatbots.set_intent(hub.db, bot.account_id, session, intent)
    except HubError as e:
        log.warning("the intent of conversation %s was not named: %s", session, e)


def reason(text: str, made: Answer) -> str | None:
    """Why a person has to come; None: none has to. Pure."""
    if wants_human(text):
        return "The person asked for a human."
    called = any(r.get("name") == handover.NAME for r in made.ran)
    return "The model asked for a human." if called else None


async def listed(
    db: Call, account: UUID, bot: UUID, before: UUID | None, filters: chatbots.Filters, limit: int
) -> list[Json]:
    """Raise NotFound."""
    await bots.get(db, account, bot)
    return await chatbots.talks(db, account, bot, before, filters, limit)


async def show(db: Call, account: UUID, bot: UUID, id: UUID) -> Json:
    """Raise NotFound."""
    found = await chatbots.talk(db, account, bot, id)
    if found is None:
        raise _gone(id)
    return found


async def rate(hub: Hub, account: UUID, bot: UUID, id: UUID, score: int, comment: str | None) -> Json:
    """The person's verdict, 1 to 5; a later one takes its place. Raise NotFound."""
    owner = await bots.get(hub.db, account, bot)
    async with hub.db.transaction() as tx:
        if not await chatbots.rate(tx, account, bot, id, score, comment):
            raise _gone(id)
        await told.rated(tx, owner, id, score, comment)
    return await show(hub.db, account, bot, id)


async def embed(hub: Hub, key: str) -> Opened:
    """A new session of the website's chat behind an embed key. Raise NotFound."""
    found = await chatbots.embedded(hub.db, digest(key))
    if found is None:
        raise NotFound
    account, client = found["account_id"], found["client_id"]
    opened = await sessions.open(hub, account, client, Wanted(None, None, None, {}, WEEK))
    if not await chatbots.join(hub.db, account, opened.id, found["id"], web=True):
        raise NotFound
    return opened


async def opens(hub: Hub, key: str) -> bool:
    """Whether there is a chatbot behind an embed key."""
    return await chatbots.embedded(hub.db, digest(key)) is not None


async def belongs(hub: Hub, key: str, session: UUID) -> bool:
    """Whether a session is one of the chatbot behind an embed key."""
    found = await chatbots.embedded(hub.db, digest(key))
    return found is not None and await chatbots.talk(hub.db, found["account_id"], found["id"], session) is not None


async def look(hub: Hub) -> int:
    """Tell of what was said on websites since the last look; how many conversations."""
    waiting = await chatbots.unseen(hub.db, AT_ONCE)
    # One process at a time: naming an intent takes a model, and two would only pay for it twice.
    if not waiting or not await leader_election.take(hub.db, "talks", hub.leases.me, LEADS):
        return 0
    await together(*(_looked(hub, r["account_id"], r["chatbot_id"], r["session_id"]) for r in waiting))
    return len(waiting)


async def _looked(hub: Hub, account: UUID, bot: UUID, session: UUID) -> None:
    try:
        owner = await bots.get(hub.db, account, bot)
        known = await show(hub.db, account, bot, session)
    except NotFound:
        return  # deleted meanwhile
    intent = await _intent(hub, owner, session, known["intent"])
    async with hub.db.transaction() as tx:
        held = await chatbots.hold(tx, account, session)
        if held is None:
            return
        rows = await chatbots.fresh(tx, account, session, held["looked_position"], MANY)
        await chatbots.looked(tx, account, session, rows[-1]["position"] if rows else 0, len(rows) == MANY)
        if intent is not None:
            await chatbots.set_intent(tx, account, session, intent)
        why = next((w for r in rows if (w := _why(r)) is not None), None)
        fresh = why is not None and await chatbots.escalate(tx, account, session, why)
        for r in rows:
            if r["role"] in ("user", "assistant") and r["content"].get("text"):
                await told.message(tx, owner, session, r["id"], r["role"], r["content"]["text"])
        if fresh:
            await told.escalated(tx, owner, session, str(why))


async def _intent(hub: Hub, bot: Chatbot, session: UUID, known: str | None) -> str | None:
    """The intent of the newest message, where the one that is known says little."""
    if known not in intents.VAGUE:
        return None
    rows = await chatbots.fresh(hub.db, bot.account_id, session, 0, MANY)
    said = [str(r["content"].get("text") or "") for r in rows if r["role"] == "user"]
    if not said:
        return None
    try:
        gateway = await bots.speaker(hub, bot)
    except HubError:
        return intents.by_rules(said[-1])
    return await intents.named(hub, bot.account_id, gateway, said[-1])


def _why(row: Json) -> str | None:
    if row["role"] == "user":
        wanted = wants_human(str(row["content"].get("text") or ""))
        return "The person asked for a human." if wanted else None
    calls = row["content"].get("tool_calls") or ()
    called = any((c.get("function") or {}).get("name") == handover.NAME for c in calls)
    return "The model asked for a human." if called else None
