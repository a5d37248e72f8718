"""An account that has one of everything, with secrets planted wherever one can be kept; and every GET there is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub.api.app import ROUTES, build_app
from hub.api.http.operation import Route, operation_of
from hub.chat.clients.integrations import of_client
from hub.chat.inbound.intake import Intake
from tests.api.conftest import Api
from tests.contract.town import Settlers, settled

Json = dict[str, Any]
GETS = [r for r in ROUTES if r.method == "GET"]
BASE = "/api/v1"
# What names a thing on a page of the console.
CONSOLE = {
    "bots": "ai-gateways", "channels": "web-chat-client", "knowledge": "collections", "inbox": "sessions",
    "schedules": "schedules", "campaigns": "campaigns", "deliveries": "deliveries", "why": "messages",
}
QUERIES = {
    "/shell/io/": "path=/canary.txt", "/hook-schedules/preview": "every=every+day+at+9:00",
    "/console/search": "q=shop", "/api/v1/models": "type=llm",
}


@dataclass
class House:
    """secrets: what nobody below admin may see, by what it is."""

    api: Api
    known: Settlers
    secrets: dict[str, str]

    def path(self, template: str) -> str:
        """An address with what is there in the place of its variables."""
        names = re.findall(r"\{(\w+)[^}]*\}", template)
        plain = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", template)
        if plain.startswith("/console/"):
            kind = CONSOLE.get(plain.split("/")[2], "")
            found = {"id": self.known.known.get(kind, str(UUID(int=7))), "network": "telegram"}
            found |= dict.fromkeys(set(names) - set(found), str(UUID(int=7)))
        else:
            found = {n: str(UUID(int=7)) for n in names} | self.known.path(plain, dict.fromkeys(names, ""))
        query = next((q for part, q in QUERIES.items() if part in plain), "")
        return plain.format(**{"token": "none", "name": "none", **found}) + (f"?{query}" if query else "")


async def built(api: Api) -> House:
    known = await settled(api)
    secrets = await _planted(api, known)
    return House(api, known, secrets)


async def _planted(api: Api, known: Settlers) -> dict[str, str]:
    found: dict[str, str] = {}

    def new(what: str) -> str:
        found[what] = f"canary-{what.replace(' ', '-')}-{len(found)}-0123456789"
        return found[what]

    source = {"name": "s", "url": f"https://x.example/s?token={new('query of a source')}"}
    flow = {
        "url": f"https://x.example/h?token={new('query of a step')}", "headers": {"X-Key": new("header of a step")},
    }
    gateway = {
        "apiKey": new("key of a gateway"), "modelName": "m", "baseAddress": "https://x.example/v1",
        "fallbackModels": [{"modelName": "n", "apiKey": new("key of a fallback")}],
        "deployments": [{"weight": 2, "apiKey": new("key of a deployment")}],
        "providerHeaders": {"X-Team": new("header for the provider")},
        "additionalSettings": {"deep": [{"token": new("additional setting")}]},
        "workerScriptSource": f"https://x.example/w?token={new('query of a worker')}",
        "protocolFunctionSources": [f"https://x.example/f?token={new('query of functions')}"],
        "protocolFunctions": [{
            "name": "order", "description": "d", "headers": {"X-Key": new("header of a function")},
            "callbackUrl": f"https://x.example/o?token={new('query of a function')}",
        }],
        "mcpSources": [{**source, "headers": {"X-Key": new("header of an MCP source")}}],
        "systemInstructionsSources": [{**source, "headers": {"X-Key": new("header of an instruction source")}}],
    }
    id = known.known["ai-gateways"]
    await api.ok("PATCH", f"{BASE}/ai-gateways/{id}", {"parameters": gateway})
    options = {"instructionSources": [{**source, "headers": {"X-Key": new("header of a skill")}}]}
    await api.ok("PUT", f"{BASE}/skills/{known.known['skills']}", {"options": options})
    steps = [{"id": "a", "type": "http", "with": flow}]
    await api.call("PUT", f"/v1/workflows/{known.known['/v1/workflows']}", {"name": "w", "steps": steps})
    hook = {"url": f"https://example.com/?token={new('query of a webhook')}"}
    assert (await api.call("PATCH", f"/v1/webhooks/{known.known['/v1/webhooks']}", hook)).status == 200
    client, session = known.known["web-chat-client"], known.known["sessions"]
    place = {"contextLocation": f"https://x.example/c?token={new('query of a context')}"}
    await api.ok("PATCH", f"{BASE}/web-chat-client/{client}/sessions/{session}", place)
    for sent in _networks(new):
        await api.ok("PUT", f"{BASE}/web-chat-client/{client}/integrations", sent)
    found |= await _made(api, known)
    await _file(api)
    return found


def _networks(new: Any) -> Iterator[Json]:
    given = {"endpointUrl": "https://evo.example", "instanceName": "shop", "apiKey": new("key of Evolution")}
    yield {"integrationType": "EvolutionApi", "integrations": {"evolutionIntegration": given}}
    given = {"phoneNumberId": "55", "apiKey": new("key of Kapso"), "webhookSecretKey": new("secret of Kapso")}
    yield {"integrationType": "Kapso", "integrations": {"kapsoIntegration": given}}
    given = {"instanceId": "55", "instanceToken": new("token of Z-API"), "clientToken": new("second token of Z-API")}
    yield {"integrationType": "Zapi", "integrations": {"zapiIntegration": given}}
    token = "7:" + new("token of Telegram")
    yield {"integrationType": "Telegram", "integrations": {"telegramIntegration": {"botToken": token}}}


async def _made(api: Api, known: Settlers) -> dict[str, str]:
    """What the hub itself has made, as an owner sees it."""
    client = known.known["web-chat-client"]
    found = {"the salt": (await api.ok("GET", f"{BASE}/accounts/api-key"))["salt"]}
    for one in await of_client(api.hub, api.account, UUID(client)):
        found[f"the path's secret of {one.channel}"] = one.secrets["webhookSecret"]
        found[f"the header's secret of {one.channel}"] = one.secrets["headerSecret"]
    bot = await api.call("GET", f"/v1/chatbots/{known.known['/v1/chatbots']}")
    found["an embed key"] = bot.body["embed_key"]
    found["a session's key"] = known.known["chat-clients"]
    return found


async def _file(api: Api) -> None:
    headers = {"X-Shell-User-Id": "ana"}
    path = f"{BASE}/shell/io/file?path=/canary.txt"
    await api.ok("POST", path, data=b"what is in a file", headers=headers)


def pages(api: Api) -> list[str]:
    """Addresses that answer GET beside the endpoints: the console's pages and the public ones."""
    described = {r.path for r in ROUTES}
    app = build_app(api.hub, Intake(api.hub.db, api.hub.queue))
    found = {r.resource.canonical for r in app.router.routes() if r.method == "GET" and r.resource}
    return sorted(p for p in found if p not in described)


def capable(route: Route) -> bool:
    """Whether its address is a credential itself."""
    return operation_of(route).auth == "none" or "{key}" in route.path or "{token}" in route.path
