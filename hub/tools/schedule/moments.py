"""One moment, as a person or a model says it, in a zone. Pure.

"amanhã às 9", "next Monday at 3pm", "dentro de dos horas", "25 de dezembro às 10h", "2026-03-21T15:00".
dateparser does the reckoning, on plain English made from what was understood; the result must agree
with it. What is ambiguous is refused with a sentence that says what to write.
"""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hub.language import time_words as v
from hub.later import later
from hub.tools.schedule.clock import taken
from hub.tools.schedule.recurrence import instant
from hub.tools.schedule.tokens import Token, Unclear, read

if TYPE_CHECKING:
    import dateparser
else:
    dateparser = later("dateparser")

LATEST = timedelta(days=366 * 5)
HELP = "write a date and a time such as 'tomorrow at 9:00', 'amanhã às 9', 'in 2 hours' or '2026-03-21T15:00'"
SETTINGS = {"PREFER_DATES_FROM": "future", "RETURN_AS_TIMEZONE_AWARE": False, "DATE_ORDER": "YMD"}


def moment(text: str, zone: str, now: datetime, *, language: str | None = None) -> datetime:
    """The moment meant, in UTC. Raise Unclear when it cannot be told or does not lie ahead."""
    local = now.astimezone(ZoneInfo(zone))
    at = _iso(text, ZoneInfo(zone)) or _said(text, local, language)
    if at <= now:
        raise Unclear(f"'{text[:60]}' is {_shown(at, zone)}, which has passed; now it is {_shown(now, zone)}")
    if at > now + LATEST:
        raise Unclear(f"'{text[:60]}' is {_shown(at, zone)}, more than five years ahead")
    return at


def _shown(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"


def _iso(text: str, zone: ZoneInfo) -> datetime | None:
    """ISO 8601 with a time; without an offset it is the wall clock of the zone."""
    try:
        at = datetime.fromisoformat(text.strip().replace(" ", "T", 1).upper())
    except ValueError:
        return None
    if ":" not in text and "T" not in text.upper():
        raise Unclear(f"'{text[:60]}' has no time of day; {HELP}")
    return at.astimezone(UTC) if at.tzinfo else instant(at, zone)


def _said(text: str, local: datetime, language: str | None) -> datetime:
    try:
        tokens = read(text)
        relative = _span(tokens, local)
        if relative is not None:
            return relative
        clock, rest = taken(tokens)
        day = _day([t for t in rest if t.kind not in (v.THE, v.OF)], local, clock, language)
    except Unclear as e:
        raise Unclear(f"{e}; {HELP}" if HELP not in str(e) else str(e)) from None
    if clock is None:
        raise Unclear(f"'{text[:60]}' has no time of day; {HELP}")
    return _resolved(f"{day} {clock // 60}:{clock % 60:02}", local, clock)


def _span(tokens: list[Token], local: datetime) -> datetime | None:
    """ "in 2 hours and 30 minutes": a span of hours and minutes is real time, whatever the clocks do."""
    found = [t for t in tokens if t.kind not in (v.IN, v.AND, v.THE)]
    pairs = list(zip(found[::2], found[1::2], strict=False))
    whole = len(found) % 2 == 0 and found and all(n.kind == v.NUM and u.kind == v.UNIT for n, u in pairs)
    if not whole or not any(t.kind == v.IN for t in tokens) or any(u.value > 1 for _, u in pairs):
        return None
    minutes = sum(n.value * (60 if u.value else 1) for n, u in pairs)
    return _resolved(f"in {minutes} minutes", local, None)


def _day(rest: list[Token], local: datetime, clock: int | None, language: str | None) -> str:
    """The day in words that dateparser reads."""
    kinds, today = [t.kind for t in rest], local.date()
    ahead = clock is not None and clock > local.hour * 60 + local.minute
    if not rest or kinds == [v.TODAY]:
        days = rest[0].value if rest else 0 if ahead else 1
        return (today + timedelta(days=days)).isoformat()
    if sorted(kinds) in ([v.DAY], [v.DAY, v.NEXT]):
        weekday = next(t.value for t in rest if t.kind == v.DAY)
        days = (weekday - today.weekday()) % 7
        return (today + timedelta(days=days or (0 if ahead and v.NEXT not in kinds else 7))).isoformat()
    if kinds in ([v.IN, v.NUM, v.UNIT], [v.NEXT, v.UNIT], [v.UNIT, v.NEXT]):
        number, unit = (rest[1].value, rest[2]) if v.IN in kinds else (1, next(t for t in rest if t.kind == v.UNIT))
        if unit.value > 1:
            return f"in {number} {v.UNITS[unit.value]}s"
    return _date(rest, local, language)


def _date(rest: list[Token], local: datetime, language: str | None) -> str:
    found = _named(rest, local, language)
    weekday = next((t.value for t in rest if t.kind == v.DAY), None)
    if weekday is not None and date.fromisoformat(found).weekday() != weekday:
        raise Unclear(f"{found} is no {v.WEEKDAYS[weekday]}")
    return found


def _named(rest: list[Token], local: datetime, language: str | None) -> str:
    year = next((t.value for t in rest if t.kind == v.YEAR), None)
    named = [t for t in rest if t.kind != v.YEAR and t.kind != v.DAY]
    shape = [t.kind for t in named]
    if sorted(shape) in ([v.MONTH, v.NUM], [v.MONTH, v.ORD]):
        month = next(t.value for t in named if t.kind == v.MONTH) + 1
        day = next(t.value for t in named if t.kind != v.MONTH)
        return _ahead(day, month, year, local)
    if shape == [v.DATE]:
        return _figures(named[0].text, local, language)
    if shape in ([v.ORD], [v.UNIT, v.NUM], [v.UNIT, v.ORD]) and (shape[0] == v.ORD or named[0].value == 2):
        return _of_month(named[-1].value, local)
    raise Unclear("the day is not understood")


def _figures(text: str, local: datetime, language: str | None) -> str:
    """25/12[/2026]; day first, except in English, where only what cannot be mistaken is taken."""
    one, two, *more = (int(n) for n in text.split("/"))
    year = (more[0] + 2000 if more[0] < 100 else more[0]) if more else None
    if (language or "en")[:2].lower() == "en" and one <= 12 and two <= 12 and one != two:
        raise Unclear(f"'{text}' could be two days; write the month's name")
    day, month = (one, two) if two <= 12 else (two, one)
    return _ahead(day, month, year, local)


def _ahead(day: int, month: int, year: int | None, local: datetime) -> str:
    """The date in the year said, else the next time it comes."""
    for candidate in [year] if year else range(local.year, local.year + 9):
        try:
            found = local.date().replace(year=candidate, month=month, day=day)
        except ValueError:
            continue
        if year or found >= local.date():
            return found.isoformat()
    raise Unclear(f"there is no day {day} in month {month}" + (f" of {year}" if year else ""))


def _of_month(day: int, local: datetime) -> str:
    """The next month's day that exists: the 31st is never moved to the 30th."""
    at = local.date()
    for _ in range(400):
        if at.day == day:
            return at.isoformat()
        at += timedelta(days=1)
    raise Unclear(f"no month has a day {day}")


def _resolved(words: str, local: datetime, clock: int | None) -> datetime:
    base = local.replace(tzinfo=None)
    elapsed = clock is None
    settings = SETTINGS | {"RELATIVE_BASE": local.astimezone(UTC).replace(tzinfo=None) if elapsed else base}
    found = dateparser.parse(words, languages=["en"], settings=settings)
    if found is None or (clock is not None and found.hour * 60 + found.minute != clock):
        raise Unclear(f"the time is not understood; {HELP}")
    if elapsed:
        return found.replace(tzinfo=UTC)
    zone = local.tzinfo
    assert isinstance(zone, ZoneInfo)
    return instant(found.replace(second=0, microsecond=0), zone)
