"""Words that are nearly the same: a slip of the finger, or written as they sound. Pure."""

import re
from collections.abc import Iterable

# In Portuguese, English and Spanish what is after the sign sounds, or is typed, like what is before it.
_SOUNDS = (
    (re.compile(r"ph"), "f"), (re.compile(r"qu(?=[ei])"), "k"), (re.compile(r"c(?=[ei])"), "s"),
    (re.compile(r"g(?=[ei])"), "j"), (re.compile(r"c(?=k)|(?<=[ck])h"), ""), (re.compile(r"[cq]"), "k"),
    (re.compile(r"x|sh|ch|z"), "s"), (re.compile(r"y"), "i"), (re.compile(r"w"), "v"),
    (re.compile(r"h"), ""), (re.compile(r"(.)\1+"), r"\1"),
)
SHORTEST, LONG = 4, 8


def sound(word: str) -> str:
    """How a folded word sounds, roughly."""
    for pattern, written in _SOUNDS:
        word = pattern.sub(written, word)
    return word


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The word that was meant: at most one slip away, two in a long one; of several the first by the alphabet."""
    if len(word) < SHORTEST or not word.isalpha():
        return None
    most = 1 if len(word) < LONG else 2
    heard = sound(word)
    fewer = most - (len(heard) < SHORTEST)
    best: tuple[int, str] | None = None
    for other in known:
        if len(other) < SHORTEST or abs(len(other) - len(word)) > most + 1:
            continue
        if other[0] != word[0] and sound(other)[:1] != heard[:1]:
            continue
        by_ear = distance(heard, sound(other), fewer)
        apart = min(distance(word, other, most), by_ear if by_ear <= fewer else most + 1)
        if apart <= most and (best is None or (apart, other) < best):
            best = (apart, other)
    return best[1] if best else None


def shortened(word: str, known: Iterable[str]) -> str | None:
    """The longer word that a word is the beginning of ("cardio"), or that differs in its ending alone ("pediatra")."""
    best: tuple[int, str] | None = None
    for other in known:
        same = _common(word, other)
        whole = same == len(word) and same >= 5
        if (whole or (same >= 6 and same >= 0.7 * len(word) and same >= 0.6 * len(other))) and (
            best is None or (-same, other) < best
        ):
            best = (-same, other)
    return best[1] if best else None


def _common(a: str, b: str) -> int:
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def distance(a: str, b: str, most: int) -> int:
    """Slips between two words (a letter more, less, other, two that changed places); `most` + 1 for more of them."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before, last = [0] * (len(b) + 1), list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            step = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                step = min(step, before[j - 2] + 1)
            row.append(step)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return min(last[-1], most + 1)
