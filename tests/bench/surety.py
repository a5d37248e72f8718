"""How sure the offline answerer is: its table made anew of the labelled businesses, each judged by the others.

What is printed last goes into `hub/llm/surety.py`. Questions that nothing answers count three times: there are few.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hub.domain import Passage
from hub.engine import prompt
from hub.engine.query import given
from hub.ids import uuid7
from hub.knowledge.search import search
from hub.language.folding import fold
from hub.llm.extractive import MODEL, Answering
from hub.llm.likeness import Likeness
from hub.llm.quoting import quoted
from hub.llm.surety import LOOKED_AT, QUOTE, TABLE, Near, Table, nearer, traits
from tests.bench.answers import ACCOUNT
from tests.bench.place import Place
from tests.bench.report import Pace, say, title
from tests.bench.vectors import remembering
from tests.knowledge.business import LEAST, NAMES, TOP, Question, has, questions, shelved, texts, verdict

STIFF, ROUNDS, FEW = 5.0, 60, 3.0


@dataclass(frozen=True)
class Asked:
    """A question as it was asked. rows: traits of the best units, and whether each is the answer."""

    question: Question
    passages: tuple[Passage, ...]
    everything: str
    near: Near
    rows: tuple[tuple[Mapping[str, float], bool], ...]

    def judged(self, table: Table) -> str:
        one = _answering(self.question, self.passages, table)
        return verdict(self.question, one.reply(self.near), self.everything)


async def measure(place: Place, pace: Pace) -> None:
    title("13. How sure the offline answerer is: each business judged by what the others teach")
    db, account = place.hub.db, uuid7()
    await db.run(ACCOUNT, account)
    asked: dict[str, list[Asked]] = {}
    async with remembering() as embedder:
        likeness = Likeness(embedder)
        for name in NAMES:
            collection = await shelved(db, embedder, account, name)
            everything = fold("\n".join((await texts(name)).values()))
            asked[name] = []
            for question in (q for q in questions(name) if q.kind != "talk"):
                terms = given({}, question.messages)
                found = tuple(await search(db, embedder, account, [collection], terms, TOP, LEAST))
                asked[name].append(await looked_at(question, found, everything, likeness))
    tell(asked)


def tell(asked: Mapping[str, Sequence[Asked]]) -> None:
    sums: dict[str, int] = {}
    for name, own in asked.items():
        table = fitted([a for other, those in asked.items() if other != name for a in those])
        told = counted([a.judged(table) for a in own], own)
        sums = {k: sums.get(k, 0) + n for k, n in told.items()}
        say(name, ", ".join(f"{k} {n}" for k, n in told.items()))
    say("all, each left out once", ", ".join(f"{k} {n}" for k, n in sums.items()))
    table = fitted([a for own in asked.values() for a in own])
    say("base", str(table.base))
    for trait, numbers in table.traits.items():
        say(f'"{trait}"', str(numbers))


def counted(verdicts: Sequence[str], own: Sequence[Asked]) -> dict[str, int]:
    pairs = list(zip(verdicts, own, strict=True))
    answered = [v for v, a in pairs if a.question.right]
    told = {kind: answered.count(kind) for kind in ("right", "wrong", "invented")}
    none = [v for v, a in pairs if not a.question.right]
    return told | {"answerable": len(pairs) - len(none), "refused": none.count("refused"), "unanswerable": len(none)}


async def looked_at(
    question: Question, passages: tuple[Passage, ...], everything: str, likeness: Likeness,
) -> Asked:
    one = _answering(question, passages, TABLE)
    if not passages or len(one.asked) != 1:
        return Asked(question, passages, everything, {}, ())
    look = one.look(one.asked[0])
    top = look.ranked[:LOOKED_AT]
    quotes = [quoted(w, look.asked) for w in top]
    near = await likeness.of([(look.text, q[:QUOTE]) for q in quotes], passages) if quotes else {}
    values = nearer(look, [q[:QUOTE] for q in quotes], [traits(look, w) for w in top], near) if quotes else []
    right = [bool(question.right) and all(has(t, q) for t in question.right)
             and not any(has(t, q) for t in question.never) for q in quotes]
    return Asked(question, passages, everything, near, tuple(zip(values, right, strict=True)))


def _answering(question: Question, passages: tuple[Passage, ...], table: Table) -> Answering:
    p = prompt.build({"modelName": MODEL}, question.messages, passages=passages)
    return Answering(p.question, p.passages, p.language, question.before[-2:], table=table)


def fitted(asked: Sequence[Asked]) -> Table:
    rows = [(values, right, FEW if not a.question.right else 1.0) for a in asked for values, right in a.rows]
    names = list(rows[0][0])
    x = np.array([[values[n] for n in names] for values, _, _ in rows])
    y, weight = np.array([float(r) for _, r, _ in rows]), np.array([w for _, _, w in rows])
    mean, spread = x.mean(0), x.std(0) + 1e-9
    z = (x - mean) / spread
    beside = _logistic(z, y, weight)
    plain = len(names) - 2  # without what the vectors say
    alone = np.concatenate([_logistic(z[:, :plain], y, weight), np.zeros(2)])
    rounded = [tuple(round(float(v), 3) for v in (mean[n], spread[n], alone[n + 1], beside[n + 1]))
               for n in range(len(names))]
    traits_: dict[str, Any] = dict(zip(names, rounded, strict=True))
    return Table((round(float(alone[0]), 3), round(float(beside[0]), 3)), traits_)


def _logistic(z: Any, y: Any, weight: Any) -> Any:
    """Newton's steps; the base is not held back."""
    z = np.c_[np.ones(len(z)), z]
    found, stiff = np.zeros(z.shape[1]), np.eye(z.shape[1]) * STIFF
    stiff[0, 0] = 0
    for _ in range(ROUNDS):
        p = 1 / (1 + np.exp(-z @ found))
        step = np.linalg.solve((z * (weight * p * (1 - p))[:, None]).T @ z + stiff,
                               z.T @ (weight * (p - y)) + stiff @ found)
        found -= step
        if abs(step).max() < 1e-6:
            break
    return found
