"""A repetition as a person or a model says it, as a rule. Pure.

"every second Monday at 9", "toda segunda e quinta às 9h", "cada dos semanas el lunes a las 10",
"todo dia 5 às 8", "last Friday of the month at 17:00", or five fields of cron.
"""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from hub.language import time_words as v
from hub.tools.schedule.clock import taken
from hub.tools.schedule.recurrence import LONGEST_EVERY, Rule, check
from hub.tools.schedule.tokens import Token, Unclear, read

HELP = (
    "write it like 'every Monday at 9:00', 'every two weeks on Friday at 18:00', 'todo dia 5 às 8', "
    "'cada dos semanas el lunes a las 10', or as five-field cron such as '0 9 * * 1'"
)
_CRON = re.compile(r"[\d*/,#LW\-A-Za-z]+( +[\d*/,#LW\-A-Za-z]+){4}")
_FIELD = re.compile(r"[\d*]")


def rule(text: str, zone: str, now: datetime) -> Rule:
    """Raise Unclear when it cannot be told; the anchor of every n-th is today in the zone."""
    today = now.astimezone(ZoneInfo(zone)).date()
    if looks_like_cron(text):
        try:
            return Rule(check(text), zone)
        except ValueError as e:
            raise Unclear(f"'{text[:60]}' {e}") from None
    try:
        clock, rest = taken(_spans(_twofold(read(text))))
        return _rule([t for t in rest if t.kind != v.THE], clock, zone, today)
    except Unclear as e:
        raise Unclear(str(e) if HELP in str(e) else f"'{text[:60]}': {e}; {HELP}") from None


def looks_like_cron(text: str) -> bool:
    words = text.split()
    return len(words) == 5 and _CRON.fullmatch(" ".join(words)) is not None and bool(_FIELD.match(words[0]))


def _twofold(tokens: list[Token]) -> list[Token]:
    """ "segunda sim, segunda não" arrives as Monday said twice with `other` between or behind."""
    found: list[Token] = []
    for token in tokens:
        if token.kind == v.DAY and token in found and any(t.kind == v.OTHER for t in tokens):
            continue
        found.append(token)
    return found


def _spans(tokens: list[Token]) -> list[Token]:
    """ "de segunda a sexta": between two days the word that otherwise leads to a time means "to"."""
    kinds = [t.kind for t in tokens]
    return [
        Token(v.TO) if t.kind == v.AT and kinds[n - 1 : n] == [v.DAY] and kinds[n + 1 : n + 2] == [v.DAY] else t
        for n, t in enumerate(tokens)
    ]


def _rule(rest: list[Token], clock: int | None, zone: str, today: date) -> Rule:
    kinds = [t.kind for t in rest]
    if clock is None and Token(v.UNIT, 0) not in rest and Token(v.UNIT, 1) not in rest:
        raise Unclear("no time of day is said")
    at = f"{(clock or 0) % 60} {(clock or 0) // 60}"
    if v.WORKDAYS in kinds:
        return Rule(f"{at} * * 1-5", zone)
    if v.WEEKEND in kinds:
        return Rule(f"{at} * * 0,6", zone)
    in_month = _in_month(rest, at, zone)
    if in_month is not None:
        return in_month
    days = _days(rest)
    every, unit = _every(rest, bool(days))
    if days:
        if unit not in (None, 3) or _number(rest, every) is not None or v.MONTH in kinds:
            raise Unclear("days of the week go with weeks only")
        return _cyclic(f"{at} * * {days}", zone, every, "week", today)
    return _by_unit(rest, at, clock, every, unit, zone, today)


def _by_unit(
    rest: list[Token], at: str, clock: int | None, every: int, unit: int | None, zone: str, today: date
) -> Rule:
    if any(t.value not in (2, 4) for t in [t for t in rest if t.kind == v.UNIT][1:]):
        raise Unclear("the repetition is not understood")
    day = _number(rest, every)
    if unit == 2 and day is not None and every == 1:
        unit = 4  # "todo dia 5"
    if day is not None and unit in (0, 1, 2, 3):
        raise Unclear(f"the {day} is not understood")
    if unit in (0, 1):
        return _often(every, unit, clock, zone)
    if unit == 2 or [t.kind for t in rest] == [v.EVERY]:
        return _cyclic(f"{at} * * *", zone, every, "day", today)
    if unit == 3:
        return _cyclic(f"{at} * * {today.isoweekday() % 7}", zone, every, "week", today)
    if unit == 4:
        return _cyclic(f"{at} {_day_of_month(day or today.day)} * *", zone, every, "month", today)
    month = next((t.value + 1 for t in rest if t.kind == v.MONTH), None)
    if month is not None and day is not None and unit in (5, None) and every == 1:
        return Rule(check(f"{at} {day} {month} *"), zone)
    raise Unclear("the repetition is not understood")


def _often(every: int, unit: int, clock: int | None, zone: str) -> Rule:
    """Every n minutes or hours; only steps that fit the hour or the day are even."""
    whole = 24 if unit else 60
    if clock is not None or every < 1 or whole % every:
        raise Unclear(f"every {every} {v.UNITS[unit]}s is not even; take a part of {whole} and no time of day")
    step = f"*/{every}" if every > 1 else "*"
    return Rule(f"0 {step} * * *" if unit else f"{step} * * * *", zone)


def _every(rest: list[Token], days: bool) -> tuple[int, int | None]:
    """How many of which unit: "every two weeks", "every other Monday", "every second Monday"."""
    every, unit = 1, None
    for place, token in enumerate(rest):
        after = rest[place + 1 : place + 3]
        if token.kind == v.OTHER:
            every = 2
        elif token.kind == v.EVERY:
            every = max(every, token.value)
            ordinal = bool(after) and after[0].kind in (v.ORD, v.NUM)
            if ordinal and (len(after) < 2 or after[1].kind in (v.UNIT, v.DAY)) and (days or len(after) > 1):
                every = after[0].value
        elif token.kind == v.UNIT and unit is None:
            unit = token.value
    return every, unit


def _days(rest: list[Token]) -> str:
    """Days of the week in cron's numbers: "1,4", or "1-5" for Monday to Friday."""
    named = [t for t in rest if t.kind in (v.DAY, v.TO)]
    if [t.kind for t in named] == [v.DAY, v.TO, v.DAY]:
        first, last = (t.value for t in named if t.kind == v.DAY)
        return ",".join(str((d + 1) % 7) for d in range(first, last + 1 if last >= first else last + 8))
    if any(t.kind == v.TO for t in named):
        raise Unclear("the days are not understood")
    return ",".join(dict.fromkeys(str((t.value + 1) % 7) for t in named))


def _in_month(rest: list[Token], at: str, zone: str) -> Rule | None:
    """ "the first Monday of the month", "the last day of each month"; None for anything else."""
    if Token(v.UNIT, 4) not in rest or v.OF not in [t.kind for t in rest]:
        return None
    before = rest[: next(n for n, t in enumerate(rest) if t.kind == v.OF)]
    named = [t for t in before if t.kind in (v.DAY, v.ORD, v.LAST, v.UNIT, v.NUM)]
    kinds = [t.kind for t in named]
    if sorted(kinds) == [v.DAY, v.LAST]:
        return Rule(f"{at} * * {(next(t.value for t in named if t.kind == v.DAY) + 1) % 7}L", zone)
    if kinds == [v.DAY, v.DAY]:  # "segunda segunda": the second one
        if named[0].value > 4:
            raise Unclear("the day is not understood")
        return Rule(f"{at} * * {(named[1].value + 1) % 7}#{named[0].value + 2}", zone)
    if sorted(kinds) == [v.DAY, v.ORD]:
        day, place = (next(t.value for t in named if t.kind == k) for k in (v.DAY, v.ORD))
        return Rule(check(f"{at} * * {(day + 1) % 7}#{place}"), zone)
    if v.LAST in kinds and Token(v.UNIT, 2) in named:
        return Rule(f"{at} L * *", zone)
    day = _number(named, 0) or 0
    return Rule(f"{at} {_day_of_month(day)} * *", zone) if day else None


def _number(rest: list[Token], every: int) -> int | None:
    """A day of the month among the tokens, without the n of "every n"."""
    found = [t.value for t in rest if t.kind in (v.NUM, v.ORD)]
    if every > 1 and every in found:
        found.remove(every)
    return found[-1] if found else None


def _day_of_month(day: int) -> int:
    if not 1 <= day <= 31:
        raise Unclear(f"no month has a day {day}")
    return day


def _cyclic(cron: str, zone: str, every: int, unit: str, today: date) -> Rule:
    if not 1 <= every <= LONGEST_EVERY:
        raise Unclear(f"every {every} {unit}s is not possible; take 1 to {LONGEST_EVERY}")
    if every == 1:
        return Rule(check(cron), zone)
    return Rule(check(cron), zone, every, unit, today)  # type: ignore[arg-type]  # one of UNITS
