"""Whether search finds the passage that answers, in two languages, by meaning, by words and by both joined.

The real way: documents are put into a collection, embedded, indexed, and asked for. Embedding takes minutes, so vectors
are kept for the next run; a quick run looks at Portuguese alone. Questions of an odd number are for tuning and are not
reported. `smart` is not measured: sentence by sentence it takes seconds a question, and what a helper model makes of it
depends on the model.
"""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from hub.ids import uuid7
from hub.knowledge import collections, documents
from hub.knowledge.index import index_document
from hub.knowledge.search import search
from hub.llm.embedder import Embedder
from hub.store.documents import Given
from tests.bench.place import Place
from tests.bench.report import Pace, say, title
from tests.bench.vectors import remembering
from tests.conftest import owning

DATA = Path(__file__).parent / "data" / "retrieval"
LANGUAGES = ("pt", "en")
FUSED, SINGLE = "rrf", ("none", "lexical")
MODES = (*SINGLE, FUSED)
NAMES = {"none": "meaning", "lexical": "words", "rrf": "joined"}
RECALL, DEPTH, LEAST = 5, 10, 0.01
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


async def measure(place: Place, pace: Pace) -> None:
    title("9. Retrieval: half of the questions, the other half is for tuning")
    lost = []
    for language in LANGUAGES if pace.runs > 1 else LANGUAGES[:1]:
        asked = [q for q in questions(language) if q.number % 2 == 0]
        async with remembering() as embedder:
            found = await marked(place, embedder, language, asked)
        for mode in MODES:
            say(f"{language}, {len(asked)} questions, {NAMES[mode]}", _described(found[mode]))
        for name in ("recall", "ndcg"):
            values = {mode: getattr(found[mode], name) for mode in MODES}
            best = max(SINGLE, key=lambda mode: statistics.fmean(values[mode]))
            gain = [a - b for a, b in zip(values[FUSED], values[best], strict=True)]
            error = statistics.stdev(gain) / math.sqrt(len(gain))
            say(f"{language}, {name}: joined less the better ({NAMES[best]})",
                f"{statistics.fmean(gain):+.3f}, standard error {error:.3f}")
            if statistics.fmean(gain) < -1e-9:
                lost.append(f"{language} {name}")
    if lost:
        raise SystemExit(f"Joined search is worse than the better of its two parts: {', '.join(lost)}.")


async def marked(place: Place, embedder: Embedder, language: str, asked: Sequence[Question]) -> dict[str, Marks]:
    """How each way of searching does; rows are those of a new account."""
    texts = passages(language)
    db, account = place.hub.db, uuid7()
    await db.run(ACCOUNT, account)
    collection = await collections.create(db, account, language, None, None)
    given = [Given(id, text) for id, text in texts.items()]
    edges = [*range(0, len(given), 100), len(given)]
    for start, end in pairwise(edges):
        for saved in await documents.save(db, account, collection, given[start:end]):
            await index_document(db, embedder, saved.id)
    async with owning(place.hub.settings.database_url.get_secret_value()) as owner:
        await owner.run("analyze chunks")
    marks = {mode: Marks([], []) for mode in MODES}
    for question in asked:
        for mode, kept in marks.items():
            hits = await search(db, embedder, account, [collection], [question.text], DEPTH, LEAST, mode)
            names = [h.name for h in hits]
            kept.recall.append(recall(names, question.answers))
            kept.ndcg.append(ndcg(names, question.answers))
    return marks


def questions(language: str) -> list[Question]:
    return [
        Question(int(row["id"].rpartition("q")[2]), row["text"], frozenset(row["answers"]))
        for row in _rows(f"{language}-questions")
    ]


def passages(language: str) -> dict[str, str]:
    """Texts by their ids."""
    return {row["id"]: row["text"] for row in _rows(f"{language}-passages")}


def recall(names: Sequence[str], answers: frozenset[str]) -> float:
    """Part of the answers that is among the first; 1 is possible for any number of answers."""
    return len(answers & set(names[:RECALL])) / min(len(answers), RECALL)


def ndcg(names: Sequence[str], answers: frozenset[str]) -> float:
    gain = sum(1 / math.log2(place + 2) for place, name in enumerate(names[:DEPTH]) if name in answers)
    return gain / sum(1 / math.log2(place + 2) for place in range(min(len(answers), DEPTH)))


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()]


def _described(marks: Marks) -> str:
    return f"recall@{RECALL} {statistics.fmean(marks.recall):.3f}, nDCG@{DEPTH} {statistics.fmean(marks.ndcg):.3f}"
