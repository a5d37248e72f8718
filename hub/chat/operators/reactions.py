"""An operator answers a contact's message with a sign: the network is asked at once, and what it says is passed on."""

import asyncio
from typing import Any
from uuid import UUID

from channels.base import ChannelError, Reacts
from hub.chat.clients.link import open_link
from hub.chat.clients.networks import NAMES
from hub.chat.news import tell
from hub.errors import Invalid, NotFound, Upstream
from hub.runtime import Hub
from hub.store import operator_inbox, outbox

Json = dict[str, Any]
SIGNS = ("👍", "❤️", "🙏", "🎉", "👀", "👎")


def reacts(hub: Hub, channel: str | None) -> bool:
    """Whether messages of a network can be reacted to."""
    return isinstance(hub.channels.get(channel or ""), Reacts)


async def react(hub: Hub, account: UUID, session: UUID, message: UUID, emoji: str) -> None:
    """In place of an earlier one; "" takes it away. Raise NotFound, Invalid, Upstream with the network's words."""
    if emoji and emoji not in SIGNS:
        raise Invalid(f"emoji must be one of {' '.join(SIGNS)}, or empty.", field="emoji")
    found = await operator_inbox.reactable(hub.db, account, session, message)
    integration = await outbox.integration(hub.db, found["integration_id"]) if found else None
    channel = hub.channels.get(integration["channel"]) if integration else None
    if found is None or integration is None or not isinstance(channel, Reacts):
        raise NotFound("There is no message of a contact of that id that can be reacted to.")
    try:
        async with asyncio.timeout(hub.settings.wire_seconds):
            await channel.react(open_link(hub, integration), found["chat"], found["network_id"], emoji)
    except TimeoutError:
        raise Upstream(f"{NAMES[integration['channel']]} did not answer in time; try again.") from None
    except ChannelError as e:
        raise Upstream(f"{NAMES[integration['channel']]} says: {e}") from None
    await operator_inbox.reacted(hub.db, account, session, message, emoji)
    await tell(hub.events, account, session, {"type": "reaction", "message": str(message)})
