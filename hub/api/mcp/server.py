"""What the MCP package serves: it is imported with the first call (see `hub.api.mcp`)."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from hub.api.http.app_keys import CALLER, HUB
from hub.api.mcp import offers
from hub.api.mcp.asgi import Application, exchange
from hub.domain import Caller
from hub.errors import Forbidden, HubError
from hub.runtime import Hub
from hub.tools.arguments import check

log = logging.getLogger(__name__)

LIMIT, PAGE = 1 << 20, 100
WHOSE, WHERE = "hub.caller", "hub.hub"
ABOUT = "Tools named search_... look through a collection of documents; tools named ask_... ask an assistant."
Context = ServerRequestContext[Any, Any]


async def asked(request: web.Request, sent: bytes, application: Application) -> web.StreamResponse:
    """Answer one message of a client whose key was looked at."""
    state = {WHOSE: request[CALLER], WHERE: request.app[HUB]}
    return await exchange(request, sent, application, state)


@asynccontextmanager
async def serving() -> AsyncIterator[Application]:
    """The package's server, until the block ends. One task must open and leave it."""
    server: Server[Any] = Server("chathub", version="1", instructions=ABOUT, on_list_tools=_list, on_call_tool=_call)
    server.middleware.append(_contained)
    manager = StreamableHTTPSessionManager(server, stateless=True, max_request_body_size=LIMIT)
    async with manager.run():
        yield manager.handle_request


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
