"""One MCP server during one turn."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar

import httpx2
import mcp_types as types
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from pydantic import Field, TypeAdapter, ValidationError

from hub.errors import Upstream
from hub.task_groups import end
from hub.tools.base import Context
from hub.tools.mcp.transport import LARGEST, Guarded

NAME = types.Implementation(name="chathub", version="1")
CLOSING = 3.0
PAGES, TOOLS = 20, 200
LOST = "Session terminated"
RESULT: TypeAdapter[types.CallToolResult | types.InputRequiredResult] = TypeAdapter(
    types.CallToolResult | types.InputRequiredResult
)
T = TypeVar("T")


class _Params(types.CallToolRequestParams):
    # As a plain mapping it keeps its nulls; the package would leave them out.
    meta: Annotated[dict[str, Any] | None, Field(alias="_meta")] = None  # type: ignore[assignment]  # said above


class _Call(types.CallToolRequest):
    params: _Params


class Connection:
    """A session that is opened when it is first needed, and again when the server has forgotten it.

    The package's client must be entered and left by one task, so it lives in a task of its own;
    whatever ends that task is an Upstream for those who wait.
    """

    def __init__(self, context: Context, url: str, headers: Mapping[str, str]) -> None:
        self._context = context
        self._url = url
        self._headers = {"User-Agent": "chathub", **headers}
        self._opening = asyncio.Lock()
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._client: Client | None = None
        self._http = Guarded(context.hub.outbound, lambda: context.left)
        self._closed = False

    async def tools(self, seconds: float) -> list[types.Tool]:
        """All tools of the server, page by page. Raise Upstream."""

        async def listing(client: Client) -> list[types.Tool]:
            found: list[types.Tool] = []
            cursor: str | None = None
            for _ in range(PAGES):
                page = await client.session.list_tools(params=types.PaginatedRequestParams(cursor=cursor))
                found += page.tools
                cursor = page.next_cursor
                if not cursor or len(found) >= TOOLS:
                    break
            return found[:TOOLS]

        return await self._ask(listing, seconds)

    async def call(
        self, name: str, arguments: dict[str, Any], meta: dict[str, Any], seconds: float
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Call a tool. Raise Upstream in the server's words."""
        params = _Params.model_validate({"name": name, "arguments": arguments, "_meta": meta})

        async def calling(client: Client) -> types.CallToolResult | types.InputRequiredResult:
            # Not `Client.call_tool`: that checks the result against a schema of the server's, unbounded.
            return await client.session.send_request(_Call(params=params), RESULT)

        async def again(client: Client) -> types.CallToolResult | types.InputRequiredResult:
            try:
                return await calling(client)
            except MCPError as e:
                if e.code != types.HEADER_MISMATCH:
                    raise
            # The server wants arguments in headers, which only its listing tells.
            await client.session.list_tools()
            return await calling(client)

        return await self._ask(again, seconds)

    async def close(self) -> None:
        """End the session, politely at first."""
        self._closed = True
        await self._leave()

    async def _ask(self, asking: Callable[[Client], Awaitable[T]], seconds: float) -> T:
        try:
            async with asyncio.timeout(seconds):
                try:
                    return await self._within(asking)
                except MCPError as e:
                    if e.message != LOST:
                        raise
                await self._leave()
                return await self._within(asking)
        except TimeoutError:
            raise Upstream("It did not answer in time.") from None
        except MCPError as e:
            why = self._http.why if e.code == types.INTERNAL_ERROR else ""
            raise Upstream(why or e.message[:500] or "It failed.") from None
        except ValidationError:
            raise Upstream("Its answer is not what the protocol says.") from None

    async def _within(self, asking: Callable[[Client], Awaitable[T]]) -> T:
        """The answer, or Upstream as soon as the session is over."""
        client, serving = await self._open()
        asked = asyncio.ensure_future(asking(client))
        try:
            waited: list[asyncio.Future[Any]] = [asked, serving]
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                return asked.result()
            raise Upstream("It ended the connection.")
        finally:
            await end([asked])

    async def _open(self) -> tuple[Client, asyncio.Task[None]]:
        async with self._opening:
            if self._closed:
                raise Upstream("The turn is over.")
            if self._serving is not None and self._client is not None and not self._serving.done():
                return self._client, self._serving
            self._http.why, self._stop = "", asyncio.Event()
            ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
            self._serving = asyncio.create_task(self._serve(ready, self._stop))
            try:
                waited: list[asyncio.Future[Any]] = [ready, self._serving]
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not ready.done():
                    await end([self._serving])
            if not ready.done():
                raise self._refused(self._serving.exception())
            self._client = ready.result()
            return self._client, self._serving

    async def _serve(self, ready: asyncio.Future[Client], stop: asyncio.Event) -> None:
        async with httpx2.AsyncClient(transport=self._http, headers=self._headers, timeout=None) as http:
            wire = streamable_http_client(self._url, http_client=http, max_sse_event_size=LARGEST)
            async with Client(wire, client_info=NAME, cache=None) as client:
                ready.set_result(client)
                await stop.wait()

    def _refused(self, error: BaseException | None) -> Upstream:
        if isinstance(error, MCPError) and not self._http.why:
            return Upstream(error.message[:500] or "It failed.")
        return Upstream(self._http.why or "It does not speak MCP.")

    async def _leave(self) -> None:
        self._stop.set()
        if self._serving is not None:
            await asyncio.wait([self._serving], timeout=CLOSING)
            await end([self._serving])
        self._serving, self._client = None, None
