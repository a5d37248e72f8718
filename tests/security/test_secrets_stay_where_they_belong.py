"""A stored secret never goes to an address that it was not given for: every kind, every door."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from hub.accounts.keys import grant
from tests.api.conftest import Answer, Api, keys_of
from tests.console.conftest import Desk, signed_in
from tests.contract.conftest import Place, place  # noqa: F401 - a fixture

Json = dict[str, Any]
SECRET = "sk-a-secret-of-the-house-tail"
MASKED = "***tail"
HOME = "https://home.example:8443"
GATEWAYS = "/api/v1/ai-gateways"
MOVES = {"host": "https://evil.example:8443", "port": "https://home.example:9443", "scheme": "http://home.example:8443"}
SETTINGS = {"public_url": "http://127.0.0.1:9"}  # the browser of a test takes no secure cookie
pytestmark = pytest.mark.asyncio(loop_scope="module")


class Kind(NamedTuple):
    """make: stores the secret with an address. move: sends the address, with the secret, its mask or nothing."""

    field: str
    make: Callable[[Api, str], Awaitable[str]]
    move: Callable[[Api, str, str, str | None], Awaitable[Answer]]


@pytest_asyncio.fixture(loop_scope="module")
async def api(place: Place) -> AsyncIterator[Api]:  # noqa: F811
    found = Api(place.hub, place.url, *await keys_of(place.hub), place.http)
    # Whoever may change an address need not be somebody who may see the secret.
    found.key = await grant(place.hub.db, found.account, "member", None, role="member")
    place.provider.refusal = None
    yield found


@pytest_asyncio.fixture(loop_scope="module")
async def desk(api: Api) -> AsyncIterator[Desk]:
    found = await signed_in(api, "admin")
    yield found
    await found.http.close()


def _gateway(build: Callable[[str, str | None], Json], field: str) -> Kind:
    """A parameter of a gateway; build: the parameters for an address and what is sent of the secret."""

    async def make(api: Api, url: str) -> str:
        return await api.gateway(**{"modelName": "m", **build(url, SECRET)})

    async def move(api: Api, id: str, url: str, sent: str | None) -> Answer:
        return await api.call("PATCH", f"{GATEWAYS}/{id}", {"parameters": build(url, sent)})

    return Kind(field, make, move)


def _key(url: str, sent: str | None) -> Json:
    return {"baseAddress": f"{url}/v1", **({"apiKey": sent} if sent else {})}


def _settings(url: str, sent: str | None) -> Json:
    return {"baseAddress": f"{url}/v1", **({"additionalSettings": {"token": sent}} if sent else {})}


def _fallback(url: str, sent: str | None) -> Json:
    key = {"apiKey": sent} if sent else {"apiKey": MASKED}
    return {"fallbackModels": [{"modelName": "n", "baseAddress": f"{url}/v1", **key}]}


def _near(url: str, sent: str | None) -> Json:
    """A fallback that is asked where the first model is."""
    others = {"fallbackModels": [{"modelName": "n", "apiKey": sent}]} if sent else {}
    return {"baseAddress": f"{url}/v1", **others}


def _deployment(url: str, sent: str | None) -> Json:
    there = {"baseAddress": f"{url}/v1", "apiKey": sent or MASKED}
    return {"baseAddress": "https://first.example/v1", "deployments": [there]}


def _second(url: str, sent: str | None) -> Json:
    """Another key for where the first model is."""
    others = {"deployments": [{"apiKey": sent}]} if sent else {}
    return {"baseAddress": f"{url}/v1", **others}


def _team(url: str, sent: str | None) -> Json:
    return {"baseAddress": f"{url}/v1", **({"providerHeaders": {"X-Team": sent}} if sent else {})}


def _function(url: str, sent: str | None) -> Json:
    one = {"name": "order", "description": "d", "callbackUrl": f"{url}/f", "headers": {"X-Key": sent or MASKED}}
    return {"protocolFunctions": [one]}


def _source(name: str) -> Callable[[str, str | None], Json]:
    return lambda url, sent: {name: [{"name": "s", "url": f"{url}/s", "headers": {"X-Key": sent or MASKED}}]}


async def _skill(api: Api, url: str) -> str:
    sent = {"slug": "s", "instructions": "i", "options": _options(url, SECRET)}
    return str((await api.ok("POST", "/api/v1/skills", sent))["data"]["id"])


def _options(url: str, sent: str | None) -> Json:
    return {"instructionSources": [{"name": "s", "url": f"{url}/s", "headers": {"X-Key": sent or MASKED}}]}


async def _skill_moved(api: Api, id: str, url: str, sent: str | None) -> Answer:
    return await api.call("PUT", f"/api/v1/skills/{id}", {"options": _options(url, sent)})


def _evolution(url: str, sent: str | None) -> Json:
    given = {"endpointUrl": url, "instanceName": "shop", "apiKey": sent or MASKED}
    return {"integrationType": "EvolutionApi", "integrations": {"evolutionIntegration": given}}


async def _server(api: Api, url: str) -> str:
    id = await api.client()
    await api.ok("PUT", f"/api/v1/web-chat-client/{id}/integrations", _evolution(url, SECRET))
    return id


async def _server_moved(api: Api, id: str, url: str, sent: str | None) -> Answer:
    return await api.call("PUT", f"/api/v1/web-chat-client/{id}/integrations", _evolution(url, sent))


def _flow(url: str, sent: str | None) -> Json:
    given = {"method": "POST", "url": f"{url}/hook", "headers": {"X-Key": sent or MASKED}, "json": {"a": 1}}
    return {"name": "w", "steps": [{"id": "call", "type": "http", "with": given}]}


async def _workflow(api: Api, url: str) -> str:
    return str((await api.call("POST", "/v1/workflows", _flow(url, SECRET))).body["id"])


async def _workflow_moved(api: Api, id: str, url: str, sent: str | None) -> Answer:
    return await api.call("PUT", f"/v1/workflows/{id}", _flow(url, sent))


async def _hook(api: Api, url: str) -> str:
    return str((await api.call("POST", "/v1/webhooks", {"url": f"{url}/hook"})).body["id"])


async def _hook_moved(api: Api, id: str, url: str, sent: str | None) -> Answer:
    given = {"url": f"{url}/hook", **({"secret": sent} if sent else {})}
    return await api.call("PATCH", f"/v1/webhooks/{id}", given)


KINDS: dict[str, Kind] = {
    "the key of a gateway": _gateway(_key, "parameters.apiKey"),
    "the additional settings of a gateway": _gateway(_settings, "parameters.additionalSettings"),
    "the key of a fallback": _gateway(_fallback, "parameters.fallbackModels.0.apiKey"),
    "the key of a fallback beside the first model": _gateway(_near, "parameters.fallbackModels"),
    "the key of a deployment": _gateway(_deployment, "parameters.deployments.0.apiKey"),
    "the key of a deployment beside the first model": _gateway(_second, "parameters.deployments"),
    "headers for the provider": _gateway(_team, "parameters.providerHeaders"),
    "headers of a function": _gateway(_function, "parameters.protocolFunctions.0.headers.X-Key"),
    "headers of an MCP source": _gateway(_source("mcpSources"), "parameters.mcpSources.0.headers.X-Key"),
    "headers of an instruction source": _gateway(
        _source("systemInstructionsSources"), "parameters.systemInstructionsSources.0.headers.X-Key"
    ),
    "headers of a source of a skill": Kind("options.instructionSources.0.headers.X-Key", _skill, _skill_moved),
    "the key of an Evolution server": Kind("apiKey", _server, _server_moved),
    "headers of a step of a workflow": Kind("/steps/0/with/headers/X-Key", _workflow, _workflow_moved),
    "the secret of a webhook": Kind("secret", _hook, _hook_moved),
}
# Those where nothing is sent; the others say that the secret stays by sending its mask.
LEFT_OUT = (
    "the key of a gateway", "the additional settings of a gateway", "headers for the provider",
    "the secret of a webhook",
)
BESIDE = ("the key of a fallback beside the first model", "the key of a deployment beside the first model")


@pytest.mark.parametrize("kind", KINDS)
async def test_secret_stays_when_the_address_moves(api: Api, kind: str) -> None:
    one = KINDS[kind]
    id = await one.make(api, HOME)
    for what, url in MOVES.items():
        for sent in (None, MASKED) if kind in LEFT_OUT else (None,):
            got = await one.move(api, id, url, sent)
            assert got.status == 400, (what, got.status, got.body)
            if sent is None:
                assert one.field in str(got.body)
    assert (await one.move(api, id, "https://evil.example", SECRET)).status == 200


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in BESIDE])
async def test_secret_stays_where_it_is_when_only_the_path_changes(api: Api, kind: str) -> None:
    one = KINDS[kind]
    id = await one.make(api, HOME)
    assert (await one.move(api, id, "https://Home.example:8443/deeper", None)).status == 200


async def test_a_model_elsewhere_does_not_get_the_additional_settings(api: Api) -> None:
    id = await api.gateway(baseAddress=f"{HOME}/v1", modelName="m", additionalSettings={"token": SECRET})
    evil = [{"modelName": "n", "baseAddress": "https://evil.example/v1", "apiKey": "k"}]
    for name in ("fallbackModels", "deployments"):
        got = await api.call("PATCH", f"{GATEWAYS}/{id}", {"parameters": {name: evil}})
        assert (got.status, "parameters.additionalSettings" in got.said) == (400, True)
        whole = {name: evil, "additionalSettings": {"token": MASKED}}
        assert (await api.call("PATCH", f"{GATEWAYS}/{id}", {"parameters": whole})).status == 400


async def test_a_mask_of_one_entry_does_not_open_another(api: Api) -> None:
    """Two sources, one of them the attacker's: the house's mask in the attacker's entry is refused."""
    id = await api.gateway(**_source("mcpSources")(HOME, SECRET))
    house = {"name": "s", "url": f"{HOME}/s", "headers": {"X-Key": MASKED}}
    theirs = {"name": "s", "url": "https://evil.example/s", "headers": {"X-Key": MASKED}}
    got = await api.call("PATCH", f"{GATEWAYS}/{id}", {"parameters": {"mcpSources": [house, theirs]}})
    assert (got.status, "mcpSources.1.headers.X-Key" in got.said) == (400, True)


async def test_an_import_of_skills_does_not_move_a_header(api: Api) -> None:
    await _skill(api, HOME)
    line = {"slug": "S", "instructions": "i", "options": _options("https://evil.example", None)}
    got = await api.call("POST", "/api/v1/skills/management/import", line)
    assert got.body["errors"][0]["error"].startswith("options.instructionSources.0.headers.X-Key was a mask")
    [one] = await api.ok("GET", "/api/v1/skills")
    shown = await api.ok("GET", f"/api/v1/skills/{one['id']}")
    assert shown["options"]["instructionSources"][0]["headers"] == {}


@pytest.mark.parametrize("move", MOVES)
async def test_the_console_keeps_a_key_from_moving(api: Api, desk: Desk, move: str) -> None:
    id = await api.gateway(baseAddress=f"{HOME}/v1", modelName="m", apiKey=SECRET)
    fields = {"name": "Bot", "answers": "model", "modelName": "m", "apiKey": "", "results": "8"}
    got = await desk.post(f"/console/bots/{id}", baseAddress=f"{MOVES[move]}/v1", **fields)
    assert (got.status, "Api key must be sent" in got.text) == (400, True)
    assert (await desk.post(f"/console/bots/{id}", baseAddress=f"{HOME}/v2", **fields)).status == 303


async def test_the_console_drops_a_key_with_the_model_it_was_for(api: Api, desk: Desk) -> None:
    """Away to the hub's own model and back elsewhere would be a way around."""
    id = await api.gateway(baseAddress=f"{HOME}/v1", modelName="m", apiKey=SECRET)
    fields = {"name": "Bot", "modelName": "m", "apiKey": "", "results": "8"}
    assert (await desk.post(f"/console/bots/{id}", answers="hub", **fields)).status == 303
    assert (await desk.post(f"/console/bots/{id}", answers="model", baseAddress=MOVES["host"], **fields)).status == 303
    assert (await api.ok("GET", f"{GATEWAYS}/{id}"))["parameters"]["apiKey"] is None


async def test_an_integrated_model_is_no_way_around_in_the_api(api: Api) -> None:
    id = await api.gateway(baseAddress=f"{HOME}/v1", modelName="m", apiKey=SECRET)
    got = await api.call("PATCH", f"{GATEWAYS}/{id}", {"parameters": {"baseAddress": "@integrated"}})
    assert (got.status, "parameters.apiKey" in got.said) == (400, True)


@pytest.mark.parametrize("move", MOVES)
async def test_the_console_keeps_the_key_of_a_server_from_moving(api: Api, desk: Desk, move: str) -> None:
    id = await _server(api, HOME)
    page = f"/console/channels/{id}/networks/evolution"
    got = await desk.post(page, endpointUrl=MOVES[move], instanceName="shop", apiKey="")
    assert (got.status, "Api key must be sent" in got.text) == (400, True)


async def test_agents_over_mcp_change_no_address(api: Api) -> None:
    await api.gateway(baseAddress=f"{HOME}/v1", modelName="m", apiKey=SECRET)
    await api.ok("POST", "/api/v1/collections", {"collectionName": "Shop"})
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    got = await api.call("POST", "/mcp", asked, headers=headers)
    body = got.events()[-1] if isinstance(got.body, str) else got.body
    names = [t["name"] for t in body["result"]["tools"]]
    assert names and all(n.startswith(("search_", "ask_")) for n in names)
