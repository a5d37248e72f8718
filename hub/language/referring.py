"""Whether a message is one that belongs to the one before it ("and on Sundays?", "how long does it take?"). Pure."""

import re

from hub.language.lexicon import JOINS, POINTS
from hub.language.words import words

LONGEST, SHORT = 8, 3  # words of a message that may refer, and of one that says too little alone
_IS = re.compile(r"\bé\b", re.IGNORECASE)
_ABOUT = ("what about", "how about", "e se", "y si", "que tal", "e quanto a")


def refers_back(text: str) -> bool:
    found = joints(text)
    if not found or len(found) > LONGEST:
        return False
    joined = found[0] in JOINS or " ".join(found).startswith(_ABOUT)
    return joined or len(found) <= SHORT or any(w in POINTS for w in found)


def joints(text: str) -> list[str]:
    """Its folded words, of which none that is "é" (is) is taken for "e" (and)."""
    return words(_IS.sub(" ser ", text))
