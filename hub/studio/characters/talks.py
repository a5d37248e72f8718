"""Conversations with characters, and answers without one."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from hub import ids
from hub.accounts.balance import paying
from hub.chat import content
from hub.chat.turns import dialogs
from hub.chat.turns.dialogs import Dialog, Question
from hub.domain import Caller, Gateway, Json
from hub.engine.answer import answer
from hub.engine.ask import Answer, Ask, Sink
from hub.errors import NotFound
from hub.runtime import Hub
from hub.store.db import Call
from hub.studio.characters import agents, images, models

KIND, PREFIX, MESSAGE = images.KIND, "conv", "msg"
SECONDS = 300.0
THINKS, TELLS = "ThinkingProcess", "ReturnReasoningTokens"


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the agent. thoughts: what the model thought before."""

    id: str
    content: str
    created_at: datetime
    thoughts: str


def _thinking(gateway: Gateway, verbose: bool) -> Gateway:
    """Thoughts are taken out of the text, and told only to who wants them."""
    flags = set(gateway.parameters.get("flags") or ()) - {TELLS} | {THINKS} | ({TELLS} if verbose else set())
    return replace(gateway, parameters={**gateway.parameters, "flags": sorted(flags)})


async def start(
    hub: Hub, account: UUID, title: str, settings: Mapping[str, Any], messages: Sequence[tuple[str, str]]
) -> Dialog:
    """settings: system_prompt, llm_id, agent_id. messages: (role, text), nothing is answered. Raise NotFound."""
    await _checked(hub, account, settings)
    rows = [{"role": role, "content": {"text": text}} for role, text in messages]
    name = ids.named(PREFIX, ids.uuid7())
    return await dialogs.start(hub.db, account, KIND, name, title=title, settings=dict(settings), messages=rows)


async def _checked(hub: Hub, account: UUID, settings: Mapping[str, Any]) -> None:
    if settings.get("llm_id") is not None:
        await models.llm(hub, account, settings["llm_id"])
    if settings.get("agent_id") is not None:
        await agents.find(hub.db, account, settings["agent_id"], "agent_id")


async def listed(hub: Hub, account: UUID, before: tuple[datetime, UUID] | None, limit: int) -> list[Dialog]:
    return await dialogs.listed(hub.db, account, KIND, None, before, limit)


async def count(hub: Hub, account: UUID) -> int:
    return await dialogs.count(hub.db, account, KIND)


async def find(hub: Hub, account: UUID, name: str) -> Dialog:
    """Raise NotFound."""
    return await dialogs.find(hub.db, account, KIND, name)


async def edit(hub: Hub, account: UUID, name: str, title: str | None, settings: Mapping[str, Any]) -> Dialog:
    """Change what is given; title None: it stays."""
    dialog = await find(hub, account, name)
    await _checked(hub, account, settings)
    await dialogs.edit(hub.db, dialog, dialog.title if title is None else title, dict(settings))
    return await find(hub, account, name)


async def remove(hub: Hub, account: UUID, name: str) -> None:
    await dialogs.remove(hub, await find(hub, account, name))


async def messages(hub: Hub, dialog: Dialog) -> list[Json]:
    """What people see, the oldest first: id, content, role (agent or user), created_at, image or None."""
    found = []
    for row in await dialogs.messages(hub.db, dialog, None):
        image = _image(hub, row["content"])
        text = "" if image else _text(hub, row["content"])
        if row["role"] in ("user", "assistant") and (text or image):
            role = "user" if row["role"] == "user" else "agent"
            id = ids.named(MESSAGE, row["id"])
            found.append({"id": id, "content": text, "role": role, "created_at": row["created_at"], "image": image})
    return found


def _image(hub: Hub, body: Json) -> Json | None:
    if "image" not in body:
        return None
    return {**body["image"], "url": images.address(hub, body["attachments"][0]["token"])}


def _text(hub: Hub, body: Json) -> str:
    beside = content.shown_files(body, hub.settings.address)
    return "\n\n".join(t for t in (str(body.get("text") or ""), beside) if t)


@dataclass(frozen=True, slots=True)
class Reply:
    """A message that is to be answered."""

    dialog: Dialog
    question: Question


async def reply(hub: Hub, who: Caller, name: str, text: str, llm: str | None, verbose: bool) -> Reply:
    """Raise NotFound for the conversation, its model or agent; PaymentRequired."""
    dialog = await find(hub, who.account_id, name)
    gateway = await models.llm(hub, who.account_id, llm or str(dialog.settings["llm_id"]))
    await paying(hub, who.account_id)
    system = [str(dialog.settings.get("system_prompt") or "")]
    if dialog.settings.get("agent_id"):
        system.append(await _told(hub.db, who.account_id, dialog.settings["agent_id"]))
    asked = Question(
        gateway=_thinking(gateway, verbose), said={"text": text}, system=tuple(system), key=who.key_id, titled=False
    )
    return Reply(dialog, asked)


async def _told(db: Call, account: UUID, agent: str) -> str:
    try:
        return (await agents.find(db, account, agent)).told
    except NotFound:
        return ""  # it was deleted meanwhile


async def replied(hub: Hub, asked: Reply, sink: Sink | None = None) -> Said:
    """The answer, stored with the message. Raise Upstream, NotFound."""
    done = await dialogs.exchange(hub, asked.dialog, asked.question, sink)
    id, at = done.replied
    return Said(ids.named(MESSAGE, id), _whole(hub, done.answer), at, done.answer.reasoning)


def _whole(hub: Hub, made: Answer) -> str:
    return _text(hub, {"text": made.text, "attachments": made.files})


async def completion(
    hub: Hub, who: Caller, talk: Sequence[tuple[str, str]], llm: str, agent: str | None
) -> Ask:
    """The question of (role, text) to a model. Raise NotFound, PaymentRequired."""
    gateway = await models.llm(hub, who.account_id, llm)
    told = (await agents.find(hub.db, who.account_id, agent, "agent_id")).told if agent else ""
    await paying(hub, who.account_id)
    return Ask(
        account_id=who.account_id, gateway=_thinking(gateway, False),
        messages=[{"role": role, "content": text} for role, text in talk], deadline=time.monotonic() + SECONDS,
        system=(told,), conversation=str(ids.uuid7()), retractable=False,
    )


async def completed(hub: Hub, who: Caller, ask: Ask, now: datetime, sink: Sink | None = None) -> Said:
    """The answer, charged and kept nowhere. Raise Upstream."""
    try:
        made = await answer(hub, ask, sink)
    finally:
        gateway = ask.gateway.id if ask.gateway.slug else None
        billed = ask.trace.ledger.billed(hub.models, ask.gateway)
        await hub.meter.add(who.account_id, billed, key=who.key_id, gateway=gateway)
    return Said(ids.named(MESSAGE, ids.uuid7()), _whole(hub, made), now, made.reasoning)
