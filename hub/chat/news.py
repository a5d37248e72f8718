"""Who is told that a conversation has changed: its visitor, and the operators of its account."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from hub.live.drafts import Drafts
from hub.live.events import Events
from hub.runtime import Hub

Json = dict[str, Any]


def of_account(account: UUID | str) -> str:
    """Topic of everything that happens in an account; events name the sessions."""
    return f"a:{account}"


def of_session(session: UUID | str) -> str:
    return f"s:{session}"


async def tell(events: Events, account: UUID | str, session: UUID, event: Json) -> None:
    """Tell both in one flight."""
    await events.publish_all(
        ((of_session(session), event), (of_account(account), {"type": event["type"], "sessions": [str(session)]}))
    )


async def ended(hub: Hub, account: UUID, sessions: Iterable[UUID]) -> None:
    """Sessions are gone: their turns stop wherever they run, and who waits for them or looks at them is told."""
    for session in sessions:
        if not hub.leases.cancel(session):
            await hub.events.publish("cancel", {"session": str(session)})
        await Drafts(hub.redis, hub.settings.queue, session).end()
        await hub.cache.drop(account, str(session))
        await tell(hub.events, account, session, {"type": "closed"})
