"""From nothing to a bot that answers, in one form: its name, what it is to know, and a network if there is one."""

from aiohttp import web

from hub.accounts import gateways
from hub.accounts.operators import Deed
from hub.accounts.parameters import INTEGRATED, GatewayParameters
from hub.chat.clients import clients, integrations, pairing
from hub.chat.clients.integrations import Given as Network
from hub.chat.clients.networks import NAMES
from hub.chat.clients.parameters import ClientParameters, LimitingParameters
from hub.console.guard import act, look
from hub.console.knowledge import add_files
from hub.console.page_request import Visit
from hub.errors import BadRequest, Invalid
from hub.knowledge import collections
from hub.llm.extractive import MODEL as EXTRACTIVE
from hub.translations import told

PLACE = "/console/start"


async def show(v: Visit) -> web.StreamResponse:
    """GET /console/start"""
    return await v.page("start.html")


async def begin(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/start"""
    name, token = v.form.get("name"), v.form.get("botToken")
    if not 0 < len(name) <= 100:
        raise Invalid("name must have 1 to 100 characters.", field="name")
    if not v.form.files and not v.form.get("text"):
        raise BadRequest("Choose a file, or write what the bot is to know.", field="text")
    deed.change = {"name": name, "files": [f.name for f in v.form.files], "network": "telegram" if token else None}
    collection = await collections.create(v.db, v.account, name, None, None)
    deed.begun = True
    read = await add_files(v, collection)
    gateway = await gateways.add(
        v.db, v.hub.sealer, v.hub.outbound.guard, v.account, name, GatewayParameters.model_validate({
            "baseAddress": INTEGRATED, "modelName": EXTRACTIVE, "knowledgeCollections": [str(collection)],
            "knowledgeBaseMaximumResults": 4,
        }),
    )
    looks = ClientParameters(page_title=name)
    client = await clients.add(v.db, v.account, name, gateway, LimitingParameters(), looks)
    deed.object = str(client)
    said = f"{v.words.say(told('%(name)s is ready.', name=name))} {read}"
    if token:
        refused = await integrations.save(v.hub, v.account, client, Network("telegram", {"botToken": token}))
        words = refused or (await pairing.check(v.hub, v.account, client, "telegram"))[1]
        said += f" {NAMES['telegram']}: {v.words.say(words)}"
    return v.to(f"/console/channels/{client}", said)


def routes() -> list[web.RouteDef]:
    return [look(PLACE, show, "bot"), act(PLACE, "bot.started", begin)]
