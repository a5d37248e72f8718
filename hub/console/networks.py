"""Networks of a place: connected with a token, checked, joined by a code, taken away."""

from aiohttp import web

from hub.accounts.operators import Deed
from hub.chat.clients import integrations, pairing, templates
from hub.chat.clients.integrations import Given
from hub.chat.clients.networks import NAMES, SECRETS
from hub.console.channels import FIELDS, network_state
from hub.console.guard import act, look
from hub.console.page_request import Visit
from hub.errors import Invalid, NotFound
from hub.translations import told

MODES = {"ignore", "mention", "all"}
UNKNOWN = {"operator", "again"}
# What can be chosen of sending here, where there is a choice that people see.
SENDING = {"telegram": {"placeholder_edit", "draft", "reconcile", "at_most_once", "at_least_once"}}
PRESENCE = {"all", "typing", "read", "none"}


async def connect(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../networks/{network}: stored, registered, verified; the network's own words say how it went."""
    id, network = v.id(), _network(v)
    settings: dict[str, str | None] = {}
    for name, label, _, optional in FIELDS[network]:
        text = v.form.get(name)
        if text or not (name in SECRETS[network] or optional):
            settings[name] = text
        if len(text) > 2000:
            raise Invalid(told("%(label)s is too long.", label=label), field=name)
    known = {i.channel: i for i in await integrations.of_client(v.hub, v.account, id)}
    if network not in known:
        for name, label, _, optional in FIELDS[network]:
            if not optional and not settings.get(name):
                raise Invalid(told("%(label)s is missing.", label=label), field=name)
    groups, unknown, presence = v.form.get("groups"), v.form.get("whenUnknown"), v.form.get("presence")
    mode = v.form.get("sendMode")
    deed.object = str(id)
    deed.change = {"network": network, "settings": sorted(k for k, value in settings.items() if value)}
    refused = await integrations.save(
        v.hub, v.account, id, Given(
            network, settings, mode=mode if mode in SENDING.get(network, ()) else None,
            groups=groups if groups in MODES else None,
            when_unknown=unknown if unknown in UNKNOWN else None, presence=presence if presence in PRESENCE else None,
        ), lambda now: v.unchanged(*network_state(now)),
    )
    if refused:
        return v.to(_place(v), refused)
    _, words = await pairing.check(v.hub, v.account, id, network)
    note = await templates.opener(v.hub, v.account, id, network)
    said = (f"{NAMES[network]}: {v.words.say(words)}", v.words.say(note or ""))
    return v.to(_place(v), " ".join(s for s in said if s))


async def check(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../networks/{network}/check: credentials and webhook, put right where that is possible."""
    id, network = v.id(), _network(v)
    deed.object, deed.change = str(id), {"network": network}
    fine, words = await pairing.check(v.hub, v.account, id, network)
    if not fine:
        refused = await pairing.repair(v.hub, v.account, id, network)
        words = refused or (await pairing.check(v.hub, v.account, id, network))[1]
    return v.to(_place(v), f"{NAMES[network]}: {v.words.say(words)}")


async def disconnect(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../networks/{network}/delete"""
    id, network = v.id(), _network(v)
    deed.object, deed.change = str(id), {"network": network}
    said = await integrations.remove(v.hub, v.account, id, network)
    return v.to(_place(v), said or told("%(network)s is disconnected.", network=NAMES[network]))


async def join(v: Visit) -> web.StreamResponse:
    """GET .../networks/{network}/code: the code to scan, and the next ones."""
    network = _network(v)
    await pairing.one(v.hub, v.account, v.id(), network)
    if not pairing.pairs(v.hub, network):
        raise NotFound(told("%(network)s has no code to scan.", network=NAMES[network]))
    return await v.page("pair.html", id=v.id(), label=NAMES[network])


def _network(v: Visit) -> str:
    name = v.request.match_info["network"]
    if name not in FIELDS:
        raise NotFound
    return name


def _place(v: Visit) -> str:
    return f"/console/channels/{v.id()}"


def routes() -> list[web.RouteDef]:
    one = "/console/channels/{id}/networks/{network}"
    return [
        act(one, "channel.connected", connect), act(one + "/check", "channel.checked", check),
        act(one + "/delete", "channel.disconnected", disconnect), look(one + "/code", join, "channel"),
    ]
