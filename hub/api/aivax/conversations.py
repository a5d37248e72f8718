"""The log of inference requests, where the account allows one."""

import operator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field

from hub.accounts import audit
from hub.api.http import pagination
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.jsonl_responses import download
from hub.api.http.operation import Route
from hub.api.http.pagination import Page
from hub.engine import request_log
from hub.pydantic_base import Camel
from hub.store import request_log as stored

TAG = "Conversation logs"
Json = dict[str, Any]


class LogQuery(Page):
    gateway: Annotated[UUID | None, Field(description="Id of an AI gateway.")] = None
    user: Annotated[str | None, Field(max_length=256, description="External user id.")] = None
    model: Annotated[str | None, Field(max_length=200)] = None
    api_key: Annotated[UUID | None, Field(alias="key", description="Id of an API key.")] = None


class LogLine(Camel):
    id: UUID
    token: str
    key_id: UUID | None
    gateway_id: UUID | None
    gateway_name: str | None
    origin: str
    model: str | None
    external_user: Annotated[str | None, Field(serialization_alias="externalUserId")]
    metadata: dict[str, str]
    tokens: int
    message_count: int
    error: str | None
    created_at: datetime
    updated_at: datetime


class Log(LogLine):
    """rules: how often each of the gateway's `outputRules` did something."""

    messages: list[Json]
    usage: list[Json]
    rules: Annotated[dict[str, int], Field(exclude_if=operator.not_)] = {}


class LogPage(Camel):
    items: list[LogLine]
    next_cursor: str | None


@endpoint(tag=TAG)
async def listed(request: web.Request, query: LogQuery) -> LogPage:
    """List logged inference requests, newest first.

    Written only while the account's `allowConversationsLogging` is on; kept for 30 days.
    """
    rows = await stored.find(
        request.app[HUB].db, caller(request).account_id, before=query.after, gateway=query.gateway, user=query.user,
        model=query.model, key=query.api_key, limit=query.limit + 1,
    )
    more = pagination.write(rows[query.limit - 1]["id"]) if len(rows) > query.limit else None
    return LogPage(items=[LogLine(**r) for r in rows[: query.limit]], next_cursor=more)


@endpoint(tag=TAG)
async def view(request: web.Request, id: UUID) -> Log:
    """View one logged request with its messages and usage."""
    return Log(**await request_log.get(request.app[HUB].db, caller(request).account_id, id))


@endpoint(tag=TAG, says="Conversation log removed.")
async def remove(request: web.Request, id: UUID) -> None:
    """Remove one logged request."""
    await request_log.remove(request.app[HUB].db, caller(request).account_id, id)


@endpoint(tag=TAG, produces="application/jsonl")
async def export(request: web.Request) -> web.StreamResponse:
    """Export all logged requests as JSON lines."""
    db, who = request.app[HUB].db, caller(request)
    lines = request_log.export(db, who.account_id, _shaped)
    await audit.exported(db, who.account_id, audit.of_caller(who), "conversation_logs", None, {"format": "jsonl"})
    return await download(request, lines, "conversations.jsonl")


def _shaped(row: Json) -> Json:
    return Log(**row).model_dump(mode="json", by_alias=True)


BASE = "/api/v1/conversation-logs"
ROUTES = [
    Route("GET", BASE, listed),
    Route("GET", BASE + "/export.jsonl", export),
    Route("GET", BASE + "/{id}", view),
    Route("DELETE", BASE + "/{id}", remove),
]
