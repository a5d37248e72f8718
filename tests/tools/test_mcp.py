"""MCP servers as sources of tools: the package's own server, and ones that behave otherwise."""

import asyncio
import base64
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import bcrypt
import orjson
import pytest
import uvicorn
from aiohttp import web
from mcp.server.mcpserver import Context as Call
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import AudioContent, CallToolResult, EmbeddedResource, ImageContent, TextContent, TextResourceContents

from hub.accounts import salts
from hub.store import accounts
from hub.tools.base import Tool, ToolFailed
from hub.tools.mcp import Listed, named, opened
from tests.tools.conftest import METADATA, Far, Place, use
from tests.tools.conftest import named as by_name

Json = dict[str, Any]
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass
class Server:
    """The package's server on loopback; remembers the `_meta` and the requests it got."""

    url: str = ""
    metas: list[Any] = field(default_factory=list)
    requests: list[tuple[str, str, Json]] = field(default_factory=list)

    def count(self, method: str) -> int:
        return sum(m == method for _, m, _ in self.requests)


def _app(server: Server, **options: Any) -> Any:
    mcp = MCPServer("shop")

    @mcp.tool()
    async def find_order(id: str, ctx: Call) -> str:
        """Finds an order."""
        server.metas.append(ctx.request_context.meta)
        if id == "bad":
            raise ToolError("there is no such order")
        if id == "slow":
            await asyncio.sleep(5)
        return f"order {id} is on its way"

    @mcp.tool()
    async def picture() -> CallToolResult:
        """Shows things."""
        return CallToolResult(content=[
            TextContent(type="text", text="look"),
            ImageContent(type="image", data=base64.b64encode(PNG).decode(), mime_type="image/png"),
            AudioContent(type="audio", data="AAAA", mime_type="audio/wav"),
            AudioContent(type="audio", data="AAAA", mime_type="audio/ogg"),
            ImageContent(type="image", data="AAAA", mime_type="image/svg+xml"),
            EmbeddedResource(type="resource", resource=TextResourceContents(uri="x://y", text="t")),
        ])

    @mcp.tool()
    async def numbers() -> CallToolResult:
        """Gives structured content only."""
        return CallToolResult(content=[], structured_content={"n": [1, 2]})

    inner = mcp.streamable_http_app(**options)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def heard() -> Any:
            message = await receive()
            if message.get("body"):
                sent = orjson.loads(message["body"])
                headers = {k.decode().lower(): v.decode() for k, v in scope["headers"]}
                server.requests.append((scope["method"], str(sent.get("method")), headers))
            return message

        await inner(scope, heard, send)

    return app


@contextlib.asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Server]:
    found, port = Server(), socket.socket()
    port.bind(("127.0.0.1", 0))
    config = uvicorn.Config(_app(found, **options), log_level="error", lifespan="on", ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[port]))
    while not server.started:
        await asyncio.sleep(0.01)
    found.url = f"http://127.0.0.1:{port.getsockname()[1]}/mcp"
    try:
        yield found
    finally:
        server.should_exit = True
        await task


def source(url: str, **more: Any) -> Json:
    return {"name": "shop", "url": url, "headers": {}, "cacheDuration": 600} | more


@pytest.mark.parametrize("options", [{}, {"json_response": True, "stateless_http": True}], ids=["sse", "json"])
async def test_tools_are_listed_once_and_called_with_what_the_turn_is(place: Place, options: Json) -> None:
    async with running(**options) as server:
        context = place.context(
            {"mcpSources": [source(server.url, headers={"X-Key": "k1"})]}, external_user="ana@shop",
            metadata={"plan": "gold", "_aiv_nonce": "forged"}, source="IntegrationBot", conversation="s-1",
        )
        async with opened(context) as tools:
            find = by_name(tools)["find_order"]
            assert find.description == "Finds an order." and find.schema["required"] == ["id"]
            assert (await use(find, context, id="7")).text == "order 7 is on its way"
            await asyncio.gather(*(use(find, context, id=str(n)) for n in range(5)))
        account = await accounts.get(place.hub.db, place.account)
        assert account is not None
        given = server.metas[0]
        salt = salts.opened(place.hub.sealer, account.id, account.salt)
        assert bcrypt.checkpw(salt.encode(), given["_aiv_nonce"].encode())
        told = {k: given[k] for k in given if k.startswith("_aiv_") and k not in ("_aiv_nonce", "_aiv_moment")}
        assert told == {
            "_aiv_external_user_id": "ana@shop", "_aiv_call_source": "IntegrationBot", "_aiv_conversation_token": "s-1"
        }
        assert given["plan"] == "gold" and len(given["_aiv_moment"]) == 19
        assert {h["x-key"] for _, _, h in server.requests} == {"k1"}
        handshakes = server.count("initialize") + server.count("server/discover")
        async with opened(context) as tools:
            assert {t.name for t in tools} == {"find_order", "picture", "numbers"}
        assert server.count("tools/list") == 1, "kept for ten minutes"
        assert server.count("initialize") + server.count("server/discover") == handshakes, "nothing was called"
        async with opened(place.context({"mcpSources": [source(server.url, headers={"X-Key": "k2"})]})):
            assert server.count("tools/list") == 2, "other headers, other tools"
        for _ in range(2):
            fresh = source(server.url, headers={"X-Key": "k1"}, cacheDuration=0)
            async with opened(place.context({"mcpSources": [fresh]})):
                pass
        assert server.count("tools/list") == 4, "who wants no cache gets none"


async def test_results_become_text_and_messages(place: Place) -> None:
    async with running() as server:
        context = place.context({"mcpSources": [source(server.url)]})
        async with opened(context) as found:
            tools = by_name(found)
            seen = await use(tools["picture"], context)
            assert seen.text.splitlines() == [
                "look", "[image attached]", "[audio attached]", "[unsupported content: audio audio/ogg]",
                "[unsupported content: image image/svg+xml]", "[unsupported content: resource]",
            ]
            [message] = seen.messages
            assert message["role"] == "user" and message["content"] == [
                {"type": "text", "text": "Given by the tool picture:"},
                {"type": "image_url",
                 "image_url": {"url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            ]
            assert (await use(tools["numbers"], context)).text == '{"n": [1, 2]}'
            with pytest.raises(ToolFailed, match="no such order"):
                await use(tools["find_order"], context, id="bad")
            with pytest.raises(ToolFailed, match="in time"):
                await use(tools["find_order"], place.context(seconds=0.5), id="slow")
            assert (await use(tools["find_order"], context, id="8")).text.startswith("order 8"), "it goes on"
        with pytest.raises(ToolFailed, match="turn is over"):
            await use(tools["find_order"], context, id="9")


async def test_without_a_salt_the_nonce_is_null(place: Place) -> None:
    await accounts.set_salt(place.hub.db, place.account, "")
    async with running() as server:
        context = place.context({"mcpSources": [source(server.url)]})
        async with opened(context) as tools:
            await use(by_name(tools)["find_order"], context, id="7")
        assert server.metas[0]["_aiv_nonce"] is None and server.metas[0]["_aiv_external_user_id"] is None


@dataclass
class Old:
    """A server of 2025 with sessions: lists page by page, forgets, answers as JSON or as a stream."""

    stream: bool = False
    sessions: set[str] = field(default_factory=set)
    seen: list[str] = field(default_factory=list)
    names: tuple[str, ...] = ("one", "two", "three")
    large: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.method == "DELETE":
            self.sessions.discard(request.headers["Mcp-Session-Id"])
            self.seen.append("DELETE")
            return web.Response()
        if request.method == "GET":
            self.seen.append("GET")
            return web.Response(status=405)
        sent = await request.json()
        method, session = sent["method"], request.headers.get("Mcp-Session-Id")
        self.seen.append(method)
        if method == "initialize":
            session = uuid4().hex
            self.sessions.add(session)
            said = {
                "protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                "serverInfo": {"name": "old", "version": "1"},
            }
            return self._answer(sent, said, {"Mcp-Session-Id": session})
        if session is None:
            return web.Response(status=400, text="no session")
        if session not in self.sessions:
            return web.Response(status=404)
        if "id" not in sent:
            return web.Response(status=202)
        if method == "tools/list":
            place = int((sent.get("params") or {}).get("cursor") or 0)
            page: Json = {"tools": [{"name": self.names[place], "inputSchema": {"type": "object"}}]}
            return self._answer(sent, page | ({"nextCursor": str(place + 1)} if place + 1 < len(self.names) else {}))
        text = "x" * self.large or f"{sent['params']['name']} was called"
        return self._answer(sent, {"content": [{"type": "text", "text": text}]})

    def _answer(self, sent: Json, result: Json, headers: Json | None = None) -> web.Response:
        said = orjson.dumps({"jsonrpc": "2.0", "id": sent["id"], "result": result})
        if self.stream:
            body, kind = b"event: message\ndata: " + said + b"\n\n", "text/event-stream"
        else:
            body, kind = said, "application/json"
        return web.Response(body=body, headers={**(headers or {}), "Content-Type": kind})


@pytest.mark.parametrize("stream", [False, True], ids=["json", "sse"])
async def test_an_older_server_with_sessions(place: Place, far: Far, stream: bool) -> None:
    old = Old(stream=stream)
    far.answers["/mcp"] = old.handle
    context = place.context({"mcpSources": [source(far.url + "/mcp")]})
    async with opened(context) as tools:
        assert [t.name for t in tools] == ["one", "two", "three"] and old.seen.count("tools/list") == 3
        assert (await use(tools[0], context)).text == "one was called"
        assert old.seen.count("initialize") == 1 and "GET" not in old.seen
        old.sessions.clear()
        assert (await use(tools[1], context)).text == "two was called", "it was forgotten and opened again"
        assert old.seen.count("initialize") == 2 and len(old.sessions) == 1
    assert old.seen[-1] == "DELETE" and not old.sessions


async def test_a_large_answer_is_bounded(place: Place, far: Far) -> None:
    old = Old()
    far.answers["/mcp"] = old.handle
    context = place.context({"mcpSources": [source(far.url + "/mcp")]})
    async with opened(context) as tools:
        old.large = 200_000
        said = (await use(tools[0], context)).text
        assert len(said) < 101_000 and "[cut: 100,000 more characters]" in said
        old.large = 21_000_000
        with pytest.raises(ToolFailed):
            await use(tools[0], context)
        old.large = 0
        assert (await use(tools[0], context)).text == "one was called"


async def test_a_server_that_is_down_is_left_out_and_left_alone(
    place: Place, far: Far, caplog: pytest.LogCaptureFixture
) -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    old = Old()
    far.answers["/mcp"], far.answers["/never"] = old.handle, never
    broken = [
        far.says("/html", "<html>", mime="text/html"), far.says("/json", {"no": 1}, mime="application/json"),
        far.says("/500", "x", status=500), far.url + "/nothing", far.says("/202", "", status=202),
        far.redirects("/away", METADATA, 307), METADATA, "http://10.0.0.1/mcp", "http://127.0.0.1:1/mcp",
    ]
    sources = [source(url, name=f"s{n}", headers={"X-Key": "hunter2"}) for n, url in enumerate(broken)]
    context = place.context({"mcpSources": [*sources, source(far.url + "/mcp")]})
    async with opened(context) as tools:
        assert [t.name for t in tools] == ["one", "two", "three"]
    for n in range(len(broken)):
        assert f"'s{n}'" in caplog.text
    assert "hunter2" not in caplog.text and "169.254" not in " ".join(a.path for a in far.asked)
    asked = len(far.asked)
    async with opened(context):
        assert len(far.asked) == asked, "a server that is down is not asked by every message"
    slow = place.context({"mcpSources": [source(far.url + "/never")]}, seconds=0.5)
    async with opened(slow) as tools:
        assert tools == []


async def test_a_server_that_ends_half_way_fails_one_call(place: Place, far: Far) -> None:
    old = Old()

    async def breaking(request: web.Request) -> web.StreamResponse:
        sent = await request.read()
        if b'"tools/call"' not in sent or b'"two"' in sent:
            return await old.handle(request)
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"event: message\ndata: {")
        assert request.transport is not None
        request.transport.abort()
        return answer

    far.answers["/mcp"] = breaking
    context = place.context({"mcpSources": [source(far.url + "/mcp")]})
    async with opened(context) as tools:
        with pytest.raises(ToolFailed, match="server failed"):
            await use(tools[0], context)
        assert (await use(tools[1], context)).text == "two was called"


async def test_a_turn_that_is_cancelled_leaves_nothing_behind(place: Place) -> None:
    before = len(asyncio.all_tasks())
    async with running() as server:
        alone = len(asyncio.all_tasks())

        async def turn() -> None:
            context = place.context({"mcpSources": [source(server.url)]})
            async with opened(context) as tools:
                await use(by_name(tools)["find_order"], context, id="slow")

        running_turn = asyncio.create_task(turn())
        while not server.metas:
            await asyncio.sleep(0.02)
        running_turn.cancel()
        await asyncio.gather(running_turn, return_exceptions=True)
        assert running_turn.cancelled()
        for _ in range(50):
            if len(asyncio.all_tasks()) <= alone:
                break
            await asyncio.sleep(0.05)  # the server ends its side
        assert len(asyncio.all_tasks()) <= alone
    assert len(asyncio.all_tasks()) == before


def test_names_are_qualified_where_two_would_be_the_same() -> None:
    def tool(source: str, name: str) -> Listed:
        return Listed(source, name, name, "", {})

    tools = [tool("shop", "find"), tool("crm two", "find"), tool("crm", "list"), tool("crm", "open_url")]
    assert named(tools, {"open_url"}) == ["shop_find", "crm_two_find", "list", "crm_open_url"]
    assert named([tool("a", "x"), tool("a", "x")], {"a_x"}) == ["a_x_2", "a_x_3"]
    long = named([tool("s" * 80, "f" * 64), tool("s" * 80, "f" * 64)], ())
    assert len(set(long)) == 2 and all(len(n) <= 64 for n in long)


async def test_strange_names_become_what_models_may_call(place: Place, far: Far) -> None:
    old = Old(names=("orders/find.v2", "ação", "two words"))
    far.answers["/mcp"] = old.handle
    context = place.context({"mcpSources": [source(far.url + "/mcp")]})
    async with opened(context, taken={"two_words"}) as tools:
        assert [t.name for t in tools] == ["orders_find_v2", "a_o", "shop_two_words"]
        assert (await use(tools[0], context)).text == "orders/find.v2 was called"
        assert all(isinstance(t, Tool) and not t.reserved for t in tools)
