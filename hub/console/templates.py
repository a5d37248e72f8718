"""WhatsApp's templates: seen with their states, chosen for a campaign, sent when a contact's 24 hours are over."""

from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web

from channels.templates import Template, best
from hub.accounts.operators import Deed
from hub.chat.clients import clients, integrations, templates
from hub.chat.clients.integrations import Given
from hub.chat.clients.networks import NAMES
from hub.chat.operators import handoff, template_messages
from hub.chat.operators import inbox as operator_inbox
from hub.console.guard import act, look
from hub.console.page_request import Form, Visit
from hub.domain import Json
from hub.errors import Invalid, NotFound
from hub.store import templates as rows
from hub.translations import told

VALUE = "v."


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/channels/{id}/networks/{network}/templates"""
    id, network = v.id(), v.request.match_info["network"]
    if network not in NAMES:
        raise NotFound
    client = await clients.load(v.db, v.account, id)
    found = await templates.of_client(v.hub, v.account, id, network)
    opener = found.integration.settings.get("continuedMessagesTemplateId")
    note = templates.opener_note(found, opener)
    return await v.page(
        "templates.html", place=client, network=network, listed=found, rows=_rows(found.templates), opener=opener,
        note=note,
    )


async def opener(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/channels/{id}/networks/{network}/templates: which one opens a conversation after 24 hours."""
    id, network, name = v.id(), v.request.match_info["network"], v.form.get("template")
    if network not in NAMES:
        raise NotFound
    found = await templates.of_client(v.hub, v.account, id, network)
    if name and (why := templates.opener_note(found, name)):
        raise Invalid(why, field="template")
    deed.object, deed.change = str(id), {"network": network, "template": name}
    given = Given(network, {"continuedMessagesTemplateId": name or None})
    refused = await integrations.save(v.hub, v.account, id, given)
    said = told("%(name)s opens conversations after 24 hours.", name=name)
    said = said if name else told("No template opens conversations after 24 hours.")
    return v.to(f"/console/channels/{id}/networks/{network}/templates", refused or said)


def _rows(found: list[Template]) -> list[Json]:
    return [
        {"t": t, "shown": t.shown({}), "why": t.why_not()}
        for t in sorted(found, key=lambda t: (not t.approved, t.name, t.language))
    ]


async def campaign(v: Visit) -> web.StreamResponse:
    """GET /console/campaigns/template?place=<client>:<network>&template=&language=: chosen, then filled in."""
    places = [
        {"value": f"{row['id']}:{row['channel']}", "name": f"{row['name']}, {NAMES[row['channel']]}"}
        for row in await rows.connected(v.db, v.account, [n for n in NAMES if templates.lists(v.hub, n)])
    ]
    place = v.asked("place") or (places[0]["value"] if len(places) == 1 else "")
    values: Json = {"listed": None, "rows": [], "t": None}
    if place:
        if place not in {p["value"] for p in places}:
            raise NotFound("No such place.")
        client, _, network = place.partition(":")
        values = await _picked(v, await templates.of_client(v.hub, v.account, UUID(client), network))
        values |= {"client": client, "network": network}
    where = "/console/campaigns/template?" + urlencode({"place": place})
    return await v.page("campaign_template.html", places=places, place=place, where=where, **values)


async def compose(v: Visit) -> web.StreamResponse:
    """GET /console/inbox/{id}/template?template=&language="""
    one = await operator_inbox.view(v.db, v.account, v.id())
    values = await _picked(v, await template_messages.offered(v.hub, v.account, v.id()))
    return await v.page("talk_template.html", one=one, where=f"/console/inbox/{v.id()}/template?", **values)


async def _picked(v: Visit, found: templates.Listed) -> Json:
    name, language = v.asked("template"), v.asked("language")
    chosen = best(found.templates, name, language) if name else None
    if name and chosen is None:
        raise NotFound(told("There is no template named %(name)s.", name=name[:100]))
    rows = [r for r in _rows(found.templates) if not r["why"]] if chosen is None else []
    held = [r for r in _rows(found.templates) if r["why"]] if chosen is None else []
    return {"listed": found, "rows": rows, "held": held, "t": chosen, "shown": chosen.shown({}) if chosen else ""}


async def send(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/inbox/{id}/template: to the contact; who does so has taken the conversation over."""
    id, name, language = v.id(), v.form.get("template"), v.form.get("language")
    deed.object, deed.change = str(id), {"template": name}
    one = await operator_inbox.view(v.db, v.account, id)
    if not name or not language:
        raise Invalid("template must be chosen.", field="template")
    await template_messages.say(v.hub, v.account, id, name, language, (), given(v.form), v.once)
    deed.begun = True
    if one["handoff_at"] is None:
        await handoff.switch(v.hub, v.account, None, id, True, v.who.id, v.who.name, ends=True)
    return v.to(f"/console/inbox/{id}", "The template is on its way.")


def given(form: Form) -> dict[str, str]:
    """A template's values by the keys of its slots."""
    return {name.removeprefix(VALUE): form.get(name) for name in form.fields if name.startswith(VALUE)}


def routes() -> list[web.RouteDef]:
    return [
        look("/console/channels/{id}/networks/{network}/templates", listed),
        act("/console/channels/{id}/networks/{network}/templates", "channel.opener_chosen", opener),
        look("/console/campaigns/template", campaign, "campaign"),
        look("/console/inbox/{id}/template", compose, "inbox"),
        act("/console/inbox/{id}/template", "inbox.template_sent", send, repeats=True),
    ]
