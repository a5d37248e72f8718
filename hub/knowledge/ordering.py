"""The order of what was found: groups of letters as a third signal, and what holds no more after what holds. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from hub.language import codes
from hub.language.folding import fold
from hub.language.lexicon import STOPS
from hub.language.validity import Validity, years
from hub.language.words import languages, stem, words

GRAM = 4
# What groups of letters and codes count in the order, where a cosine counts as it is; chosen on the labelled questions
# that are not reported.
GRAMS, CODES, OLD = 0.1, 0.3, 0.25


@dataclass(frozen=True, slots=True)
class Candidate:
    """place: what ordered it before. text: its name and what is compared."""

    place: float
    text: str
    held: Validity


def ordered(terms: Sequence[str], found: Sequence[Candidate], today: date) -> list[int]:
    """Numbers of the candidates, best first."""
    texts = [f" {' '.join(words(c.text))} " for c in found]
    shares = _shares(_grams(terms, texts), texts)
    asked = [c for t in terms for c in codes.codes(t)]
    named = frozenset(y for t in terms for y in years(t))
    places = [
        c.place + GRAMS * shares[n] - OLD * _old(c.held, named, today)
        + (CODES * len(codes.holds(codes.squeezed(c.text), asked)) / len(asked) if asked else 0.0)
        for n, c in enumerate(found)
    ]
    return sorted(range(len(found)), key=lambda n: (-places[n], n))


def _old(held: Validity, named: frozenset[int], today: date) -> bool:
    """Whether it holds no more; for a question about a year: whether it does not hold then."""
    if not held:
        return False
    if named:
        return not named & {d.year for d in (held.start, held.end) if d}
    return held.old(today)


def _grams(terms: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Groups of four letters of the words that say something, with where a word begins.

    Of an English question only those of words that no text has: English words change little, so that stems have found
    the others, and their groups would count them twice.
    """
    found = [w for t in terms for w in words(fold(t)) if w not in STOPS and len(w) > 1]
    if languages(" ".join(terms)) == ("en",):
        found = [w for w in found if not any(f" {stem(w)}" in text for text in texts)]
    grams = [w[n : n + GRAM] for w in (f" {w}" for w in found) for n in range(max(1, len(w) - GRAM + 1))]
    return list(dict.fromkeys(grams))


def _shares(grams: Sequence[str], texts: Sequence[str]) -> list[float]:
    """Which part of the groups each text has, rare ones counting more."""
    if not grams or not texts:
        return [0.0] * len(texts)
    sets = [[g in t for g in grams] for t in texts]
    rare = [math.log(1 + (len(texts) - (k := sum(s[n] for s in sets)) + 0.5) / (k + 0.5)) for n in range(len(grams))]
    whole = sum(rare) or 1.0
    return [sum(r for r, has in zip(rare, s, strict=True) if has) / whole for s in sets]
