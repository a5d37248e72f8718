"""What the figures ask for: questions without a good answer, documents nobody needs, why people are called."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.accounts import tables
from hub.chat.operators import findings
from hub.console.guard import look
from hub.console.page_request import HEADERS, Visit
from hub.console.settings import zone_of
from hub.domain import Json
from hub.errors import Invalid

SPANS: Mapping[str, int] = {"7": 7, "30": 30, "90": 90}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
TABLES = ("questions", "documents", "called", "hours", "client", "bot", "network")


async def show(v: Visit) -> web.StreamResponse:
    """GET /console/insights/actions?days=7|30|90"""
    found = await _found(v)
    by_hour = {(h["day"], h["hour"]): h["asked"] for h in found["hours"]}
    most = max(by_hour.values(), default=0)
    week = [(day, [by_hour.get((n, hour), 0) for hour in range(24)]) for n, day in enumerate(DAYS, 1)]
    return await v.page(
        "actions.html", **found, week=week, most=most, spans=list(SPANS),
        span=f"since={found['first']}&until={found['last']}&zone={found['zone']}",
    )


async def table(v: Visit) -> web.StreamResponse:
    """GET /console/insights/actions.csv?days=&of=questions|documents|called|hours|client|bot|network"""
    of = v.asked("of", "questions")
    if of not in TABLES:
        raise Invalid(f"of must be one of {', '.join(TABLES)}.", field="of")
    rows = _rows(await _found(v), of)
    return web.Response(
        text=tables.of(rows), content_type="text/csv", charset="utf-8",
        headers={**HEADERS, "Content-Disposition": f'attachment; filename="{of}.csv"'},
    )


def _rows(found: Json, of: str) -> list[list[object]]:
    """One of the tables, with its head. Pure."""
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
    names = ("name", "conversations", "asked", "answered", "people", "failed", "cost")
    return [list(names), *([r[n] for n in names] for r in found["by"][of])]


async def _found(v: Visit) -> Json:
    days = v.asked("days", "30")
    if days not in SPANS:
        raise Invalid(f"days must be one of {', '.join(SPANS)}.", field="days")
    zone = await zone_of(v)
    wall = ZoneInfo(zone)
    last = datetime.now(UTC).astimezone(wall).date()
    first = last - timedelta(days=SPANS[days] - 1)
    begun, ends = _moment(first, wall), _moment(last + timedelta(days=1), wall)
    # What people said is kept nowhere else, not for a minute.
    found = await findings.load(v.db, v.account, begun, ends, zone)
    return {**found, "days": days, "first": first, "last": last, "zone": zone}


def _moment(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def routes() -> list[web.RouteDef]:
    return [look("/console/insights/actions", show), look("/console/insights/actions.csv", table)]
