"""One message of a user, answered by an agent."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.accounts.balance import paying
from hub.chat import content
from hub.chat.turns import dialogs
from hub.chat.turns.dialogs import Dialog, Exchange, Question
from hub.domain import Gateway, Json, Passage, Usage, User
from hub.engine.ask import Sink
from hub.errors import NotFound, PaymentRequired
from hub.runtime import Hub
from hub.store import usage
from hub.studio.ares import learning, memory, orchestra, roster, routing
from hub.studio.ares.roster import ORCHESTRATOR, ROUTER, Agent

KIND, MADE = "ares", "ctx_"
# Messages that are read for the model, which are cut to what its context takes; tokens where that is not known.
WINDOW, UNKNOWN = 1000, 32_000
RECENT = 4
SEEN = ("user", "assistant")
UNTITLED = "untitled"


@dataclass(frozen=True, slots=True)
class Talk:
    """A message and who answers it, in which conversation."""

    user: User
    message: str
    dialog: Dialog
    agent: Agent
    agents: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """beside: what the answer brings beside its text, as Markdown. sources: {title, url, relevance_score} of
    the knowledge that was used; None: none was."""

    text: str
    agent: str
    context_id: str
    sources: list[Json] | None
    usage: Usage
    beside: str = ""


async def begin(hub: Hub, who: User, message: str, agent: str | None, context: str | None) -> Talk:
    """Find the conversation and the agent. Raise NotFound for a conversation of somebody else and for an agent
    that there is not, PaymentRequired."""
    await paying(hub, who.account_id)
    await _within_budget(hub, who)
    dialog = await _dialog(hub, who, context)
    agents = {a["name"]: a["description"] for a in await roster.listed(hub, who.account_id)}
    wanted = (agent or ROUTER).strip().lower()
    if wanted == ROUTER:
        wanted = await _chosen(hub, dialog, agents, message)
    return Talk(who, message, dialog, await roster.resolve(hub, who.account_id, wanted), agents)


async def _within_budget(hub: Hub, who: User) -> None:
    """Raise PaymentRequired when strangers have cost the account enough for today."""
    most = hub.settings.ares_registered_budget
    if who.registered and most and await usage.of_registered(hub.db, who.account_id) >= most:
        raise PaymentRequired("What users who registered themselves may cost a day is used up; try again tomorrow.")


async def _dialog(hub: Hub, who: User, context: str | None) -> Dialog:
    if context is None:
        name = f"{MADE}{secrets.token_hex(4)}"
        while await dialogs.taken(hub.db, who.account_id, KIND, name):
            name = f"{MADE}{secrets.token_hex(4)}"
        return dialogs.fresh(who.account_id, KIND, name, who.id)
    found = await dialogs.entered(hub.db, who.account_id, KIND, context, who.id)
    # A name of one's own is one's own; an id that the hub gave is of one conversation, and of its user.
    if found.created_at is None and context.startswith(MADE) and await dialogs.taken(
        hub.db, who.account_id, KIND, context
    ):
        raise NotFound("There is no such conversation.", field="context_id")
    return found


async def _chosen(hub: Hub, dialog: Dialog, agents: dict[str, str], message: str) -> str:
    before = await dialogs.messages(hub.db, dialog, RECENT) if dialog.created_at else []
    seen = [r for r in before if r["role"] in SEEN and not r["content"].get("withheld")]
    recent = [(r["role"], str(r["content"].get("text") or "")) for r in seen]
    gateway = await roster.usual(hub, dialog.account_id)
    return await routing.choose(hub, gateway, agents, message, recent, routing.last_agent(before))


async def answer(hub: Hub, talk: Talk, sink: Sink | None = None) -> Reply:
    """The answer, stored; what there is to learn is learned afterwards. Raise Upstream, NotFound."""
    agent, dialog = talk.agent, talk.dialog
    asked = Question(
        gateway=_roomy(hub, agent.gateway), said={"text": talk.message, "agent": agent.name}, window=WINDOW,
        system=(agent.told, await memory.told(hub.db, talk.user)), external_user=str(talk.user.id),
        titled=not dialog.settings.get(UNTITLED),
    )
    also = learning.note(talk.user, agent.gateway)
    if agent.name == ORCHESTRATOR:
        done, used = await orchestra.conduct(hub, dialog, asked, talk.agents, sink, also)
    else:
        done = await dialogs.exchange(hub, dialog, asked, sink, also)
        used = done.answer.usage
    await learning.ring(hub)
    beside = content.shown_files({"attachments": done.answer.files}, hub.settings.address)
    return _reply(talk, done, used, beside)


def _roomy(hub: Hub, gateway: Gateway) -> Gateway:
    """The gateway, to which as much of a conversation is shown as its model's context takes."""
    p: Json = {**gateway.parameters, "contextOverflowAction": "Truncate"}
    if not p.get("contextMaximumSize") and hub.models.entry(gateway, str(p.get("modelName") or "")) is None:
        p["contextMaximumSize"] = UNKNOWN
    return replace(gateway, parameters=p)


def _reply(talk: Talk, done: Exchange, used: Usage, beside: str) -> Reply:
    found: dict[Any, Json] = {}
    for passage in done.answer.passages:
        found.setdefault(passage.document_id, _source(passage))
    return Reply(done.answer.text, talk.agent.name, done.dialog.name, list(found.values()) or None, used, beside)


def _source(passage: Passage) -> Json:
    link = passage.reference if (passage.reference or "").startswith(("http://", "https://")) else None
    return {"title": passage.name, "url": link, "relevance_score": round(passage.score, 4)}


async def listed(hub: Hub, who: User, before: tuple[datetime, UUID] | None, limit: int) -> list[Dialog]:
    """A user's conversations, the last changed first."""
    return await dialogs.listed(hub.db, who.account_id, KIND, who.id, before, limit)


async def count(hub: Hub, who: User) -> int:
    return await dialogs.count(hub.db, who.account_id, KIND, who.id)


def shown(dialog: Dialog) -> dict[str, Any]:
    """id, title and times of a stored conversation."""
    return {
        "id": dialog.name, "title": dialog.title, "created_at": dialog.created_at,
        "updated_at": dialog.updated_at or dialog.created_at,
    }


async def find(hub: Hub, who: User, name: str) -> Dialog:
    return await dialogs.find(hub.db, who.account_id, KIND, name, who.id)


async def messages(hub: Hub, dialog: Dialog) -> list[Json]:
    """What people see of it, the oldest first: id, role, content (text), created_at."""
    stored = await dialogs.messages(hub.db, dialog, None)
    found = [{**r, "content": _text(r["content"], hub.settings.address)} for r in stored if r["role"] in SEEN]
    return [m for m in found if m["content"]]


def _text(body: Json, address: str) -> str:
    beside = content.shown_files(body, address)
    return "\n\n".join(t for t in (str(body.get("text") or ""), beside) if t)


async def rename(hub: Hub, who: User, name: str, title: str | None) -> None:
    """None clears the title, and none is made of what is said later."""
    dialog = await find(hub, who, name)
    await dialogs.edit(hub.db, dialog, title, {UNTITLED: title is None})
