"""Find what the documents say about a question: by meaning, by words and by groups of letters, in one statement."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from hub.domain import Passage
from hub.errors import Invalid, NotFound
from hub.knowledge import embedders
from hub.knowledge.joined import Found, chosen, heading, told
from hub.knowledge.ordering import Candidate, ordered
from hub.knowledge.rerank import LOOKED_AT, by_model, by_parts
from hub.language.folding import fold
from hub.language.lexicon import PALE
from hub.language.validity import HEAD, Validity, of_document
from hub.language.words import alike, languages
from hub.llm.embedder import Embedder, Vector
from hub.llm.helper import Helper
from hub.store import chunks, collections, documents, finding
from hub.store.db import Call, Db, Row
from hub.store.finding import Wanted

RERANKERS = ("rrf", "lexical", "smart", "none")
TERMS, WORDS = 16, 32
# Cosines of centred vectors that mean 0 and 1. Pairs that belong together have 0.29-0.61 and come to
# 0.39-1.0, unrelated ones at most 0.25 (median 0.12) and come to 0-0.3; see hub.llm.embedder.
SCALE = (0.12, 0.56)
SUPPORT = 0.45  # part of what is missing to 1 that goes to a piece with all the words of the question
ALONE = 0.75  # the same where there are no vectors
COUNT = 0.25  # what all the words of the question count in the order, where the cosine counts as it is
WHOLE = 2000  # characters of a document that is given whole; of a longer one its best pieces are
PIECES = 8  # of one document, at most
BESIDE = 10  # more documents are looked at than are wanted, so that what holds can pass what holds no more
REFERENCES = 10

# Stop words as they are typed without their accents; the dictionaries know only the right spelling.
BARE_STOPS = frozenset(
    ("nao", "voce", "voces", "sao", "esta", "estao", "ja", "so", "ate",
     "tambem", "porque", "cade", "pra", "pro", "tb", "vc", "el", "mas")
)


async def search(
    db: Db,
    embedder: Embedder,
    account_id: UUID,
    collections: Sequence[UUID],
    terms: Sequence[str],
    top: int = 5,
    min_score: float = 0.2,
    reranker: str = "rrf",
    references: bool = False,
    helper: Helper | None = None,
    worded: Callable[[], None] | None = None,
) -> list[Passage]:
    """The best documents of the account's collections, each with its best pieces, best first.

    With several terms a document counts by the nearest. `rrf` joins meaning, words and groups of letters, and puts what
    holds before what its dates say is over; `lexical` orders by words, `none` by meaning alone; `smart` looks again at
    the best twenty of `rrf`, with the helper model or, without one, sentence by sentence. Unknown collections hold
    nothing. Where there are no vectors in time words alone find, and `worded` is told.
    """
    if reranker not in RERANKERS:
        raise Invalid(f"There is no reranker '{reranker}'; use {', '.join(RERANKERS)}.", field="reranker")
    asked = list(dict.fromkeys(t.strip() for t in terms if t.strip()))[:TERMS]
    if not asked or not collections:
        return []
    smart, joined = reranker == "smart", reranker in ("rrf", "smart")
    own = await embedders.theirs(db, embedder.elsewhere, account_id, asked)
    whose = (account_id, *collections)
    vectors = await embedder.rest.tried(whose, partial(embedder.queries, asked, account_id), embedder.rest.patience)
    blind = vectors is None and own is None
    if blind and worded is not None:
        worded()
    order = "rrf" if smart or (blind and reranker == "none") else reranker
    wanted = Wanted(
        max(top, LOOKED_AT) if smart else top, min_score, order, SCALE, ALONE if blind else SUPPORT, COUNT, WHOLE,
        PIECES, HEAD, BESIDE if joined else 0,
    )
    named = words(asked)
    rows = await finding.search(
        db, account_id, collections, vectors or (), named, [alike(w) for w in named], languages(" ".join(asked)),
        wanted, own,
    )
    held = {r["id"]: of_document(r["head"], r["metadata"]) for r in rows}
    if joined:
        candidates = [
            Candidate(float(r["place"]), f"{r['name']} {r['content']}", held[r["id"]]) for r in rows
        ]
        rows = [rows[n] for n in ordered(asked, candidates, datetime.now(UTC).date())]
    if smart:
        rows = await _looked_at(embedder, whose, helper, asked, vectors, rows[: max(top, LOOKED_AT)])
    found = _passages(rows[:top], held)
    return await _with_references(db, account_id, found) if references else found


def _passages(rows: Sequence[Row], held: Mapping[UUID, Validity]) -> list[Passage]:
    """What is given of each: a short document whole, of a longer one the best pieces that there is room for."""
    cut = [Found(r["contents"], r["ordinals"], r["places"], r["of"], r["locations"]) for r in rows if not r["whole"]]
    taken = iter(zip(cut, chosen(cut, sum(len(r["content"]) for r in rows if r["whole"])), strict=True))
    found = []
    for row in rows:
        text, above, place = (row["content"], heading(row["contents"][0]), "") if row["whole"] else told(*next(taken))
        found.append(_passage(row, float(row["score"]), text, held[row["id"]], above, place))
    return found


async def query(
    db: Db,
    embedder: Embedder,
    account_id: UUID,
    wanted: Sequence[UUID],
    terms: Sequence[str],
    top: int = 5,
    min_score: float = 0.2,
    reranker: str = "rrf",
    references: bool = False,
    helper: Helper | None = None,
) -> list[Passage]:
    """`search` for callers who must hear of a collection that is not theirs."""
    known = await collections.known(db, account_id, list(wanted))
    for id in wanted:
        if id not in known:
            raise NotFound(f"There is no collection {id}.", field="collections")
    return await search(db, embedder, account_id, wanted, terms, top, min_score, reranker, references, helper)


async def _looked_at(
    embedder: Embedder, whose: Sequence[UUID], helper: Helper | None, terms: Sequence[str],
    vectors: Sequence[Vector] | None, rows: list[Row],
) -> list[Row]:
    first, rest = rows[:LOOKED_AT], rows[LOOKED_AT:]
    texts = [row["content"] for row in first]
    places = await by_model(helper, terms, texts) if helper and len(first) > 1 else []
    if not places and vectors is not None:
        near, place = [float(r["cosine"]) for r in first], [float(r["place"]) for r in first]
        work = partial(by_parts, embedder, vectors, texts, near, place)
        places = await embedder.rest.tried(whose, work, embedder.rest.patience) or []
    return [first[n] for n in places] + rest if places else rows


def words(terms: Sequence[str]) -> list[str]:
    """Distinct words of the terms in order, without one-letter ones, accentless stop words and, where
    others are left, those that name nothing."""
    found = (w for t in terms for w in chunks.words(t.lower()))
    kept = [w for w in found if (len(w) > 1 or w.isdigit()) and len(w) <= 100 and w not in BARE_STOPS]
    telling = [w for w in kept if fold(w) not in PALE]
    return list(dict.fromkeys(telling or kept))[:WORDS]


async def _with_references(db: Call, account: UUID, found: list[Passage]) -> list[Passage]:
    """Documents of the same collection that carry the same reference, beside each passage."""
    places = [(p.collection_id, p.reference) for p in found if p.reference]
    if not places:
        return found
    rows = await documents.referenced(db, account, places, WHOLE, REFERENCES + 1)
    beside = [_passage(row, 0.0, row["content"], of_document(row["head"], row["metadata"])) for row in rows]
    return [_joined(p, [b for b in beside if _belongs(b, p)]) for p in found]


def _belongs(other: Passage, passage: Passage) -> bool:
    same = (other.collection_id, other.reference) == (passage.collection_id, passage.reference)
    return same and other.document_id != passage.document_id


def _joined(passage: Passage, beside: list[Passage]) -> Passage:
    return replace(passage, references=tuple(beside[:REFERENCES]))


def _passage(row: Row, score: float, text: str, held: Validity, above: str = "", place: str = "") -> Passage:
    return Passage(
        row["id"], row["collection_id"], row["name"], text, score, row["reference"], row["metadata"], (), above, place,
        held.start, held.end, held.replaced,
    )
