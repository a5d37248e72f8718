"""Whether a unit of a passage may be the answer to a question, by rules: it has enough of the question and of its
things, and the kind of fact that is wanted. Pure."""

import re

from hub.language import words
from hub.language.facts import FACTS, MEASURED, NAME, WHOSE
from hub.language.folding import fold
from hub.language.lexicon import RANKS
from hub.llm.asked import Asked
from hub.llm.quoting import columns, quoted
from hub.llm.units import counted
from hub.llm.weighing import Weighed

# The part of a question's weight that an answer must have; less of it where the search found the document close.
ENOUGH, CLOSE = 0.57, 0.6
NEAR = ((0.75, 0.42), (CLOSE, 0.48))  # of a passage with at least the first score the second is enough
PRICED = 0.6  # the same of a price: another thing's is worse than none
NAMED = 0.7  # the same where a name that was asked for is nowhere
# Cells that hold nothing, and those that hold no number unless it is asked of what they are about.
BLANK = frozenset(("-", "--", "–", "—", "n/a", "n.a.", "na", "n/d", "nd", "?", "tbd", "s/d", "…", "..."))
NONE = BLANK | frozenset(("none", "nenhum", "nenhuma", "ninguno", "ninguna", "no", "nao"))
# What says how far something goes.
BOUNDS = re.compile(
    r"\b(?:nao .{0,80}\bfora d[aeo]s?|not .{0,80}\boutside|no .{0,80}\bfuera de|only (?:in|to|within)"
    r"|(?:apenas|somente|so) (?:em|para|na|no|dentro)|solo (?:en|a|dentro)|solamente (?:en|a))\b"
)


def fits(one: Weighed, asked: Asked, known: frozenset[str]) -> bool:
    """Whether it is an answer: it has enough of the question and of its things, and the kind of fact that is wanted."""
    enough = next((least for score, least in NEAR if one.unit.part.passage.score >= score), ENOUGH)
    if "price" in asked.wants and not asked.codes:
        enough = max(enough, PRICED)
    if not asked.codes and any(t.proper and t.stem not in one.has for t in asked.topics):
        enough = NAMED
    if asked.terms and (one.cover < enough or _lacks(one, asked, known)) and not bounds(one, asked, known):
        return False
    if asked.topics and not any(t.stem in one.has for t in asked.topics) and not asked.codes:
        return False
    return not _stray(one, asked) and sound(one, asked)


def sound(one: Weighed, asked: Asked) -> bool:
    """Whether it may be one at all, however little of the question's words it has."""
    if not asked.topics and not asked.codes and not asked.of_premises and not _of_context(one, asked):
        return False
    if not _either(one, asked) or not _ranked(one, asked) or not _named(one, asked):
        return False
    if one.unit.cells and _blank(one, asked):
        return False
    wanted = asked.wants if asked.of_premises else asked.firm
    text = fold(quoted(one, asked)) if wanted else ""
    cells = f" {counted(one.unit.cells)}" if one.unit.cells else ""
    if "many" in wanted and asked.counted in one.apart and not one.unit.cells:
        return False  # a number beside what is counted is of something else
    said = _counting(fold(_told(one, asked)) + cells, asked) if "many" in wanted else ""
    return not wanted or any(FACTS[w].search(said if w == "many" else text + cells) for w in wanted)


def _blank(one: Weighed, asked: Asked) -> bool:
    """Whether nothing stands in the cells that are asked for but a sign that nothing does."""
    named = columns(asked, one.unit.cells)
    return bool(named) and all(fold(c.value).strip() in BLANK for c in named)


def _told(one: Weighed, asked: Asked) -> str:
    """What a unit says of a number: "none" is one only in the column of what is counted."""
    meant = words.meaning(asked.counted)
    return " | ".join(
        c.value for c in one.unit.cells
        if fold(c.value).strip() not in NONE or c.named.has(asked.counted) or c.named.means(meant)
    ) if one.unit.cells else one.unit.text


def _counting(text: str, asked: Asked) -> str:
    """A folded text without the numbers that count another thing than the one that is asked of."""
    meant = words.meaning(asked.counted)

    def kept(match: re.Match[str]) -> str:
        held = words.words(match[0])
        same = any(words.stem(w) == asked.counted or (meant is not None and words.meaning(w) == meant) for w in held)
        return match[0] if same else " "

    return MEASURED.sub(kept, text)


def bounds(one: Weighed, asked: Asked, known: frozenset[str]) -> bool:
    """Whether it says how far a thing goes that is asked of a place or a name of which nothing is known: "do you
    deliver to Oz?" - "we deliver within the city alone"."""
    names = [t for t in asked.topics if t.proper and t.word.isalpha()]
    others = [t for t in asked.terms if not t.proper]
    if asked.wants or asked.codes or asked.opens or len(names) != 1 or names[0].stem in known or not others:
        return False
    text = fold(one.unit.text)
    own = one.unit.own
    return bool(BOUNDS.search(text)) and all(own.has(t.stem, t.meaning) or own.means(t.meaning) for t in others)


def _either(one: Weighed, asked: Asked) -> bool:
    """Of "this or that" one must be in it."""
    unit = one.unit
    around = (unit.own, unit.near)
    return not asked.either or any(w.has(t.stem, t.meaning) or w.means(t.meaning) for t in asked.either for w in around)


def _stray(one: Weighed, asked: Asked) -> bool:
    """Whether less than half of a question that asks for no kind of fact stands in it, words that name nothing counted
    too, and the search did not find it close: "how do I stay longer with the car" is not answered by all that is said
    of cars."""
    if asked.wants or asked.codes or asked.refers or one.unit.part.passage.score >= CLOSE:
        return False
    return len(asked.terms) > 2 and 2 * sum(t.stem in one.plain for t in asked.terms) < len(asked.terms)


def _ranked(one: Weighed, asked: Asked) -> bool:
    """Whether it says of itself which is the first, the best or the cheapest where that is asked for: who only quotes
    compares nothing."""
    return all(t.stem in one.has for t in asked.terms if t.word in RANKS)


def _named(one: Weighed, asked: Asked) -> bool:
    """Whether a name stands in it where it is asked who somebody is; a cell may hold nothing else."""
    if not WHOSE.search(" ".join(words.words(asked.text))) or one.unit.cells:
        return True
    said = quoted(one, asked)
    return bool(NAME.search(said) or FACTS["who"].search(fold(said)))


def _lacks(one: Weighed, asked: Asked, known: frozenset[str]) -> bool:
    """Whether one of two things that are asked about is not in it, though it is elsewhere: "rent" and "cars"."""
    topics = [t for t in asked.topics if not asked.codes]
    close = one.unit.part.passage.score >= CLOSE
    missing = [t for t in topics if t.stem not in one.has and not (t.verb and (close or t.stem not in known))]
    return len(topics) == 2 and len(missing) == 1


def _of_context(one: Weighed, asked: Asked) -> bool:
    """Whether it is about what the question before was about."""
    topics = [t for t in asked.context if not t.pale and not t.attribute]
    part = one.unit.part
    said = (one.unit.own, one.unit.near, part.above, part.name)
    return any(w.has(t.stem, t.meaning) or w.means(t.meaning) for t in topics for w in said)
