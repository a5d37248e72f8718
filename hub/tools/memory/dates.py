"""Events of a calendar: read from what a model or a caller gives, written for people. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hub.domain import Json
from hub.errors import Invalid

TITLE, NOTES, REMIND = 200, 4000, 40_320
YEARS = (1970, 2200)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Event:
    """Times carry their zone. remind: minutes before the start at which the person wants to hear of it."""

    title: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    all_day: bool
    notes: str | None
    remind: int | None

    @property
    def details(self) -> Json:
        return {
            "title": self.title, "startsAt": self.starts_at.isoformat(), "endsAt": self.ends_at.isoformat(),
            "timeZone": self.zone, "allDay": self.all_day, "notes": self.notes, "remindMinutesBefore": self.remind,
        }

    @property
    def content(self) -> str:
        """One text of it all."""
        last = self.ends_at - timedelta(days=1) if self.all_day else self.ends_at
        begin, end = _when(self.starts_at, self.all_day), _when(last, self.all_day)
        parts = [f"{self.title} ({begin if begin == end else f'{begin} - {end}'}, {self.zone})"]
        if self.remind is not None:
            parts.append(f"Remind {self.remind} minutes before.")
        return "\n".join(parts + ([self.notes] if self.notes else []))


def event(given: Mapping[str, Any], zone: str) -> Event:
    """An event of title, startsAt, endsAt, timeZone, notes, remindMinutesBefore. Raise Invalid naming the field.

    A time without an offset is meant in `timeZone`, else in `zone`. A day alone is the whole day.
    """
    name = str(given.get("timeZone") or zone)
    place = zone_of(name)
    title = _short(given.get("title"), "title", TITLE)
    if not title:
        raise Invalid("title must not be empty.", field="title")
    starts, whole = moment(given.get("startsAt"), place, "startsAt")
    ends, last = moment(given["endsAt"], place, "endsAt") if given.get("endsAt") else (starts, whole)
    if (ends.date() < starts.date()) if last else (ends < starts):
        raise Invalid("endsAt is before startsAt.", field="endsAt")
    if last:
        ends = datetime.combine(ends.date() + timedelta(days=1), time(), place)
    remind = given.get("remindMinutesBefore")
    if remind is not None and not 0 <= remind <= REMIND:
        raise Invalid(f"remindMinutesBefore must be 0 to {REMIND:,}.", field="remindMinutesBefore")
    return Event(title, starts, ends, name, whole and last, _short(given.get("notes"), "notes", NOTES) or None, remind)


def changed(old: Mapping[str, Any], given: Mapping[str, Any], zone: str) -> Event:
    """The event of stored details with some of them changed; one that is moved keeps its length."""
    days = bool(old["allDay"])
    starts, ends = (datetime.fromisoformat(old[name]) for name in ("startsAt", "endsAt"))
    # Days are given as days again: what is stored is the midnight after the last one.
    length = timedelta(days=(ends.date() - starts.date()).days - 1) if days else ends - starts
    whole = {**old, "startsAt": _given(starts, days), "endsAt": _given(starts + length, days), **given}
    if "startsAt" in given and "endsAt" not in given:
        start, day = moment(whole["startsAt"], zone_of(str(whole["timeZone"])), "startsAt")
        whole["endsAt"] = _given(start + length, days) if day == days else None
    return event(whole, zone)


def zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        text = f"timeZone '{name[:60]}' is no zone; use one such as America/Sao_Paulo."
        raise Invalid(text, field="timeZone") from None


def moment(value: Any, zone: ZoneInfo, field: str) -> tuple[datetime, bool]:
    """A time in the zone, and whether only its day was given. Raise Invalid naming the field."""
    text = str(value or "").strip()
    try:
        if _DAY.fullmatch(text):
            found, whole = datetime.combine(date.fromisoformat(text), time(), zone), True
        else:
            read = datetime.fromisoformat(text)
            found, whole = (read.replace(tzinfo=zone) if read.tzinfo is None else read.astimezone(zone)), False
        if YEARS[0] <= found.year <= YEARS[1]:
            found.astimezone(UTC)
            return found, whole
    except (ValueError, OverflowError):
        pass
    raise Invalid(f"{field} is no time; write it as 2026-03-01T14:30, or 2026-03-01 for the whole day.", field=field)


def _given(at: datetime, day: bool) -> str:
    return at.date().isoformat() if day else at.isoformat()


def _short(value: Any, field: str, most: int) -> str:
    text = str(value or "").strip()
    if len(text) > most:
        raise Invalid(f"{field} must have at most {most:,} characters.", field=field)
    return text


def _when(at: datetime, all_day: bool) -> str:
    return f"{at:%Y-%m-%d}" if all_day else f"{at:%Y-%m-%d %H:%M}"
