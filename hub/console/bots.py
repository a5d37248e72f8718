"""Bots: AI gateways as people set them up."""

from typing import Any

from aiohttp import web
from pydantic import ValidationError

from hub.accounts import gateways
from hub.accounts.destinations import unqueried
from hub.accounts.gateway_secrets import shown
from hub.accounts.operators import Deed
from hub.accounts.parameters import INTEGRATED, GatewayParameters
from hub.accounts.value_types import RUNTIME_NAMES
from hub.api.http import pagination
from hub.api.http.app_keys import DIRECTORY
from hub.console import bot_rules
from hub.console.guard import act, look
from hub.console.page_request import Form, Visit, mark
from hub.domain import Json
from hub.errors import Invalid
from hub.knowledge import collections
from hub.llm.extractive import MODEL as EXTRACTIVE
from hub.pydantic_base import invalid
from hub.store import dashboard
from hub.translations import told

PAGE = 50
TOOLS = {
    "Remember": told("Remember facts about a person"), "Calendar": told("Keep a calendar for a person"),
    "WebSearch": told("Search the web"), "Choices": told("Offer buttons to choose from"),
    "AskForHuman": told("Call a person when one is needed"),
    "OpenUrl": told("Read pages of the web"), "Code": told("Calculate with code"),
    "Request": told("Call HTTP addresses"),
    "GenerateDocument": told("Make PDF documents"), "GenerateWebPage": told("Make web pages"),
    "ImageGeneration": told("Make pictures"),
}


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/bots"""
    after = pagination.read(v.asked("after")) if v.asked("after") else None
    rows = await dashboard.gateways(v.db, v.account, after, PAGE + 1)
    more = f"/console/bots?after={pagination.write(rows[PAGE - 1]['id'])}" if len(rows) > PAGE else ""
    return await v.page("bots.html", bots=rows[:PAGE], more=more)


async def new(v: Visit) -> web.StreamResponse:
    """GET /console/bots/new"""
    empty = GatewayParameters(base_address=INTEGRATED, model_name=EXTRACTIVE).stored()
    return await _form(v, None, "", empty | {"apiKey": None})


async def view(v: Visit) -> web.StreamResponse:
    """GET /console/bots/{id}"""
    bot = await gateways.load(v.db, v.hub.sealer, v.account, v.id())
    version = mark(bot.name, shown(bot, False))
    return await _form(v, bot.id, bot.name, shown(bot, v.who.may("secrets")), version)


async def _form(v: Visit, id: Any, name: str, p: Json, version: str = "") -> web.StreamResponse:
    found = await collections.every(v.db, v.account)
    return await v.page(
        "bot.html", id=id, name=name, p=p, version=version, own=p["baseAddress"] != INTEGRATED, collections=found,
        tools=TOOLS, models=v.hub.models.integrated, r=bot_rules.fields(p), labels=bot_rules.LABELS,
        on=(p.get("sentinelOptions") or {}).get("enabledFunctions") or [],
    )


async def create(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/bots"""
    name, given = _named(v.form), parameters(v.form)
    if v.form.get("rules"):
        given |= bot_rules.parameters(v.form, ())
    try:
        wanted = GatewayParameters.model_validate(given)
    except ValidationError as e:
        raise invalid(e) from None
    deed.changed({}, {"name": name, **_open(given)})
    id = await gateways.add(v.db, v.hub.sealer, v.hub.outbound.guard, v.account, name, wanted)
    return v.to(f"/console/bots/{id}", "The bot is made. Test the connection, then talk to it.")


async def edit(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/bots/{id}"""
    id, name, given = v.id(), _named(v.form), parameters(v.form)
    bot = await gateways.load(v.db, v.hub.sealer, v.account, id)
    before = shown(bot, False)
    if not given["apiKey"] and given["baseAddress"] != INTEGRATED:
        del given["apiKey"]  # left empty, it stays; the hub's own models need none
    if v.form.get("rules"):
        given |= bot_rules.parameters(v.form, before.get("outputRules") or ())
    options = (before.get("sentinelOptions") or {}) | (given.get("sentinelOptions") or {})
    given["sentinelOptions"] = options
    deed.changed(before, _open(given))
    if given.get("apiKey"):
        deed.change["apiKey"] = "changed"
    await gateways.edit(
        v.db, v.hub.sealer, v.hub.outbound.guard, v.account, id, name, given,
        lambda now: v.unchanged(now.name, shown(now, False)),
    )
    v.request.app[DIRECTORY].forget(v.account)
    return v.to(f"/console/bots/{id}", "Saved.")


async def remove(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/bots/{id}/delete"""
    deed.object = str(v.id())
    await gateways.remove(v.db, v.account, v.id())
    v.request.app[DIRECTORY].forget(v.account)
    return v.to("/console/bots", "The bot is deleted. Places that used it stay, without a bot.")


def parameters(form: Form) -> Json:
    """A form's fields as the documented parameters."""
    own = form.get("answers") == "model"
    known = set(RUNTIME_NAMES) & set(form.all("tool"))
    found: Json = {
        "baseAddress": form.get("baseAddress") if own else INTEGRATED,
        "modelName": form.get("modelName") if own else form.get("integrated") or EXTRACTIVE,
        "apiKey": form.get("apiKey") if own else None,
        "systemInstruction": form.get("systemInstruction") or None,
        "temperature": form.number("temperature", 0, 2),
        "maxCompletionTokens": form.number("maxCompletionTokens", 1, 1_000_000),
        "knowledgeCollections": form.all("collection"),
        "knowledgeBaseMaximumResults": form.number("results", 0, 100) or 0,
        "sentinelOptions": {"enabledFunctions": sorted(known)},
    }
    if found["maxCompletionTokens"] is not None:
        found["maxCompletionTokens"] = int(found["maxCompletionTokens"])
    found["knowledgeBaseMaximumResults"] = int(found["knowledgeBaseMaximumResults"])
    return found


def _named(form: Form) -> str:
    name = form.get("name")
    if not 0 < len(name) <= 200:
        raise Invalid("name must have 1 to 200 characters.", field="name")
    return name


def _open(given: Json) -> Json:
    return {**{k: value for k, value in given.items() if k != "apiKey"}, "baseAddress": unqueried(given["baseAddress"])}


def routes() -> list[web.RouteDef]:
    one = "/console/bots/{id}"
    return [
        look("/console/bots", listed), look("/console/bots/new", new, "bot"), look(one, view),
        act("/console/bots", "bot.created", create), act(one, "bot.changed", edit),
        act(one + "/delete", "bot.deleted", remove),
    ]
