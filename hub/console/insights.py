"""Insights: what bots and people did over days, drawn, as a table, and as CSV."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.accounts import tables
from hub.console import charts
from hub.console.guard import look
from hub.console.page_request import HEADERS, Visit
from hub.console.settings import zone_of
from hub.domain import Json
from hub.errors import Invalid
from hub.store import dashboard

SPANS: Mapping[str, int] = {"7": 7, "30": 30, "90": 90}
KEPT = 60.0  # seconds: reading a quarter of a year again for every look would help nobody
COLUMNS = ("day", "asked", "answered", "conversations", "by_people", "tokens", "cost", "failures")


async def show(v: Visit) -> web.StreamResponse:
    """GET /console/insights?days=7|30|90"""
    found = await _figures(v)
    rows = found["rows"]
    labels = [f"{r['day']:%d %b}" for r in rows]
    drawn = {
        "messages": charts.bars("Messages a day: from people, and answers", labels, [r["asked"] for r in rows],
                                [r["answered"] for r in rows]),
        "conversations": charts.bars("Conversations a day", labels, [r["conversations"] for r in rows]),
        "tokens": charts.bars("Tokens a day", labels, [float(r["tokens"]) for r in rows]),
        "failures": charts.bars("Failed answers a day", labels, [r["failures"] for r in rows]),
    }
    return await v.page("insights.html", **found, drawn=drawn, spans=list(SPANS))


async def table(v: Visit) -> web.StreamResponse:
    """GET /console/insights.csv?days="""
    found = await _figures(v)
    text = tables.of([COLUMNS, *([r[c] for c in COLUMNS] for r in found["rows"])])
    name = f"insights-{found['first']}-{found['last']}.csv"
    return web.Response(
        text=text, content_type="text/csv", charset="utf-8",
        headers={**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _figures(v: Visit) -> Json:
    days = v.asked("days", "30")
    if days not in SPANS:
        raise Invalid(f"days must be one of {', '.join(SPANS)}.", field="days")
    zone = await zone_of(v)
    wall, count = ZoneInfo(zone), SPANS[days]
    last = datetime.now(UTC).astimezone(wall).date()
    first = last - timedelta(days=count - 1)
    begun, ends = _moment(first, wall), _moment(last + timedelta(days=1), wall)
    before = _moment(first - timedelta(days=count), wall)
    name = f"insights:{first}:{last}:{zone}"
    found = await v.hub.cache.get(v.account, name)
    if found is None:
        days_ = await dashboard.days(v.db, v.account, first, last, zone)
        found = {
            "rows": [r | {"day": r["day"].isoformat()} for r in days_],
            "now": await dashboard.span(v.db, v.account, begun, ends),
            "before": await dashboard.span(v.db, v.account, before, begun),
            "failed": await dashboard.failed_by_channel(v.db, v.account, begun, ends),
        }
        await v.hub.cache.put(v.account, name, found, KEPT)
    rows = [r | {"day": date.fromisoformat(r["day"])} for r in found["rows"]]
    return {
        **found, "rows": rows, "days": days, "first": first, "last": last, "zone": zone,
        "cost": sum(r["cost"] for r in rows), "tokens": sum(r["tokens"] for r in rows),
        "asked": sum(r["asked"] for r in rows), "failures": sum(r["failures"] for r in rows),
    }


def _moment(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def routes() -> list[web.RouteDef]:
    return [look("/console/insights", show), look("/console/insights.csv", table)]
