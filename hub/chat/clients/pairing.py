"""Joining a phone to an account at a network, and whether an integration works."""

from uuid import UUID

from channels.base import ChannelError, Pairing, Pairs
from hub.chat.clients import integrations as client_integrations
from hub.chat.clients.link import link_of
from hub.chat.clients.networks import NAMES
from hub.domain import Integration
from hub.errors import NotFound, Upstream
from hub.runtime import Hub
from hub.store import integrations
from hub.translations import told


async def one(hub: Hub, account: UUID, client: UUID, channel: str) -> Integration:
    """Raise NotFound."""
    found = [i for i in await client_integrations.of_client(hub, account, client) if i.channel == channel]
    if not found:
        raise NotFound("This place is not connected to that network.")
    return found[0]


async def code(hub: Hub, account: UUID, client: UUID, channel: str) -> Pairing:
    """The code to scan now. Raise NotFound, Upstream with the network's words."""
    found = await one(hub, account, client, channel)
    network = hub.channels[channel]
    if not isinstance(network, Pairs):
        raise NotFound(f"{NAMES[channel]} has no code to scan.")
    try:
        return await network.pairing(link_of(found, hub.settings))
    except ChannelError as e:
        raise Upstream(told("%(network)s says: %(words)s", network=NAMES[channel], words=told(str(e)))) from None


async def check(hub: Hub, account: UUID, client: UUID, channel: str) -> tuple[bool, str]:
    """Whether credentials and webhook are in order, in the network's words; the state is kept."""
    found = await one(hub, account, client, channel)
    try:
        words = await hub.channels[channel].check(link_of(found, hub.settings))
    except ChannelError as e:
        await integrations.set_state(hub.db, account, found.id, "not_registered", str(e))
        return False, str(e)
    await integrations.set_state(hub.db, account, found.id, "registered", None)
    return True, words


async def repair(hub: Hub, account: UUID, client: UUID, channel: str) -> str | None:
    """Register the webhook once more; return the network's words if it refused."""
    return await client_integrations.register(hub, await one(hub, account, client, channel))


def pairs(hub: Hub, channel: str) -> bool:
    return isinstance(hub.channels[channel], Pairs)
