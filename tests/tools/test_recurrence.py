"""When recurring tasks come, against a clock that is walked minute by minute through every transition."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.tools.schedule.recurrence import Rule, check, closest, following, instant, occurrences, upcoming

ZONES = (
    "America/Sao_Paulo",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/Caracas",
)
FROM, UNTIL = (datetime(y, 1, 1, tzinfo=UTC).replace(tzinfo=None) for y in (2000, 2040))
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]  # parameters of the test


@cache
def transitions(zone: str) -> tuple[datetime, ...]:
    """Every change of the offset between 2000 and 2040, found by halving days."""
    found, where, at = [], ZoneInfo(zone), utc(2000, 1, 1)
    while at < utc(2040, 12, 31):
        before, after = at.astimezone(where).utcoffset(), (at + DAY).astimezone(where).utcoffset()
        if before != after:
            low, high = at, at + DAY
            while high - low > MINUTE:
                middle = low + (high - low) // 2
                low, high = (middle, high) if middle.astimezone(where).utcoffset() == before else (low, middle)
            found.append(high.replace(second=0, microsecond=0))
        at += DAY
    return tuple(found)


def test_the_zones_have_the_transitions_that_are_meant() -> None:
    counts = {z: len(transitions(z)) for z in ZONES}
    assert counts["Europe/Berlin"] == counts["America/New_York"] == counts["Australia/Lord_Howe"] == 82
    assert counts["America/Sao_Paulo"] == 39 and counts["Asia/Kathmandu"] == 0 and counts["Pacific/Apia"] == 23
    assert counts["Africa/Casablanca"] == 81 and counts["America/Caracas"] == 2


@cache
def field(text: str) -> frozenset[int]:
    """The oracle's own reading of a cron field: *, */n, a, a,b."""
    if text.startswith("*/"):
        return frozenset(range(0, 60, int(text[2:])))
    return frozenset(range(60)) if text == "*" else frozenset(int(t) for t in text.split(","))


@lru_cache(maxsize=1)
def clock(zone: ZoneInfo, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Every minute, and what the clock on the wall shows."""
    minutes = (end - start) // MINUTE
    return [((at := start + n * MINUTE), at.astimezone(zone).replace(tzinfo=None)) for n in range(minutes + 1)]


def walked(cron: str, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """What should come in (start, end], minute by minute. Days and months are `*` here."""
    minutes, hours = (field(text) for text in cron.split(" ")[:2])
    flows = cron.split(" ")[0].startswith("*") or cron.split(" ")[1].startswith("*")
    found: list[datetime] = []
    seen: set[datetime] = set()
    previous: datetime | None = None
    for at, wall in clock(zone, start - timedelta(hours=2), end):
        hit = wall.minute in minutes and wall.hour in hours and (flows or wall not in seen)
        if not flows and previous is not None and wall - previous > MINUTE:
            skipped = previous + MINUTE
            while skipped < wall:  # what the gap swallowed comes at its end, once
                hit = hit or (skipped.minute in minutes and skipped.hour in hours and skipped not in seen)
                seen.add(skipped)
                skipped += MINUTE
        if hit and at > start:
            found.append(at)
        seen.add(wall)
        previous = wall
    return found


def crons(zone: ZoneInfo, change: datetime) -> Iterator[str]:
    """Expressions at, just before and within the gap or fold, fixed and flowing."""
    before = (change - MINUTE).astimezone(zone).replace(tzinfo=None)
    after = change.astimezone(zone).replace(tzinfo=None)
    for wall in (before, before + MINUTE, before + 20 * MINUTE, after, after + 10 * MINUTE):
        yield f"{wall.minute} {wall.hour} * * *"
    yield f"0,15,30,45 {before.hour},{after.hour},{(after.hour + 1) % 24} * * *"
    yield from ("*/20 * * * *", "15 * * * *", "0 */2 * * *", f"*/25 {after.hour} * * *", "* * * * *")


@pytest.mark.parametrize("zone", ZONES)
def test_every_transition_from_2000_to_2040(zone: str) -> None:
    where = ZoneInfo(zone)
    for change in transitions(zone):
        wide = timedelta(hours=27 if zone == "Pacific/Apia" and change.year == 2011 else 4)
        for cron in crons(where, change):
            wanted = walked(cron, where, change - wide, change + wide)
            got = []
            for at in occurrences(Rule(cron, zone), change - wide):
                if at > change + wide:
                    break
                got.append(at)
            assert got == wanted, (zone, cron, change)


def test_zones_without_transitions_are_plain() -> None:
    got = upcoming(Rule("30 9 * * *", "Asia/Kathmandu"), utc(2026, 3, 18), 2)
    assert got == [utc(2026, 3, 18, 3, 45), utc(2026, 3, 19, 3, 45)]


def test_the_day_that_samoa_skipped() -> None:
    got = upcoming(Rule("0 9 * * *", "Pacific/Apia"), utc(2011, 12, 29, 12), 3)
    local = [f"{t.astimezone(ZoneInfo('Pacific/Apia')):%d %H:%M}" for t in got]
    # The 30th did not exist: its time comes as soon as the 31st begins.
    assert local == ["29 09:00", "31 00:00", "31 09:00"]


def test_month_ends_and_leap_days() -> None:
    def days(cron: str, count: int, **more: object) -> list[str]:
        return [f"{t:%Y-%m-%d}" for t in upcoming(Rule(cron, **more), utc(2026, 1, 31, 12), count)]  # type: ignore[arg-type]  # parameters of the test

    assert days("0 9 31 * *", 3) == ["2026-03-31", "2026-05-31", "2026-07-31"]
    assert days("0 9 L * *", 3) == ["2026-02-28", "2026-03-31", "2026-04-30"]
    assert days("0 9 29 2 *", 2) == ["2028-02-29", "2032-02-29"]
    assert days("0 9 * * 1#2", 2) == ["2026-02-09", "2026-03-09"]
    assert days("0 9 * * 5L", 2) == ["2026-02-27", "2026-03-27"]
    assert days("0 9 30 * *", 2, every=3, unit="month", anchor=date(2026, 2, 1)) == ["2026-05-30", "2026-08-30"]


def test_every_n_counts_from_the_anchor() -> None:
    weekly = Rule("0 9 * * 1", "UTC", 2, "week", date(2026, 3, 18))  # a Wednesday: its week counts
    assert [t.day for t in upcoming(weekly, utc(2026, 3, 18), 3)] == [30, 13, 27]
    daily = Rule("0 9 * * *", "UTC", 3, "day", date(2026, 3, 18))
    assert [t.day for t in upcoming(daily, utc(2026, 3, 18), 3)] == [18, 21, 24]
    assert closest(weekly, utc(2026, 3, 18)) == timedelta(days=14)


@pytest.mark.parametrize(
    "cron", ["", "* * * *", "0 9 * * 1 2026", "60 * * * *", "0 9 31 2 *", "@daily", "a b c d e", "0 9 * * 8"]
)
def test_what_is_no_cron(cron: str) -> None:
    with pytest.raises(ValueError, match=r"five fields|no cron|never comes"):
        check(cron)


FIELDS = st.tuples(
    st.sampled_from(["0", "30", "*/15", "*", "5,50"]),
    st.sampled_from(["9", "2", "*", "*/3", "1,23"]),
    st.sampled_from(["*", "1", "31", "L", "*/10"]),
    st.sampled_from(["*", "2", "3,10"]),
    st.sampled_from(["*", "1", "1-5", "0"]),
)


@settings(max_examples=150, deadline=None)
@given(
    FIELDS,
    st.sampled_from(ZONES),
    st.datetimes(FROM, UNTIL),
    st.integers(1, 4),
    st.sampled_from(["day", "week", "month"]),
)
def test_occurrences_go_forward_and_do_not_depend_on_where_one_begins(
    fields: tuple[str, ...], zone: str, start: datetime, every: int, unit: str
) -> None:
    rule = Rule(" ".join(fields), zone, every, unit, date(2001, 2, 3))  # type: ignore[arg-type]  # parameters of the test
    try:
        check(rule.cron)
    except ValueError:
        return
    after = start.replace(tzinfo=UTC)
    times = upcoming(rule, after, 5)
    assert all(a < b for a, b in zip([after, *times], times, strict=False))
    for n, at in enumerate(times):
        assert following(rule, at - timedelta(microseconds=1)) == at
        middle = (times[n - 1] if n else after) + (at - (times[n - 1] if n else after)) / 2
        assert following(rule, middle) == at


@given(st.sampled_from(ZONES), st.datetimes(FROM, UNTIL))
def test_wall_times_in_order_are_moments_in_order(zone: str, wall: datetime) -> None:
    wall, where = wall.replace(second=0, microsecond=0), ZoneInfo(zone)
    at = instant(wall, where)
    assert at <= instant(wall + MINUTE, where)
    assert at.astimezone(where).replace(tzinfo=None) >= wall
