"""How sure it is that a unit of a passage answers a question: a logistic regression over a dozen traits. Pure.

Its numbers are made of the labelled businesses by `make bench ARGS="--only surety"`, which also tells what each of them
would have got from the others alone. Where the traits leave it open it is asked how near question and quote are by
their vectors.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from hub.language import words
from hub.language.facts import FACTS
from hub.language.folding import fold
from hub.llm.asked import Asked, Term
from hub.llm.fitting import bounds, fits, sound
from hub.llm.quoting import quoted
from hub.llm.weighing import Weighed

LOOKED_AT = 4  # units that are looked at, by their score
SURE, VAIN = 0.9, 0.05  # from where, and to where, it is sure enough by the traits alone
LEAST, AGAINST = 0.2, 0.7  # how sure an answer must be that the rules allow, and one that they do not
BETTER = 0.15  # how much surer another one must be than that of the rules
QUOTE = 300  # characters of a quote that are compared
LONG = 900
ASKING = frozenset(("qual", "quais", "cual", "cuales", "what", "which"))
LINKS = frozenset((
    "e", "es", "is", "are", "era", "sao", "son", "foi", "fue", "was", "were", "the", "o", "a", "os", "as", "el", "la",
    "los", "las", "seu", "sua", "su", "your", "d",
))

Near = Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Table:
    """base: what is counted in any case, by the traits alone and with the vectors. traits: of each its mean, its spread
    and what it counts, by the traits alone and with the vectors."""

    base: tuple[float, float]
    traits: Mapping[str, tuple[float, float, float, float]]


TABLE = Table((-0.7, -0.791), MappingProxyType({
    "gap": (-0.205, 0.441, 1.501, 1.364),
    "fact": (0.702, 0.302, 0.665, 0.566),
    "wants": (0.528, 0.499, -0.502, -0.607),
    "plain": (0.697, 0.307, 0.654, 0.586),
    "first": (0.789, 0.408, 1.138, 1.045),
    "unknown": (0.117, 0.252, -1.622, -1.627),
    "lacking": (0.175, 0.292, -1.236, -1.172),
    "length": (0.134, 0.097, 0.908, 0.88),
    "own": (0.274, 0.342, -0.013, -0.211),
    "score": (0.864, 0.391, -0.479, -0.34),
    "names": (0.069, 0.289, -0.326, -0.309),
    "head": (0.025, 0.156, -0.159, -0.211),
    "subject": (0.262, 0.44, 0.001, 0.066),
    "cosine": (0.328, 0.15, 0.0, 0.465),
    "behind": (-0.093, 0.111, 0.0, 0.64),
}))


@dataclass(frozen=True, slots=True)
class Look:
    """A question and what was found for it, the best first. stems, meanings: of all that was found. first: the name of
    the document that was found first."""

    asked: Asked
    ranked: Sequence[Weighed]
    weight: Mapping[str, float]
    stems: frozenset[str]
    meanings: frozenset[int]
    first: str
    table: Table = TABLE

    @property
    def known(self) -> frozenset[str]:
        """What of the question is known of anywhere."""
        return frozenset(s for w in self.ranked for s in w.has)

    @property
    def text(self) -> str:
        """What is compared with quotes: with what it refers to."""
        before = " ".join(t.word for t in self.asked.context) if self.asked.refers else ""
        return f"{before} {self.asked.text}".strip()


def traits(look: Look, one: Weighed) -> Mapping[str, float]:
    asked, topics = look.asked, look.asked.topics
    whole = sum(look.weight[t.stem] for t in topics) or 1.0
    lacking = [t for t in topics if t.stem not in one.has]
    known = [t for t in lacking if t.stem in look.stems or (t.meaning is not None and t.meaning in look.meanings)]
    own = [t for t in topics if one.unit.own.has(t.stem, t.meaning)]
    said = fold(quoted(one, asked))
    head = _head(asked)

    def share(terms: Sequence[Term]) -> float:
        return sum(look.weight[t.stem] for t in terms) / whole

    return {
        "gap": one.score - max((o.score for o in look.ranked if o is not one), default=0.0),
        "fact": float(all(FACTS[w].search(said) for w in asked.wants)) if asked.wants else 0.5,
        "wants": float(bool(asked.wants)),
        "plain": sum(t.stem in one.plain for t in asked.terms) / (len(asked.terms) or 1),
        "first": float(one.unit.part.passage.name == look.first),
        "unknown": share([t for t in lacking if t not in known]),
        "lacking": share(known),
        "length": min(len(said), LONG) / LONG,
        "own": share(own),
        "score": one.score,
        "names": float(sum(t.proper for t in lacking)),
        "head": float(head is not None and head in lacking),
        "subject": float(bool(topics) and topics[0] in lacking),
    }


def _head(asked: Asked) -> Term | None:
    """The thing that is asked for by its name: the temperature, of "what is the temperature of the pool?"."""
    every = words.words(asked.text)
    start = next((n for n, word in enumerate(every) if word in ASKING), None)
    if start is None:
        return None
    named = next((w for w in every[start + 1 : start + 5] if w not in LINKS), "")
    return next((t for t in asked.topics if t.word == named), None)


def sure(values: Mapping[str, float], near: bool, table: Table) -> float:
    """How sure an answer with these traits is: 0 to 1."""
    total = table.base[near]
    for name, (mean, spread, alone, beside) in table.traits.items():
        if name in values:
            total += (beside if near else alone) * (values[name] - mean) / spread
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def allowed(look: Look) -> list[Weighed]:
    """What answers the question by the rules, the best first."""
    known = look.known
    return [w for w in look.ranked if fits(w, look.asked, known)]


def chosen(look: Look, near: Near | None) -> tuple[list[Weighed], list[str]]:
    """What answers the question, the best first, and the quotes of which it has to be known how near they are, where
    it is not and matters: by the rules alone until then."""
    good = allowed(look)
    top = [w for w in look.ranked[:LOOKED_AT] if sound(w, look.asked)]
    if not top or (good and (good[0] not in top or bounds(good[0], look.asked, look.known))):
        return good, []
    values = [traits(look, w) for w in top]
    alone = [sure(v, False, look.table) for v in values]
    if good and alone[top.index(good[0])] > SURE:
        return good, []
    if max(alone) < VAIN:
        return [], []
    quotes = [quoted(w, look.asked)[:QUOTE] for w in top]
    if near is None or any((look.text, q) not in near for q in quotes):
        return good, quotes
    found = [sure(v, True, look.table) for v in nearer(look, quotes, values, near)]
    return _surest(good, top, found), []


def nearer(
    look: Look, quotes: Sequence[str], values: Sequence[Mapping[str, float]], near: Near,
) -> list[Mapping[str, float]]:
    cosines = [near[look.text, quote] for quote in quotes]
    best = max(cosines)
    return [{**v, "cosine": c, "behind": c - best} for v, c in zip(values, cosines, strict=True)]


def _surest(good: list[Weighed], top: Sequence[Weighed], found: Sequence[float]) -> list[Weighed]:
    best = max(range(len(top)), key=lambda n: found[n])
    # Rows of one table differ in a word or a number, which vectors hardly tell: between them words decide.
    row = next((n for n, w in enumerate(top) if _same_table(w, top[best])), best)
    found = [max(f, found[best]) if n == row else f for n, f in enumerate(found)]
    best = row
    if not good:
        return [top[best]] if found[best] >= AGAINST else []
    first = top.index(good[0])
    if found[best] - found[first] > BETTER:
        one = top[best]
        return ([one, *(w for w in good if w is not one)] if one in good else [one]) if found[best] >= LEAST else []
    return good if found[first] >= LEAST else []


def _same_table(one: Weighed, other: Weighed) -> bool:
    """Rows of a sheet may be written each as a block of its own."""
    a, b = one.unit, other.unit
    named = [c.name for c in a.cells] == [c.name for c in b.cells]
    return a.kind == b.kind == "row" and a.part.passage is b.part.passage and named
