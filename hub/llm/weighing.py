"""How well a unit of a passage answers a question. Pure."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from hub.language import codes, lexicon, words
from hub.language.facts import FACTS
from hub.llm.asked import Asked, Term
from hub.llm.units import Unit

ABOVE, IDEA, NEAR, NAME = 0.9, 0.85, 0.7, 0.6
PALE, ATTRIBUTE, PROPER, VERB, CONTEXT = 0.2, 0.5, 1.3, 0.4, 0.35
FACT, COUNTED, OLD, NEGATED, DIM, BRIEF = 0.25, 0.3, 0.35, 0.45, 0.25, 0.6
TITLED, MOSTLY = 0.6, 0.6  # what a heading counts that is the question, and how much of it it must be
YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
EXACT = 0.06  # what a cell counts that is what is asked of
ALONE = 0.45  # what words that name nothing count beside a single one that does
CODE = 6.0  # weight of a code that was asked for


@dataclass(frozen=True, slots=True)
class Weighed:
    """cover: the part of the question's weight that it has; own: the part that stands in its own words."""

    unit: Unit
    score: float
    cover: float
    own: float
    has: frozenset[str]
    apart: frozenset[str]  # words that only its neighbours have
    old: bool
    plain: frozenset[str]  # words that stand in it or above it, those that name nothing as they are asked

    def lone(self, asked: Asked) -> bool:
        """Whether it has none of the words of the question that name nothing, where there are any."""
        pale = [t for t in asked.terms if t.pale]
        return bool(pale) and not any(t.stem in self.plain for t in pale)


def weights(asked: Asked, found: Sequence[Unit]) -> Mapping[str, float]:
    """Rare words say more than words that stand everywhere."""
    result: dict[str, float] = {}
    for t in (*asked.terms, *asked.context):
        count = sum(_own(t, u) > 0 or _above(t, u) > 0 for u in found)
        rare = 1 + math.log(1 + (1 + len(found)) / (0.5 + count)) / 2
        kind = PALE if t.pale else ATTRIBUTE if t.attribute else PROPER if t.proper else 1.0
        result[t.stem] = rare * kind * (VERB if t.verb and not count else 1.0)
    return result


def weigh(asked: Asked, unit: Unit, weight: Mapping[str, float], today: date) -> Weighed:
    said = unit.said
    facts = {w for w in asked.wants if FACTS[w].search(said)}
    gains = {t: _gain(t, unit, facts) for t in asked.terms}
    # Words that name nothing help, and are not missed.
    telling = [t for t in asked.terms if not t.pale] or ([] if asked.codes or asked.of_premises else list(asked.terms))
    whole = sum(weight[t.stem] for t in telling) or 1.0
    cover = sum(weight[t.stem] * gains[t] for t in telling) / whole if telling else 1.0
    if asked.codes:  # they stand in it: see holds_codes
        cover = (cover * whole + CODE) / (whole + CODE) if telling else 1.0
    # What kind of fact is asked for is told by the fact itself, whatever it is called.
    own = sum(weight[t.stem] * (0.9 if t.attribute and facts else _own(t, unit)) for t in asked.terms) / whole
    around = [t for t in asked.context if t.stem not in {o.stem for o in asked.terms}]
    beside = sum(weight[t.stem] * _gain(t, unit, facts) for t in around) / (sum(weight[t.stem] for t in around) or 1.0)
    old = _old(asked, unit, today)
    score = cover + CONTEXT * beside + 0.1 * min(1.0, own) + 0.1 * unit.part.passage.score
    alone = len(asked.topics) < 2 and "price" not in asked.wants
    score += (ALONE if alone else DIM) * sum(weight[t.stem] * g for t, g in gains.items() if t.pale)
    score += 0.0 if unit.number else TITLED * titled(asked, unit)
    score += NEGATED if asked.negated and denies(unit) else 0.0
    score += FACT * (len(facts) / len(asked.wants)) if asked.wants else 0.0
    score += EXACT if any(_exact(asked, c.value) for c in unit.cells) else 0.0
    score += COUNTED if asked.counted and _counts(said, asked.counted) else 0.0
    score += BRIEF / (1 + _beside(unit)) if asked.of_premises and "contact" in facts else 0.0
    score -= OLD if old else 0.0
    has = frozenset(t.stem for t, g in gains.items() if g >= NAME)
    apart = frozenset(t.stem for t, g in gains.items() if g == NEAR)
    places = (unit.own, unit.near, unit.part.above, unit.part.name)
    plain = frozenset(t.stem for t in asked.terms if any(w.has(t.stem) for w in places) or (
        not t.pale and t.stem in has))
    return Weighed(unit, score, cover if asked.terms or asked.codes else beside, own, has, apart, old, plain)


def _exact(asked: Asked, value: str) -> bool:
    """Whether a cell holds what is asked of and nothing more: "North 10" is not "North 10 Pro"."""
    held = words.words(value)
    said = frozenset(t.word for t in asked.terms if not t.pale and not t.attribute)
    return len(held) > 1 and said.issuperset(held)


def titled(asked: Asked, unit: Unit) -> float:
    """How much the heading that it begins under is the question itself: a chapter "How do I send a letter?"."""
    said = frozenset(t.stem for t in asked.terms)
    alike = len(said & unit.part.titled) / (len(said | unit.part.titled) or 1)
    return alike if alike >= MOSTLY and len(said) > 1 else 0.0


def _beside(unit: Unit) -> int:
    """How much else than an address or a number a unit speaks of: "in case of theft call ..." is no number of the
    business."""
    found = frozenset(words.words(unit.said)).difference(
        lexicon.STOPS, lexicon.PALE, lexicon.CONTACT, lexicon.ADDRESS, lexicon.PREMISES)
    return sum(len(w) > 2 and w.isalpha() for w in found)


def denies(unit: Unit) -> bool:
    """Whether it says that something is not so, or not then."""
    found = frozenset(words.words(unit.said))
    portuguese = lexicon.NEGATIONS["pt"] | lexicon.NEGATIONS["en"] - {"no"}
    return bool(found & (portuguese | lexicon.EXEMPT)) or "no" in found and words.language(unit.text) != "pt"


def _counts(said: str, counted: str) -> bool:
    """Whether a number stands before what is counted."""
    found = said.split()
    return any(
        (one[:1].isdigit() or one.strip(",;") in lexicon.NUMBERS)
        and any(words.stem(w.strip(".,;:!?()")) == counted for w in found[n + 1 : n + 4])
        for n, one in enumerate(found)
    )


def _old(asked: Asked, unit: Unit, today: date) -> bool:
    held = unit.part.held
    if asked.years:
        lasted = {d.year for d in (held.start, held.end) if d}
        return bool(held) and not lasted & asked.years
    return held.old(today)


def _gain(term: Term, unit: Unit, facts: set[str]) -> float:
    best = max(_own(term, unit), _above(term, unit))
    if term.attribute and facts:
        best = max(best, 0.9)
    if best < NEAR and (unit.near.has(term.stem, term.meaning) or unit.near.means(term.meaning)):
        best = NEAR
    if best < NAME and (unit.part.name.has(term.stem, term.meaning) or unit.part.name.means(term.meaning)):
        best = NAME
    return best


def _own(term: Term, unit: Unit) -> float:
    return 1.0 if unit.own.has(term.stem, term.meaning) else IDEA if unit.own.means(term.meaning) else 0.0


def _above(term: Term, unit: Unit) -> float:
    above = unit.part.above
    heads = unit.near if unit.cells else None
    if above.has(term.stem, term.meaning) or (heads and heads.has(term.stem, term.meaning)):
        return ABOVE
    return IDEA * ABOVE if above.means(term.meaning) or (heads and heads.means(term.meaning)) else 0.0


def holds_years(asked: Asked, unit: Unit, today: date) -> bool:
    """Whether it is of a year that is asked for: what says nothing of when it holds is of now."""
    if not asked.years:
        return True
    held, part = unit.part.held, unit.part
    lasted = {d.year for d in (held.start, held.end) if d}
    told = {int(y) for y in YEAR.findall(f"{unit.said} {part.block.title} {part.passage.name}")}
    return bool(asked.years & (lasted | told)) or (not lasted and not told and asked.years == {today.year})


def holds_codes(asked: Asked, unit: Unit) -> bool:
    """Whether the codes that were asked for stand in it, or in what it stands under."""
    if not asked.codes:
        return True
    above = codes.squeezed(f"{unit.part.block.title} {unit.part.passage.name}")
    return codes.holds(f"{unit.squeezed} {above}", asked.codes) == frozenset(asked.codes)
