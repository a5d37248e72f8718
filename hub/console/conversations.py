"""Conversations by what they are and what happened in them: to look at, and as files; one as a file of its own."""

import re
from datetime import date
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.accounts import audit
from hub.accounts.operators import allow
from hub.api.http import transcripts
from hub.chat.clients.networks import NAMES
from hub.chat.operators import exports
from hub.chat.operators.exports import CONVERSATION, EVENTS, MESSAGE, STATES, Filter
from hub.console.guard import look
from hub.console.page_request import HEADERS, Visit
from hub.console.settings import zone_of
from hub.errors import Invalid
from hub.store import dashboard
from hub.store import exports as rows
from hub.store import labels as label_rows
from hub.tools.schedule.book import zone_of as checked
from hub.translations import told

PAGE, CHOICES, MOST = 50, 200, 1000
FIELDS = ("since", "until", "event", "state", "client", "gateway", "network", "label", "zone")


async def chosen(v: Visit) -> Filter:
    """What the address of the page asks for. Raise Invalid."""
    zone = checked(v.asked("zone") or await zone_of(v), "zone")
    found = Filter(
        ZoneInfo(zone), _day(v, "since"), _day(v, "until"), v.asked("event", "any"), v.asked("state", "all"),
        v.asked_id("client"), v.asked_id("gateway"), v.asked("network") or None, v.asked_id("label"),
    )
    found.choice  # noqa: B018 - what it refuses is refused before anything is read
    return found


def _day(v: Visit, name: str) -> date | None:
    text = v.asked(name)
    if text and not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise Invalid(told("%(name)s must be a day like 2026-11-30.", name=name), field=name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid(told("%(name)s is no day of the calendar.", name=name), field=name) from None


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/conversations?since=&until=&event=&state=&client=&gateway=&network=&label=&before="""
    which, before = await chosen(v), v.asked_id("before")
    found = await rows.listed(v.db, v.account, which.choice, before, PAGE + 1)
    count = await rows.count(v.db, v.account, which.choice, MOST)
    kept = urlencode({n: v.asked(n) for n in FIELDS if v.asked(n)})
    more = f"/console/conversations?{kept}&before={found[PAGE - 1]['id']}" if len(found) > PAGE else ""
    places, bots = [
        [(one["id"], one["name"]) for one in await them(v.db, v.account, None, CHOICES)]
        for them in (dashboard.clients, dashboard.gateways)
    ]
    return await v.page(
        "conversations.html", rows=v.priced(found[:PAGE]), count=count, most=MOST, more=more, which=which,
        events=EVENTS, states=STATES, networks={"web": "Web", **NAMES}, places=places, bots=bots,
        labels=[(one["id"], one["name"]) for one in await label_rows.listed(v.db, v.account)],
    )


async def file(v: Visit) -> web.StreamResponse:
    """GET /console/conversations/file?format=csv|jsonl&of=conversations|messages, and what is asked for as above"""
    which, kind, of = await chosen(v), v.asked("format", "csv"), v.asked("of", "conversations")
    if kind not in ("csv", "jsonl") or of not in ("conversations", "messages"):
        raise Invalid("format must be csv or jsonl, of conversations or messages.", field="format")
    asked = {"format": kind, "rows": of, **which.told}
    await audit.exported(v.db, v.account, v.who.actor, "conversations", None, asked)
    pages = (exports.conversations if of == "conversations" else exports.messages)(v.hub, v.account, which)
    columns = v.columns(CONVERSATION if of == "conversations" else MESSAGE)
    pieces = exports.table(columns, pages) if kind == "csv" else exports.lines(columns, pages)
    return await transcripts.streamed(v.request, pieces, kind, f"{of}.{kind}")


async def transcript(v: Visit) -> web.StreamResponse:
    """GET /console/inbox/{id}/transcript?format=txt|json|pdf&zone=: without a format as a page to print."""
    kind = v.asked("format")
    if kind and kind not in ("txt", "json", "pdf"):
        raise Invalid("format must be txt, json or pdf.", field="format")
    if kind:
        allow(v.who, "export")
    zone = ZoneInfo(checked(v.asked("zone") or await zone_of(v), "zone"))
    talk = await exports.talk(v.hub, v.account, v.id(), zone)
    await audit.exported(v.db, v.account, v.who.actor, "conversation", str(v.id()), {"format": kind or "print"})
    labels = {name: v.words.gettext(text) for name, text in transcripts.WORDS.items()}
    if kind:
        return await transcripts.sent(v.request, talk, kind, labels)
    html = await transcripts.page(v.request, talk, labels, lang=v.words.code)
    return web.Response(text=html, content_type="text/html", headers=HEADERS)


def routes() -> list[web.RouteDef]:
    return [
        look("/console/conversations", listed), look("/console/conversations/file", file, "export"),
        look("/console/inbox/{id}/transcript", transcript),
    ]
