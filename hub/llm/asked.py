"""A question as the offline answerer reads it: what it is about, what kind of fact it wants, and what of. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from hub.language import codes, words
from hub.language.facts import DURATION, LINK, MEASURED, SOFT, WHAT, sets_up
from hub.language.facts import wants as wants_of
from hub.language.folding import fold
from hub.language.lexicon import (
    ADDRESS,
    ASKS,
    AUXILIARY,
    BEFORE_VERBS,
    CONTACT,
    JOINS,
    MANY,
    MUCH,
    NEGATIONS,
    OPEN,
    PALE,
    PAYING,
    PREMISES,
    PRICE,
    RANKS,
    SHARE,
    STOP,
    STOPS,
    WHEN,
)
from hub.language.nearness import distance, nearest, shortened
from hub.language.referring import joints, refers_back
from hub.language.validity import years

LETTERS = frozenset("bcfghjkmnpqrvwxz")  # that stand for something alone ("vitamin C") and are no word
METRES, POWERS = frozenset(("metro", "metros", "meter", "meters")), ("cubic", "quadrad", "cuadrad", "square")
OF_PREMISES = frozenset(("street", "address", "contact"))  # kinds of facts that may be asked of the business itself
KINDS = PRICE | SHARE | WHEN | DURATION | ADDRESS | CONTACT | LINK  # words that name the kind of fact
FEIRA, WEEKDAYS = "feira", frozenset(("segunda", "terca", "quarta", "quinta", "sexta"))
SHORTEST = 4  # letters
SHORT = 2  # words of a question that says nothing alone
OR: Mapping[str, frozenset[str]] = {"pt": frozenset(("ou",)), "en": frozenset(("or",)), "es": frozenset(("o", "u"))}
MOST = 40  # places where a message is cut; what follows stays together
_BLANKS = re.compile(r"\s{2,}")
_CLAUSE = re.compile(r"\s*(?:[?;]|,?\s(?:e|and|y|e também|and also|y también)\s)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Term:
    """pale: it names nothing of its own. attribute: it names the kind of fact. proper: written as a name.
    verb: it seems to be one, which may be another in the answer."""

    word: str
    stem: str
    meaning: int | None
    pale: bool = False
    attribute: bool = False
    proper: bool = False
    verb: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """context: what the question before was about, for one that refers to it. counted: the stem of what "how many" is
    asked of. negated: it is asked when, what or who not. either: what stands on both sides of "or".
    anew: it refers to what the question before was about, and asks for something else of it."""

    text: str
    terms: tuple[Term, ...]
    codes: tuple[str, ...]
    wants: frozenset[str]
    years: frozenset[int]
    context: tuple[Term, ...] = ()
    refers: bool = False
    counted: str = ""
    negated: bool = False
    either: tuple[Term, ...] = ()
    anew: bool = False

    @property
    def opens(self) -> bool:
        """Whether it asks for something that it does not name: which, who, where."""
        return bool(OPEN & set(words.words(self.text)[:1]))

    @property
    def firm(self) -> frozenset[str]:
        """Kinds of facts, one of which an answer must hold."""
        return self.wants - SOFT

    @property
    def asks(self) -> bool:
        """Whether it is a question that is about something; "my name is Ana" is none."""
        return bool(self.topics) and (bool(self.wants) or any(w in ASKS for w in words.words(self.text)))

    @property
    def of_premises(self) -> bool:
        """Whether it asks for an address or a number, and of nothing but the business itself."""
        around = (t for t in self.context if not t.attribute and not t.pale)
        return bool(self.wants & OF_PREMISES) and not self.topics and not any(around)

    @property
    def topics(self) -> tuple[Term, ...]:
        return tuple(t for t in self.terms if not t.attribute and not t.pale)


def read(text: str, language: str, before: Sequence[str] = ()) -> list[Asked]:
    """The questions in a message, each alone; `before` are messages of the same person, the last one last."""
    clauses = _clauses(text)
    found = _sharing([_one(c, language) for c in clauses])
    context = _one(before[-1], language) if before else None
    asked: list[Asked] = []
    for n, one in enumerate(found):
        earlier = found[n - 1] if n else context
        refers = earlier is not None and (refers_back(one.text) or (n > 0 and len(one.topics) < 2))
        if earlier is not None and refers:
            anew = _own_question(one)
            wants = one.wants or (frozenset() if anew else earlier.wants)
            if one.wants - {"price"} and earlier.wants:
                wants = one.wants
            if "where" in one.wants and not one.topics and not earlier.topics:
                wants |= {"street"}  # of the business itself, of which the question before was too
            one = replace(
                one, context=(*earlier.terms, *earlier.context)[:12], refers=True, wants=wants, anew=anew,
                codes=one.codes or (earlier.codes if not one.topics else ()), years=one.years or earlier.years,
            )
        asked += [replace(one, codes=(c,)) for c in one.codes] if len(one.codes) > 1 else [one]
    return asked


def _own_question(one: Asked) -> bool:
    """Whether it asks for something else than the question before: "what is in it?", where "and in the north?" asks for
    the same."""
    every = words.words(one.text)
    return not one.wants and not one.topics and bool(WHAT & set(every[:2])) and len(every) > SHORT


def _sharing(found: list[Asked]) -> list[Asked]:
    """A question that names no thing is of the thing that the next one names: "what does it cost and how long is the
    course?"."""
    shared: list[Asked] = []
    for one, after in zip(found, (*found[1:], None), strict=True):
        alone = after is not None and one.wants and not one.topics and not one.codes and not one.of_premises
        if after is not None and alone and (after.topics or after.codes):
            one = replace(one, terms=(*one.terms, *after.topics), codes=after.codes, years=one.years or after.years)
        shared.append(one)
    return shared


def _clauses(text: str) -> list[str]:
    """A message with several questions, cut where a next one begins."""
    parts = [p for p in _CLAUSE.split(_BLANKS.sub(" ", text.strip()), MOST) if p and p.strip()]
    asks = any(w in ASKS for w in words.words(text))
    found: list[str] = []
    for part in parts:
        first = words.words(part)[:2]
        begins = not asks or (any(w in ASKS for w in first) and len(words.words(part)) >= 2)
        if found and not (begins and _carries(found[-1])):
            found[-1] = f"{found[-1]} {_joint(text, part)}{part}"
        else:
            found.append(part)
    return found[:4] or [text]


def _joint(text: str, after: str) -> str:
    return "e " if not after.startswith(("e ", "and ", "y ")) and "?" not in text[: max(0, text.find(after))] else ""


def _carries(text: str) -> bool:
    """Whether words are left in it that carry something."""
    return any(len(w) > 2 and w not in STOPS for w in words.words(text))


def halves(asked: Asked) -> list[Asked]:
    """The questions about the one thing and about the other, of one that joins two."""
    every = joints(asked.text)
    shared = tuple(t for t in asked.terms if t.attribute)
    for n, word in enumerate(every):
        if word not in JOINS or not 0 < n < len(every) - 1:
            continue
        left = tuple(t for t in asked.terms if not t.attribute and t.word in every[:n])
        right = tuple(t for t in asked.terms if not t.attribute and t.word not in every[:n])
        parts = [replace(asked, terms=(*shared, *side)) for side in (left, right)]
        if all(p.topics for p in parts):
            return parts
    return []


def _one(text: str, language: str) -> Asked:
    stops = STOP[language]
    every = words.words(text)
    wants = wants_of(every)
    found = codes.codes(text)
    named, shouted = _names(text)
    setting, kinds = sets_up(every), KINDS | PREMISES if wants & OF_PREMISES else KINDS
    if "price" not in wants:
        kinds -= PAYING  # who pays, or how: an ordinary word
    terms: dict[str, Term] = {}
    for n, word in enumerate(every):
        verb = bool(n and every[n - 1] in BEFORE_VERBS) or (
            n > 1 and every[n - 2] in AUXILIARY if language == "en"
            else len(word) > 4 and word.endswith(("ar", "er", "ir", "arme", "arse", "erse"))
        )
        kept = word not in stops or word in shouted
        if n and word == "m" and every[n - 1] == "i":
            continue  # "I'm"
        if n and word == FEIRA and every[n - 1] in WEEKDAYS:
            continue
        if not kept or (len(word) < 2 and not (word.isdigit() or (n and word in LETTERS))) or word in MUCH | MANY:
            continue
        if _of_code(word, found) or (word in METRES and any(
            w.startswith(POWERS) for w in every[max(0, n - 1) : n + 2])):
            continue
        amount = bool(MEASURED.match(" ".join(every[n : n + 2])))
        terms.setdefault(word, Term(word, words.stem(word), words.meaning(word), amount or _pale(word),
                                    word in kinds and not setting, not amount and (word in named or len(word) == 1),
                                    verb))
    counted = next((words.stem(b) for a, b in pairwise(every) if a in MANY), "")
    negated = bool(NEGATIONS[language] & set(every[1:]) and OPEN & set(every[:2]))
    return Asked(
        text, tuple(terms.values()), tuple(found), wants, years(text), counted=counted, negated=negated,
        either=_either(every, terms, OR[language]),
    )


def _either(every: Sequence[str], terms: Mapping[str, Term], joins: frozenset[str]) -> tuple[Term, ...]:
    """The words on both sides of "or"."""
    for a, b, c in zip(every, every[1:], every[2:], strict=False):
        if b in joins and a in terms and c in terms and not (terms[a].pale or terms[c].pale):
            return terms[a], terms[c]
    return ()


def _pale(word: str) -> bool:
    """Whether it names nothing of its own, of several too: "entran" as "entra"."""
    return word in PALE or (len(word) > SHORTEST and word[-1] in "nm" and word[:-1] in PALE)


def _of_code(word: str, found: Iterable[str]) -> bool:
    """Whether a word is a part of one of the codes."""
    return any(
        c == word or (word.isdigit() and c.endswith(word))
        or (c.startswith(word) and not word.isdigit() and len(word) <= 6 and c[len(word) :][:1].isdigit())
        for c in found
    )


def _names(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Words written as a name (not the first), and those in capitals among others that are not."""
    raw = re.findall(r"\w+", text)
    small = any(w.islower() for w in raw)
    named = frozenset(fold(w) for w in raw[1:] if w[:1].isupper() and small)
    return named, frozenset(fold(w) for w in raw if w.isupper() and len(w) > 1 and small)


def mended(
    asked: Asked, known_words: frozenset[str], known_stems: frozenset[str], known: frozenset[int], language: str
) -> Asked:
    """The question with what was meant in place of words that no passage has, where it is nearly the same."""

    def one(term: Term) -> Term | None:
        told = term.stem in known_stems or (term.meaning is not None and term.meaning in known)
        if told or term.pale or term.attribute or term.word in RANKS:
            return term
        # A word that is one is no slip: "chave" is not "cadê".
        written = words.known(term.word)
        near = None if written else nearest(term.word, sorted(known_words | PRICE))
        frame = None if term.proper or written else nearest(term.word, STOP[language] | MUCH | MANY)
        if frame and (near is None or distance(term.word, frame, 2) <= distance(term.word, near, 2)):
            return None
        meant = near or shortened(term.word, sorted(known_words))
        if meant is None:
            return term
        return Term(meant, words.stem(meant), words.meaning(meant), meant in PALE, meant in PRICE, term.proper)

    terms = tuple(t for t in map(one, asked.terms) if t is not None)
    slips = [n for w in asked.terms if w not in terms and (n := nearest(w.word, MUCH | MANY | PRICE))]
    return replace(asked, terms=terms, wants=asked.wants | wants_of(slips))
