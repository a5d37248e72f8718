"""The integrated model `@hub/extractive`: answers from the passages found, offline, word for word.

It writes nothing of its own but short frames, so it can be silent, but it cannot make things up. What is asked for must
stand in what is quoted: a wrong answer is worse than none. The same question and passages always give the same answer.
"""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from types import MappingProxyType

from hub.domain import Json, Passage, Usage
from hub.language import words
from hub.language.abilities import asks_what_you_do
from hub.language.courtesies import courtesy, spoken
from hub.language.facts import FACTS
from hub.language.folding import fold
from hub.llm import asked as questions
from hub.llm.asked import Asked
from hub.llm.chapters import chapter
from hub.llm.likeness import Likeness
from hub.llm.quoting import amounts, hosts, quoted, unlinked
from hub.llm.surety import TABLE, Look, Near, Table, allowed, chosen
from hub.llm.types import Delta, Prompt
from hub.llm.units import Unit, units
from hub.llm.weighing import Weighed, holds_codes, holds_years, weigh, weights

MODEL = "@hub/extractive"
ALIKE = 0.88  # part of the best score from which another document's answer is as good
SAME, LIKE = 0.6, 0.7  # part of two sentences' words from which they say the same, and the part of the score then
TIED, MOST = 0.98, 2  # part of the best score from which another sentence is as good, and how many are shown
BEHIND = 0.15  # of the score of a passage that another one may be behind, to speak of the same
# A day of the year.
DATED = re.compile(
    r"\b\d{1,2}(?:st|nd|rd|th)? (?:de |of )?(?:jan|feb|fev|mar[cz]|apr|abr|ma[iy]|jun|jul|aug|ago|se[pt]|o[cu]t)"
    r"|\b\d{1,2}(?:st|nd|rd|th)? (?:de |of )?(?:nov|de[cz]|dic)|\b\d{1,2} de enero\b"
    r"|\b(?:january|february|march|april|may|june|july|august|september|october|november|december) \d{1,2}\b"
)
SOURCES = 3
ASKED = 120  # characters of a question that are said again where nothing is known of it
PIECES, PIECE = 6, 24
TEXTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "hello": MappingProxyType(
            {"pt": "Olá! Como posso ajudar?", "en": "Hello! How can I help?", "es": "¡Hola! ¿En qué puedo ayudar?"}
        ),
        "thanks": MappingProxyType(
            {
                "pt": "De nada! Se precisar de mais alguma coisa, é só perguntar.",
                "en": "You're welcome! If you need anything else, just ask.",
                "es": "¡De nada! Si necesitas algo más, solo pregunta.",
            }
        ),
        "bye": MappingProxyType(
            {
                "pt": "Até logo! Tenha um bom dia.",
                "en": "Goodbye! Have a nice day.",
                "es": "¡Hasta luego! Que tengas un buen día.",
            }
        ),
        "nothing": MappingProxyType(
            {
                "pt": "Não encontrei essa informação na base de conhecimento. Pode perguntar com outras palavras?",
                "en": "I could not find that in the knowledge base. Could you ask in other words?",
                "es": "No encontré esa información en la base de conocimiento. ¿Puedes preguntarlo con otras palabras?",
            }
        ),
        "abilities": MappingProxyType(
            {
                "pt": "Eu respondo com o que está nos meus documentos. Por exemplo:",
                "en": "I answer from my documents. You can ask me, for example:",
                "es": "Respondo con lo que está en mis documentos. Por ejemplo:",
            }
        ),
        "fine": MappingProxyType(
            {
                "pt": "Certo! Se precisar de mais alguma coisa, é só perguntar.",
                "en": "All right! If you need anything else, just ask.",
                "es": "¡De acuerdo! Si necesitas algo más, solo pregunta.",
            }
        ),
        "differ": MappingProxyType(
            {
                "pt": "Encontrei informações diferentes sobre isso. Qual delas vale para o seu caso?",
                "en": "I found different information about that. Which of these applies to your case?",
                "es": "Encontré información diferente sobre eso. ¿Cuál corresponde a tu caso?",
            }
        ),
        "missing": MappingProxyType(
            {"pt": "Não encontrei nada sobre", "en": "I found nothing about", "es": "No encontré nada sobre"}
        ),
        "old": MappingProxyType(
            {
                "pt": "Atenção: o documento diz que esta informação não está em vigor",
                "en": "Note: the document says that this is not in force",
                "es": "Atención: el documento dice que esta información no está vigente",
            }
        ),
        "link": MappingProxyType({"pt": "[link omitido]", "en": "[link left out]", "es": "[enlace omitido]"}),
        "source": MappingProxyType({"pt": "Fonte", "en": "Source", "es": "Fuente"}),
        "sources": MappingProxyType({"pt": "Fontes", "en": "Sources", "es": "Fuentes"}),
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to one question, and the names of the documents it is from; `differ` asks back."""

    text: str
    names: tuple[str, ...]
    differ: bool = False


class Extractive:
    """A provider without a network. likeness: tells how near question and quote are where that decides; without it the
    rules do."""

    def __init__(self, likeness: Likeness | None = None) -> None:
        self._likeness = likeness

    async def stream(self, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        before = _before(prompt.messages)
        said = _system(prompt.messages)
        one = await asyncio.to_thread(Answering, prompt.question, prompt.passages, prompt.language, before, said)
        text = await asyncio.to_thread(one.reply)
        blind = bool(one.wanted) and self._likeness is not None
        if near := await self._near(one.wanted, prompt.passages, deadline):
            blind, text = False, await asyncio.to_thread(one.reply, near)
        for piece in _pieces(text):
            yield Delta(piece, model=MODEL)
        size = sum(len(str(m.get("content") or "")) for m in prompt.messages)
        usage = Usage(-(-size // 4), -(-len(text) // 4))
        yield Delta(finish="stop", usage=usage, model=MODEL, passing=blind)

    async def _near(self, pairs: Sequence[tuple[str, str]], passages: Sequence[Passage], deadline: float) -> Near:
        """Nothing where it cannot be told, or not soon: others' documents may be on their way through the embedder."""
        if not pairs or self._likeness is None:
            return {}
        return await self._likeness.soon(pairs, passages, deadline - time.monotonic()) or {}


def reply(
    question: str, passages: Sequence[Passage], language: str | None = None, before: Sequence[str] = (), said: str = "",
    today: date | None = None,
) -> str:
    """The whole answer, by the rules alone. before: what the same person wrote earlier. said: the gateway's
    instructions, whose links are the business's."""
    return Answering(question, passages, language, before, said, today).reply()


class Answering:
    """A message and what was found for it. wanted: pairs of a question and a quote of which it matters how near they
    are, after a reply that did not know."""

    def __init__(
        self, question: str, passages: Sequence[Passage], language: str | None = None, before: Sequence[str] = (),
        said: str = "", today: date | None = None, table: Table = TABLE,
    ) -> None:
        self._table = table
        self._question, self._passages, self._before, self._said = question, passages, before, said
        self._today = today or datetime.now(UTC).date()
        written = language or _language_of(passages)
        self._kind = courtesy(question)
        self._greeted = language or (words.language(before[-1]) if before else written)
        self._lang = words.language(question, words.language(before[-1], written) if before else written)
        self._found = [] if self._kind else units(passages)
        self._looks: dict[Asked, Look] = {}
        around = [w for u in self._found for w in (u.own, u.part.above, u.part.name, u.near)]
        self._stems = frozenset(s for w in around for s in w.stems)
        self._meanings = frozenset(m for w in around for m in w.meanings)
        self.wanted: list[tuple[str, str]] = []

    def reply(self, near: Near | None = None) -> str:
        """The whole answer; near: cosines of pairs."""
        if self._kind:
            return TEXTS[self._kind][spoken(self._question, self._greeted)]
        self.wanted = []
        answers, missing = self._answers(near)
        if not answers and self._passages and asks_what_you_do(self._question):
            return _abilities(self._passages, self._lang)
        if not answers:
            return TEXTS["nothing"][self._lang]
        told = _told(answers, missing, self._lang)
        return unlinked(told, hosts(self._passages, self._said), TEXTS["link"][self._lang])

    def _answers(self, near: Near | None) -> tuple[list[Answer], list[str]]:
        """Of each question in the message, and what nothing is known of: codes, or the question itself."""
        answers: list[Answer] = []
        missing: list[str] = []
        for one in self.asked:
            whole, full = self._answer(one, near, alone=len(self.asked) == 1)
            sides = [] if full else [self._answer(h, None)[0] for h in questions.halves(one)]
            if sides and all(sides):
                answers += [a for a in sides if a]
            elif whole:
                answers.append(whole)
            elif one.codes or one.asks:
                missing += [c.upper() for c in one.codes] or [_shortly(one.text.strip(" ?¿!.,;"))]
        return answers, missing

    @cached_property
    def asked(self) -> list[Asked]:
        typed = frozenset(w for u in self._found for w in words.words(f"{u.text} {u.part.block.title} {_columns(u)}"))
        return [
            questions.mended(one, typed, self._stems, self._meanings, self._lang)
            for one in questions.read(self._question, self._lang, self._before)
        ]

    def look(self, asked: Asked) -> Look:
        """What was found for one question, the best first."""
        if asked not in self._looks:
            weight = weights(asked, self._found)
            fitting = [u for u in self._found if holds_codes(asked, u) and holds_years(asked, u, self._today)]
            ranked = sorted((weigh(asked, u, weight, self._today) for u in fitting), key=lambda w: -w.score)
            first = self._passages[0].name if self._passages else ""
            self._looks[asked] = Look(asked, ranked, weight, self._stems, self._meanings, first, self._table)
        return self._looks[asked]

    def _answer(self, asked: Asked, near: Near | None, alone: bool = False) -> tuple[Answer | None, bool]:
        """The answer, and whether it has all that was asked about. alone: nothing else is asked."""
        if not (asked.terms or asked.codes or asked.context):
            return None, False
        told = chapter(asked, self._found, self._lang)
        if told:
            return Answer(told[1], (told[0].name,)), True
        look = self.look(asked)
        good, quotes = chosen(look, near) if alone else (allowed(look), [])
        self.wanted += [(look.text, q) for q in quotes]
        return _answered(asked, good, look.ranked, self._lang) if good else (None, False)


def _answered(
    asked: Asked, good: Sequence[Weighed], ranked: Sequence[Weighed], lang: str,
) -> tuple[Answer, bool]:
    first = good[0]
    others = _differing(first, good[1:], asked)
    if others:
        every = (first, *others)
        lines = [f"- {quoted(w, asked)} ({w.unit.part.passage.name})" for w in every]
        names = tuple(dict.fromkeys(w.unit.part.passage.name for w in every))
        return Answer("\n".join(lines), names, differ=True), True
    text = "\n\n".join(dict.fromkeys(quoted(w, asked) for w in (first, *_beside(first, good[1:], ranked, asked))))
    if first.old and not asked.years:
        text += f"\n\n{TEXTS['old'][lang]}{_since(first.unit)}."
    return Answer(text, (first.unit.part.passage.name,)), all(t.stem in first.has for t in asked.topics)


def _columns(unit: Unit) -> str:
    return " ".join(c.name for c in unit.cells)


def _shortly(text: str) -> str:
    return text if len(text) <= ASKED else f"{text[:ASKED].rstrip()}…"


def _beside(first: Weighed, good: Sequence[Weighed], others: Sequence[Weighed], asked: Asked) -> list[Weighed]:
    """Of the same chapter: what is as good, and what has the other kinds of facts that are asked for."""
    near = [w for w in others if w is not first and _one(first, w) and w.old == first.old and w.has >= first.has]
    alike = [w for w in near if w.score >= first.score * TIED and w in good][:MOST]
    said = fold(quoted(first, asked))
    lacking = [w for w in asked.firm if not FACTS[w].search(said)]
    filling = (next((n for n in near if FACTS[w].search(n.unit.said)), None) for w in lacking)
    return [*alike, *(f for f in filling if f is not None)]


def _differing(first: Weighed, others: Sequence[Weighed], asked: Asked) -> list[Weighed]:
    """Other documents' answers that are as good and say other amounts."""
    mine, found = amounts(first.unit.text), []
    if asked.of_premises:
        return []  # numbers of several desks do not disagree
    telling = first.has & {t.stem for t in asked.terms if not t.pale}
    for other in others:
        same = _alike(first, other)
        if other.score < first.score * (LIKE if same else ALIKE) or other.old != first.old or _one(first, other):
            continue
        if len(telling - other.has) > len(telling) // 4 or _of_other_days(first, other):
            continue
        if len(telling) < 2 and not same and _aside(first, other, asked):
            continue
        held, theirs = first.unit.part.held.start, other.unit.part.held.start
        numbers = amounts(other.unit.text)
        other_amounts = mine and numbers and not numbers & mine
        if held == theirs and other_amounts and (asked.wants or same):
            found.append(other)
            mine |= numbers
    return found[:2]


def _of_other_days(first: Weighed, other: Weighed) -> bool:
    """Whether another speaks of certain days alone: "on the 24th of December" is no other opinion of Saturdays."""
    return bool(DATED.search(other.unit.said)) and not DATED.search(first.unit.said)


def _aside(first: Weighed, other: Weighed, asked: Asked) -> bool:
    """Whether another document, which the search found less close, only names the one thing that is asked of."""
    near = other.unit.part.passage.score > first.unit.part.passage.score - BEHIND
    return not near and other.lone(asked)


def _alike(a: Weighed, b: Weighed) -> bool:
    """Whether two sentences say the same with most of their words, whatever the amounts in them are."""
    x, y = (frozenset(words.terms(re.sub(r"\d[\d.,:]*", " ", w.unit.text))) for w in (a, b))
    return len(x & y) >= max(3, SAME * min(len(x), len(y)))


def _one(a: Weighed, b: Weighed) -> bool:
    """Whether both stand in one chapter of one document."""
    x, y = a.unit.part, b.unit.part
    return x.passage.document_id == y.passage.document_id and x.passage.name == y.passage.name and (
        x.block.chapter == y.block.chapter)


def _since(unit: Unit) -> str:
    held = unit.part.held
    return f" ({held.start or ''} – {held.end or ''})" if held.start or held.end else ""


def _told(answers: Sequence[Answer], missing: Sequence[str], lang: str) -> str:
    """The quotes and where they are from."""
    names = list(dict.fromkeys(n for a in answers for n in a.names))[:SOURCES]
    parts = [f"{TEXTS['differ'][lang]}\n\n{a.text}" if a.differ else a.text for a in answers]
    body = "\n\n".join(dict.fromkeys(parts))
    if missing:
        body += f"\n\n{TEXTS['missing'][lang]}: {', '.join(missing)}."
    return f"{body}\n\n{TEXTS['source' if len(names) == 1 else 'sources'][lang]}: {', '.join(names)}"


def _abilities(passages: Sequence[Passage], lang: str) -> str:
    """What may be asked: names of documents, in the asker's language where some are in it."""
    named = list(dict.fromkeys(p.name for p in passages))
    own = [n for n in named if words.language(n, lang) == lang]
    return "\n".join([TEXTS["abilities"][lang], "", *(f"- {n}" for n in own or named)])


def _language_of(passages: Sequence[Passage]) -> str | None:
    """What the knowledge is written in, for questions too short to tell."""
    return words.language(" ".join(p.content[:500] for p in passages)) if passages else None


def _before(messages: Sequence[Json]) -> list[str]:
    """What the person wrote before the last message."""
    said = [m["content"] for m in messages if m.get("role") == "user" and isinstance(m.get("content"), str)]
    return said[-3:-1]


def _system(messages: Sequence[Json]) -> str:
    return "\n".join(str(m.get("content") or "") for m in messages if m.get("role") in ("system", "developer"))


def _pieces(text: str) -> list[str]:
    """The text in a few pieces, cut between words."""
    pieces, start = [], 0
    size = max(PIECE, len(text) // PIECES)
    while len(text) - start > size * 3 // 2:
        end = text.find(" ", start + size) + 1
        if not end:
            break
        pieces.append(text[start:end])
        start = end
    return [*pieces, text[start:]]
