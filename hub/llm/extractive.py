"""The integrated model `@hub/extractive`: answers from the passages found, offline, word for word.

It writes nothing of its own but short frames, so it can be silent, but it cannot make things up. What is asked for must
stand in what is quoted: a wrong answer is worse than none. The same question and passages always give the same answer.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType

from hub.domain import Json, Passage, Usage
from hub.language import words
from hub.language.abilities import asks_what_you_do
from hub.language.courtesies import courtesy, spoken
from hub.language.facts import FACTS, MEASURED
from hub.language.folding import fold
from hub.language.lexicon import RANKS
from hub.llm import asked as questions
from hub.llm.asked import Asked
from hub.llm.quoting import amounts, hosts, quoted, unlinked
from hub.llm.types import Delta, Prompt
from hub.llm.units import Unit, counted, units
from hub.llm.weighing import Weighed, holds_codes, holds_years, weigh, weights

MODEL = "@hub/extractive"
# The part of a question's weight that an answer must have; less of it where the search found the document close.
ENOUGH, CLOSE = 0.57, 0.6
NEAR = ((0.75, 0.42), (CLOSE, 0.48))  # of a passage with at least the first score the second is enough
PRICED = 0.6  # the same of a price: another thing's is worse than none
NAMED = 0.7  # the same where a name that was asked for is nowhere
ALIKE = 0.88  # part of the best score from which another document's answer is as good
SURE = 0.85  # cover from which answers with other amounts are about the same
SAME, LIKE = 0.6, 0.7  # part of two sentences' words from which they say the same, and the part of the score then
TIED, MOST = 0.98, 2  # part of the best score from which another sentence is as good, and how many are shown
BEHIND = 0.15  # of the score of a passage that another one may be behind, to speak of the same
SOURCES = 3
ASKED = 120  # characters of a question that are said again where nothing is known of it
PIECES, PIECE = 6, 24
# What says how far something goes.
BOUNDS = re.compile(
    r"\b(?:nao .{0,80}\bfora d[aeo]s?|not .{0,80}\boutside|no .{0,80}\bfuera de|only (?:in|to|within)"
    r"|(?:apenas|somente|so) (?:em|para|na|no|dentro)|solo (?:en|a|dentro)|solamente (?:en|a))\b"
)

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
    """A provider without a network."""

    async def stream(self, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        before = _before(prompt.messages)
        said = _system(prompt.messages)
        text = await asyncio.to_thread(reply, prompt.question, prompt.passages, prompt.language, before, said)
        for piece in _pieces(text):
            yield Delta(piece, model=MODEL)
        size = sum(len(str(m.get("content") or "")) for m in prompt.messages)
        yield Delta(finish="stop", usage=Usage(-(-size // 4), -(-len(text) // 4)), model=MODEL)


def reply(
    question: str, passages: Sequence[Passage], language: str | None = None, before: Sequence[str] = (), said: str = "",
    today: date | None = None,
) -> str:
    """The whole answer. before: what the same person wrote earlier. said: the gateway's instructions, whose links are
    the business's."""
    written = language or _language_of(passages)
    kind = courtesy(question)
    if kind:
        return TEXTS[kind][spoken(question, language or (words.language(before[-1]) if before else written))]
    lang = words.language(question, words.language(before[-1], written) if before else written)
    answers, missing = _answers(question, units(passages), lang, before, today or datetime.now(UTC).date())
    if not answers and passages and asks_what_you_do(question):
        return _abilities(passages, lang)
    if not answers:
        return TEXTS["nothing"][lang]
    return unlinked(_told(answers, missing, lang), hosts(passages, said), TEXTS["link"][lang])


def _answers(
    question: str, found: Sequence[Unit], lang: str, before: Sequence[str], today: date
) -> tuple[list[Answer], list[str]]:
    """Of each question in the message, and what nothing is known of: codes, or the question itself."""
    answers: list[Answer] = []
    missing: list[str] = []
    stems = frozenset(s for u in found for w in (u.own, u.part.above, u.part.name, u.near) for s in w.stems)
    meanings = frozenset(m for u in found for w in (u.own, u.part.above, u.part.name, u.near) for m in w.meanings)
    typed = frozenset(w for u in found for w in words.words(f"{u.text} {u.part.block.title} {_columns(u)}"))
    for one in questions.read(question, lang, before):
        one = questions.mended(one, typed, stems, meanings, lang)
        whole, full = _answer(one, found, today, lang)
        sides = [] if full else [_answer(h, found, today, lang)[0] for h in questions.halves(one)]
        if sides and all(sides):
            answers += [a for a in sides if a]
        elif whole:
            answers.append(whole)
        elif one.codes or one.asks:
            missing += [c.upper() for c in one.codes] or [_shortly(one.text.strip(" ?¿!.,;"))]
    return answers, missing


def _columns(unit: Unit) -> str:
    return " ".join(c.name for c in unit.cells)


def _answer(asked: Asked, found: Sequence[Unit], today: date, lang: str) -> tuple[Answer | None, bool]:
    """The answer, and whether it has all that was asked about."""
    if not (asked.terms or asked.codes or asked.context):
        return None, False
    weight = weights(asked, found)
    fitting = [u for u in found if holds_codes(asked, u) and holds_years(asked, u, today)]
    ranked = sorted((weigh(asked, u, weight, today) for u in fitting), key=lambda w: -w.score)
    known = frozenset(s for w in ranked for s in w.has)
    good = [w for w in ranked if _good(w, asked, known)]
    if not good:
        return None, False
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


def _shortly(text: str) -> str:
    return text if len(text) <= ASKED else f"{text[:ASKED].rstrip()}…"


def _good(one: Weighed, asked: Asked, known: frozenset[str]) -> bool:
    """Whether it is an answer: it has enough of the question and of its things, and the kind of fact that is wanted."""
    enough = next((least for score, least in NEAR if one.unit.part.passage.score >= score), ENOUGH)
    if "price" in asked.wants and not asked.codes:
        enough = max(enough, PRICED)
    if not asked.codes and any(t.proper and t.stem not in one.has for t in asked.topics):
        enough = NAMED
    if asked.terms and (one.cover < enough or _lacks(one, asked, known)) and not _bounds(one, asked, known):
        return False
    if asked.topics and not any(t.stem in one.has for t in asked.topics) and not asked.codes:
        return False
    if not asked.topics and not asked.codes and not asked.of_premises and not _of_context(one, asked):
        return False
    if not _either(one, asked) or not _ranked(one, asked) or _stray(one, asked):
        return False
    wanted = asked.wants if asked.of_premises else asked.firm
    text = fold(quoted(one, asked)) if wanted else ""
    cells = f" {counted(one.unit.cells)}" if one.unit.cells else ""
    if "many" in wanted and asked.counted in one.apart and not one.unit.cells:
        return False  # a number beside what is counted is of something else
    said = _counting(fold(one.unit.text) + cells, asked) if "many" in wanted else ""
    return not wanted or any(FACTS[w].search(said if w == "many" else text + cells) for w in wanted)


def _counting(text: str, asked: Asked) -> str:
    """A folded text without the numbers that count another thing than the one that is asked of."""
    meant = words.meaning(asked.counted)

    def kept(match: re.Match[str]) -> str:
        held = words.words(match[0])
        same = any(words.stem(w) == asked.counted or (meant is not None and words.meaning(w) == meant) for w in held)
        return match[0] if same else " "

    return MEASURED.sub(kept, text)


def _bounds(one: Weighed, asked: Asked, known: frozenset[str]) -> bool:
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
        if len(telling - other.has) > len(telling) // 4:
            continue
        if len(telling) < 2 and not same and _aside(first, other, asked):
            continue
        held, theirs = first.unit.part.held.start, other.unit.part.held.start
        numbers = amounts(other.unit.text)
        other_amounts = mine and numbers and not numbers & mine
        if held == theirs and other_amounts and (asked.wants or other.cover >= SURE):
            found.append(other)
            mine |= numbers
    return found[:2]


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
