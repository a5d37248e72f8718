"""The integrated model `@hub/extractive`: answers from the passages found, offline, word for word.

It writes nothing of its own but short frames, so it can be silent or beside the point, but it
cannot make things up. The same question and passages always give the same answer.
"""

import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from hub.domain import Passage, Usage
from hub.language import words
from hub.language.lexicon import BESIDE, COURTESY, ENGLISH, SPANISH
from hub.llm.blocks import Block, cut, sentences
from hub.llm.types import Delta, Prompt

MODEL = "@hub/extractive"
TITLE, NAME, IDEA = 0.9, 0.4, 0.6
ENOUGH, NEAR = 0.34, 0.5
LONG, LONGEST = 420, 900
SOURCES = 2
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
        "maybe": MappingProxyType(
            {
                "pt": "Não encontrei uma resposta exata, mas isto pode ajudar:",
                "en": "I found no exact answer, but this may help:",
                "es": "No encontré una respuesta exacta, pero esto puede ayudar:",
            }
        ),
        "source": MappingProxyType({"pt": "Fonte", "en": "Source", "es": "Fuente"}),
        "sources": MappingProxyType({"pt": "Fontes", "en": "Sources", "es": "Fuentes"}),
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    """A block with what speaks for it. cover: the part of the question's weight it contains."""

    block: Block
    passage: Passage
    place: int
    following: tuple[Block, ...]
    score: float
    cover: float
    has: frozenset[str]


class Extractive:
    """A provider without a network."""

    async def stream(self, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        text = reply(prompt.question, prompt.passages, prompt.language)
        for piece in _pieces(text):
            yield Delta(piece, model=MODEL)
        asked = sum(len(str(m.get("content") or "")) for m in prompt.messages)
        yield Delta(finish="stop", usage=Usage(-(-asked // 4), -(-len(text) // 4)), model=MODEL)


def reply(question: str, passages: Sequence[Passage], language: str | None = None) -> str:
    """The whole answer."""
    kind = courtesy(question)
    if kind:
        return TEXTS[kind][_polite_language(question)]
    lang = words.language(question, language or _language_of(passages))
    best = _best(question, passages)
    near = best or _near(question, passages)
    if not near:
        return TEXTS["nothing"][lang]
    if not best:
        return f"{TEXTS['maybe'][lang]}\n\n{_told(near, question, lang)}"
    return _told(best, question, lang)


def _told(best: Sequence[Found], question: str, lang: str) -> str:
    """The quotes and where they are from."""
    names = list(dict.fromkeys(f.passage.name for f in best))[:SOURCES]
    body = "\n\n".join(dict.fromkeys(_quote(f, question) for f in best))
    return f"{body}\n\n{TEXTS['source' if len(names) == 1 else 'sources'][lang]}: {', '.join(names)}"


def _language_of(passages: Sequence[Passage]) -> str | None:
    """What the knowledge is written in, for questions too short to tell."""
    return words.language(" ".join(p.content[:500] for p in passages)) if passages else None


def courtesy(question: str) -> str | None:
    """hello, thanks or bye, when the message is nothing else."""
    found = words.words(question)
    if not found or len(found) > 8:
        return None
    for kind, known in COURTESY.items():
        if any(w in known for w in found) and all(w in BESIDE or _courteous(w) for w in found):
            return kind
    return None


def _courteous(word: str) -> bool:
    return any(word in known for known in COURTESY.values())


def _polite_language(question: str) -> str:
    found = frozenset(words.words(question))
    if found & SPANISH:
        return "es"
    if found & ENGLISH:
        return "en"
    return "pt"


def _best(question: str, passages: Sequence[Passage]) -> list[Found]:
    """The block that answers best, and a second one when it adds what the first lacks."""
    asked = words.terms(question)
    if not asked:
        return []
    ranked = sorted(_scored(asked, passages), key=lambda f: (-f.score, f.place))
    if not ranked or ranked[0].cover < ENOUGH:
        return []
    first = ranked[0]
    for other in ranked[1:4]:
        if other.score >= first.score * 0.6 and other.has - first.has and other.block.text not in first.block.text:
            return [first, other]
    return [first]


def _near(question: str, passages: Sequence[Passage]) -> list[Found]:
    """The best block of a passage that the search found close in meaning, in other words."""
    close = [p for p in passages if p.score >= NEAR]
    ranked = sorted(_scored(words.terms(question), close), key=lambda f: (-f.score, f.place))
    return [f for f in ranked[:1] if f.cover > 0 or len(f.passage.content) <= LONG]


def _scored(asked: Sequence[str], passages: Sequence[Passage]) -> list[Found]:
    blocks = [(p, cut(p.content)) for p in _flat(passages)]
    weight = _weights(asked, [words.stems(f"{b.title} {b.text}") for _, found in blocks for b in found])
    whole = sum(weight.values()) or 1.0
    result: list[Found] = []
    for p, found in blocks:
        for n, block in enumerate(found):
            inside, above, name = (frozenset(words.stems(t)) for t in (block.text, block.title, p.name))
            # A word of the question that is found does not speak for its other words too.
            near = words.ideas((inside | above).difference(asked))
            gains = {t: _gain(t, inside, above, name, near) for t in asked}
            cover = sum(weight[t] * min(1.0, g) for t, g in gains.items()) / whole
            score = sum(weight[t] * g for t, g in gains.items()) / whole + 0.15 * p.score
            # A list or code without the sentence before it says little alone.
            before = found[n - 1] if n and found[n - 1].leads and block.kind != "text" else None
            lead, rest = (before, tuple(found[n:])) if before else (block, tuple(found[n + 1 :]))
            has = frozenset(t for t, g in gains.items() if g >= IDEA)
            result.append(Found(lead, p, len(result), rest, score, cover, has))
    return result


def _gain(
    term: str, inside: frozenset[str], above: frozenset[str], name: frozenset[str], near: frozenset[int]
) -> float:
    gain = 1.0 if term in inside else 0.0
    gain += TITLE if term in above else 0.0
    gain += NAME if term in name else 0.0
    return gain or (IDEA if words.idea(term) in near else 0.0)


def _weights(asked: Sequence[str], texts: Sequence[list[str]]) -> dict[str, float]:
    """Rare words say more than words that stand in every block."""
    sets = [frozenset(t) for t in texts]
    return {t: math.log(1.5 + len(sets) / (1 + sum(t in s for s in sets))) for t in asked}


def _flat(passages: Sequence[Passage]) -> list[Passage]:
    return [one for p in passages for one in (p, *p.references)]


def _quote(found: Found, question: str) -> str:
    """The block short enough for a chat, with the code or list that belongs to it."""
    block = found.block
    text = block.text if block.kind == "code" else _shortened(block, question)
    for n, after in enumerate(found.following[:2]):
        belongs = (n == 0 and block.leads) or after.kind == "code"
        if not belongs or after.title != block.title or len(text) + len(after.text) > LONGEST:
            break
        text += "\n\n" + after.text
    return text


def _shortened(block: Block, question: str) -> str:
    if len(block.text) <= LONG:
        return block.text
    asked = frozenset(words.terms(question))
    pieces = block.text.split("\n") if block.kind == "list" else sentences(block.text)
    ranked = sorted(range(len(pieces)), key=lambda n: (-len(asked & frozenset(words.stems(pieces[n]))), n))
    kept: set[int] = set()
    size = 0
    for n in ranked:
        if kept and size + len(pieces[n]) > LONG:
            break
        kept.add(n)
        size += len(pieces[n]) + 1
    return ("\n" if block.kind == "list" else " ").join(pieces[n] for n in sorted(kept))


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
