"""Words of Portuguese, English and Spanish: folding, light stemming, the language of a question. Pure."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from hub.language.everyday import APART, EVERYDAY
from hub.language.folding import fold
from hub.language.ideas import IDEAS as USUAL
from hub.language.ideas import WITHIN
from hub.language.lexicon import ENDINGS, STOP, STOPS

LANGUAGES = ("pt", "en", "es")
LONGEST = 60  # letters of a word; what is longer is none, and not remembered
_WORD = re.compile(r"\w+")
_ENCLITIC = re.compile(r"^(\w{2,}[aei]r)(?:l[aeo]s?|se)$")  # "sacarlo" is of "sacar"

# Letters and marks that only one of the three uses in practice.
_MARKS = (("es", re.compile("[¿¡ñ]")), ("pt", re.compile("[ãõçêâ]|lh|nh")))


def words(text: str) -> list[str]:
    return _WORD.findall(fold(text))


def stem(word: str) -> str:
    """A folded word without its endings; at least three letters stay."""
    return _stem(word) if len(word) <= LONGEST else word


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    if word.isdigit():
        return word
    word = _ENCLITIC.sub(r"\1", _singular(word))
    for left in (3, 4):
        for ending in ENDINGS:
            if len(word) - len(ending) >= left and word.endswith(ending):
                word = word[: -len(ending)]
                break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def _singular(word: str) -> str:
    """Portuguese words in l, ão and m have plurals in which the end changes: papéis, caminhões, viagens."""
    for many, one in _PLURALS:
        if len(word) > len(many) + 2 and word.endswith(many):
            return word[: -len(many)] + one
    return word


def _alone(pairs: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    """Those with one idea alone."""
    found: dict[str, set[int]] = {}
    for text, n in pairs:
        found.setdefault(text, set()).add(n)
    return MappingProxyType({text: numbers.pop() for text, numbers in found.items() if len(numbers) == 1})


_PLURALS = (("oes", "ao"), ("aes", "ao"), ("ais", "al"), ("eis", "el"), ("ois", "ol"), ("gens", "gem"))
IDEAS = (*USUAL, *EVERYDAY)
_WRITTEN = frozenset(w for idea in IDEAS for w in idea)
_MEANING = _alone((w, n) for n, idea in enumerate(IDEAS) for w in idea)
_USUAL = frozenset(stem(w) for idea in USUAL for w in idea)
_IDEA = MappingProxyType({
    **_alone((stem(w), n) for n, idea in enumerate(EVERYDAY, len(USUAL)) for w in idea if stem(w) not in _USUAL),
    **_alone((stem(w), n) for n, idea in enumerate(USUAL) for w in idea),
})
_AROUND: Mapping[int, frozenset[int]] = MappingProxyType({
    **{_MEANING[one]: frozenset((_MEANING[above],)) for above, below in WITHIN for one in below},
    **{_MEANING[above]: frozenset(_MEANING[one] for one in below) for above, below in WITHIN},
})
_OWN: Mapping[str, frozenset[str]] = MappingProxyType(
    {one: STOP[one].difference(*(STOP[other] for other in STOP if other != one)) for one in STOP}
)


def terms(text: str) -> list[str]:
    """The stems of a text that carry its topic, in order, each once."""
    return list(dict.fromkeys(stem(w) for w in words(text) if w not in STOPS and (len(w) > 1 or w.isdigit())))


def stems(text: str) -> list[str]:
    """All stems of a text."""
    return [stem(w) for w in words(text)]


def idea(stemmed: str) -> int | None:
    """The idea a stem belongs to."""
    return _IDEA.get(stemmed)


def known(word: str) -> bool:
    """Whether a folded word is one of an idea, as it is written."""
    return word in _WRITTEN


def meaning(word: str) -> int | None:
    """The idea of a folded word: its own, or that of its stem where the stem has one alone."""
    for form in (word, word.removesuffix("s"), word.removesuffix("es")):
        if form in _MEANING:
            return _MEANING[form]
    return None if word in APART else _IDEA.get(stem(word))


def alike(word: str) -> str:
    """Other words of its idea, with "or" between."""
    folded = fold(word)
    found = meaning(folded)
    every = frozenset[str]() if found is None else IDEAS[found].union(*(IDEAS[n] for n in around(found)))
    return " or ".join(sorted(every - {folded}))


def around(found: int) -> frozenset[int]:
    """The ideas that one is of, and those that are of it."""
    return _AROUND.get(found, frozenset())


def ideas(found: Iterable[str]) -> frozenset[int]:
    return frozenset(n for n in (_IDEA.get(s) for s in found) if n is not None)


def languages(text: str) -> tuple[str, ...]:
    """Those of the three that a text is written in, by stop words that no other has; all when nothing tells."""
    counts = dict.fromkeys(LANGUAGES, 0)
    for word in words(text):
        for lang in LANGUAGES:
            counts[lang] += word in _OWN[lang]
    best = max(counts.values())
    return tuple(lang for lang in LANGUAGES if counts[lang] * 4 >= best)


def language(text: str, default: str | None = None) -> str:
    """pt, en or es: by stop words, then by letters; `default` when nothing tells."""
    found = words(text)
    counts = {lang: sum(w in STOP[lang] for w in found) * 2 for lang in LANGUAGES}
    lowered = text.lower()
    for lang, marks in _MARKS:
        counts[lang] += 3 * bool(marks.search(lowered))
    best = max(counts.values())
    winners = [lang for lang in LANGUAGES if counts[lang] == best]
    short = (default or "").replace("_", "-").split("-", 1)[0].lower()
    if short in LANGUAGES and (best == 0 or short in winners):
        return short
    return winners[0] if best else "en"
