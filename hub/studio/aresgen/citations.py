"""Citations: passages found in the knowledge base for a paragraph; no model is asked, so none is made up."""

from uuid import UUID

from hub.domain import Passage
from hub.errors import NotFound, Unprocessable
from hub.knowledge.search import search
from hub.language import words
from hub.runtime import Hub
from hub.store import collections
from hub.studio.aresgen.outline import HEADING, paragraphs

NEAR, EACH, TERMS = 0.45, 2, 3
PARAGRAPHS = 60
NO_BASE = "Sources: none. There is no knowledge base to cite from; make a collection with documents first."


async def cited(hub: Hub, account: UUID, text: str, base: UUID | None) -> str:
    """The text with [n] behind its paragraphs and the list of sources below; where there is no knowledge base, that
    is said instead. Raise NotFound, Unprocessable."""
    bases = await _bases(hub, account, base)
    if not bases:
        return f"{text.rstrip()}\n\n{NO_BASE}"
    sources: list[Passage] = []
    parts = []
    for part in paragraphs(text)[:PARAGRAPHS]:
        found = await _found(hub, account, bases, part)
        marks = "".join(f"[{_number(sources, p)}]" for p in found)
        parts.append(f"{part.rstrip()} {marks}".rstrip())
    parts += paragraphs(text)[PARAGRAPHS:]
    if not sources:
        raise Unprocessable(
            "Nothing in the knowledge base speaks of this text; add documents to it, or name another one.",
            field="knowledge_base_id", code="nothing_to_cite",
        )
    listed = "\n".join(f"{n}. {_source(p)}" for n, p in enumerate(sources, 1))
    return "\n\n".join([*parts, f"Sources:\n\n{listed}"])


async def _bases(hub: Hub, account: UUID, base: UUID | None) -> list[UUID]:
    if base is not None:
        if base not in await collections.known(hub.db, account, [base]):
            raise NotFound(f"There is no knowledge base {base}.", field="knowledge_base_id")
        return [base]
    return [c.id for c in await collections.every(hub.db, account)]


async def _found(hub: Hub, account: UUID, bases: list[UUID], part: str) -> list[Passage]:
    if HEADING.match(part) or len(words.terms(part)) < TERMS:
        return []
    return await search(hub.db, hub.embedder, account, bases, [part[:1000]], top=EACH, min_score=NEAR)


def _number(sources: list[Passage], passage: Passage) -> int:
    """The number of a passage's document, new at its first citation."""
    for n, known in enumerate(sources, 1):
        if known.document_id == passage.document_id:
            return n
    sources.append(passage)
    return len(sources)


def _source(passage: Passage) -> str:
    return f"{passage.name} ({passage.reference})" if passage.reference else passage.name
