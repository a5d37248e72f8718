"""What an answer was given to answer from, and which of its sentences stand there. Pure."""

import re
from collections.abc import Sequence

from hub.domain import Json, Passage
from hub.language import words
from hub.language.folding import fold
from hub.llm.blocks import sentences

MOST, LONGEST, SHORTEST = 5, 300, 3  # sentences of one passage, their characters, the words one must have
ALIKE = 0.85  # part of a sentence's words, its numbers all, that must stand in a passage


def sources(passages: Sequence[Passage], answer: str) -> list[Json]:
    """Of each passage its name, where it stands, when it holds, and the answer's sentences that it has (`said`)."""
    told = [s for block in answer.split("\n\n") for s in sentences(block)]
    return [_source(p, told) for p in passages]


def about(p: Passage) -> list[str]:
    """Heading, place and date of a passage, as far as they are known."""
    found = [("Heading", p.heading), ("Place", p.place), ("Valid from", p.since), ("Valid until", p.until)]
    lines = [f"{name}: {value}" for name, value in found if value]
    return [*lines, "Replaced by another document"] if p.replaced else lines


def _source(p: Passage, told: Sequence[str]) -> Json:
    content = fold(p.content)
    stems, numbers = frozenset(words.stems(content)), _numbers(content)
    said = [s[:LONGEST] for s in told if _stands(s, stems, numbers)][:MOST]
    dates = {"since": p.since and str(p.since), "until": p.until and str(p.until), "replaced": p.replaced}
    more = {"heading": p.heading, "place": p.place, **dates, "said": said}
    known = {"id": str(p.document_id), "name": p.name, "score": round(p.score, 4)}
    return known | {name: value for name, value in more.items() if value}


def _stands(sentence: str, stems: frozenset[str], numbers: frozenset[str]) -> bool:
    found = words.stems(sentence)
    enough = len(found) >= SHORTEST and sum(s in stems for s in found) >= ALIKE * len(found)
    return enough and _numbers(fold(sentence)) <= numbers


def _numbers(text: str) -> frozenset[str]:
    return frozenset(n.rstrip(".,:") for n in re.findall(r"\d[\d.,:]*", text))
