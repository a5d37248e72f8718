"""A person takes a conversation over, answers in it, and gives it back."""

from typing import Any
from uuid import UUID

from hub import ids
from hub.chat import delivery
from hub.errors import NotFound
from hub.runtime import Hub
from hub.store import handoffs, outbox

Json = dict[str, Any]


async def switch(hub: Hub, account: UUID, client: UUID, session: UUID, active: bool) -> None:
    """While a person has it, the bot is silent; what the contact writes is kept for the person."""
    if not await handoffs.switch(hub.db, account, client, session, active):
        raise NotFound("No such session.")
    if active and not hub.leases.cancel(session):
        await hub.events.publish("cancel", {"session": str(session)})


async def say(hub: Hub, account: UUID, client: UUID, session: UUID, text: str) -> UUID:
    """An operator's message: stored, shown in the web chat, or sent through the session's network."""
    where = await handoffs.where(hub.db, account, client, session)
    if where is None:
        raise NotFound("No such session.")
    message, parts = ids.uuid7(), []
    if where["channel"]:
        to = delivery.Address(
            where["chat"],
            "reconcile" if where["mode"] == "placeholder_edit" else where["mode"],
            hub.channels[where["channel"]].style,
        )
        parts = delivery.parts_of(text, message, to)
    async with hub.db.transaction() as tx:
        await handoffs.add(tx, account, session, message, text)
        for part in parts:
            await outbox.enqueue(
                tx, account, session, UUID(part["key"]), message, part["body"], part["sha"], part["mode"]
            )
    if parts:
        await hub.queue.send(session, f"o:{message}")
    await hub.events.publish(f"s:{session}", {"type": "message", "messages": [str(message)]})
    return message
