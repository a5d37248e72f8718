"""Finding something in the manual: by the words of headings and of what stands under them. Pure."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hub.api.manual.chapters import Chapter, Section
from hub.language.lexicon import STOPS
from hub.language.words import stem, words

MOST, LONGEST, TERMS = 20, 100, 12
BEFORE, AROUND = 60, 220
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Hit:
    chapter: Chapter
    section: Section
    said: Markup


@dataclass(frozen=True, slots=True)
class Index:
    """Every section with the words of its heading and of its text; all words in order, and by their stems."""

    places: Sequence[tuple[Chapter, Section, Mapping[str, int], Mapping[str, int]]]
    known: Sequence[str]
    stems: Mapping[str, Sequence[str]]

    def forms(self, term: str) -> set[str]:
        """The words that a word of a question means: itself, its other forms, and those that it begins."""
        found = set(self.stems.get(stem(term), ()))
        place = bisect_left(self.known, term)
        while place < len(self.known) and self.known[place].startswith(term):
            if len(term) > 2 or self.known[place] == term:
                found.add(self.known[place])
            place += 1
        return found


def indexed(chapters: Iterable[Chapter]) -> Index:
    places = [(c, s, Counter(words(s.title)), Counter(words(s.text))) for c in chapters for s in c.sections]
    known = sorted({word for _, _, title, text in places for word in (*title, *text)})
    stems: dict[str, list[str]] = {}
    for word in known:
        stems.setdefault(stem(word), []).append(word)
    return Index(places, known, stems)


def find(index: Index, query: str) -> list[Hit]:
    """Sections that have most of the words, those with them in the heading first."""
    meant = [index.forms(term) for term in terms(query)]
    anything = frozenset().union(*meant)
    scored = []
    for chapter, section, title, text in index.places:
        if mark := _score(title, text, meant):
            scored.append((mark, chapter, section))
    scored.sort(key=lambda one: one[0], reverse=True)
    return [Hit(chapter, section, said(section.text, anything)) for _, chapter, section in scored[:MOST]]


def terms(query: str) -> list[str]:
    """The words that carry the question; all of them where none does."""
    given = words(query[:LONGEST])
    return list(dict.fromkeys([w for w in given if w not in STOPS] or given))[:TERMS]


def _score(
    title: Mapping[str, int], text: Mapping[str, int], meant: Sequence[set[str]]
) -> tuple[int, int, int] | None:
    """(words met, met in the heading, how often); None when fewer than half are met."""
    heading = [sum(title.get(word, 0) for word in forms) for forms in meant]
    body = [sum(text.get(word, 0) for word in forms) for forms in meant]
    met = sum(1 for h, b in zip(heading, body, strict=True) if h or b)
    return (met, sum(map(bool, heading)), sum(body)) if met and met * 2 >= len(meant) else None


def said(text: str, meant: frozenset[str]) -> Markup:
    """A piece of the text around the first word that was met, with the words marked."""
    flat = " ".join(text.split())
    first = next((m.start() for m in _WORD.finditer(flat) if meant & {*words(m[0])}), 0)
    start = flat.find(" ", first - BEFORE) + 1 if first > BEFORE else 0
    shown = flat[start : start + AROUND].rpartition(" ")[0] if len(flat) - start > AROUND else flat[start:]
    parts, place = [Markup("… ") if start else Markup("")], 0
    for m in _WORD.finditer(shown):
        if meant & {*words(m[0])}:
            parts.append(Markup("{}<mark>{}</mark>").format(shown[place : m.start()], m[0]))
            place = m.end()
    end = Markup(" …") if start + len(shown) < len(flat) else Markup("")
    return Markup("").join([*parts, Markup("{}").format(shown[place:]), end])
