"""Schedules: a week or a month of what goes out, and what operators do with it."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.accounts.operators import Deed
from hub.api.http import pagination
from hub.console.guard import act, look
from hub.console.page_request import Visit
from hub.console.settings import zone_of
from hub.domain import Json
from hub.errors import Invalid, NotFound
from hub.outreach import calendar, schedules
from hub.store import clients, dashboard
from hub.tools.schedule import book, recurrence, targets, words
from hub.tools.schedule.book import Change, Wanted

PAGE, SHOWN, NEXT = 50, 1000, 5
VIEWS = ("week", "month", "list")


async def show(v: Visit) -> web.StreamResponse:
    """GET /console/schedules?view=week|month|list&day=&client="""
    view, zone = v.asked("view", "week"), await zone_of(v)
    if view not in VIEWS:
        raise Invalid(f"view must be one of {', '.join(VIEWS)}.", field="view")
    if view == "list":
        return await _list(v, zone)
    now = datetime.now(UTC)
    day = _day(v.asked("day"), ZoneInfo(zone), now)
    first, last = calendar.span(view, day)
    # A day more on each side: days of the zone are not those of UTC.
    start, end = _midnight(first - timedelta(days=1)), _midnight(last + timedelta(days=2))
    rows = await dashboard.calendar(v.db, v.account, states=["active", "paused"], until=end, limit=SHOWN)
    ran = await dashboard.ran(v.db, v.account, start, min(end, now), SHOWN)
    step = timedelta(days=7) if view == "week" else timedelta(days=31)
    days = calendar.days(view, day, zone, rows, ran, now)
    return await v.page(
        "schedules.html", days=days, view=view, views=VIEWS, day=day, zone=zone,
        today=now.astimezone(ZoneInfo(zone)).date(), before=_start(view, day) - timedelta(days=1),
        after=_start(view, day) + step, places=await clients.of_account(v.db, v.account), rows=[], more="",
    )


async def _list(v: Visit, zone: str) -> web.StreamResponse:
    before = pagination.read(v.asked("before")) if v.asked("before") else None
    rows = await dashboard.calendar(v.db, v.account, before=before, limit=PAGE + 1)
    more = f"/console/schedules?view=list&before={pagination.write(rows[PAGE - 1]['id'])}" if len(rows) > PAGE else ""
    shown = [r | {"words": said(r)} for r in rows[:PAGE]]
    return await v.page(
        "schedules.html", days=[], view="list", views=VIEWS, day=None, zone=zone, today=None, before=None, after=None,
        places=await clients.of_account(v.db, v.account), rows=shown, more=more,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _start(view: str, day: date) -> date:
    return day - timedelta(days=day.weekday()) if view == "week" else day.replace(day=1)


def _day(text: str, zone: ZoneInfo, now: datetime) -> date:
    try:
        found = date.fromisoformat(text) if text else now.astimezone(zone).date()
    except ValueError:
        found = date.min
    if not 2000 <= found.year <= 2100:
        raise Invalid("day must be a date such as 2026-11-25.", field="day")
    return found


def said(row: Json) -> str:
    """A schedule's times in words."""
    if row["kind"] == "once":
        return words.at(row["scheduled_at"] or row["next_at"], row["zone"])
    return words.rule(recurrence.Rule(row["cron"], row["zone"], row["every"], row["unit"], row["anchor"]))


async def view(v: Visit) -> web.StreamResponse:
    """GET /console/schedules/{id}"""
    row = await _one(v)
    times = book.preview(row, datetime.now(UTC), NEXT)
    upcoming = [{"at": at, "there": words.short(at, row["zone"])} for at in times]
    fired = await schedules.fired(v.db, v.account, row["id"], PAGE)
    return await v.page("schedule.html", s=row, words=said(row), upcoming=upcoming, fired=fired)


async def _one(v: Visit) -> Json:
    row = await dashboard.schedule(v.db, v.account, v.id())
    if row is None:
        raise NotFound("No such schedule.")
    return row


async def create(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/schedules: once ("tomorrow at 9") or again and again ("every Monday at 8")."""
    f, now = v.form, datetime.now(UTC)
    client, user, text = f.id("client"), f.get("user"), f.get("instruction")
    if client is None or not user or not text:
        raise Invalid("place, person and text must all be given.", field="user" if client else "client")
    to = await targets.of_user(v.db, v.account, client, user, f.get("target") or None, f.get("identifier") or None)
    wanted = Wanted(instruction=text[:20_000])
    # Whom and what is in the schedule itself, which can be deleted; the log cannot.
    deed.change = {"place": str(client), "every": bool(f.get("every"))}
    if f.get("every"):
        rule = book.rule_of(f.get("every"), to.zone, now, "every")
        id = await book.recurring(v.db, v.account, client, to, rule, wanted)
    else:
        at = book.when_of(f.get("when"), to.zone, now, None, "when")
        id = await book.once(v.db, v.account, client, to, at, wanted)
    return v.to(f"/console/schedules/{id}", "It is planned.")


async def pause(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../pause"""
    return await _changed(v, deed, Change(paused=True), "Paused.")


async def resume(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../resume"""
    return await _changed(v, deed, Change(paused=False), "It goes on.")


async def _changed(v: Visit, deed: Deed, change: Change, text: str) -> web.StreamResponse:
    row = await _one(v)
    deed.object = str(row["id"])
    await book.change(v.db, v.account, row["client_id"], row["kind"], row["id"], change)
    return v.to(f"/console/schedules/{row['id']}", text)


async def run(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../run: now, beside its times; the outreach policy applies as always."""
    row = await _one(v)
    deed.object = str(row["id"])
    await schedules.run_now(v.hub, v.account, row["client_id"], row["kind"], row["id"])
    return v.to(f"/console/schedules/{row['id']}", "It is on its way.")


async def cancel(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../cancel"""
    row = await _one(v)
    deed.object = str(row["id"])
    await book.remove(v.db, v.account, row["client_id"], row["kind"], row["id"])
    return v.to("/console/schedules", "It is cancelled.")


def routes() -> list[web.RouteDef]:
    one = "/console/schedules/{id}"
    return [
        look("/console/schedules", show), act("/console/schedules", "schedule.created", create), look(one, view),
        act(one + "/pause", "schedule.paused", pause), act(one + "/resume", "schedule.resumed", resume),
        act(one + "/run", "schedule.run", run), act(one + "/cancel", "schedule.cancelled", cancel),
    ]
