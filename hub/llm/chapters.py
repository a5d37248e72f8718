"""A chapter that is called as the question is asked: "How do I send a template?" is told from its beginning. Pure."""

from collections.abc import Sequence

from hub.domain import Passage
from hub.language import words
from hub.llm.asked import Asked, Term
from hub.llm.blocks import Block, sentences
from hub.llm.units import Unit, compared

HOW = frozenset(("como", "how"))
AMOUNTS = frozenset(("much", "many", "long", "often", "far", "soon", "old", "big"))
MOSTLY = 0.5  # part of the question that the name of a chapter must have
ROOM, LONGEST = 900, 2400  # characters that are told, and those of the longest list of steps


def chapter(asked: Asked, found: Sequence[Unit], lang: str) -> tuple[Passage, str] | None:
    """The chapter whose name asks the same, and its beginning with all of its steps; None where there is none."""
    every = words.words(asked.text)[:2]
    if not HOW & set(every) or AMOUNTS & set(every) or asked.codes or not _things(asked):
        return None
    best: tuple[float, bool, int] | None = None
    chosen: Passage | None = None
    for n, passage in enumerate(dict.fromkeys(u.part.passage.document_id for u in found)):
        own = [u for u in found if u.part.passage.document_id == passage]
        share = _share(asked, own)
        rank = (round(share, 1), words.language(own[0].part.passage.name, lang) == lang, -n)
        if share >= MOSTLY and (best is None or rank > best):
            best, chosen = rank, own[0].part.passage
    if chosen is None:
        return None
    told = _beginning([u.part.block for u in found if u.part.passage is chosen])
    return (chosen, told) if told else None


def _share(asked: Asked, own: Sequence[Unit]) -> float:
    """How much of the question is in the chapter's name; nothing where the rest is nowhere in it."""
    name = own[0].part.passage.name
    if not HOW & set(words.words(name)[:2]):
        return 0.0
    title = compared(name)
    there = [t for t in _things(asked) if title.has(t.stem, t.meaning) or title.means(t.meaning)]
    telling = [t for t in _things(asked) if t in there or not t.verb]  # a verb may be another one
    for term in telling:
        if term not in there and not any(u.own.has(term.stem, term.meaning) or u.own.means(term.meaning) for u in own):
            return 0.0
    return len(there) / (len(telling) or 1)


def _things(asked: Asked) -> list[Term]:
    return [t for t in asked.terms if not t.pale]


def _beginning(blocks: Sequence[Block]) -> str:
    """Whole blocks while there is room; of a list that is too long its first steps."""
    told, size = list[str](), 0
    for block in dict.fromkeys(blocks):
        room = LONGEST if block.kind == "list" else ROOM
        if size + len(block.text) > room:
            if block.kind == "list":
                told.append(_steps(block.text, room - size))
            elif not told:
                told.append(_cut(block.text))
            break
        told.append(block.text)
        size += len(block.text)
    return "\n\n".join(told)


def _steps(text: str, room: int) -> str:
    """Whole lines while there is room, and a sign that there are more of them."""
    kept, size = list[str](), 0
    for line in text.split("\n"):
        size += len(line) + 1
        if size > room:
            break
        kept.append(line)
    return "\n".join([*(kept or [text[:room]]), "…"])


def _cut(text: str) -> str:
    """Whole sentences while there is room."""
    kept = list[str]()
    for sentence in sentences(text):
        if kept and sum(map(len, kept)) + len(sentence) > ROOM:
            break
        kept.append(sentence)
    told = " ".join(kept)
    return told if len(told) <= LONGEST else f"{told[:LONGEST].rstrip()}…"
