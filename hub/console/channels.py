"""Places where bots talk: chat clients with their looks, limits, networks and the snippet for a website."""

from collections.abc import Sequence

from aiohttp import web
from pydantic import ValidationError

from hub.accounts import gateways
from hub.accounts.operators import Deed
from hub.accounts.value_types import mask
from hub.api.http import pagination
from hub.chat import timespan
from hub.chat.clients import clients, integrations, pairing, sessions, templates
from hub.chat.clients.networks import NAMES, OTHERS, SECRETS
from hub.chat.clients.parameters import ClientParameters, LimitingParameters
from hub.chat.clients.sessions import Wanted
from hub.console.guard import act, look
from hub.console.page_request import Form, Visit, mark
from hub.domain import Client, Integration, Json
from hub.errors import Invalid
from hub.pydantic_base import invalid
from hub.store import dashboard
from hub.translations import told

PAGE = 50
# Between the label of a suggestion and what it says.
PARTED = " | "
PREVIEW = 86400.0
# What people are asked for, by network: name of the setting, label, hint, whether it may be left out.
FIELDS: Json = {
    "telegram": [("botToken", told("Bot token"), told("123456:ABC… from @BotFather"), False)],
    "zapi": [
        ("instanceId", told("Instance id"), "", False), ("instanceToken", told("Instance token"), "", False),
        ("clientToken", told("Account security token"), told("if you have activated it"), True),
    ],
    "evolution": [
        ("endpointUrl", told("Address of the server"), "https://evolution.example.com", False),
        ("instanceName", told("Name of the instance"), "", False), ("apiKey", told("API key"), "", False),
    ],
    "kapso": [
        ("apiKey", told("API key"), "", False), ("phoneNumberId", told("Phone number id"), "", False),
        ("webhookSecretKey", told("Webhook secret"), told("a word of your choice"), True),
        ("continuedMessagesTemplateId", told("Template after 24 hours"), "", True),
    ],
    **{one.name: [(s.name, s.label, s.hint, s.optional) for s in one.asks] for one in OTHERS.values()},
}
NOTES = {
    "telegram": told("Write /newbot to @BotFather in Telegram and paste the token here; the rest happens by itself."),
    "zapi": told("Copy the ids from the instance's page at Z-API, and read its QR code with the phone there."),
    "evolution": told("The name and key of an instance of your Evolution server. The QR code then appears here."),
    "kapso": told("From your project at Kapso: WhatsApp's official API."),
    **{one.name: one.note for one in OTHERS.values()},
}


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/channels"""
    after = pagination.read(v.asked("after")) if v.asked("after") else None
    rows = await dashboard.clients(v.db, v.account, after, PAGE + 1)
    more = f"/console/channels?after={pagination.write(rows[PAGE - 1]['id'])}" if len(rows) > PAGE else ""
    bots = await gateways.listed(v.db, v.account)
    return await v.page("channels.html", places=rows[:PAGE], more=more, bots=bots)


async def create(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/channels"""
    name = _named(v.form)
    deed.change = {"name": name}
    id = await clients.add(
        v.db, v.account, name, v.form.id("gateway"), LimitingParameters(), ClientParameters(page_title=name[:200])
    )
    return v.to(f"/console/channels/{id}", "The place is made. Connect a network, or put it on your website.")


async def view(v: Visit) -> web.StreamResponse:
    """GET /console/channels/{id}"""
    found = await clients.view(v.hub, v.account, v.id())
    linked = {s.integration.channel: s for s in found.integrations}
    networks = [_network(v, name, linked.get(name)) for name in FIELDS]
    bots = await gateways.listed(v.db, v.account)
    chosen = found.client.gateway_id
    if chosen is not None and chosen not in [b["id"] for b in bots]:  # one of a chatbot's own
        own = await gateways.load(v.db, v.hub.sealer, v.account, chosen)
        bots.append({"id": own.id, "name": own.name})
    p = {**ClientParameters().stored(), **found.client.parameters}
    limits = {**LimitingParameters().stored(), **found.client.limits}
    wait = timespan.exact(p["messageDebounceInterval"]) if p["messageDebounceInterval"] else 0.0
    return await v.page(
        "channel.html", one=found.client, p=p, version=_version(found.client), limits=limits, networks=networks,
        bots=bots, wait=f"{wait:.10g}", suggestions=[_line(b) for b in p["suggestionButtons"]],
        asked=[asked_line(f) for f in p["preChat"]],
    )


def _version(client: Client) -> str:
    return mark(*_state(client))


def _state(client: Client) -> tuple[object, ...]:
    return client.name, client.gateway_id, client.parameters, client.limits


def network_state(one: Integration | None) -> tuple[object, ...]:
    """What a network's form shows; nothing while it is not connected."""
    return (one.settings, one.secrets, one.groups, one.when_unknown, one.presence, one.mode) if one else ()


def _line(button: Json) -> str:
    """A suggestion as a line of a form."""
    label, prompt = (" ".join(str(button[n]).split()) for n in ("label", "prompt"))
    return prompt if label == prompt[:200] and PARTED not in prompt else f"{label}{PARTED}{prompt}"


def _button(line: str) -> Json:
    label, _, prompt = (p.strip() for p in line.partition(PARTED.strip()))
    return {"label": (label or prompt)[:200], "prompt": prompt or label}


def _network(v: Visit, name: str, seen: integrations.Seen | None) -> Json:
    one = seen.integration if seen else None
    known = {**one.settings, **{k: mask(x) for k, x in one.secrets.items()}} if one else {}
    fields = [
        {
            "name": n, "label": label, "hint": hint, "optional": optional, "secret": n in SECRETS[name],
            "value": known.get(n),
        }
        for n, label, hint, optional in FIELDS[name]
    ]
    return {
        "version": mark(*network_state(one)),
        "name": name, "label": NAMES[name], "note": NOTES[name], "fields": fields, "one": one,
        "webhook": seen.webhook_url if seen and v.who.may("secrets") else None, "pairs": pairing.pairs(v.hub, name),
        "templates": templates.lists(v.hub, name),
    }


async def edit(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/channels/{id}"""
    id, f = v.id(), v.form
    before = await clients.load(v.db, v.account, id)
    wanted = looks(f, before.parameters.get("suggestionButtons") or (), before.parameters.get("preChat") or ())
    limits = {name: int(f.number(name, 0, 1e6) or 0) for name in ("messagesPerHour", "maxMessages")}
    given: Json = {
        "name": _named(f), "aiGatewayId": f.id("gateway"), "clientParameters": wanted, "limitingParameters": limits,
    }
    deed.changed(
        {"name": before.name, "gateway": str(before.gateway_id), **before.parameters, **before.limits},
        {"name": given["name"], "gateway": str(given["aiGatewayId"]), **wanted, **limits},
    )
    try:
        await clients.edit(v.db, v.account, id, given, lambda now: v.unchanged(*_state(now)))
    except ValidationError as e:
        raise invalid(e) from None
    return v.to(f"/console/channels/{id}", "Saved.")


def looks(f: Form, suggestions: Sequence[Json] = (), before: Sequence[Json] = ()) -> Json:
    """A form's fields as the documented parameters; of `suggestions`, and of the form before a chat, stay those whose
    lines nobody has changed."""
    kept = {_line(b): b for b in suggestions}
    lines = [line.strip() for line in f.get("suggestions").splitlines() if line.strip(" \t|")]
    origins = f.get("origins").replace(",", " ").split()
    wait = f.number("debounce", 0, 86400) or 0.0
    return {
        "pageTitle": f.get("pageTitle") or "Chat Assistant", "helloLabel": f.get("helloLabel") or None,
        "helloSubLabel": f.get("helloSubLabel") or None, "primaryColor": f.get("primaryColor") or "#6366f1",
        "languageCode": f.get("languageCode") or None, "timeZone": f.get("timeZone") or None,
        "suggestionButtons": [kept.get(line) or _button(line) for line in lines],
        "allowedFrameOrigins": origins, "inputModes": [m for m in f.all("mode") if m in ("Image", "Document", "Audio")],
        "messageDebounceInterval": timespan.text(wait) if wait else None,
        "allowScheduledContinuations": "yes" in f.all("schedules"),
        "splitAnswerIntoMessageChunks": "yes" in f.all("chunks"),
        **({"acknowledgement": sign} if (sign := f.get("acknowledgement")) else {}),
        **({"preChat": pre_chat(f.get("preChat"), before)} if "preChat" in f.fields else {}),
        **({"allowedMediaOrigins": f.get("media").replace(",", " ").split()} if "media" in f.fields else {}),
    }


def pre_chat(text: str, before: Sequence[Json] = ()) -> list[Json]:
    """The fields of the form before a chat, a line each: "Name*", "E-mail* | email". Of `before` stay those whose lines
    nobody has changed, with the names under which they are kept. Pure."""
    kept, found = {asked_line(f): f for f in before}, list[Json]()
    lines = [line for one in text.splitlines() if (line := " ".join(one.split()))]
    taken = {kept[line]["name"] for line in lines if line in kept}
    for line in lines:
        if (same := kept.pop(line, None)) is not None:
            found.append(same)
            continue
        label, _, kind = (part.strip() for part in line.partition("|"))
        kind = kind.lower() or "text"
        name, place = kind if kind != "text" else "name", len(found) + 1
        while name in taken:
            name, place = f"field{place}", place + 1
        taken.add(name)
        found.append({"name": name, "label": label.rstrip("*").strip(), "kind": kind, "required": label.endswith("*")})
    return found


def asked_line(f: Json) -> str:
    """A field of the form before a chat as a line of a form."""
    label = " ".join(str(f["label"]).split())
    return f"{label}{'*' if f['required'] else ''}" + (f" | {f['kind']}" if f["kind"] != "text" else "")


async def remove(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/channels/{id}/delete"""
    deed.object = str(v.id())
    said = await clients.remove(v.hub, v.account, v.id())
    return v.to("/console/channels", " ".join(v.words.say(s) for s in (told("The place is deleted."), said) if s))


async def preview(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/channels/{id}/preview: a conversation of one's own, as a visitor sees it."""
    deed.object = str(v.id())
    tag = f"preview-{v.who.id}"
    opened = await sessions.open(v.hub, v.account, v.id(), Wanted(tag, None, None, None, PREVIEW))
    address = f"/chat/{opened.access_key}"
    return v.part("preview.html", address=address) if v.partial else v.to(address)


def _named(form: Form) -> str:
    name = form.get("name")
    if not 0 < len(name) <= 200:
        raise Invalid("name must have 1 to 200 characters.", field="name")
    return name



def routes() -> list[web.RouteDef]:
    one = "/console/channels/{id}"
    return [
        look("/console/channels", listed), look(one, view), act("/console/channels", "channel.created", create),
        act(one, "channel.changed", edit), act(one + "/delete", "channel.deleted", remove),
        act(one + "/preview", "channel.previewed", preview),
    ]
