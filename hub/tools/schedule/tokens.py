"""A phrase about time as a row of meanings; a word that is not known is refused, never skipped. Pure."""

import re
from dataclasses import dataclass

from hub.language import time_words as v
from hub.language.folding import fold

_CLOCK = re.compile(r"(\d{1,2})(?:(?::|h)(\d{2})(?:min|h)?|h|:)?(am|pm)?")
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})(?:/(\d{4}|\d{2}))?")
_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th|o|a)")
YEARS = range(1970, 2200)


class Unclear(ValueError):
    """The phrase cannot be read; the text says what to write instead."""


@dataclass(frozen=True, slots=True)
class Token:
    """value: a number, weekday (0 Monday), month or unit index, minutes of the day (clock), hour (part).
    text: digits of a date."""

    kind: str
    value: int = 0
    text: str = ""


def bare(text: str) -> str:
    """Lower case, without accents and commas, single spaces."""
    found = fold(text.replace("º", "o").replace("ª", "a").replace(",", " "))
    found = re.sub(r"\b([ap])\.\s?m\.?", r"\1m", found)
    return " ".join(re.sub(r"(\d)\s+(am|pm)\b", r"\1\2", found).rstrip(".!").split())


def read(text: str) -> list[Token]:
    """Raise Unclear naming the word that is not understood."""
    words = bare(text).split()
    found: list[Token] = []
    place = 0
    while place < len(words):
        for length in range(min(v.LONGEST, len(words) - place), 0, -1):
            meant = v.WORDS.get(" ".join(words[place : place + length]))
            if meant:
                found += [Token(kind, value) for kind, value in meant]
                place += length
                break
        else:
            found.append(_figure(words[place]))
            place += 1
    return found


def _figure(word: str) -> Token:
    if _DATE.fullmatch(word):
        return Token(v.DATE, 0, word)
    if word.isdigit() and len(word) == 4 and int(word) in YEARS:
        return Token(v.YEAR, int(word))
    if word.isdigit() and len(word) <= 4:
        return Token(v.NUM, int(word))
    if ordinal := _ORDINAL.fullmatch(word):
        return Token(v.ORD, int(ordinal[1]))
    clock = _CLOCK.fullmatch(word)
    if clock is None:
        raise Unclear(f"'{word[:40]}' is not understood")
    hour, minute = int(clock[1]), int(clock[2] or 0)
    if clock[3]:
        if not 1 <= hour <= 12:
            raise Unclear(f"'{word}' is no time of day")
        hour = hour % 12 + (12 if clock[3] == "pm" else 0)
    return clock_of(hour, minute)


def clock_of(hour: int, minute: int = 0) -> Token:
    if hour > 23 or minute > 59:
        raise Unclear(f"{hour}:{minute:02} is no time of day; hours go from 0 to 23")
    return Token(v.CLOCK, hour * 60 + minute)
