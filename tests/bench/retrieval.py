"""Whether search finds the passage that answers, in two languages, by meaning, by words and by both joined.

The vectors of the passages are kept beside them, for embedding them takes minutes; each run makes some of
them anew and stops when they are not the same. Questions are always embedded, and everything after that is
the real way: documents are put into a collection, indexed, and asked for.

Questions of an odd number are for tuning and are not reported.
"""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from hub.ids import uuid7
from hub.knowledge import collections, documents
from hub.knowledge.chunk import pieces
from hub.knowledge.index import index_document
from hub.knowledge.search import search
from hub.llm.embedder import Embedder, Vector
from hub.store.documents import Given
from tests.bench.place import Place
from tests.bench.report import Pace, say, title

DATA = Path(__file__).parent / "data" / "retrieval"
LANGUAGES = ("pt", "en")
FUSED, SINGLE = "rrf", ("none", "lexical")
NAMES = {"none": "meaning", "lexical": "words", "rrf": "joined"}
RECALL, DEPTH, LEAST = 5, 10, 0.01
CHECKED, ALIKE = 16, 0.999  # vectors made anew of a language, and the cosine they must have with those kept
ACCOUNT = "insert into accounts (id, name, salt) values ($1, 'retrieval', 's')"


@dataclass(frozen=True)
class Question:
    number: int
    text: str
    answers: frozenset[str]


@dataclass(frozen=True)
class Marks:
    """Of each question, in the same order."""

    recall: list[float]
    ndcg: list[float]


class Kept(Embedder):
    """An embedder that knows the vectors of some passages already."""

    def __init__(self, known: dict[str, Vector]) -> None:
        super().__init__()
        self._passages_known = known

    async def passages(self, texts: Sequence[str]) -> list[Vector]:
        missing = [t for t in texts if t not in self._passages_known]
        made = dict(zip(missing, await super().passages(missing), strict=True))
        return [made[t] if t in made else self._passages_known[t] for t in texts]


async def measure(place: Place, pace: Pace) -> None:
    title("Retrieval: half of the questions, the other half is for tuning")
    lost = []
    for language in LANGUAGES:
        asked = [q for q in questions(language) if q.number % 2 == 0]
        found = await marked(place, language, asked)
        for mode in (*SINGLE, FUSED):
            say(f"{language}, {len(asked)} questions, {NAMES[mode]}", _described(found[mode]))
        for name in ("recall", "ndcg"):
            values = {mode: getattr(found[mode], name) for mode in found}
            best = max(SINGLE, key=lambda mode: statistics.fmean(values[mode]))
            gain = [a - b for a, b in zip(values[FUSED], values[best], strict=True)]
            error = statistics.stdev(gain) / math.sqrt(len(gain))
            say(f"{language}, {name}: joined less the better ({NAMES[best]})",
                f"{statistics.fmean(gain):+.3f}, standard error {error:.3f}")
            if statistics.fmean(gain) < -1e-9:
                lost.append(f"{language} {name}")
    if lost:
        raise SystemExit(f"Joined search is worse than the better of its two parts: {', '.join(lost)}.")


async def marked(place: Place, language: str, asked: Sequence[Question]) -> dict[str, Marks]:
    """How each way of searching does; rows are those of a new account."""
    texts = passages(language)
    embedder = Kept(await _vectors(language, texts))
    db, account = place.hub.db, uuid7()
    await db.run(ACCOUNT, account)
    collection = await collections.create(db, account, language, None, None)
    given = [Given(id, text) for id, text in texts.items()]
    edges = [*range(0, len(given), 100), len(given)]
    for start, end in pairwise(edges):
        for saved in await documents.save(db, account, collection, given[start:end]):
            await index_document(db, embedder, saved.id)
    await db.run("analyze chunks")
    marks = {mode: Marks([], []) for mode in (*SINGLE, FUSED)}
    for question in asked:
        for mode, kept in marks.items():
            hits = await search(db, embedder, account, [collection], [question.text], DEPTH, LEAST, mode)
            names = [h.name for h in hits]
            kept.recall.append(recall(names, question.answers))
            kept.ndcg.append(ndcg(names, question.answers))
    await embedder.close()
    return marks


def questions(language: str) -> list[Question]:
    return [
        Question(int(row["id"].rpartition("q")[2]), row["text"], frozenset(row["answers"]))
        for row in _rows(f"{language}-questions")
    ]


def passages(language: str) -> dict[str, str]:
    """Texts by their ids, in the order of the vectors."""
    return {row["id"]: row["text"] for row in _rows(f"{language}-passages")}


def recall(names: Sequence[str], answers: frozenset[str]) -> float:
    """Part of the answers that is among the first; 1 is possible for any number of answers."""
    return len(answers & set(names[:RECALL])) / min(len(answers), RECALL)


def ndcg(names: Sequence[str], answers: frozenset[str]) -> float:
    gain = sum(1 / math.log2(place + 2) for place, name in enumerate(names[:DEPTH]) if name in answers)
    return gain / sum(1 / math.log2(place + 2) for place in range(min(len(answers), DEPTH)))


async def _vectors(language: str, texts: dict[str, str]) -> dict[str, Vector]:
    """Vectors kept for the pieces of the passages, a few of them compared with what the embedder makes now."""
    cut = [piece.text for text in texts.values() for piece in pieces(text)]
    kept = np.load(DATA / f"{language}-vectors.npy").astype(np.float32)
    if len(kept) != len(cut):
        raise SystemExit(f"{language}: {len(kept)} vectors are kept for {len(cut)} pieces; make them anew.")
    some = range(0, len(cut), -(-len(cut) // CHECKED))
    embedder = Embedder()
    made = await embedder.passages([cut[n] for n in some])
    await embedder.close()
    if min(float(np.dot(kept[n], vector)) for n, vector in zip(some, made, strict=True)) < ALIKE:
        raise SystemExit(f"{language}: the kept vectors are not those of the present embedder; make them anew.")
    return dict(zip(cut, kept.tolist(), strict=True))


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()]


def _described(marks: Marks) -> str:
    return f"recall@{RECALL} {statistics.fmean(marks.recall):.3f}, nDCG@{DEPTH} {statistics.fmean(marks.ndcg):.3f}"
