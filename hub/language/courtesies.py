"""Small talk: greetings, thanks, "ok" and goodbyes of three languages. Pure."""

from hub.language.lexicon import BESIDE, COURTESY, ENGLISH, PARTING, PORTUGUESE, SPANISH
from hub.language.words import words

LONGEST = 8
_ORDER = ("bye", "thanks", "fine", "hello")


def courtesy(text: str) -> str | None:
    """hello, thanks, fine or bye, when the message is nothing else."""
    found = words(text)
    if not found or len(found) > LONGEST:
        return None
    joined = " ".join(found)
    parting = any(p in joined for p in PARTING)
    known = [w for w in found if _courteous(w)]
    if not (known or parting) or not all(w in BESIDE or _courteous(w) for w in found):
        return None
    if parting:
        return "bye"
    first = "hello" if found[0] in COURTESY["hello"] else None
    kinds = {kind for kind, own in COURTESY.items() if any(w in own for w in found)}
    if kinds == {"hello", "fine"} and first:
        return first
    return next(kind for kind in _ORDER if kind in kinds)


def _courteous(word: str) -> bool:
    return any(word in known for known in COURTESY.values())


def spoken(text: str, default: str | None) -> str:
    """The language of a courtesy; `default` when its words are those of several or of none."""
    found = frozenset(words(text))
    marks = {"es": len(found & SPANISH), "en": len(found & ENGLISH), "pt": len(found & PORTUGUESE)}
    if "ñ" in text or "¡" in text:
        marks["es"] += 2
    best = max(marks.values())
    winners = [lang for lang, count in marks.items() if count == best and best]
    short = (default or "").replace("_", "-").split("-", 1)[0].lower()
    if short in ("pt", "en", "es") and (not winners or short in winners):
        return short
    return winners[0] if winners else "pt"
