"""A placeholder whose id nobody learned is found and removed: the network tells which messages are ours."""

import logging

from channels.base import ChannelError, Probes
from hub.chat.clients.link import open_link
from hub.runtime import Hub
from hub.store import outbox, strays
from hub.store.strays import Left, Stray

log = logging.getLogger(__name__)

# How many ids before messages of ours are tried, the nearest first, of how many that are looked for among ours.
REACH, LOOKED = 100, 500
# How often it is looked for, each time after twice the pause; and where nothing is said after it any more.
TRIES, QUIET = 6, 3
GIVES_UP = 3  # calls in a row that a network fails, after which it is left alone for now


async def take_away(hub: Hub, one: Left) -> None:
    """One whose id is known. A network that refuses now is asked again later, a few times."""
    integration = None if one.used else await outbox.integration(hub.db, one.integration)
    if integration is not None:
        try:
            await hub.channels[integration["channel"]].delete(open_link(hub, integration), one.chat, one.network_id)
            log.info("a placeholder that nothing fills in any more was removed")
        except ChannelError as e:
            log.info("placeholder not removed: %s", e)
            if one.tries < QUIET:
                return
    await strays.taken(hub.db, one.session, one.network_id)


async def remove(hub: Hub, stray: Stray) -> None:
    """Look for it once; a network that refuses now is asked again later, a few times."""
    integration = await outbox.integration(hub.db, stray.integration)
    channel = hub.channels[integration["channel"]] if integration else None
    if integration is None or stray.over or not isinstance(channel, Probes):
        await strays.done(hub.db, stray.session)
        return
    if stray.waits or (stray.coming and not stray.after):
        await strays.later(hub.db, stray)
        return
    if not stray.after:
        if stray.tries >= QUIET:
            await strays.done(hub.db, stray.session)
        return
    link, whole, row = open_link(hub, integration), True, 0
    # A placeholder stands right before what was said instead of it, but for what others were told meanwhile.
    near = (id - n for n in range(1, REACH + 1) for id in stray.after if id > n)
    ids = list(dict.fromkeys(id for id in near if id not in stray.kept))
    for id in await strays.unknown(hub.db, stray.integration, ids[:LOOKED], REACH):
        try:
            if await channel.ours(link, stray.chat, str(id)):
                await channel.delete(link, stray.chat, str(id))
                log.info("a placeholder that was left standing was removed")
            row = 0
        except ChannelError as e:
            log.info("placeholder not looked for: %s", e)
            whole, row = False, row + 1
            if row == GIVES_UP:
                return
    if whole:
        await strays.done(hub.db, stray.session)
