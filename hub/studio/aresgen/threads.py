"""Threads: completions that are kept, and that go on where they ended."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from hub import ids
from hub.accounts import audit
from hub.accounts.audit import Actor
from hub.chat import content
from hub.chat.turns import dialogs
from hub.chat.turns.dialogs import TITLE, Dialog
from hub.chat.turns.question import history
from hub.engine import messages as chat_messages
from hub.engine.ask import Answer, Ask
from hub.engine.brand import worn
from hub.errors import Invalid, NotFound
from hub.runtime import Hub
from hub.store import dialogs as rows
from hub.store.db import Call
from hub.studio.aresgen import voices
from hub.studio.events import MESSAGE, THREAD_DELETED, emit

Json = dict[str, Any]
KIND, PREFIX = "thread", "thr"
WINDOW = 200
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


async def entered(hub: Hub, account: UUID, name: str | None) -> Dialog:
    """The thread of this name, or a fresh one: a caller may give a thread a name of its own.

    Raise NotFound for an id of ours that there is not, Invalid for what cannot be a name.
    """
    if name is None:
        id = ids.uuid7()
        return Dialog(id, account, KIND, ids.named(PREFIX, id))
    if not NAME.fullmatch(name):
        raise Invalid(
            "thread_id must be an id that the hub gave (thr_...), or a name of your own: 1 to 128 letters, digits and"
            " ._:- ", field="thread_id",
        )
    if name.startswith(PREFIX + "_"):
        return await find(hub.db, account, name)
    return await dialogs.entered(hub.db, account, KIND, name)


async def find(db: Call, account: UUID, name: str) -> Dialog:
    """Raise NotFound."""
    try:
        return await dialogs.find(db, account, KIND, name)
    except NotFound:
        raise NotFound(f"There is no thread {name[:128]}.", field="thread_id") from None


async def joined(hub: Hub, ask: Ask, dialog: Dialog) -> Ask:
    """The question with what was said in the thread before it."""
    if dialog.created_at is None:
        # Whatever is kept of the request is found by the thread.
        return replace(ask, conversation=str(dialog.id), thread_id=dialog.id)
    before = history(await dialogs.messages(hub.db, dialog, WINDOW), hub.settings.address, back=True)
    first = [m for m in ask.messages if m.get("role") in chat_messages.SYSTEM]
    said = [m for m in ask.messages if m.get("role") not in chat_messages.SYSTEM]
    messages = chat_messages.paired([*first, *before, *said])
    return replace(ask, messages=messages, conversation=str(dialog.id), thread_id=dialog.id)


async def voiced(hub: Hub, ask: Ask, voice: str | None) -> Ask:
    """The question, to be answered in a voice (`voc_...`). Raise NotFound."""
    if voice is None:
        return ask
    found = await voices.wanted(hub.db, ask.account_id, voices.read(voice))
    return replace(ask, gateway=worn(ask.gateway, {"voice": found}))


async def keep(
    hub: Hub, dialog: Dialog, said: Sequence[Json], made: Answer, voice: str | None = None
) -> Dialog:
    """Store what was asked and answered, and tell webhooks of each message. said: messages of a request."""
    stored = [_asked(m) for m in said if m.get("role") not in chat_messages.SYSTEM]
    answered = [(m, body) for m in made.messages if (body := content.of_answer(m)) is not None]
    kept = [*stored, *(_row("tool" if m["role"] == "tool" else "assistant", b, "model") for m, b in answered)]
    if made.files and kept:
        kept[-1]["content"]["attachments"] = list(made.files)
    settings: Json = {"model": made.model, "voice_id": voice}
    async with hub.db.transaction() as tx:
        here = dialog if dialog.created_at else await dialogs.joined(tx, dialog)
        times = await rows.record(tx, here.account_id, KIND, here.id, kept, made.usage.total, _title(stored))
        if not times:
            raise NotFound("The thread was deleted while it was answered.", field="thread_id")
        await rows.settle(tx, here.account_id, KIND, here.id, settings)
        for row in kept:
            if row["role"] in ("user", "assistant") and row["content"].get("text"):
                await emit(tx, here.account_id, MESSAGE, told(here.name, row) | settings, here.id)
    return here


def told(thread: str, row: Mapping[str, Any]) -> Json:
    """A message as an event tells it."""
    return {
        "thread_id": thread, "message_id": ids.named("msg", UUID(str(row["id"]))), "role": row["role"],
        "content": row["content"].get("text") or "",
    }


def _title(stored: Sequence[Json]) -> str | None:
    first = next((r["content"]["text"] for r in stored if r["role"] == "user" and r["content"]["text"]), "")
    return " ".join(first.split())[:TITLE] or None


def _asked(message: Json) -> Json:
    """A message of a request as it is stored: its words; of files, where they are found or that they were sent."""
    role = message["role"]
    body: Json = {"text": chat_messages.text_of(message)}
    if role in ("tool", "function"):
        body |= {"role": "tool", "tool_call_id": message.get("tool_call_id") or "", "name": message.get("name")}
        return _row("tool", body, "contact")
    if role == "assistant":
        if message.get("tool_calls"):
            body["tool_calls"] = message["tool_calls"]
        return _row("assistant", body, "model")
    parts = message["content"] if isinstance(message.get("content"), list) else []
    files = [_file(p) for p in parts if p.get("type") in chat_messages.MEDIA]
    return _row("user", body | ({"attachments": files} if files else {}), "contact")


def _file(part: Json) -> Json:
    kind = chat_messages.MEDIA[part["type"]]
    inner = part.get(part["type"]) or {}
    url = str(inner.get("url") or "")
    if url.startswith(("http://", "https://")):
        return {"media": kind, "url": url[:2000], "text": url[:2000]}
    return {"media": kind, "name": inner.get("filename"), "text": "sent inside the message, not kept"}


def _row(role: str, body: Json, source: str) -> Json:
    return {"id": str(ids.uuid7()), "role": role, "source": source, "content": body}


async def listed(db: Call, account: UUID, before: UUID | None, limit: int) -> list[Json]:
    """Newest first."""
    return await rows.made(db, account, KIND, before, limit)


async def remove(hub: Hub, account: UUID, actor: Actor, name: str) -> None:
    """For good: with its messages, noted in the audit log, told to webhooks."""
    found = await find(hub.db, account, name)
    async with hub.db.transaction() as tx:
        if not await rows.remove(tx, account, KIND, found.id):
            raise NotFound
        detail = {"messages": found.message_count}
        await audit.note(tx, account, actor, "thread.deleted", name, detail)
        await emit(tx, account, THREAD_DELETED, {"thread_id": name, **detail}, None)
    await hub.cache.drop(account, str(found.id))
