"""What a text says, whatever its typography: the one copy that is compared with lists of words. Pure.

People and models write the same words with curly quotes, unbreakable hyphens, soft hyphens, full-width letters,
accents in one sign or in two, and Markdown. Every comparison with a list goes through here, on both sides.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from hub.language.marks import fewer

# Signs that are not seen, or are another way to write one that is.
_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u200b\u200c\u200d\u200e\u200f\u202a\u202b"
    "\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u3164\ufeff\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
)
_SIGNS: Mapping[int, str] = {
    **{ord(c): "" for c in _UNSEEN},
    **{ord(c): "'" for c in "’‘‛‚ʼʹ′`´＇"},
    **{ord(c): '"' for c in "“”„‟«»″〝〞＂"},
    **{ord(c): "-" for c in "‐‑‒–—―−⁃﹘﹣－"},
    **dict.fromkeys((160, 5760, *range(8192, 8203), 8239, 8287, 12288), " "),
}
_WORD = re.compile(r"[\w'/@]+")
# Of Markdown and HTML: what is not read of a link or an element, and what only marks words.
_HIDDEN = re.compile(r"\]\([^()\s]*(?:\s+\"[^\"]*\")?\)|</?[A-Za-z][^<>]*>|!?\[(?=[^\]\n]*\]\()")
MARKS = "*_~`#\\"


def fold(text: str, accents: bool = False) -> str:
    """Lower case, plain quotes, hyphens and blanks, nothing unseen; without accents unless wanted."""
    if text.isascii():  # nothing of it is unseen, and of the signs it has one alone
        return text.lower().replace("`", "'")
    found = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", fewer(text.translate(_SIGNS))).casefold())
    found = found.translate(_SIGNS)
    # Below the first combining mark there is none: most letters need not be looked up.
    return found if accents else "".join(c for c in found if c < "\u0300" or not unicodedata.combining(c))


def plain(text: str) -> str:
    """The folded words alone, one blank between them: for what must be one of a list as a whole."""
    return " ".join(_WORD.findall(fold(re.sub(r"[*_~`]", "", text))))


@lru_cache(maxsize=4096)
def _sign(c: str) -> str:
    return fold(c, accents=True)


@dataclass(frozen=True, slots=True)
class Copy:
    """A folded copy, and where in the text each of its signs came from."""

    text: str
    places: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Of the text, for one of the copy."""
        return self.places[start], self.places[end - 1] + 1


def copies(text: str) -> Iterator[Copy]:
    """The text as it is read, with its accents: marks of Markdown left out, and as blanks."""
    hidden = {n for m in _HIDDEN.finditer(text) for n in range(*m.span())}
    for mark in ("", " "):
        signs: list[str] = []
        places: list[int] = []
        for n, c in enumerate(text):
            shown = mark if n in hidden or c in MARKS else _sign(c)
            signs.append(shown)
            places += [n] * len(shown)
        yield Copy("".join(signs), tuple(places))
