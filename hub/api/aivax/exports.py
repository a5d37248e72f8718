"""Conversations as files: by a filter, or one whole."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field

from hub.accounts import audit
from hub.api.http import transcripts
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.operators import exports
from hub.chat.operators.exports import CONVERSATION, MESSAGE, Filter
from hub.domain import Json
from hub.pydantic_base import Camel
from hub.tools.schedule.book import zone_of

TAG = "Inbox"


class ZoneQuery(Camel):
    zone: Annotated[str, Field(max_length=60, description="Time zone of the times, such as America/Sao_Paulo.")] = "UTC"


class ExportQuery(ZoneQuery):
    """since, until: days of the zone, the last one included."""

    rows: Annotated[
        Literal["conversations", "messages"], Field(description="messages: all that was said within the time.")
    ] = "conversations"
    since: date | None = None
    until: date | None = None
    event: Annotated[
        Literal["any", "asked", "people", "person", "model", "words", "rule", "failed", "disliked"],
        Field(description="What happened within the time; person: somebody asked for one, or by model, words, rule."),
    ] = "any"
    state: Annotated[
        Literal["all", "open", "ended", "waiting", "bot", "person"], Field(description="How they are now.")
    ] = "all"
    client: Annotated[UUID | None, Field(description="Id of a chat client.")] = None
    gateway: Annotated[UUID | None, Field(description="Id of an AI gateway.")] = None
    network: Annotated[str | None, Field(max_length=40, description="web, telegram, zapi, ...")] = None
    label: Annotated[UUID | None, Field(description="Id of a label that they have.")] = None

    @property
    def filter(self) -> Filter:
        return Filter(
            ZoneInfo(zone_of(self.zone, "zone")), self.since, self.until, self.event, self.state, self.client,
            self.gateway, self.network, self.label,
        )


class KeptFile(Camel):
    name: str
    kind: str
    url: str | None


class KeptLine(Camel):
    id: UUID
    at: datetime
    from_: Annotated[str, Field(alias="from")]
    role: str
    source: str
    text: str
    attachments: list[KeptFile]


class KeptTalk(Camel):
    id: UUID
    person: str
    answered_by: str
    network: str
    began: datetime
    time_zone: str


class TranscriptFile(Camel):
    """Sent while it is read; what breaks off is no JSON."""

    conversation: KeptTalk
    messages: list[KeptLine]


@endpoint(tag=TAG, produces="text/csv")
async def table(request: web.Request, query: ExportQuery) -> web.StreamResponse:
    """Export conversations, or their messages, as CSV, those that began last first.

    All of them, sent as they are read; where reading fails the connection ends early. No cell is a formula.
    """
    columns, pages = await _pages(request, query, "csv")
    return await transcripts.streamed(request, exports.table(columns, pages), "csv", f"{query.rows}.csv")


@endpoint(tag=TAG, produces="application/jsonl")
async def lines(request: web.Request, query: ExportQuery) -> web.StreamResponse:
    """Export conversations, or their messages, as JSON lines, those that began last first."""
    columns, pages = await _pages(request, query, "jsonl")
    return await transcripts.streamed(request, exports.lines(columns, pages), "jsonl", f"{query.rows}.jsonl")


async def _pages(
    request: web.Request, query: ExportQuery, kind: str
) -> tuple[tuple[str, ...], AsyncIterator[list[Json]]]:
    hub, who, which = request.app[HUB], caller(request), query.filter
    account = who.account_id
    which.choice  # noqa: B018 - what it refuses is refused before anything is sent
    asked = {"format": kind, "rows": query.rows, **which.told}
    await audit.exported(hub.db, account, audit.of_caller(who), "conversations", None, asked)
    if query.rows == "messages":
        return MESSAGE, exports.messages(hub, account, which)
    return CONVERSATION, exports.conversations(hub, account, which)


@endpoint(tag=TAG)
async def whole(request: web.Request, id: UUID, query: ZoneQuery) -> TranscriptFile | web.StreamResponse:
    """Download a conversation with times and names as JSON, whole however long it is."""
    return await _sent(request, id, query, "json")


@endpoint(tag=TAG, produces="text/plain")
async def text(request: web.Request, id: UUID, query: ZoneQuery) -> web.StreamResponse:
    """Download a conversation with times and names as text, whole however long it is."""
    return await _sent(request, id, query, "txt")


@endpoint(tag=TAG, produces="application/pdf", errors=(413, 503))
async def printed(request: web.Request, id: UUID, query: ZoneQuery) -> web.StreamResponse:
    """Download a conversation as PDF: its newest thousand messages, and a line that says so where there are more."""
    return await _sent(request, id, query, "pdf")


async def _sent(request: web.Request, id: UUID, query: ZoneQuery, kind: str) -> web.StreamResponse:
    zone = ZoneInfo(zone_of(query.zone, "zone"))
    hub, who = request.app[HUB], caller(request)
    talk = await exports.talk(hub, who.account_id, id, zone)
    await audit.exported(hub.db, who.account_id, audit.of_caller(who), "conversation", str(id), {"format": kind})
    return await transcripts.sent(request, talk, kind, transcripts.WORDS)


BASE = "/api/v1/inbox/conversations"
ROUTES = (
    Route("GET", BASE + "/export.csv", table),
    Route("GET", BASE + "/export.jsonl", lines),
    Route("GET", BASE + "/{id}/transcript.json", whole),
    Route("GET", BASE + "/{id}/transcript.txt", text),
    Route("GET", BASE + "/{id}/transcript.pdf", printed),
)
