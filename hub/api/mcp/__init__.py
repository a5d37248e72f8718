"""The hub as an MCP server: agents search an account's collections and ask its gateways.

The protocol is the package's own (Streamable HTTP without sessions, all its versions); every request
brings its key and stands for itself, so any process may answer it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import mcp_types as types
from aiohttp import web
from mcp import MCPError
from mcp.server import Server
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from pydantic import ValidationError

from hub.accounts import audit, key_limits
from hub.api.http import body
from hub.api.http.app_keys import CALLER, HUB
from hub.api.http.auth import authenticate
from hub.api.mcp import offers
from hub.api.mcp.asgi import exchange
from hub.domain import Caller
from hub.errors import Forbidden, HubError, Unauthorized
from hub.runtime import Hub
from hub.tools.arguments import check

log = logging.getLogger(__name__)

LIMIT, SECONDS, PAGE, VALUES = 1 << 20, 10.0, 100, 20_000
WHOSE, WHERE = "hub.caller", "hub.hub"
MANAGER = web.AppKey("mcp", StreamableHTTPSessionManager)
ABOUT = "Tools named search_... look through a collection of documents; tools named ask_... ask an assistant."
Context = ServerRequestContext[Any, Any]


def mount(app: web.Application) -> None:
    """Put the server at /mcp."""
    server: Server[Any] = Server("chathub", version="1", instructions=ABOUT, on_list_tools=_list, on_call_tool=_call)
    server.middleware.append(_contained)
    app[MANAGER] = StreamableHTTPSessionManager(server, stateless=True, max_request_body_size=LIMIT)
    app.cleanup_ctx.append(_serving)
    app.router.add_route("*", "/mcp", answer)


async def answer(request: web.Request) -> web.StreamResponse:
    """POST /mcp: one message of a client that shows a private key."""
    try:
        await authenticate(request, "key", True)
    except Forbidden as e:
        raise Unauthorized(str(e)) from None
    if request.method != "POST":
        # There are no sessions: nothing to listen to, nothing to end.
        raise web.HTTPMethodNotAllowed(request.method, ["POST"])
    sent = await body.raw(request, LIMIT, SECONDS)
    body.few(sent, VALUES)
    state = {WHOSE: request[CALLER], WHERE: request.app[HUB]}
    return await exchange(request, sent, request.app[MANAGER].handle_request, state)


async def _list(context: Context, asked: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    hub, who = _of(context)
    found = await _offered(hub, who)
    start = _start(asked.cursor if asked else None)
    tools = [
        types.Tool(name=o.name, title=o.title, description=o.description, input_schema=o.schema)
        for o in found[start : start + PAGE]
    ]
    following = str(start + PAGE) if start + PAGE < len(found) else None
    return types.ListToolsResult(tools=tools, next_cursor=following)


async def _call(context: Context, asked: types.CallToolRequestParams) -> types.CallToolResult:
    hub, who = _of(context)
    try:
        offer = next((o for o in await _offered(hub, who) if o.name == asked.name), None)
        if offer is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no tool '{asked.name[:100]}'; list the tools again.")
        arguments = asked.arguments or {}
        check(offer.schema, arguments)
        if offer.kind == "gateway" and who.role == "viewer":
            raise Forbidden("A key of the role viewer may search, not ask.", code="role_too_low")
        # The package answers in a task of its own, which knows nothing of the request's purse.
        async with key_limits.paid_by(hub, key_limits.purse_of(hub, who)):
            said = await offers.use(hub, who, offer, arguments)
        if offer.kind == "gateway":
            actor = replace(audit.of_caller(who), name=f"API key {who.key_id} over MCP")
            await audit.note(hub.db, who.account_id, actor, "mcp.asked", str(offer.id))
        return _said(said)
    except HubError as e:
        log.info("MCP tool %s of account %s: %s", asked.name[:100], who.account_id, e)
        return _said(str(e) if e.status != 500 else "It failed.", failed=True)


async def _offered(hub: Hub, who: Caller) -> list[offers.Offer]:
    """What the key may ask; searches are no models."""
    found = await offers.every(hub, who.account_id)
    wanted = who.limits.models if who.limits is not None else ()
    return [o for o in found if not wanted or o.kind == "collection" or {str(o.id), o.slug} & set(wanted)]


async def _contained(ctx: Context, call_next: CallNext) -> HandlerResult:
    """What nobody expected is for the log: the package would tell its text to older clients."""
    try:
        return await call_next(ctx)
    except (MCPError, ValidationError):
        raise
    except Exception:
        log.exception("%s of an agent failed", ctx.method)
        raise MCPError(types.INTERNAL_ERROR, "Internal error") from None


def _said(text: str, failed: bool = False) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=failed)


def _of(context: Context) -> tuple[Hub, Caller]:
    scope = context.request.scope  # type: ignore[union-attr]  # a call over HTTP has one
    return scope[WHERE], scope[WHOSE]


def _start(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isdecimal() and len(cursor) < 9):
        raise MCPError(types.INVALID_PARAMS, "The cursor is not one of ours; begin without one.")
    return int(cursor)


async def _serving(app: web.Application) -> AsyncIterator[None]:
    """The package's tasks live as long as the application, in one task: what began them must end them."""
    started, stop = asyncio.Event(), asyncio.Event()

    async def serve() -> None:
        async with app[MANAGER].run():
            started.set()
            await stop.wait()

    serving = asyncio.create_task(serve())
    await started.wait()
    yield
    stop.set()
    await serving
