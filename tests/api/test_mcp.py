"""The hub as an MCP server, talked to by the package's own client."""

import contextlib
import io
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx2
import pytest

from hub.accounts.keys import grant
from hub.api.mcp import offers
from hub.config import Settings
from hub.domain import Caller
from hub.errors import PaymentRequired, Upstream
from hub.knowledge import collections, documents
from hub.knowledge.index import index_document
from hub.runtime import open_hub
from hub.store.documents import Given
from tests.api.alone import api, provider
from tests.api.conftest import Api
from tests.api.door import opened
from tests.conftest import owning
from tests.fakes.model import refuses, says
from tests.later import later

if TYPE_CHECKING:
    import mcp
    import mcp_types as types
else:
    mcp, types = later("mcp"), later("mcp_types")
streamable = later("mcp.client.streamable_http")

__all__ = ["api", "provider"]

Json = dict[str, Any]
MODES = pytest.mark.parametrize("mode", ["auto", "legacy"])
PING: Json = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ARGUMENTS = '{"memoryData": "Ana likes tea."}'
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@contextlib.asynccontextmanager
async def agent(api: Api, mode: str = "auto", key: str | None = None) -> "AsyncIterator[mcp.Client]":
    headers = {"Authorization": f"Bearer {key or api.key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=20) as http:
        wire = streamable.streamable_http_client(f"{api.url}/mcp", http_client=http)
        async with mcp.Client(wire, mode=mode) as client:
            yield client


async def policies(api: Api, name: str = "Políticas da loja", context: str | None = "Rules of the shop.") -> UUID:
    hub = api.hub
    id = await collections.create(hub.db, api.account, name, context, "law, shop")
    given = [Given("Returns", "A bicycle can be returned within thirty days."), Given("Hours", "Open from 9 to 6.")]
    for one in await documents.save(hub.db, api.account, id, given):
        await index_document(hub.db, hub.embedder, one.id)
    return id


def text(result: "types.CallToolResult") -> str:
    [part] = result.content
    assert isinstance(part, types.TextContent)
    return part.text


@MODES
async def test_an_agent_searches_and_asks(api: Api, mode: str) -> None:
    id = await policies(api)
    gateway = await api.gateway(modelName="@hub/extractive", knowledgeCollections=[str(id)])
    slug = (await api.ok("GET", f"/api/v1/ai-gateways/{gateway}"))["slug"]
    asking = "ask_" + slug.replace(":", "_").replace("-", "_")
    async with agent(api, mode) as client:
        assert (client.protocol_version >= "2026") == (mode == "auto")
        assert "search_" in (client.instructions or "")
        tools = {t.name: t for t in (await client.list_tools()).tools}
        assert set(tools) == {"search_politicas_da_loja", asking}
        search = tools["search_politicas_da_loja"]
        assert search.description == "Searches the collection 'Políticas da loja'. Rules of the shop. Tags: law, shop."
        assert search.input_schema["required"] == ["query"] and search.title == "Políticas da loja"
        found = await client.call_tool("search_politicas_da_loja", {"query": "return a bicycle", "top": 1})
        assert text(found) == "[1] Returns\nA bicycle can be returned within thirty days." and not found.is_error
        said = await client.call_tool(asking, {"message": "How long can I return a bicycle?", "user": "ana"})
        assert "thirty days" in text(said) and not said.is_error
    async with api.hub.db.transaction() as tx:
        row = await tx.row("select gateway_id, key_id, quantity from usage where account_id = $1 limit 1", api.account)
    assert row and str(row["gateway_id"]) == gateway and row["key_id"] is not None and row["quantity"] > 0


@MODES
async def test_what_is_wrong_is_said(api: Api, mode: str) -> None:
    await policies(api)
    async with agent(api, mode) as client:
        wrong: list[tuple[Json, str]] = [({}, "'query' is a required"), ({"query": "x", "top": 99}, "top: 99")]
        for given, words in wrong:
            result = await client.call_tool("search_politicas_da_loja", given)
            assert result.is_error and words in text(result)
        with pytest.raises(mcp.MCPError, match="There is no tool 'search_none'"):
            await client.call_tool("search_none", {"query": "x"})
        with pytest.raises(mcp.MCPError, match="cursor"):
            await client.list_tools(cursor="x")


async def test_a_model_that_fails_is_an_error_of_the_tool(api: Api) -> None:
    await api.gateway(baseAddress="http://127.0.0.1:1/v1", modelName="gone", apiKey="sk-secret-key-1234567890")
    async with agent(api) as client:
        [tool] = (await client.list_tools()).tools
        said = await client.call_tool(tool.name, {"message": "Hello"})
        assert said.is_error and "sk-secret" not in text(said) and "127.0.0.1" not in text(said)


@MODES
async def test_nothing_of_what_breaks_inside_is_told(api: Api, mode: str) -> None:
    async with agent(api, mode) as client:
        async with owning(api.hub.settings.database_url.get_secret_value()) as owner:
            await owner.run("drop table collections cascade")
        with pytest.raises(mcp.MCPError) as e:
            await client.list_tools()
        assert str(e.value) == "Internal error"
        with pytest.raises(mcp.MCPError, match="^Internal error$"):
            await client.call_tool("search_x", {"query": "x"})


async def test_with_billing_a_question_needs_balance(settings: Settings, api: Api) -> None:
    id = await api.gateway(modelName="@hub/extractive")
    [offer] = await offers.every(api.hub, api.account)
    assert str(offer.id) == id
    who = Caller(api.account, uuid4(), "private")
    async with open_hub(settings.changed(billing=True)) as hub:
        with pytest.raises(PaymentRequired):
            await offers.use(hub, who, offer, {"message": "Hello"})


async def test_a_question_that_fails_half_way_is_charged(settings: Settings) -> None:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "memory_save", "arguments": ARGUMENTS}}
    async with opened(settings) as door:
        door.model.plan += [says(tool_calls=[call], finish="tool_calls"), refuses(400)]
        await door.gateway(sentinelOptions={"enabledFunctions": ["Remember"]})
        [offer] = await offers.every(door.hub, door.account)
        key = uuid4()
        with pytest.raises(Upstream):
            await offers.use(door.hub, Caller(door.account, key, "private"), offer, {"message": "Hello", "user": "ana"})
        rows = await door.billed()
        assert sum(r["quantity"] for r in rows) == 17 and {r["key_id"] for r in rows} == {key}


async def test_accounts_see_their_own_and_names_stay_apart(api: Api) -> None:
    one, two = await policies(api, "Shop: rules"), await policies(api, "shop rules", None)
    await policies(api, "日本")
    async with agent(api, key=api.foreign) as client:
        assert (await client.list_tools()).tools == []
        with pytest.raises(mcp.MCPError, match="no tool"):
            await client.call_tool("search_unnamed", {"query": "bicycle"})
    async with agent(api) as client:
        names = [t.name for t in (await client.list_tools()).tools]
        assert names == [f"search_shop_rules_{one.hex[-8:]}", f"search_shop_rules_{two.hex[-8:]}", "search_unnamed"]
        assert "bicycle" in text(await client.call_tool(names[1], {"query": "bicycle"}))


async def test_many_tools_come_page_by_page(api: Api) -> None:
    for n in range(130):
        await collections.create(api.hub.db, api.account, f"c{n}", None, None)
    async with agent(api) as client:
        first = await client.list_tools()
        assert len(first.tools) == 100 and first.next_cursor
        second = await client.list_tools(cursor=first.next_cursor)
        assert len(second.tools) == 30 and second.next_cursor is None


async def test_a_private_key_is_needed(api: Api) -> None:
    for key in ("", api.public, "sk-hub-nonsense"):
        got = await api.call("POST", "/mcp", PING, key=key, headers=ACCEPT)
        assert got.status == 401 and got.headers["WWW-Authenticate"] == "Bearer"
    got = await api.call("POST", f"/mcp?api-key={api.key}", PING, key="", headers=ACCEPT)
    assert got.status == 200 and '"result":{}' in got.body.replace(" ", "")


async def test_what_is_no_message_is_refused(api: Api) -> None:
    for method in ("GET", "DELETE"):
        got = await api.call(method, "/mcp", headers=ACCEPT)
        assert got.status == 405 and got.headers["Allow"] == "POST"
    for sent, status in ((b"{", 400), (b"", 400), (b'{"jsonrpc":"2.0"}', 400), (io.BytesIO(b"x" * 1_100_000), 413)):
        got = await api.call("POST", "/mcp", data=sent, headers=ACCEPT)
        assert got.status == status
    got = await api.call("POST", "/mcp", PING, headers=ACCEPT)
    assert got.headers["Cache-Control"] == "no-store" and got.headers["X-Content-Type-Options"] == "nosniff"
    old = {**ACCEPT, "MCP-Protocol-Version": "1999-01-01"}
    assert (await api.call("POST", "/mcp", PING, headers=old)).status == 400


async def test_a_viewer_may_search_but_not_ask(api: Api) -> None:
    await policies(api)
    await api.gateway(modelName="@hub/extractive")
    key = await grant(api.hub.db, api.account, "eyes", None, role="viewer")
    async with agent(api, key=key) as client:
        names = {t.name.split("_")[0]: t.name for t in (await client.list_tools()).tools}
        assert "bicycle" in text(await client.call_tool(names["search"], {"query": "bicycle"}))
        said = await client.call_tool(names["ask"], {"message": "Hello"})
    assert said.is_error and "viewer" in text(said)
    assert await api.hub.db.value("select count(*) from usage") == 0
