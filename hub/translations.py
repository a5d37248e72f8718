"""What is said to people who work with the hub, in their language.

English is written where it is said; the catalogues of `templates/words` hold the others. A text that is put together
from values is made by `told` or `counted`: it is English for everybody who does not ask, and can still be said in
another language by who does. Compiled catalogues are read once, at their first use.
"""

import gettext
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).resolve().parents[1] / "templates" / "words"
ENGLISH = "en"
# As browsers, documents and settings name them, and each by its own name.
LANGUAGES: Mapping[str, str] = MappingProxyType({ENGLISH: "English", "pt-BR": "Português (Brasil)", "es": "Español"})
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
# A sentence is known by at least so many letters around its values.
LEAST = 10
# Between what a word is said of and the word, in a catalogue.
SPLIT = "\x04"
# What is put together of several sentences is looked for one by one, up to so many letters.
LONGEST = 600
# How many texts that are no words of ours are known as such.
UNKNOWN = 2000
# The name of the place where a sentence says what went wrong, in words of ours.
WRONG = "e"
# The pieces of a text around its values, and the text.
Shape = tuple[list[str], str]
# How Portuguese and Spanish write figures, from how English does, and the other way round.
_SWAPPED = str.maketrans(",.", ".,")
# Thousands in groups, the English way.
_GROUPS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?")
_SENTENCE = re.compile(r"(?<=\.) (?=[A-Z@])")
_PLACE = re.compile(r"%\((\w+)\)s")
_RANGE = re.compile(r"\s*([a-z]{1,8})(?:-([a-z0-9-]{1,40}))?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*", re.IGNORECASE)


class Told(str):
    """A sentence in English that knows what it is made of."""

    one: str
    many: str
    number: int
    values: Mapping[str, object]


def told(text: str, **values: object) -> str:
    """A text with `%(name)s` where a value stands."""
    return _made(text, "", 0, values)


def counted(one: str, many: str, count: int, **values: object) -> str:
    """The same in the singular or plural, of `%(count)s`."""
    return _made(one, many, count, {"count": count, **values})


def _made(one: str, many: str, count: int, values: Mapping[str, object]) -> str:
    text = many if many and count != 1 else one
    made = Told(text % values if values else text)
    made.one, made.many, made.number, made.values = one, many, count, values
    return made


MONTHS = (
    told("January"), told("February"), told("March"), told("April"), told("May"), told("June"), told("July"),
    told("August"), told("September"), told("October"), told("November"), told("December"),
)
DAYS = (
    told("Monday"), told("Tuesday"), told("Wednesday"), told("Thursday"), told("Friday"), told("Saturday"),
    told("Sunday"),
)
# mon, wday: the first three letters of month and weekday; dd: the day in two figures.
SHAPES: Mapping[str, str] = {
    "stamp": told("%(dd)s %(mon)s"), "day": told("%(day)s %(month)s"), "whole": told("%(day)s %(month)s %(year)s"),
    "month": told("%(month)s %(year)s"), "weekday": told("%(weekday)s, %(dd)s %(month)s"),
    "wday": told("%(wday)s %(day)s"), "short": told("%(wday)s, %(day)s %(month)s"), "name": "%(wday)s",
}


class Catalogue:
    """The words of one language."""

    def __init__(self, code: str, found: gettext.NullTranslations) -> None:
        self.code, self._found = code, found
        self._shapes: Shapes | None = None
        self._unknown: dict[str, None] = {}
        self.rtl = code.split("-")[0] in RIGHT_TO_LEFT

    def gettext(self, text: str) -> str:
        # The empty text is the catalogue's own head.
        return self._found.gettext(text) if text else ""

    def ngettext(self, one: str, many: str, count: int) -> str:
        return self._found.ngettext(one, many, count)

    def pgettext(self, of: str, text: str) -> str:
        """A word that another language says in several ways, by what it is said of."""
        return self._found.pgettext(of, text)

    def say(self, text: object) -> str:
        """A text as it is said in this language; what no catalogue knows stays as it is, and what is no text is
        written as one."""
        if not isinstance(text, str):
            return "" if text is None else str(text)
        if not isinstance(text, Told):
            own = self.gettext(text)
            return self._recognised(text) if own == text else own
        own = self.ngettext(text.one, text.many, text.number) if text.many else self.gettext(text.one)
        if own == text.one and not text.values:
            return self._recognised(own)
        # What people have written is no word of ours, even where it reads like one.
        values = {k: self.say(v) if isinstance(v, Told) else v for k, v in text.values.items()}
        return own % values if values else own

    def _recognised(self, text: str) -> str:
        """A sentence of the APIs with values in it, by the words around them: the longest that fits."""
        if not isinstance(self._found, _Read) or text in self._unknown:
            return text
        if self._shapes is None:
            self._shapes = Shapes(self._found.shapes())
        for pieces, one in self._shapes.like(text):
            if (values := _between(pieces, text)) is not None:
                names = _PLACE.findall(one)
                return self.gettext(one) % {n: self._value(n, v) for n, v in zip(names, values, strict=True)}
        several = _SENTENCE.split(text) if len(text) < LONGEST else ()
        said = " ".join(self.say(one) for one in several) if len(several) > 1 else text
        if said == text and len(text) < LONGEST:
            if len(self._unknown) >= UNKNOWN:
                self._unknown.clear()
            self._unknown[text] = None
        return said

    def _value(self, name: str, text: str) -> str:
        """What stands at a place of a sentence: what went wrong is said by the hub too; the rest are figures and what
        people wrote."""
        if name == WRONG:
            return self.say(text)
        return swapped(text, self.code) if _GROUPS.fullmatch(text) else text


class Shapes:
    """Texts with places for values, found by the first word of what they say, or by the last one where they begin with
    a value. Those with the most words of their own come first."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self._first, self._last = dict[str, list[tuple[int, Shape]]](), dict[str, list[tuple[int, Shape]]]()
        self._other: list[tuple[int, Shape]] = []
        for rank, (pieces, one) in enumerate(shapes):
            first, _, more = pieces[0].partition(" ")
            before, _, last = pieces[-1].rpartition(" ")
            if first and (more or pieces[0].endswith(" ")):
                self._first.setdefault(first, []).append((rank, (pieces, one)))
            elif last and (before or pieces[-1].startswith(" ")):
                self._last.setdefault(last, []).append((rank, (pieces, one)))
            else:
                self._other.append((rank, (pieces, one)))

    def like(self, text: str) -> Iterator[Shape]:
        """Those that a text may be made of."""
        first, last = text.partition(" ")[0], text.rpartition(" ")[2]
        for _, shape in sorted([*self._first.get(first, ()), *self._last.get(last, ()), *self._other]):
            yield shape


class _Read(gettext.GNUTranslations):
    _catalog: dict[str | tuple[str, int], str]

    def shapes(self) -> list[Shape]:
        """Texts with places for values, cut at these; those with the most words of their own first."""
        texts = (one for one in self._catalog if isinstance(one, str) and SPLIT not in one)
        found = [(_PLACE.split(one)[::2], one) for one in texts if "%(" in one]
        known = [(pieces, one) for pieces, one in found if sum(map(len, pieces)) >= LEAST]
        return sorted(known, key=lambda shape: -sum(map(len, shape[0])))


def _between(pieces: list[str], text: str) -> list[str] | None:
    """What stands between the pieces of a text; None where it is not made of them. Pure."""
    if not text.startswith(pieces[0]) or not text.endswith(pieces[-1]):
        return None
    values, at = [], len(pieces[0])
    for n, piece in enumerate(pieces[1:], 1):
        end = len(text) - len(piece) if n == len(pieces) - 1 else text.find(piece, at + 1)
        if end <= at:
            return None
        values.append(text[at:end])
        at = end + len(piece)
    return values


class Catalogues:
    """All languages, each read when it is first wanted."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._known: dict[str, Catalogue] = {}

    def of(self, code: str | None) -> Catalogue:
        """English for a language that there is not."""
        wanted = code if code is not None and code in LANGUAGES else ENGLISH
        if wanted not in self._known:
            self._known[wanted] = Catalogue(wanted, self._read(wanted))
        return self._known[wanted]

    def _read(self, code: str) -> gettext.NullTranslations:
        if code == ENGLISH:
            return gettext.NullTranslations()
        with (self._folder / f"{code.replace('-', '_')}.mo").open("rb") as file:
            return _Read(file)


def chosen(own: str | None, accept: str) -> str:
    """Whose language: the one that they have chosen, else the best of Accept-Language, else English."""
    if own is not None and own in LANGUAGES:
        return own
    ranked = sorted(_ranked(accept[:500]), key=lambda pair: -pair[1])
    return next((code for code, weight in ranked if weight > 0), ENGLISH)


def _ranked(accept: str) -> Iterator[tuple[str, float]]:
    """Languages of ours, by the first part of their name: who reads Portuguese of Portugal is not sent to English."""
    ours = {code.split("-")[0].lower(): code for code in LANGUAGES}
    for part in accept.split(","):
        found = _RANGE.fullmatch(part)
        if found and (code := ours.get(found[1].lower())):
            yield code, float(found[3] or 1)


def swapped(text: str, code: str) -> str:
    """A figure written the English way, as a language writes it; and the other way round."""
    return text if code == ENGLISH else text.translate(_SWAPPED)


def typed(text: str, code: str = ENGLISH) -> str:
    """A figure as somebody wrote it in a language, the English way without groups: `1.234,5` of Portuguese and
    `1,234.5` of English are one. Where nothing stands in groups, either mark is that of a fraction."""
    english = swapped("".join(text.split()), code)
    if _GROUPS.fullmatch(english):
        return english.replace(",", "")
    return english.replace(",", ".") if english.count(",") + english.count(".") == 1 else english


def dated(at: date, kind: str, words: Catalogue) -> str:
    """A day, by the name of a shape of SHAPES. Short names are the first three letters in all our languages."""
    month, day = words.gettext(MONTHS[at.month - 1]), words.gettext(DAYS[at.weekday()])
    parts = {
        "day": str(at.day), "month": month, "mon": month[:3], "year": str(at.year), "weekday": day, "wday": day[:3],
        "dd": f"{at.day:02}",
    }
    return words.gettext(SHAPES[kind]) % parts


def moment(at: datetime, words: Catalogue) -> str:
    """A day of this year, and the time."""
    return f"{dated(at, 'stamp', words)} {at:%H:%M}"
