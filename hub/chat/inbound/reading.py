"""What a webhook call says, as items of its network."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from channels.base import Hook, Link, Unreadable
from channels.inbound import Inbound
from hub.chat.clients import templates
from hub.runtime import Hub
from hub.store import inbox

log = logging.getLogger(__name__)

LARGE, ITEMS = 64 << 10, 1000


async def read(hub: Hub, channel: str, link: Link, hook: Hook) -> list[Inbound]:
    """The items of a call; a large body is read beside the loop. Raise BadSignature or Unreadable."""
    receive = hub.channels[channel].receive
    arrived = receive(link, hook) if len(hook.body) <= LARGE else await asyncio.to_thread(receive, link, hook)
    if len(arrived) > ITEMS:
        raise Unreadable(f"the call holds {len(arrived)} items; {ITEMS} are taken at once")
    return arrived


async def learned(hub: Hub, endpoint: dict[str, Any], arrived: Sequence[Inbound]) -> bool:
    """What a network tells of the account itself: whether ids of its own were new; and how its templates are now."""
    taught = {i for one in arrived for i in one.ours} - set(endpoint["own_ids"])
    if taught:
        await inbox.learn(hub.db, endpoint["id"], sorted(taught))
    for one in arrived:
        if one.ignore and one.ignore.startswith("unsupported"):
            log.warning("%s of client %s not answered: %s", one.event, endpoint["client_id"], one.ignore)
        await templates.heard(hub.db, endpoint, one.event, one.detail)
    return bool(taught)
