"""Insights: what bots and people did over days, drawn, as a table, and as CSV."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.accounts import tables
from hub.console import charts
from hub.console.guard import look
from hub.console.page_request import Visit
from hub.console.settings import zone_of
from hub.domain import Json
from hub.errors import Invalid
from hub.store import dashboard
from hub.translations import dated

SPANS: Mapping[str, int] = {"7": 7, "30": 30, "90": 90}
KEPT = 60.0  # seconds: reading a quarter of a year again for every look would help nobody
COLUMNS = ("day", "asked", "answered", "conversations", "by_people", "tokens", "cost", "failures")


@dataclass(frozen=True, slots=True)
class Span:
    """Days of the account's calendar, the last of them today."""

    days: str
    first: date
    last: date
    zone: ZoneInfo

    @classmethod
    async def of(cls, v: Visit) -> "Span":
        """What the address of the page asks for. Raise Invalid."""
        days = v.asked("days", "30")
        if days not in SPANS:
            raise Invalid(f"days must be one of {', '.join(SPANS)}.", field="days")
        zone = ZoneInfo(await zone_of(v))
        last = datetime.now(zone).date()
        return cls(days, last - timedelta(days=SPANS[days] - 1), last, zone)

    def begin(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """From its first one up to the end of today."""
        return self.begin(self.first), self.begin(self.last + timedelta(days=1))

    @property
    def shown(self) -> Json:
        """What the pages say of it."""
        return {"days": self.days, "first": self.first, "last": self.last, "zone": self.zone.key}


async def show(v: Visit) -> web.StreamResponse:
    """GET /console/insights?days=7|30|90"""
    found = await _figures(v)
    rows = found["rows"]
    labels = [dated(r["day"], "stamp", v.words) for r in rows]
    say = v.words.say
    drawn = {
        "messages": charts.bars(say("Messages a day: from people, and answers"), labels, [r["asked"] for r in rows],
                                v.words, [r["answered"] for r in rows]),
        "conversations": charts.bars(say("Conversations a day"), labels, [r["conversations"] for r in rows], v.words),
        "tokens": charts.bars(say("Tokens a day"), labels, [float(r["tokens"]) for r in rows], v.words),
        "failures": charts.bars(say("Failed answers a day"), labels, [r["failures"] for r in rows], v.words),
    }
    return await v.page("insights.html", **found, drawn=drawn, spans=list(SPANS))


async def table(v: Visit) -> web.StreamResponse:
    """GET /console/insights.csv?days="""
    found = await _figures(v)
    shown = v.columns(COLUMNS)
    text = tables.of([shown, *([r[c] for c in shown] for r in found["rows"])])
    return v.csv(f"insights-{found['first']}-{found['last']}", text)


async def _figures(v: Visit) -> Json:
    span = await Span.of(v)
    begun, ends = span.moments
    before = span.begin(span.first - timedelta(days=SPANS[span.days]))
    name = f"insights:{span.first}:{span.last}:{span.zone.key}"
    found = await v.hub.cache.get(v.account, name)
    if found is None:
        days_ = await dashboard.days(v.db, v.account, span.first, span.last, span.zone.key)
        found = {
            "rows": [r | {"day": r["day"].isoformat()} for r in days_],
            "now": await dashboard.span(v.db, v.account, begun, ends),
            "before": await dashboard.span(v.db, v.account, before, begun),
            "failed": await dashboard.failed_by_channel(v.db, v.account, begun, ends),
        }
        await v.hub.cache.put(v.account, name, found, KEPT)
    rows = [r | {"day": date.fromisoformat(r["day"])} for r in found["rows"]]
    return {
        **found, **span.shown, "rows": v.priced(rows),
        "cost": sum(r["cost"] for r in rows) if v.who.may("cost") else None, "tokens": sum(r["tokens"] for r in rows),
        "asked": sum(r["asked"] for r in rows), "failures": sum(r["failures"] for r in rows),
    }


def routes() -> list[web.RouteDef]:
    return [look("/console/insights", show), look("/console/insights.csv", table)]
