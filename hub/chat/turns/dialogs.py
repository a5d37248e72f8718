"""A conversation of a family without chat clients: started, asked, kept, deleted."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from hub import ids
from hub.chat import content
from hub.chat.turns.question import history
from hub.domain import Gateway, Json
from hub.engine.answer import answer
from hub.engine.ask import Answer, Ask, Sink
from hub.engine.messages import paired
from hub.errors import Conflict, HubError, NotFound
from hub.llm.prices import cost
from hub.runtime import Hub
from hub.store import dialogs
from hub.store.db import Call, Db

WINDOW = 200
SECONDS = 300.0
TITLE = 60


@dataclass(frozen=True, slots=True)
class Dialog:
    """kind: ares, character, thread or chatbot. name: its id in the family's documents. user: whose it is
    within the account. settings: the family's own. created_at None: not stored yet."""

    id: UUID
    account_id: UUID
    kind: str
    name: str
    user_id: UUID | None = None
    title: str | None = None
    settings: Json = field(default_factory=dict)
    message_count: int = 0
    spoken_count: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None
    last_message_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question that was answered, both stored. said, replied: (id, time) of the user's message and of the
    last one of the answer."""

    answer: Answer
    dialog: Dialog
    said: tuple[UUID, datetime]
    replied: tuple[UUID, datetime]


# Runs in the transaction that stores an exchange.
Also = Callable[[Call, Exchange], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked in a conversation, and of whom.

    said: stored content ({"text", "attachments"}). window: how many stored messages the model reads. system,
    options, metadata: as in Ask. key: the API key that pays. titled: whether an untitled conversation is named
    after its first message.
    """

    gateway: Gateway
    said: Json
    window: int = WINDOW
    system: tuple[str, ...] = ()
    options: Json = field(default_factory=dict)
    external_user: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    key: UUID | None = None
    titled: bool = True
    seconds: float = SECONDS


def fresh(account: UUID, kind: str, name: str, user: UUID | None = None, **more: Any) -> Dialog:
    """One that is stored with its first exchange, so that a failed one leaves nothing."""
    return Dialog(ids.uuid7(), account, kind, name, user, **more)


async def start(
    db: Db, account: UUID, kind: str, name: str, *, user: UUID | None = None, title: str | None = None,
    settings: Json | None = None, messages: Sequence[Json] = (),
) -> Dialog:
    """A new conversation, with `messages` {role, content: stored content} as its history. Raise Conflict when
    the name is taken."""
    made = fresh(account, kind, name, user, title=title, settings=settings or {})
    async with db.transaction() as t:
        if not await _store(t, made):
            # Somebody else's too: who it belongs to is not told.
            raise Conflict(f"There is a conversation named {name[:100]!r} already.")
        if messages:
            rows = [_row(m["role"], m["content"], "contact" if m["role"] == "user" else "model") for m in messages]
            await dialogs.record(t, account, kind, made.id, rows, 0, None)
    return await find(db, account, kind, name, user)


async def find(db: Call, account: UUID, kind: str, name: str, user: UUID | None = None) -> Dialog:
    """Raise NotFound, also for one of another user."""
    row = await dialogs.find(db, account, kind, name, user)
    if row is None:
        raise NotFound
    return Dialog(**row)


async def entered(db: Db, account: UUID, kind: str, name: str, user: UUID | None = None, **more: Any) -> Dialog:
    """The conversation of this name, or a fresh one."""
    row = await dialogs.find(db, account, kind, name, user)
    return Dialog(**row) if row else fresh(account, kind, name, user, **more)


async def taken(db: Call, account: UUID, kind: str, name: str) -> bool:
    """Whether there is a conversation of this name, whoever's it is."""
    return await dialogs.taken(db, account, kind, name)


async def listed(
    db: Db, account: UUID, kind: str, user: UUID | None = None, before: tuple[datetime, UUID] | None = None,
    limit: int = 1000,
) -> list[Dialog]:
    """Last changed first; `before`: `place` of the last one of the page before."""
    return [Dialog(**r) for r in await dialogs.newest(db, account, kind, user, before, limit)]


async def count(db: Db, account: UUID, kind: str, user: UUID | None = None) -> int:
    return await dialogs.count(db, account, kind, user)


async def edit(db: Db, dialog: Dialog, title: str | None, settings: Json | None = None) -> None:
    if not await dialogs.edit(db, dialog.account_id, dialog.kind, dialog.id, title, settings or {}):
        raise NotFound


async def remove(hub: Hub, dialog: Dialog) -> None:
    if not await dialogs.remove(hub.db, dialog.account_id, dialog.kind, dialog.id):
        raise NotFound
    await hub.cache.drop(dialog.account_id, str(dialog.id))


async def messages(db: Db, dialog: Dialog, limit: int | None = WINDOW, before: int | None = None) -> list[Json]:
    """The newest `limit` ones (None: all), oldest first: id, role, source, content, position, created_at."""
    return await dialogs.latest(db, dialog.account_id, dialog.id, limit, before)


async def add(db: Call, dialog: Dialog, role: str, body: Json, source: str = "model") -> tuple[UUID, datetime]:
    """One message that nobody asked a model for: its id and time. Raise NotFound."""
    row = _row(role, body, source)
    stored = await dialogs.record(db, dialog.account_id, dialog.kind, dialog.id, [row], 0, None)
    if not stored:
        raise NotFound
    return next(iter(stored.items()))


async def exchange(
    hub: Hub, dialog: Dialog, asked: Question, sink: Sink | None = None, also: Also | None = None
) -> Exchange:
    """Ask and store question and answer together. What was consumed is charged, whatever comes of it.

    Raise NotFound when the conversation is deleted meanwhile, Upstream when the model fails: then
    nothing of this exchange is stored.
    """
    return await kept(hub.db, dialog, asked, await answered(hub, dialog, asked, sink), also)


async def answered(hub: Hub, dialog: Dialog, asked: Question, sink: Sink | None = None) -> Answer:
    """The answer, charged and not stored."""
    ask = await _ask(hub, dialog, asked)
    try:
        return await answer(hub, ask, sink)
    except HubError as e:
        e.cost = cost(ask.trace.ledger.billed(hub.models, ask.gateway))
        raise
    finally:
        billed = ask.trace.ledger.billed(hub.models, ask.gateway)
        gateway = ask.gateway.id if ask.gateway.slug else None
        session = dialog.id if dialog.created_at else None
        await hub.meter.add(
            dialog.account_id, billed, key=asked.key, gateway=gateway, session=session, user=dialog.user_id
        )


async def _ask(hub: Hub, dialog: Dialog, asked: Question) -> Ask:
    rows = await messages(hub.db, dialog, asked.window) if dialog.created_at else []
    return Ask(
        account_id=dialog.account_id,
        gateway=asked.gateway,
        messages=paired([
            *history(rows, hub.settings.address, back=True), content.message(asked.said, {}, hub.settings.address),
        ]),
        deadline=time.monotonic() + asked.seconds,
        system=asked.system,
        options=asked.options,
        external_user=asked.external_user,
        metadata=asked.metadata,
        conversation=str(dialog.id),
        session_id=dialog.id if dialog.created_at else None,
        retractable=False,
    )


async def kept(db: Db, dialog: Dialog, asked: Question, made: Answer, also: Also | None = None) -> Exchange:
    """Question and answer stored together. Raise NotFound when the conversation is gone."""
    said = content.withheld(asked.said, made.blocked) if made.blocked else asked.said
    rows = [_row("user", said, "contact")]
    rows += [_row(m["role"], stored, "model") for m in made.messages if (stored := content.of_answer(m)) is not None]
    if made.files and len(rows) > 1:
        rows[-1]["content"]["attachments"] = list(made.files)
    title = " ".join(str(asked.said.get("text") or "").split())[:TITLE] if asked.titled else ""
    async with db.transaction() as t:
        dialog = dialog if dialog.created_at else await joined(t, dialog)
        times = await dialogs.record(
            t, dialog.account_id, dialog.kind, dialog.id, rows, made.usage.total, title or None
        )
        if not times:
            raise NotFound("The conversation was deleted while it was answered.")
        first, last = UUID(rows[0]["id"]), UUID(rows[-1]["id"])
        dialog = replace(dialog, created_at=dialog.created_at or times[first])
        done = Exchange(made, dialog, (first, times[first]), (last, times[last]))
        if also is not None:
            await also(t, done)
    return done


async def _store(db: Call, dialog: Dialog) -> bool:
    return await dialogs.start(
        db, dialog.id, dialog.account_id, dialog.kind, dialog.name, dialog.user_id, dialog.title, dialog.settings
    )


async def joined(db: Call, dialog: Dialog) -> Dialog:
    """The conversation stored, or the one that another request has stored under its name meanwhile."""
    if await _store(db, dialog):
        return dialog
    return await find(db, dialog.account_id, dialog.kind, dialog.name, dialog.user_id)


def _row(role: str, body: Json, source: str) -> Json:
    return {"id": str(ids.uuid7()), "role": role, "source": source, "content": body}
