"""When messages go out, day by day, as a calendar shows it. Pure."""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from hub.domain import Json
from hub.tools.schedule.recurrence import Rule, instant, occurrences

# Of one task in one calendar: a task of every minute would fill it.
MOST, A_DAY = 62, 12


@dataclass(slots=True)
class Day:
    """events: {at, local, contact, row, state}, soonest first; more: how many others there are."""

    day: date
    inside: bool
    events: list[Json] = field(default_factory=list)
    more: int = 0


def span(view: str, day: date) -> tuple[date, date]:
    """First and last day shown: the week, or the weeks of the month, from Monday on."""
    if view == "week":
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=6)
    first = day.replace(day=1)
    last = day.replace(day=calendar.monthrange(day.year, day.month)[1])
    return first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())


def days(
    view: str, day: date, zone: str, schedules: Sequence[Json], ran: Iterable[Json], now: datetime
) -> list[Day]:
    """Each day with what went out (`ran`: activations) and what will, on the wall clock of `zone`."""
    first, last = span(view, day)
    wall = ZoneInfo(zone)
    start, end = _midnight(first, wall), _midnight(last + timedelta(days=1), wall)
    found = [Day(first + timedelta(days=n), view == "week" or (first + timedelta(days=n)).month == day.month)
             for n in range((last - first).days + 1)]
    events = [_event(r["fire_at"], r, r["state"], wall) for r in ran if start <= r["fire_at"] < end]
    for row in schedules:
        events += [_event(at, row, row["state"], wall) for at in coming(row, max(now, start), end)]
    events.sort(key=lambda e: e["at"])
    for event in events:
        one = found[(event["local"].date() - first).days]
        if len(one.events) < A_DAY:
            one.events.append(event)
        else:
            one.more += 1
    return found


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return instant(datetime.combine(day, time()), zone)


def coming(row: Json, start: datetime, end: datetime, most: int = MOST) -> list[datetime]:
    """The times of a schedule from `start` until `end`."""
    if row["state"] == "done" or (row["next_at"] is None and row["state"] == "active"):
        return []
    if row["kind"] == "once":
        at = row["scheduled_at"] or row["next_at"]
        return [at] if start <= at < end else []
    if row["max_executions"] is not None:
        most = min(most, max(0, row["max_executions"] - row["execution_count"]))
    rule = Rule(row["cron"], row["zone"], row["every"], row["unit"], row["anchor"])
    times: Any = occurrences(rule, start.astimezone(UTC) - timedelta(seconds=1))
    return list(islice(takewhile(lambda at: at < end, times), most))


def _event(at: datetime, row: Json, state: str, wall: ZoneInfo) -> Json:
    own = row.get("zone") or "UTC"
    return {"at": at, "local": at.astimezone(wall), "contact": at.astimezone(ZoneInfo(own)), "row": row, "state": state}
