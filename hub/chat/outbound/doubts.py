"""Nobody knows whether a part arrived: the network is asked before it is sent again."""

import asyncio
import logging
from typing import Any
from uuid import UUID

from channels.base import Channel, ChannelError, Link
from channels.inbound import Media
from channels.outbound import File, Outbound, Sought
from hub.chat.clients.link import open_link
from hub.chat.outbound import delivery, refused_parts
from hub.runtime import Hub
from hub.store import doubts, outbox
from hub.store.doubts import Doubt

log = logging.getLogger(__name__)

ASKS = 8  # how often a network that does not answer is asked
MOST = 4  # how often a part is sent at most, however sure the network is that it was not
Json = dict[str, Any]


async def settle(hub: Hub, doubt: Doubt) -> None:
    """Ask, decide, and go on with what waits behind it."""
    part = doubt.part
    integration = await outbox.integration(hub.db, UUID(part["integration_id"])) if part["integration_id"] else None
    following: Json | None = None
    if integration is None:
        following = await _given_up(hub, part)
    else:
        channel, link = hub.channels[integration["channel"]], open_link(hub, integration)
        sought = await _asked(hub, channel, link, doubt)
        if sought is None and part["asked"] < ASKS:
            return
        following = await _decided(hub, channel, integration, doubt, sought or Sought(False))
    if following is not None:
        await delivery.drain(hub, UUID(part["session_id"]), following)
    else:
        await delivery.resume(hub, UUID(part["session_id"]))


async def _asked(hub: Hub, channel: Channel, link: Link, doubt: Doubt) -> Sought | None:
    """None when the network does not answer now."""
    try:
        async with asyncio.timeout(hub.settings.wire_seconds):
            return await channel.find(link, _looked_for(doubt.part), doubt.since)
    except (ChannelError, TimeoutError) as e:
        delivery_id = doubt.part["key"]
        log.info("delivery %s cannot be asked for: %s", delivery_id, e or "the network did not answer in time")
        return Sought(False) if isinstance(e, ChannelError) and e.permanent else None


async def _decided(hub: Hub, channel: Channel, integration: Json, doubt: Doubt, sought: Sought) -> Json | None:
    """The next file of an album that goes one by one, marked as being sent."""
    part = doubt.part
    there = await doubts.nobodys(hub.db, part, sought.ids) if sought.ids else []
    if there:
        if part["body"].get("rest"):
            return await refused_parts.go_on(hub, part, "sent", delivery.wire(hub), network_id=there[0])
        await doubts.settle(hub.db, part, "sent", "asked", there[0], None, None)
        return None
    if part["mode"] == "at_most_once":
        return await _given_up(hub, part)
    absent = sought.told and part["attempt"] < MOST
    # No echo came though all was there to hear it; or that is how the customer wants it.
    once_more = (channel.echoes and doubt.heard) or integration["when_unknown"] == "again"
    if absent or (not sought.told and once_more and part["attempt"] < 2):
        await doubts.settle(hub.db, part, "queued", "resent", None, part["code"], part["error"])
        return None
    return await _given_up(hub, part)


async def _given_up(hub: Hub, part: Json) -> Json | None:
    """People decide: it stays unknown. The files of an album behind it go on."""
    words = f"{part['error'] or ''} Nobody knows whether the network took it, and it was not sent again.".strip()
    if part["body"].get("rest"):
        return await refused_parts.go_on(
            hub, part, "unknown", delivery.wire(hub), code="unconfirmed", error=words)
    await doubts.settle(hub.db, part, "unknown", None, None, "unconfirmed", words)
    return None


def _looked_for(part: Json) -> Outbound:
    body = part["body"]
    file = File(Media.DOCUMENT, "", "") if body.get("file") else None
    return Outbound(
        part["chat"], part["key"], body.get("text", ""), body.get("plain", ""), file=file, template=body.get("template")
    )
