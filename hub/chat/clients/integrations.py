"""Integrations: a chat client's account at a network, and the webhook that is registered there."""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from channels.base import ChannelError, Greets
from hub import ids
from hub.accounts import addresses
from hub.accounts.destinations import moved, wanted
from hub.accounts.value_types import MASK, mask
from hub.chat.clients.link import OURS, PLACE, integration_of, link_of
from hub.chat.clients.networks import IDENTITY, NAMES, OTHERS, SECRETS, TYPES
from hub.domain import Integration
from hub.errors import BadRequest, Conflict, Invalid, NotFound
from hub.runtime import Hub
from hub.sealing import digest
from hub.store import clients, greetings, integrations
from hub.store.db import Call
from hub.translations import told

log = logging.getLogger(__name__)

HOUR = 3600
# How long a webhook of an older version may show the path's secret after a new one was registered, in seconds.
FORMER = 3600.0
FOREVER = "inf"
REMEMBERED = 1.0  # seconds that the processes remember an integration


@dataclass(frozen=True, slots=True)
class Given:
    """What is asked for one network. `settings` hold every documented field that was sent, secrets too,
    null ones as None; None of the others keeps what there is."""

    channel: str
    settings: Mapping[str, str | None]
    session_seconds: int | None = None
    mode: str | None = None
    groups: str | None = None
    when_unknown: str | None = None
    presence: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """An integration with the address its network calls."""

    integration: Integration
    webhook_url: str


def channel_of(name: str) -> str:
    """The network of a documented integration name. Raise BadRequest for any other."""
    found = {k.lower(): v for k, v in TYPES.items()}.get(name.lower())
    if found is None:
        raise BadRequest(f"There is no integration '{name[:40]}'; use one of {', '.join(TYPES)}.", field="name")
    return found


async def of_client(hub: Hub, account_id: UUID, client_id: UUID) -> list[Integration]:
    rows = await integrations.of_client(hub.db, account_id, client_id)
    return [integration_of(r, hub.sealer) for r in rows]


async def seen(hub: Hub, account_id: UUID, client_id: UUID) -> list[Seen]:
    """The integrations of a chat client, for those who may see their webhooks."""
    found = await of_client(hub, account_id, client_id)
    return [Seen(one, link_of(one, hub.settings).webhook_url) for one in found]


async def save(
    hub: Hub, account_id: UUID, client_id: UUID, given: Given,
    before: Callable[[Integration | None], None] | None = None,
) -> str | None:
    """Store one integration, then register its webhook; say what the network said if it refused.

    before: raises when what it is given is not what the change was made from.

    The row is committed first: a network that calls at once must find it.
    """
    _fits(given)
    if url := given.settings.get("endpointUrl"):
        addresses.check(hub.outbound.guard, url, "endpointUrl")
    async with hub.db.transaction() as tx:
        if not await clients.touch(tx, account_id, client_id):
            raise NotFound
        row = await integrations.locked(tx, account_id, client_id, given.channel)
        old = integration_of(row, hub.sealer) if row else None
        if before is not None:
            before(old)
        new = _changed(account_id, client_id, given, old, hub.channels[given.channel].mode)
        await _store(tx, hub, new)
        if old and _identity(old) != _identity(new):
            await greetings.forget(tx, account_id, new.id)
    if old and _identity(old) != _identity(new):
        await unregister(hub, old)
    return await register(hub, new)


def _fits(given: Given) -> None:
    """Whether the settings of a network that describes them are as it wants them. Raise Invalid."""
    for one in OTHERS[given.channel].asks if given.channel in OTHERS else ():
        value = given.settings.get(one.name)
        if value and one.pattern and not re.fullmatch(one.pattern, value):
            hint = told(one.hint or one.label)
            text = told("%(name)s does not look as it should (%(hint)s).", name=one.name, hint=hint)
            raise Invalid(text, field=one.name)


async def _store(tx: Call, hub: Hub, new: Integration) -> None:
    sealed = hub.sealer.seal_map(PLACE, new.id, new.secrets)
    if not await integrations.save(tx, new, sealed, digest(new.secrets["webhookSecret"])):
        raise Conflict("Somebody else added this integration at the same moment; look at it and try again.")


def _changed(account_id: UUID, client_id: UUID, given: Given, old: Integration | None, mode: str) -> Integration:
    """The integration as it will be; what is neither given nor documented as required stays."""
    before = {**old.settings, **old.secrets} if old else {}
    values = {k: v for k, v in before.items() if k not in OURS}
    for name, value in given.settings.items():
        kept = _unmasked(given.channel, name, value, before.get(name))
        values.pop(name, None)
        if kept:
            values[name] = kept
    if old and given.channel == "evolution" and moved(old.settings.get("endpointUrl"), values.get("endpointUrl")):
        key = given.settings.get("apiKey")
        if not key or key.startswith(MASK):
            raise wanted("apiKey", "endpointUrl")
    secret = SECRETS[given.channel]
    new = Integration(
        id=old.id if old else ids.uuid7(),
        account_id=account_id,
        client_id=client_id,
        channel=given.channel,
        settings={k: v for k, v in values.items() if k not in secret},
        secrets={
            **{k: v for k, v in values.items() if k in secret},
            **({k: v for k, v in old.secrets.items() if k in OURS} if old else _fresh()),
        },
        mode=given.mode or (old.mode if old else mode),
        handle=old.handle if old else None,
        state="pending",
        state_text=None,
        connection=old.connection if old else None,
        session_seconds=given.session_seconds or (old.session_seconds if old else 3 * HOUR),
        groups=given.groups or (old.groups if old else "ignore"),
        when_unknown=given.when_unknown or (old.when_unknown if old else "operator"),
        presence=given.presence or (old.presence if old else "all"),
    )
    return new if old is None or _identity(old) == _identity(new) else _with_no_handle(new)


def _fresh() -> dict[str, str]:
    return {"webhookSecret": ids.path_secret(), "headerSecret": ids.path_secret()}


def _with_no_handle(one: Integration) -> Integration:
    return replace(one, handle=None, connection=None)


def _unmasked(channel: str, name: str, value: str | None, before: str | None) -> str | None:
    """A secret that comes back as its mask is the old one."""
    if value is None or name not in SECRETS[channel] or not value.startswith(MASK):
        return value
    if value != mask(before):
        raise Invalid(f"{name} is a mask, not the secret; send the whole secret.", field=name)
    return before


def _identity(one: Integration) -> tuple[str | None, ...]:
    values = {**one.settings, **one.secrets}
    # A Telegram token is "bot id:secret"; the bot stays the same when its token is renewed.
    return tuple((values.get(name) or "").split(":")[0] if name == "botToken" else values.get(name)
                 for name in IDENTITY[one.channel])


async def register(hub: Hub, one: Integration) -> str | None:
    """Point the network at our webhook and note the outcome; return the network's words if it refused."""
    one = await _headed(hub, one)
    try:
        handle = await hub.channels[one.channel].register(link_of(one, hub.settings))
    except ChannelError as e:
        await integrations.set_state(hub.db, one.account_id, one.id, "not_registered", str(e))
        return told(
            "The webhook is not registered yet. %(network)s says: %(words)s", network=NAMES[one.channel],
            words=told(str(e)),
        )
    await integrations.set_state(hub.db, one.account_id, one.id, "registered", None, handle)
    if one.secrets.get("pathUntil") == FOREVER:
        # What is under way, or sent again, still shows the old one.
        await _headed(hub, one, str(time.time() + FORMER))
    return None


async def _headed(hub: Hub, one: Integration, until: str = FOREVER) -> Integration:
    """The integration with a header secret of its own. One that was registered before there was one goes on being
    understood until its network has taken the new one."""
    if "headerSecret" in one.secrets and until == FOREVER:
        return one
    async with hub.db.transaction() as tx:
        row = await integrations.locked(tx, one.account_id, one.client_id, one.channel)
        if row is None or row["id"] != one.id:
            return one
        now = integration_of(row, hub.sealer)
        secrets = {"headerSecret": ids.path_secret(), **now.secrets, "pathUntil": until}
        await integrations.set_secrets(tx, one.account_id, one.id, hub.sealer.seal_map(PLACE, one.id, secrets))
    if until == FOREVER:
        # A call with the new secret must not meet a process that still remembers the integration without it.
        await asyncio.sleep(REMEMBERED)
    return replace(now, secrets=secrets, own_ids=one.own_ids)


async def unregister(hub: Hub, one: Integration) -> str | None:
    """Take our webhook away; return what the network said if it did not let us."""
    channel, link = hub.channels[one.channel], link_of(one, hub.settings)
    if one.greeted and isinstance(channel, Greets):
        try:
            await channel.greet(link, [], [], again=True)
        except ChannelError as e:
            # What is shown harms nobody; calls would go on coming.
            log.warning("what %s shows first for client %s was not taken away: %s", one.channel, one.client_id, e)
    try:
        await channel.unregister(link)
    except ChannelError as e:
        log.warning("%s webhook of client %s not removed: %s", one.channel, one.client_id, e)
        return told("%(network)s still has our webhook: %(words)s", network=NAMES[one.channel], words=told(str(e)))
    return None


async def remove(hub: Hub, account_id: UUID, client_id: UUID, channel: str) -> str | None:
    """Delete an integration; return what the network said if it keeps calling. Raise NotFound."""
    async with hub.db.transaction() as tx:
        if not await clients.touch(tx, account_id, client_id):
            raise NotFound
        row = await integrations.locked(tx, account_id, client_id, channel)
        if row is None:
            raise NotFound(f"The chat client has no {NAMES[channel]} integration.")
        await integrations.remove(tx, account_id, row["id"])
    return await unregister(hub, integration_of(row, hub.sealer))
