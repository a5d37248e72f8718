"""The time of day in a row of tokens, taken out of it. Pure."""

from hub.language import time_words as v
from hub.tools.schedule.tokens import Token, Unclear, clock_of


def taken(tokens: list[Token]) -> tuple[int | None, list[Token]]:
    """Minutes after midnight (None when no time is said) and the tokens that are left.

    Raise Unclear for two different times.
    """
    rest: list[Token] = []
    clock: int | None = None
    part: int | None = None
    place = 0
    while place < len(tokens):
        here = tokens[place]
        found, length = _clock_at(tokens, place)
        if found is not None:
            if clock is not None and clock != found:
                raise Unclear("two times of day are said; say one")
            clock, place = found, place + length
        elif here.kind == v.PART:
            part, place = here.value, place + 1
        else:
            rest.append(here)
            place += 1
    if clock is None and part is not None:
        clock = part * 60
    elif clock is not None and part is not None:
        clock = _of_part(clock, part)
    return clock, [t for t in rest if t.kind != v.AT]


def _clock_at(tokens: list[Token], place: int) -> tuple[int | None, int]:
    """A time that begins here and how many tokens it takes."""
    kinds = [t.kind for t in tokens[place : place + 5]]
    value = tokens[place].value
    if kinds[0] == v.CLOCK:
        half = kinds[1:2] == [v.HALF]
        return value + (30 if half else 0), 2 if half else 1
    if kinds[:2] == [v.HALF, v.NUM]:
        return clock_of(tokens[place + 1].value).value + 30, 2
    # "at 9", "às 9 horas", "a las 9 y media", "9 da noite"
    start = place + 1 if kinds[0] == v.AT else place
    if kinds[0] not in (v.AT, v.NUM) or start >= len(tokens) or tokens[start].kind != v.NUM:
        return None, 0
    hour, end = tokens[start].value, start + 1
    if end < len(tokens) and tokens[end] == Token(v.UNIT, 1) and kinds[0] == v.AT:
        end += 1
    half = end < len(tokens) and tokens[end].kind == v.HALF
    end += half
    part = end < len(tokens) and tokens[end].kind == v.PART
    if kinds[0] != v.AT and not half and not part:
        return None, 0
    return clock_of(hour, 30 if half else 0).value, end - place


def _of_part(clock: int, part: int) -> int:
    """The time meant by an hour with its part of the day: 3 in the afternoon is 15:00."""
    hour = clock // 60
    if part in (v.AFTERNOON, v.NIGHT) and hour < 12:
        early = part == v.NIGHT and hour < 5  # one at night is one in the morning
        return clock if early else clock + 720
    if part in (v.MORNING, v.SMALL_HOURS) and hour == 12:
        return clock - 720
    return clock
