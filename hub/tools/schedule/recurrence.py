"""When a recurring task comes next: five-field cron on the wall clock of a zone. Pure.

The rules, which are Debian cron's:
* A task at fixed times that fall into the hour skipped in spring comes at the first moment after it;
  one that falls into the hour repeated in autumn comes once, the first time.
* A task whose minute or hour begins with `*` follows real time: what is skipped does not come, what
  is repeated comes again.
* A day that a month lacks (the 31st, 29 February) is left out in that month; `L` is the last day.
* With `every` above 1, of the days, weeks or months only every n-th counts, from the anchor's on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

Unit = Literal["day", "week", "month"]
UNITS: tuple[Unit, ...] = ("day", "week", "month")
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
LONGEST_EVERY = 366
HORIZON = timedelta(days=366 * 50)


@dataclass(frozen=True, slots=True)
class Rule:
    """cron: five fields. zone: IANA name. every, unit, anchor: every n-th day, week or month."""

    cron: str
    zone: str = "UTC"
    every: int = 1
    unit: Unit = "day"
    anchor: date = date(2024, 1, 1)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Rule":
        """The rule of a stored schedule."""
        return cls(row["cron"], row["zone"], row["every"], row["unit"], row["anchor"])


def check(cron: str) -> str:
    """The expression with single spaces. Raise ValueError saying what is wrong with it."""
    text = " ".join(cron.split())
    fields = len(text.split(" ")) if text else 0
    if fields != 5:
        raise ValueError(
            f"must have five fields (minute, hour, day of month, month, day of week) like '0 9 * * 1'; it has {fields}"
        )
    try:
        next(CronSim(text, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as e:
        raise ValueError(f"is no cron expression: {str(e)[:1].lower()}{str(e)[1:]}") from None
    except StopIteration:
        raise ValueError("names a date that never comes") from None
    return text


def following(rule: Rule, after: datetime) -> datetime | None:
    """The first occurrence after a moment, in UTC; None when there is none within fifty years."""
    zone, end = ZoneInfo(rule.zone), after + HORIZON
    step = _real if _flows(rule.cron) else _fixed
    at: datetime | None = after.astimezone(UTC)
    while at is not None and at < end:
        at = step(rule.cron, zone, at)
        if at is None:
            return None
        day = at.astimezone(zone).date()
        if _counts(rule, day):
            return at
        at = instant(datetime.combine(_next_counted(rule, day), time()), zone) - SECOND
    return None


def upcoming(rule: Rule, after: datetime, count: int) -> list[datetime]:
    """The next occurrences, at most `count`."""
    found: list[datetime] = []
    for at in occurrences(rule, after):
        if len(found) == count:
            break
        found.append(at)
    return found


def occurrences(rule: Rule, after: datetime) -> Iterator[datetime]:
    """All occurrences after a moment, in order."""
    at = following(rule, after)
    while at is not None:
        yield at
        at = following(rule, at)


def closest(rule: Rule, after: datetime, samples: int = 12) -> timedelta | None:
    """The shortest time between two of the next occurrences; None when there is only one."""
    times = upcoming(rule, after, samples)
    return min((b - a for a, b in zip(times, times[1:], strict=False)), default=None)


def _flows(cron: str) -> bool:
    """Whether the task follows real time instead of being at fixed times of the wall clock."""
    minute, hour = cron.split(" ")[:2]
    return minute.startswith("*") or hour.startswith("*")


def _fixed(cron: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    # Wall times in order are moments in order, so the first that lies behind is the next.
    for wall in CronSim(cron, after.astimezone(zone).replace(tzinfo=None)):
        at = instant(wall, zone)
        if at > after:
            return at
    return None


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment (UTC) of a wall time: the first of two, and the end of the gap for one that is skipped."""
    at = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    # With fold=0 a skipped time is read with the offset before the gap, so `at` lies behind it.
    return _change(zone, at - DAY * 2, at) or at


def _real(cron: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    at, inclusive = after, False
    while True:
        offset = _offset(zone, at)
        wall = (at + offset).replace(tzinfo=None)
        found = next(CronSim(cron, wall - SECOND if inclusive else wall), None)
        if found is None:
            return None
        candidate = found.replace(tzinfo=UTC) - offset
        change = _first_change(zone, at, candidate)
        if change is None:
            return candidate
        at, inclusive = change, True


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _first_change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    """The first moment in (start, end] at which the offset from UTC changes."""
    at = start
    while at < end:
        to = min(at + DAY, end)
        if _offset(zone, at) != _offset(zone, to):
            return _change(zone, at, to)
        at = to
    return None


def _change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    """The moment between two at which the offset changes, by halving; None when it is the same at both."""
    before = _offset(zone, start)
    if before == _offset(zone, end):
        return None
    low, high = int(start.timestamp()), int(end.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, datetime.fromtimestamp(middle, UTC)) == before:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _counts(rule: Rule, day: date) -> bool:
    return rule.every <= 1 or _cycle(rule.unit, rule.anchor, day) % rule.every == 0


def _cycle(unit: Unit, anchor: date, day: date) -> int:
    """How many days, weeks (from Monday) or months lie between."""
    if unit == "day":
        return (day - anchor).days
    if unit == "week":
        return ((day - timedelta(days=day.weekday())) - (anchor - timedelta(days=anchor.weekday()))).days // 7
    return (day.year - anchor.year) * 12 + day.month - anchor.month


def _next_counted(rule: Rule, day: date) -> date:
    """The first day after one that counts."""
    left = -_cycle(rule.unit, rule.anchor, day) % rule.every
    if rule.unit == "day":
        return day + timedelta(days=left)
    if rule.unit == "week":
        return day - timedelta(days=day.weekday()) + timedelta(weeks=left)
    months = day.year * 12 + day.month - 1 + left
    return date(months // 12, months % 12 + 1, 1)
