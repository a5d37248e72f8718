"""What a copy of the database tells: no secret that a customer has given, and none that the hub has made."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.accounts import gateways, salts, skills
from hub.jobs import resealing
from hub.studio import outgoing_webhooks
from tests.api.chatting import visiting
from tests.api.conftest import Api, keys_of
from tests.contract.conftest import Place, place  # noqa: F401 - a fixture
from tests.security.house import House, built

Json = dict[str, Any]
pytestmark = pytest.mark.asyncio(loop_scope="module")
QUERY = "https://x.example/open?token=canary-stored-open-0123456789"
OPEN = "canary-stored-open-0123456789"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(place: Place) -> AsyncIterator[House]:  # noqa: F811
    place.provider.refusal = None
    yield await built(Api(place.hub, place.url, *await keys_of(place.hub), place.http))


async def copied(api: Api) -> str:
    """Everything that the tables hold, as text; bytes also as what they spell."""
    names = await api.hub.db.fetch(
        "select table_name::text as name from information_schema.tables where table_schema = 'public'"
        " and table_type = 'BASE TABLE' order by 1"
    )
    found = []
    for name in names:
        found += [str(r["line"]) for r in await api.hub.db.fetch(f"select t::text as line from {name['name']} t")]
    return "\n".join(found)


def spelled(secret: str) -> tuple[str, str]:
    return secret, secret.encode().hex()


async def test_a_copy_of_the_database_holds_no_secret(house: House) -> None:
    text = await copied(house.api)
    assert [w for w, secret in house.secrets.items() if any(s in text for s in spelled(secret))] == []
    assert "canary.txt" not in text and "x.example" in text, "the copy is not empty"


async def test_what_is_sealed_still_acts(house: House) -> None:
    id = UUID(house.known.known["ai-gateways"])
    found = await gateways.load(house.api.hub.db, house.api.hub.sealer, house.api.account, id)
    whole = str(found.parameters) + str(found.api_key)
    there = {w for w, secret in house.secrets.items() if secret in whole}
    assert there >= {
        "key of a gateway", "key of a fallback", "additional setting", "query of a worker", "query of functions",
        "header of a function", "query of a function", "header of an MCP source", "query of a source",
        "header of an instruction source",
    }
    hook = UUID(str(await house.api.hub.db.value("select id from webhook_endpoints where account_id = $1",
                                                 house.api.account)))
    shown = await outgoing_webhooks.get(house.api.hub, house.api.account, hook)
    assert house.secrets["query of a webhook"] in shown["url"]


async def test_a_session_fetches_its_context_with_the_whole_address(house: House) -> None:
    asked: list[str] = []

    async def context(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        return web.Response(text="The shop is closed today.")

    app = web.Application()
    app.router.add_get("/context", context)
    async with TestServer(app) as server:
        given = {"contextLocation": str(server.make_url("/context?token=abc"))}
        async with visiting(house.api, session=given) as me:
            await me.prompt("Hi")
            assert asked == ["/context?token=abc"] and "closed today" in str(me.asked)
            await me.prompt("Hi", commit=False)
            assert len(asked) == 2


async def _as_before(api: Api) -> Json:
    """An account whose rows are as an older version of the hub left them."""
    hub = api.hub
    await hub.db.run("update accounts set salt = 'salt-canary-stored-open' where id = $1", api.account)
    gateway = await api.gateway(modelName="m")
    source: Json = {"name": "s", "description": None, "url": QUERY, "headers": {}, "cacheDuration": 600}
    more = {"additionalSettings": {"token": OPEN}, "workerScriptSource": QUERY, "mcpSources": [source]}
    secret = '{"apiKey": "canary-key-of-before", "headers": {"mcpSources": [{"X-Key": "canary-header-of-before"}]}}'
    sealed = hub.sealer.seal("gateways.secrets", gateway, secret)
    sql = "update gateways set parameters = parameters || $2, secrets = $3 where id = $1"
    await hub.db.run(sql, UUID(gateway), more, sealed)
    skill = (await api.ok("POST", "/api/v1/skills", {"slug": "s", "instructions": "i"}))["data"]["id"]
    options = {"instructionSources": [source], "allowedToolsNames": []}
    sealed = hub.sealer.seal("skills.secrets", skill, '[{"X-Key": "canary-header-of-before"}]')
    await hub.db.run("update skills set options = $2, secrets = $3 where id = $1", UUID(skill), options, sealed)
    step = {"id": "a", "type": "http", "with": {"url": QUERY, "headers": {"X-Key": OPEN}}}
    flow = (await api.call("POST", "/v1/workflows", {"name": "w", "steps": [step]})).body["id"]
    sql = "update workflow_versions set definition = $2, sealed = null where account_id = $1"
    await hub.db.run(sql, api.account, {"name": "w", "steps": [step]})
    made = (await api.call("POST", "/v1/webhooks", {"url": "https://x.example/"})).body
    row = await hub.db.row("select id from webhook_endpoints where account_id = $1", api.account)
    assert row is not None
    sealed = hub.sealer.seal("webhook_endpoints.secret", row["id"], made["secret"])
    await hub.db.run("update webhook_endpoints set url = $2, secret = $3 where id = $1", row["id"], QUERY, sealed)
    client = await api.client()
    session = await api.ok("POST", f"/api/v1/web-chat-client/{client}/sessions", {})
    sql = "update sessions set context_location = $2, context_sealed = null where id = $1"
    await hub.db.run(sql, UUID(session["sessionId"]), QUERY)
    return {
        "gateway": gateway, "skill": skill, "flow": flow, "hook": row["id"], "secret": made["secret"],
        "client": client, "session": session["sessionId"],
    }


async def test_what_was_stored_open_before_is_sealed_at_the_next_start(place: Place) -> None:  # noqa: F811
    api = Api(place.hub, place.url, *await keys_of(place.hub), place.http)
    before = await _as_before(api)
    hub = api.hub
    assert OPEN in await copied(api) and "salt-canary-stored-open" in await copied(api)
    assert await resealing.run(hub) >= 6
    text = await copied(api)
    assert OPEN not in text and "salt-canary" not in text and "of-before" not in text
    assert await resealing.run(hub) == 0, "nothing is left to do"

    assert (await api.ok("GET", "/api/v1/accounts/api-key"))["salt"] == "salt-canary-stored-open"
    found = await gateways.load(hub.db, hub.sealer, api.account, UUID(before["gateway"]))
    assert found.api_key == "canary-key-of-before"
    assert found.parameters["additionalSettings"] == {"token": OPEN}
    assert found.parameters["workerScriptSource"] == QUERY
    [source] = found.parameters["mcpSources"]
    assert (source["url"], source["headers"]) == (QUERY, {"X-Key": "canary-header-of-before"})
    skill = await skills.get(hub.db, hub.sealer, api.account, UUID(before["skill"]))
    [source] = skill.options["instructionSources"]
    assert (source["url"], source["headers"]) == (QUERY, {"X-Key": "canary-header-of-before"})
    flow = (await api.call("GET", f"/v1/workflows/{before['flow']}")).body["definition"]
    assert flow["steps"][0]["with"]["url"] == QUERY
    hook = await hub.db.row("select url, secret from webhook_endpoints where id = $1", before["hook"])
    assert hook is not None
    assert outgoing_webhooks.opened(hub, before["hook"], hook["secret"], hook["url"]) == (before["secret"], QUERY)
    path = f"/api/v1/web-chat-client/{before['client']}/sessions/{before['session']}"
    assert (await api.ok("GET", path))["contextLocation"] == QUERY


async def test_a_row_that_does_not_open_holds_nothing_else_up(place: Place) -> None:  # noqa: F811
    one, two = [Api(place.hub, place.url, *await keys_of(place.hub), place.http) for _ in range(2)]
    more = {"additionalSettings": {"token": OPEN}}
    for api, sealed in ((one, b"\x01of another key, long enough to be one"), (two, None)):
        id = UUID(await api.gateway(modelName="m"))
        sql = "update gateways set parameters = parameters || $2, secrets = $3 where id = $1"
        await place.hub.db.run(sql, id, more, sealed)
    await resealing.run(place.hub)
    sql = "select count(*) from gateways where account_id = $1 and parameters->>'additionalSettings' is not null"
    assert [await place.hub.db.value(sql, a.account) for a in (one, two)] == [1, 0]
    await place.hub.db.run("delete from gateways where account_id = $1", one.account)


async def test_a_salt_cannot_be_told_from_what_is_stored(place: Place) -> None:  # noqa: F811
    api = Api(place.hub, place.url, *await keys_of(place.hub), place.http)
    first = (await api.ok("GET", "/api/v1/accounts/api-key"))["salt"]
    stored = await place.hub.db.value("select salt from accounts where id = $1", api.account)
    assert first not in stored and stored.removeprefix(salts.DERIVED) not in first
    await api.ok("POST", "/api/v1/accounts/roll-salt")
    assert (await api.ok("GET", "/api/v1/accounts/api-key"))["salt"] not in ("", first)
