"""Outlines and summaries without a model: the text's own headings and sentences, nothing made up. Pure."""

import re
from collections import Counter

from hub.language import words
from hub.llm.blocks import sentences

HEADING = re.compile(r"^\s{0,3}(#{1,6})\s+(.+?)\s*#*\s*$")
SHARE, LEAST, MOST = 0.25, 1, 8


def outline(text: str) -> str:
    """Headings as a nested list; of a text without any, the first sentence of each paragraph."""
    found = [m for line in text.splitlines() if (m := HEADING.match(line))]
    if found:
        top = min(len(m[1]) for m in found)
        return "\n".join(f"{'  ' * (len(m[1]) - top)}- {m[2]}" for m in found)
    return "\n".join(f"- {(sentences(p) or [p])[0].strip()}" for p in paragraphs(text))


def summary(text: str) -> str:
    """The sentences that hold most of what the text speaks of, in their order."""
    found = [s.strip() for p in paragraphs(text) if not HEADING.match(p) for s in sentences(" ".join(p.split()))]
    if not found:
        return text.strip()
    weights = Counter(t for s in found for t in words.terms(s))
    wanted = max(LEAST, min(MOST, round(len(found) * SHARE)))

    def worth(place: int) -> tuple[float, int]:
        terms = words.terms(found[place])
        return (-sum(weights[t] for t in terms) / (len(terms) + 3), place)

    return " ".join(found[n] for n in sorted(sorted(range(len(found)), key=worth)[:wanted]))


def paragraphs(text: str) -> list[str]:
    return [p for p in re.split(r"\n\s*\n", text) if p.strip()]
