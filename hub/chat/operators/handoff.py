"""A person takes a conversation over, answers in it, and gives it back."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hub import ids
from hub.chat import choices as choosing
from hub.chat.news import tell
from hub.chat.outbound import delivery, media_origins
from hub.errors import Conflict, Invalid, NotFound
from hub.runtime import Hub
from hub.store import handoffs, messages, outbox
from hub.store.db import Call

Json = dict[str, Any]
LONGEST = 20_000


async def switch(
    hub: Hub, account: UUID, client: UUID | None, session: UUID, active: bool, by: UUID | None = None,
    name: str | None = None, ends: bool = False, given_by: str | None = None,
) -> None:
    """While a person has it, the bot is silent; what the contact writes is kept for the person.

    by, name: the operator. given_by: the colleague who decided so. ends: it goes back by itself after the account's
    time without a word of theirs.
    """
    told: Json = {"active": active, "by": name} | ({"given_by": given_by} if given_by else {})
    async with hub.db.transaction() as tx:
        if not await handoffs.switch(tx, account, client, session, active, by, ends):
            raise NotFound("No such session.")
        await messages.note(tx, account, "handoff", told, session=session)
    if active and not hub.leases.cancel(session):
        await hub.events.publish("cancel", {"session": str(session)})
    await tell(hub.events, account, session, {"type": "handoff", "active": active})


async def sayable(hub: Hub, account: UUID, client: UUID | None, session: UUID, text: str, files: int) -> Json:
    """Where a message of an operator's goes (see `handoffs.where`). Raise NotFound, Invalid, Conflict."""
    where = await handoffs.where(hub.db, account, client, session)
    if where is None:
        raise NotFound("No such session.")
    if where["kind"] == "channel" and not where["channel"]:
        raise Conflict("The network of this conversation was removed; nothing can be sent in it.")
    if not text.strip() and not files:
        raise Invalid("text is empty; write something or attach a file.", field="text")
    if len(text) > LONGEST:
        raise Invalid(f"text must have at most {LONGEST:,} characters.", field="text")
    return where


async def say(
    hub: Hub, account: UUID, client: UUID | None, session: UUID, text: str, files: Sequence[Json] = (),
    id: UUID | None = None, choices: Sequence[Json] = (), by: str | None = None,
) -> UUID:
    """An operator's message: stored, shown in the web chat, or sent through the session's network.

    files: stored attachments (see hub.chat.content). id: made where it was written, so that it is said once. choices:
    see hub.chat.choices. by: whose name stands in a transcript of colleagues. Raise NotFound, Invalid, Conflict.
    """
    where = await sayable(hub, account, client, session, text, len(files))
    if choices and not text.strip():
        raise Invalid("choices need a text above them.", field="content")
    offered = choosing.of(choices)
    body: Json = {"text": text} | ({"attachments": list(files)} if files else {})
    body |= ({"choices": offered} if offered else {}) | ({"by": by} if by else {})
    message = id or ids.uuid7()
    parts = await parts_of(hub, where, body, message)
    async with hub.db.transaction() as tx:
        if not await keep(tx, account, session, message, body, parts):
            return message
    if parts:
        await hub.queue.send(session, f"o:{message}")
    await tell(hub.events, account, session, {"type": "message", "messages": [str(message)]})
    return message


async def parts_of(hub: Hub, where: Json, body: Json, message: UUID) -> list[Json]:
    """An operator's message as its network gets it; nothing in the web chat. where: of `handoffs.where`."""
    if not where["channel"]:
        return []
    style, mode = hub.channels[where["channel"]].style, where["mode"]
    mode = "reconcile" if mode in ("placeholder_edit", "draft") else mode
    to = delivery.Address(
        where["chat"],
        mode,
        style,
        buttons=choosing.delivered(style, mode, where["settings"] or {}, where["crowd"]),
        origins=media_origins.of(hub.settings.address, where["parameters"]),
    )
    return await delivery.of_content(body, message, to, hub.settings.address)


async def keep(tx: Call, account: UUID, session: UUID, message: UUID, body: Json, parts: Sequence[Json]) -> bool:
    """The message and what is sent of it, in their places; False when it was kept before. Raise NotFound."""
    if not await handoffs.add(tx, account, session, message, body):
        if await handoffs.said(tx, account, session, message):
            return False
        raise NotFound("No such session.")
    for part in parts:
        await outbox.enqueue(tx, account, session, UUID(part["key"]), message, part["body"], part["sha"], part["mode"])
    return True


async def hand_back(hub: Hub) -> None:
    """Give the assistant back what was taken over for a time that has passed."""
    for row in await handoffs.take_back(hub.db):
        await messages.note(hub.db, row["account_id"], "handoff", {"active": False, "by": None}, session=row["id"])
        await tell(hub.events, row["account_id"], row["id"], {"type": "handoff", "active": False})
        if row["seq"]:
            await hub.queue.turn(row["id"], row["seq"])
