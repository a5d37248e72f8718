"""Rules for what goes out: found in an answer while it is said, and masked, marked, or the answer is withheld. Pure.

What may still become a match is held back, at most MOST characters; a match longer than that is not found.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hub.domain import Json
from hub.llm import patterns, personal_data
from hub.llm.patterns import Undecided
from hub.llm.personal_data import Kind

MOST, CONTEXT = 2000, 64
SLICE = 1000  # characters that are looked at before others have their turn
# CPU seconds of one look by all rules.
ALL = 0.04
BLOCK, MASK, MARK = "block", "mask", "mark"
STRENGTH = {BLOCK: 2, MASK: 1, MARK: 0}
HIDDEN = "***"
WITHHELD: Mapping[str, str] = {
    "pt": "Desculpe, não posso mostrar esta resposta.", "es": "Lo siento, no puedo mostrar esta respuesta.",
    "en": "Sorry, this answer cannot be shown.",
}


class Span(NamedTuple):
    start: int
    end: int
    rule: "Rule"
    kind: Kind | None
    open: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """One of the gateway's. what: regex, words or personalData. action: block, mask or mark."""

    name: str
    what: str
    action: str
    pattern: Any = None
    kinds: tuple[Kind, ...] = ()
    instead: str | None = None

    def find(self, text: str, start: int, final: bool) -> Iterator[Span]:
        """Raise Undecided."""
        if self.what == "personalData":
            for one in personal_data.find(text, self.kinds, start, final):
                yield Span(one.start, one.end, self, one.kind, one.open)
            return
        seconds = patterns.SECONDS if self.what == "regex" else patterns.OURS
        for begin, end, open in patterns.spans(self.pattern, text, start, final, seconds):
            yield Span(begin, end, self, None, open)

    def mask(self, kind: Kind | None) -> str:
        if self.instead is not None:
            return self.instead
        return f"[{kind.upper()}]" if kind else HIDDEN


def rules_of(parameters: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Those of a gateway."""
    return tuple(_rule(n, one) for n, one in enumerate(parameters.get("outputRules") or (), 1))


def _rule(n: int, one: Mapping[str, Any]) -> Rule:
    what, pattern = str(one["type"]), None
    if what == "regex":
        pattern = patterns.compiled(str(one["pattern"]))
    elif what == "words":
        pattern = patterns.of_words(patterns.joined(one["words"]))
    kinds = tuple(k for k in personal_data.KINDS if k in (one.get("kinds") or personal_data.KINDS))
    return Rule(one.get("name") or f"rule {n}", what, str(one["action"]), pattern, kinds, one.get("replacement"))


@dataclass(slots=True)
class Scanner:
    """One text while it comes. blocked: nothing more of it goes out. fired: how often each rule did."""

    rules: Sequence[Rule]
    fired: Counter[str] = field(default_factory=Counter)
    blocked: str | None = None
    _context: str = ""
    _held: str = ""

    def feed(self, text: str) -> str:
        """What of it can go out now."""
        self._held += text
        return self._released(False)

    def end(self) -> str:
        """The rest."""
        return self._released(True)

    def _released(self, final: bool) -> str:
        if self.blocked or not self._held:
            return ""
        text, start = self._context + self._held, len(self._context)
        found: list[Span] = []
        begun = time.thread_time()
        for rule in self.rules:
            try:
                found += rule.find(text, start, final)
                if rule.what == "regex" and time.thread_time() - begun > ALL:
                    raise Undecided
            except Undecided:
                # What cannot be decided in time does not go out.
                self._block(rule)
                return ""
        until = self._until(found, len(text))
        closed = [s for s in found if s.end <= until and (not s.open or until >= s.end)]
        out = self._applied(text, start, until, closed)
        self._held = text[until:]
        self._context = text[:until][-CONTEXT:]
        return out

    def _until(self, found: Sequence[Span], length: int) -> int:
        """Up to where the text is decided."""
        least = length - MOST
        until = max(min((s.start for s in found if s.open), default=length), least)
        # A match that is whole, but touches what is not decided, waits with it.
        while until > least and (crossed := [s.start for s in found if not s.open and s.start < until < s.end]):
            until = max(min(crossed), least)
        return until

    def _applied(self, text: str, start: int, until: int, closed: Sequence[Span]) -> str:
        out, place = [], start
        for span in _apart(closed):
            self.fired[span.rule.name] += 1
            if span.rule.action == BLOCK:
                self._block(span.rule, counted=True)
                return ""
            if span.rule.action == MASK and span.end > place:
                out += [text[place : max(place, span.start)], span.rule.mask(span.kind)]
                place = span.end
        return "".join([*out, text[place:until]])

    def _block(self, rule: Rule, counted: bool = False) -> None:
        self.blocked, self._held = rule.name, ""
        if not counted:
            self.fired[rule.name] += 1


def _apart(spans: Sequence[Span]) -> list[Span]:
    """In their order; of those that overlap only the one that does most, then the longest."""
    found: list[Span] = []
    for one in sorted(spans, key=lambda s: (-STRENGTH[s.rule.action], s.start - s.end, s.start)):
        marked = one.rule.action == MARK
        if marked or not any(one.start < o.end and o.start < one.end for o in found if o.rule.action != MARK):
            found.append(one)
    return sorted({(s.start, s.end, s.rule.name): s for s in found}.values(), key=lambda s: (s.start, s.end))


class Guard:
    """The texts of one answer: its words, its thoughts, what it says in place of an answer."""

    def __init__(self, rules: Sequence[Rule], fired: Counter[str]) -> None:
        self._rules, self._fired = rules, fired
        self.words, self.thoughts, self.refusal = (Scanner(rules, fired) for _ in range(3))

    @property
    def blocked(self) -> str | None:
        """The rule by which the answer is withheld."""
        return self.words.blocked or self.thoughts.blocked or self.refusal.blocked

    def beside(self, value: Any) -> Any:
        """Whole values beside the text: every string of them."""
        if isinstance(value, str):
            if value.startswith("data:"):
                return value  # a picture
            text, blocked = whole(self._rules, self._fired, value)
            self.words.blocked = self.words.blocked or blocked
            return text
        if isinstance(value, list | tuple):
            return [self.beside(v) for v in value]
        return {k: self.beside(v) for k, v in value.items()} if isinstance(value, dict) else value


def whole(rules: Sequence[Rule], fired: Counter[str], text: str) -> tuple[str, str | None]:
    """A text that is all there, as it may go out, and the rule by which it may not."""
    one = Scanner(rules, fired)
    out = [one.feed(piece) for piece in sliced(text)]
    return "".join([*out, one.end()]), one.blocked


def sliced(text: str) -> list[str]:
    return [text[n : n + SLICE] for n in range(0, len(text), SLICE)]


def withheld(parameters: Mapping[str, Any], language: str | None) -> str:
    """What is said in place of an answer."""
    own: Json = {"text": parameters.get("outputBlockedText")}
    return str(own["text"] or WITHHELD.get((language or "en")[:2].lower(), WITHHELD["en"]))
