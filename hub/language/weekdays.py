"""Days of the week that a text names without their names: "Monday to Friday", "de segunda a sexta", "todos los días".
Pure."""

import re
from collections.abc import Iterator

from hub.language.words import meaning

_NAMES = (
    ("segunda", "monday", "mon", "lunes", "seg"), ("terca", "tuesday", "tue", "martes", "ter"),
    ("quarta", "wednesday", "wed", "miercoles", "qua"), ("quinta", "thursday", "thu", "jueves", "qui"),
    ("sexta", "friday", "fri", "viernes", "sex"), ("sabado", "saturday", "sat", "sab"),
    ("domingo", "sunday", "sun", "dom"),
)
_NUMBER = {name: n for n, names in enumerate(_NAMES) for name in names}
_DAY = rf"({'|'.join(sorted(_NUMBER, key=len, reverse=True))})s?(?:-feiras?)?"
_SPAN = re.compile(rf"\b{_DAY}\.?\s*(?:a|ao|as|ate|to|until|through|thru|hasta|al|-|–)\s*(?:a |o |el )?{_DAY}\b")
_WORK = re.compile(r"\b(?:weekdays|dias de semana|durante a semana|entre semana|dias laborables|workdays)\b")
_ENDS = re.compile(r"\b(?:weekends?|fi(?:m|ns) de semana|fin(?:es)? de semana)\b")
_EVERY = re.compile(
    r"\b(?:todos os dias|todo dia|diariamente|every day|daily|seven days a week|todos los dias|a diario)\b")


def within(said: str) -> Iterator[int]:
    """The meanings of the days that a folded text holds so; nothing of days that it names."""
    if _EVERY.search(said):
        yield from map(_day, range(7))
    elif _WORK.search(said):
        yield from map(_day, range(5))
    if _ENDS.search(said):
        yield from map(_day, (5, 6))
    for match in _SPAN.finditer(said):
        first, last = _NUMBER[match[1]], _NUMBER[match[2]]
        if first < last:
            yield from map(_day, range(first, last + 1))


def _day(number: int) -> int:
    found = meaning(_NAMES[number][0])
    if found is None:
        raise LookupError(_NAMES[number][0])
    return found
