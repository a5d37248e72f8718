"""WhatsApp's templates of a chat client: kept a minute, asked for with its own credentials, changed by events."""

import asyncio
import dataclasses
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from channels.base import ChannelError
from channels.templates import MOST, Button, Template, Templated, Unfit, best, changed, filled
from hub.chat.clients import integrations
from hub.chat.clients.link import link_of
from hub.chat.clients.networks import NAMES
from hub.domain import Integration
from hub.errors import Invalid, NotFound
from hub.runtime import Hub
from hub.store import templates
from hub.store.db import Db

Json = dict[str, Any]
KEPT, ASKED = 60.0, 8.0  # seconds that a list is kept, and that a network may take for it
REFUSED = 30.0  # seconds that a network which did not tell is not asked again with the same credentials
STATUS, QUALITY = "meta.message_template_status_update", "meta.message_template_quality_update"


@dataclass(frozen=True, slots=True)
class Listed:
    """at: when the network said so. words: why there are none, or none newer; "" where all is well."""

    integration: Integration
    templates: list[Template]
    at: datetime | None
    words: str = ""


def lists(hub: Hub, channel: str) -> bool:
    """Whether a network has templates at all."""
    return isinstance(hub.channels[channel], Templated)


async def of_client(hub: Hub, account: UUID, client: UUID, channel: str) -> Listed:
    """Raise NotFound where the client is not connected to it, or it has none."""
    linked = await integrations.of_client(hub, account, client)
    one = next((i for i in linked if i.channel == channel), None)
    network = hub.channels[channel]
    if one is None or not isinstance(network, Templated):
        raise NotFound("This chat client is not connected to a network with templates of that name.")
    known = await templates.get(hub.db, account, one.id, KEPT)
    if known and known["fresh"]:
        return _listed(one, [_open(t) for t in known["templates"]], known["read_at"])
    found = await hub.flights.one(("templates", one.id), lambda: _asked(hub, one, network))
    if isinstance(found, str):
        kept = known or {"templates": [], "read_at": None}
        return Listed(one, [_open(t) for t in kept["templates"]], kept["read_at"], found)
    return _listed(one, *found)


async def _asked(hub: Hub, one: Integration, network: Templated) -> tuple[list[Template], datetime | None] | str:
    """What the network lists, kept, and when; or why it tells nothing: that is remembered for a while as well."""
    link = link_of(one, hub.settings)
    with_these = orjson.dumps(sorted(link.settings.items()), default=str)
    name = f"templates:{one.id}:{hmac.digest(hub.sealer.derived('template lists'), with_these, 'sha256').hex()}"
    words = await hub.cache.get(one.account_id, name)
    if words is not None:
        return str(words)
    try:
        async with asyncio.timeout(ASKED):
            found = await network.templates(link)
    except (ChannelError, TimeoutError) as e:
        said = f"{NAMES[one.channel]} says: {e}" if str(e) else f"{NAMES[one.channel]} did not answer in time."
        await hub.cache.put(one.account_id, name, said, REFUSED)
        return said
    at = await templates.keep(hub.db, one.account_id, one.id, [dataclasses.asdict(t) for t in found])
    return found, at


def _listed(one: Integration, found: list[Template], at: datetime | None) -> Listed:
    """What is cut says so: what is not on it may be there all the same."""
    return Listed(one, found, at, f"Only the first {MOST:,} templates are listed." if len(found) >= MOST else "")


def _open(stored: Json) -> Template:
    return Template(**{**stored, "buttons": tuple(Button(**b) for b in stored["buttons"])})


def opener_note(listed: Listed, name: str | None) -> str | None:
    """What is wrong with the template that opens WhatsApp's window for schedules and late answers; None where nothing
    is, or nothing is known. Pure."""
    if not name:
        return None
    found = best(listed.templates, name, None)
    if found is None:
        return None if listed.words else f"The template after 24 hours, {name[:100]}, is none that WhatsApp lists."
    if found.slots:
        return f"The template after 24 hours, {found.name}, has variables, and nothing is there to fill them in."
    return f"The template after 24 hours cannot be sent: {why}" if (why := found.why_not()) else None


async def opener(hub: Hub, account: UUID, client: UUID, channel: str) -> str | None:
    """The same for a client's network, whatever that is."""
    if channel not in hub.channels or not lists(hub, channel):
        return None
    try:
        listed = await of_client(hub, account, client, channel)
    except NotFound:
        return None
    return opener_note(listed, listed.integration.settings.get("continuedMessagesTemplateId"))


async def chosen(
    hub: Hub, account: UUID, client: UUID, channel: str, name: str, language: str | None
) -> Template | None:
    """The template of a name; None where the network could not be asked. Raise Invalid where there is none."""
    listed = await of_client(hub, account, client, channel)
    found = best(listed.templates, name, language)
    if found is not None:
        return found
    if listed.words:
        return None
    others = sorted(t.language for t in listed.templates if t.name == name)
    if others:
        raise Invalid(f"The template {name} is there in {', '.join(others)}, not in {language}.", field="language")
    raise Invalid(f"{NAMES[channel]} has no template named {name[:100]}.", field="template")


def fitted(template: Template, body: Sequence[str], values: Mapping[str, str]) -> Json:
    """A template with its values as it is stored and sent: name, language, fills, and how it reads. Raise Invalid."""
    try:
        fills, by_key = filled(template, body, values)
    except Unfit as e:
        raise Invalid(str(e), field="parameters") from None
    return {
        "template": template.name, "language": template.language, "fills": [dataclasses.asdict(f) for f in fills],
        "preview": template.shown(by_key),
    }


async def heard(db: Db, endpoint: Json, event: str | None, detail: Mapping[str, Any]) -> None:
    """A network says that a template is now another: shown at once, and campaigns that send it stop with its words.
    The same again changes nothing."""
    name, language = detail.get("message_template_name"), detail.get("message_template_language")
    if event not in (STATUS, QUALITY) or not name or not language:
        return
    account, language = endpoint["account_id"], str(language).replace("-", "_")
    status = str(detail.get("event") or "").upper() or None if event == STATUS else None
    quality = str(detail.get("new_quality_score") or "").upper() or None
    reason = str(detail.get("reason") or "") if status else None
    async with db.transaction() as tx:
        for id in await templates.sharing(tx, account, endpoint["id"]):
            stored = [_open(t) for t in await templates.lock(tx, account, id) or []]
            news = [_told(t, str(name), language, status, reason, quality) for t in stored]
            if news != stored:
                await templates.change(tx, account, id, [dataclasses.asdict(t) for t in news])
            now = changed(Template(str(name), language), status=status, reason=reason)
            if status and (why := now.why_not()):
                await templates.halt(tx, account, id, str(name), language, f"Paused by the hub: {why}")


def _told(
    one: Template, name: str, language: str, status: str | None, reason: str | None, quality: str | None
) -> Template:
    if one.name != name or one.language.lower() != language.lower():
        return one
    return changed(one, status=status, reason=reason, quality=quality)


async def refused(db: Db, part: Json, words: str) -> None:
    """The network refuses a template that a campaign sends: nobody else is tried with it."""
    if part.get("turn_id"):
        await templates.halt_by_part(db, UUID(str(part["account_id"])), UUID(str(part["turn_id"])),
                                     f"Paused by the hub: {words}")
