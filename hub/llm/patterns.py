"""Patterns and lists of words that customers give, looked for in texts within bounds of time. Pure."""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from hub.later import later
from hub.schemas import COUNTED, PATTERN, REPEATS

if TYPE_CHECKING:
    import regex
else:
    regex = later("regex")

# CPU seconds of one look: a pattern that takes longer is not decided.
SECONDS = 0.02
# Of lists of words, whose patterns are ours.
OURS = 1.0
# Signs that nobody sees, or that only mark: between letters they change no word.
_UNSEEN = r"[\u00ad\u200b-\u200f\u2060\ufeff\u0300-\u036f*_~`]*"
_BLANK = r"(?:[\s\u00a0\u00ad\u200b\u2060*_~`-]+)"


class Undecided(Exception):
    """The pattern takes too long on this text."""


def complaint(pattern: str) -> str | None:
    """Why a regular expression cannot be used; None when it can."""
    repeats = math.prod(max(1, int(n)) for n in COUNTED.findall(pattern))
    if len(pattern) > PATTERN or repeats > REPEATS:
        return "is too large"
    try:
        made = regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError) as e:
        return f"is no regular expression: {str(e)[:100]}"
    return "must not match nothing at all" if made.fullmatch("") else None


@lru_cache(maxsize=2000)
def compiled(pattern: str) -> "regex.Pattern[str]":
    return regex.compile(pattern)


@lru_cache(maxsize=2000)
def of_words(words: tuple[str, ...]) -> "regex.Pattern[str]":
    """Whole words and phrases, however cased, accented and spaced."""
    found = "|".join(_BLANK.join(_word(w) for w in phrase.split()) for phrase in words if phrase.split())
    return regex.compile(rf"(?<![\w])(?:{found or '(?!)'})(?![\w])", regex.IGNORECASE)


def _word(word: str) -> str:
    return "".join(_letter(c) + _UNSEEN for c in unicodedata.normalize("NFC", word))


def _letter(c: str) -> str:
    base = unicodedata.normalize("NFD", c)[0]
    return f"[{regex.escape(base)}{''.join(_accented().get(base.lower(), ()))}]" if base.isalpha() else regex.escape(c)


@lru_cache(maxsize=1)
def _accented() -> dict[str, str]:
    found: dict[str, str] = {}
    for code in range(0xC0, 0x250):
        letters = unicodedata.normalize("NFD", chr(code))
        if len(letters) > 1 and letters[0].isascii():
            found[letters[0].lower()] = found.get(letters[0].lower(), "") + chr(code)
    return found


def spans(
    pattern: "regex.Pattern[str]", text: str, start: int = 0, final: bool = True, seconds: float = SECONDS
) -> Iterator[tuple[int, int, bool]]:
    """(start, end, open) of what it matches from `start` on; open: what follows may change it. Raise Undecided."""
    try:
        for m in pattern.finditer(text, start, partial=not final, timeout=seconds):
            if m.end() > m.start():
                yield m.start(), m.end(), bool(m.partial) or (not final and grows(pattern, text, m.start(), seconds))
    except TimeoutError:
        raise Undecided from None


def grows(pattern: "regex.Pattern[str]", text: str, start: int, seconds: float = SECONDS) -> bool:
    """Whether all from `start` on may be the beginning of a longer match. Raise TimeoutError."""
    return pattern.fullmatch(text, start, partial=True, timeout=seconds) is not None


def joined(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(w for w in (" ".join(one.split()) for one in words) if w))
