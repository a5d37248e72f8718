"""Schedules: a week or a month of what goes out, and what operators do with it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.accounts import contacts
from hub.accounts.operators import Deed
from hub.api.http import pagination
from hub.chat.clients import templates
from hub.console.guard import act, look
from hub.console.page_request import Visit
from hub.console.settings import zone_of
from hub.domain import Json
from hub.errors import Invalid, NotFound
from hub.outreach import calendar, schedules
from hub.store import clients, dashboard, operator_inbox
from hub.store import people as person_rows
from hub.tools.schedule import book, recurrence, targets, words
from hub.tools.schedule.book import Change, Wanted
from hub.tools.schedule.targets import Target
from hub.translations import Catalogue, dated, told

PAGE, SHOWN, NEXT, FOUND = 50, 1000, 5, 12
VIEWS: Mapping[str, str] = {"week": told("Week"), "month": told("Month"), "list": told("List")}


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
        **await _people(v),
    )


async def _list(v: Visit, zone: str) -> web.StreamResponse:
    before = pagination.read(v.asked("before")) if v.asked("before") else None
    rows = await dashboard.calendar(v.db, v.account, before=before, limit=PAGE + 1)
    more = f"/console/schedules?view=list&before={pagination.write(rows[PAGE - 1]['id'])}" if len(rows) > PAGE else ""
    shown = [r | {"words": said(r, v.words)} for r in rows[:PAGE]]
    return await v.page(
        "schedules.html", days=[], view="list", views=VIEWS, day=None, zone=zone, today=None, before=None, after=None,
        places=await clients.of_account(v.db, v.account), rows=shown, more=more, **await _people(v),
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


def said(row: Json, spoken: Catalogue) -> str:
    """A schedule's times in words."""
    if row["kind"] == "once":
        return spoken.say(words.at(row["scheduled_at"] or row["next_at"], row["zone"]))
    return words.rule(recurrence.Rule(row["cron"], row["zone"], row["every"], row["unit"], row["anchor"]), spoken)


def _there(at: datetime, zone: str, spoken: Catalogue) -> str:
    """A moment on the clock of a zone."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{dated(local, 'name', spoken)} {dated(local, 'whole', spoken)} {local:%H:%M}"


async def view(v: Visit) -> web.StreamResponse:
    """GET /console/schedules/{id}"""
    row = await _one(v)
    times = book.preview(row, datetime.now(UTC), NEXT)
    upcoming = [{"at": at, "there": _there(at, row["zone"], v.words)} for at in times]
    fired = await schedules.fired(v.db, v.account, row["id"], PAGE)
    return await v.page("schedule.html", s=row, words=said(row, v.words), upcoming=upcoming, fired=fired)


async def _one(v: Visit) -> Json:
    row = await dashboard.schedule(v.db, v.account, v.id())
    if row is None:
        raise NotFound("No such schedule.")
    return row


async def _whom(v: Visit) -> tuple[UUID, Target]:
    """Who was chosen, or was named because they have not written yet; and at which place."""
    f = v.form
    if chosen := f.id("person"):
        talk = await operator_inbox.one(v.db, v.account, chosen)
        if talk is None:
            raise NotFound("No such conversation.")
        return talk["client_id"], await targets.of_session(v.db, v.account, talk["client_id"], chosen, talk["tag"])
    client, user = f.id("client"), f.get("user")
    if client is None or not user:
        raise Invalid("who: choose a person, or name somebody who has not written yet.", field="who")
    to = await targets.of_user(v.db, v.account, client, user, f.get("target") or None, f.get("identifier") or None)
    return client, to


async def people(v: Visit) -> web.StreamResponse:
    """GET /console/schedules/people?who=: those whom the words name, to choose from."""
    return v.part("people.html", **await _people(v))


async def _people(v: Visit) -> Json:
    """Found by words, or the one of a conversation (`person`)."""
    words, chosen = v.asked("who")[:100], v.asked("person")
    if chosen:
        try:
            one = await operator_inbox.one(v.db, v.account, UUID(chosen))
        except ValueError:
            raise Invalid("person is not an id.", field="person") from None
        return {"found": [one] if one else [], "who_asked": "", "chosen": chosen}
    found: list[Json] = []
    if words:
        named = contacts.looked(words)[1]
        person = await person_rows.find(v.db, v.account, named) if named else None
        found = await operator_inbox.page(v.db, v.account, v.who.id, "all", words=words, limit=FOUND, person=person)
    return {"found": found, "who_asked": words, "chosen": ""}


async def create(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/schedules: once ("tomorrow at 9") or again and again ("every Monday at 8")."""
    f, now = v.form, datetime.now(UTC)
    text = f.get("instruction")
    if not text:
        raise Invalid("instruction is missing.", field="instruction")
    client, to = await _whom(v)
    wanted = Wanted(instruction=text[:20_000])
    # Whom and what is in the schedule itself, which can be deleted; the log cannot.
    deed.change = {"place": str(client), "every": bool(f.get("every"))}
    if f.get("every"):
        rule = book.rule_of(f.get("every"), to.zone, now, "every")
        id = await book.recurring(v.db, v.account, client, to, rule, wanted)
    else:
        at = await book.when_of(f.get("when"), to.zone, now, None, "when")
        id = await book.once(v.db, v.account, client, to, at, wanted)
    note = await templates.opener(v.hub, v.account, client, to.channel)
    return v.to(f"/console/schedules/{id}", " ".join(v.words.say(s) for s in (told("It is planned."), note) if s))


async def pause(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../pause"""
    return await _changed(v, deed, Change(paused=True), told("Paused."))


async def resume(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../resume"""
    return await _changed(v, deed, Change(paused=False), told("It goes on."))


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
        look("/console/schedules", show), act("/console/schedules", "schedule.created", create),
        look("/console/schedules/people", people), look(one, view),
        act(one + "/pause", "schedule.paused", pause), act(one + "/resume", "schedule.resumed", resume),
        act(one + "/run", "schedule.run", run), act(one + "/cancel", "schedule.cancelled", cancel),
    ]
