"""How a text is written, measured: the same sample always gives the same profile. Pure."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hub.language import words
from hub.language.register import FORMAL, LOOSE, PERSONS

Json = dict[str, Any]
LEAST = 300
TYPICAL, OPENINGS = 12, 5
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_]+(?:['’-][^\W\d_]+)*")
COUNTED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w+(?:['’-]\w+)*")
SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
MARKS: Mapping[str, str] = {
    "commas": r",", "exclamations": r"!", "questions": r"\?", "semicolons": r";", "colons": r":",
    "dashes": r"—|–| - ", "parentheses": r"\(", "ellipses": r"…|\.\.\.", "emoji": r"[\U0001F300-\U0001FAFF☀-➿]",
}


def count(sample: str) -> int:
    """Words of a sample."""
    return len(COUNTED.findall(sample))


def measure(sample: str) -> Json:
    """Sentence length, vocabulary, punctuation, formality, person, typical words and openings."""
    found = [w.lower() for w in WORD.findall(sample)] or ["-"]  # a sample of numbers alone
    sentences = [s for s in (WORD.findall(part) for part in SENTENCE.split(sample)) if s]
    lengths = sorted(len(s) for s in sentences) or [0]
    return {
        "words": len(found),
        "language": words.language(sample, None),
        "sentences": {
            "count": len(lengths), "average": round(sum(lengths) / len(lengths), 1),
            "median": lengths[len(lengths) // 2], "longest": lengths[-1],
        },
        "vocabulary": {
            "distinct": len(set(found)), "richness": round(len(set(found)) / len(found), 3),
            "word_length": round(sum(map(len, found)) / len(found), 2),
        },
        "punctuation": {name: round(100 * len(re.findall(p, sample)) / len(found), 2) for name, p in MARKS.items()},
        "formality": formality(sample, found),
        "person": person(found),
        "typical_words": typical(found),
        "openings": openings(sentences),
    }


def formality(sample: str, found: Sequence[str]) -> int:
    """0 (casual) to 100 (formal): long words and set phrases against contractions, slang and exclamations."""
    size = len(found)
    long = sum(len(w) > 7 for w in found) / size
    formal, loose = (sum(w in kind for w in found) / size for kind in (FORMAL, LOOSE))
    contracted = sum("'" in w or "’" in w for w in found) / size
    loud = (sample.count("!") + len(re.findall(MARKS["emoji"], sample))) / size
    value = 40 + 100 * long + 600 * formal - 900 * loose - 400 * contracted - 400 * loud
    return max(0, min(100, round(value)))


def person(found: Sequence[str]) -> Json:
    """Which grammatical person speaks: shares of the pronouns, and the one that leads."""
    counts = {name: sum(w in known for w in found) for name, known in PERSONS.items()}
    whole = sum(counts.values())
    shares = {name: round(n / whole, 2) if whole else 0.0 for name, n in counts.items()}
    return {"leading": max(counts, key=lambda n: counts[n]) if whole else None, "shares": shares}


def typical(found: Sequence[str]) -> list[str]:
    """The words of content that come most often."""
    content = Counter(w for w in found if len(w) > 3 and words.terms(w))
    return [w for w, n in sorted(content.items(), key=lambda one: (-one[1], one[0])) if n > 1][:TYPICAL]


def openings(sentences: Sequence[Sequence[str]]) -> list[str]:
    """The two words that sentences begin with most often."""
    begun = Counter(" ".join(s[:2]).lower() for s in sentences if len(s) > 1)
    ranked = sorted(begun.items(), key=lambda one: (-one[1], one[0]))
    return [text for text, _ in ranked[:OPENINGS]]
