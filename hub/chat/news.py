"""Who is told that a conversation has changed: its visitor, and the operators of its account."""

from typing import Any
from uuid import UUID

from hub.live.events import Events

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
