"""What the figures ask for: questions without a good answer, documents nobody needs, why people are called."""

from collections.abc import Sequence

from aiohttp import web

from hub.accounts import tables
from hub.chat.operators import findings
from hub.console.guard import look
from hub.console.insights import SPANS, Span
from hub.console.page_request import Visit
from hub.domain import Json
from hub.errors import Invalid
from hub.translations import DAYS as WEEK

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NAMES = ("name", "conversations", "asked", "answered", "people", "failed", "cost")
TABLES = ("questions", "documents", "called", "hours", "client", "bot", "network", "label")


async def show(v: Visit) -> web.StreamResponse:
    """GET /console/insights/actions?days=7|30|90"""
    found = await _found(v)
    by_hour = {(h["day"], h["hour"]): h["asked"] for h in found["hours"]}
    most = max(by_hour.values(), default=0)
    week = [
        (v.words.gettext(day)[:3], [by_hour.get((n, hour), 0) for hour in range(24)]) for n, day in enumerate(WEEK, 1)
    ]
    return await v.page(
        "actions.html", **found, week=week, most=most, spans=list(SPANS),
        span=f"since={found['first']}&until={found['last']}&zone={found['zone']}",
    )


async def table(v: Visit) -> web.StreamResponse:
    """GET /console/insights/actions.csv?days=&of=questions|documents|called|hours|client|bot|network|label"""
    of = v.asked("of", "questions")
    if of not in TABLES:
        raise Invalid(f"of must be one of {', '.join(TABLES)}.", field="of")
    return v.csv(of, tables.of(_rows(await _found(v), of, v.columns(NAMES))))


def _rows(found: Json, of: str, names: Sequence[str]) -> list[list[object]]:
    """One of the tables, with its head. names: columns of those by place, bot, network and label. Pure."""
    if of == "questions":
        head: list[object] = ["question", "count", *findings.WHYS, "conversations"]
        return [head, *([g["question"], g["count"], *(g["why"].get(w, 0) for w in findings.WHYS), g["talks"]]
                        for g in found["groups"])]
    if of == "documents":
        return [["document", "collection", "id"], *([d["name"], d["in"], d["id"]] for d in found["unused"])]
    if of == "called":
        counted = [[c["asked_by"], c["count"], c["unanswered"], c["median"]] for c in found["called"]]
        told = [[r["by"], r["text"], r["session"]] for r in found["reasons"]]
        heads = ["called by", "count", "not answered", "median seconds"], ["called by", "reason", "conversation"]
        return [heads[0], *counted, heads[1], *told]
    if of == "hours":
        return [["day", "hour", "messages"], *([DAYS[h["day"] - 1], h["hour"], h["asked"]] for h in found["hours"])]
    return [list(names), *([r[n] for n in names] for r in found["by"][of])]


async def _found(v: Visit) -> Json:
    span = await Span.of(v)
    # What people said is kept nowhere else, not for a minute.
    found = await findings.load(v.db, v.account, *span.moments, span.zone.key)
    return {**found, **span.shown, "by": {what: [_each(r) for r in v.priced(r)] for what, r in found["by"].items()}}


def _each(row: Json) -> Json:
    """With what one conversation costs. Pure."""
    known = row["cost"] is not None and row["conversations"]
    return row | {"each": row["cost"] / row["conversations"] if known else None}


def routes() -> list[web.RouteDef]:
    return [look("/console/insights/actions", show), look("/console/insights/actions.csv", table)]
