"""Made-up businesses, what is asked of them and what is right: what finding and answering are judged by.

Questions of an odd line are for tuning and are reported as such; the even ones are kept apart. Vectors that were made
once are kept beside the texts, so that the set can be judged within the suite; what is missing there is made anew.
"""

import asyncio
import base64
import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from hub.domain import Json, Passage
from hub.engine import prompt
from hub.engine.query import given
from hub.ids import uuid7
from hub.knowledge import collections, documents
from hub.knowledge.chunk import pieces
from hub.knowledge.index import index_document
from hub.knowledge.search import search
from hub.language.folding import fold
from hub.llm.embedder import Embedder, Vector
from hub.llm.extractive import MODEL, TEXTS, Extractive
from hub.llm.likeness import Likeness
from hub.store.db import Db
from hub.store.documents import Given
from tests.knowledge.written import contents

FOLDER = Path(__file__).parent / "labelled"
TOP, LEAST = 8, 0.2
NAMES = ("bicycles", "clinic", "dental", "inn", "library", "movers", "rental", "repairs", "school", "store", "swimming")
# Written before they were asked, and the last one not tuned with: what a new business can expect.
UNTOUCHED = ("nursery", "optician")
REFUSED = tuple(TEXTS["nothing"].values())
QUOTES = "quotes.txt"  # vectors of what is quoted where that decides, written by the test that judges them
_DIGITS = re.compile(r"\d[\d.,:/h-]*")


@dataclass(frozen=True)
class Question:
    """right: texts that must all be in the answer ("a|b": one of them), none when it must be refused."""

    number: int
    kind: str
    ask: str
    docs: tuple[str, ...]
    right: tuple[str, ...]
    never: tuple[str, ...] = ()
    before: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        return self.number % 2 == 0

    @property
    def messages(self) -> list[Json]:
        said: list[Json] = []
        for text in self.before:
            said += [{"role": "user", "content": text}, {"role": "assistant", "content": "..."}]
        return [*said, {"role": "user", "content": self.ask}]


@dataclass(frozen=True)
class Outcome:
    question: Question
    answer: str
    found: tuple[Passage, ...]
    verdict: str  # right, wrong, invented or refused


@dataclass
class Figures:
    """What is reported of one half: counts, each with how many there were."""

    count: Counter[str] = field(default_factory=Counter)
    outcomes: list[Outcome] = field(default_factory=list)

    def part(self, name: str, of: str) -> float:
        return self.count[name] / max(1, self.count[of])

    def failed(self) -> str:
        """Numbers and verdicts of what was not answered right; not the questions, which are to stay unread."""
        bad = (o for o in self.outcomes if o.verdict != ("right" if o.question.right else "refused"))
        return ", ".join(f"{o.question.kind} {o.question.number} {o.verdict}" for o in bad)

    def told(self) -> str:
        c = self.count
        return (
            f"document first {c['first']}, among five {c['five']} of {c['placed']}; fact present {c['fact']} of "
            f"{c['facts']}; answers right {c['right']}, wrong {c['wrong']}, invented {c['invented']}, refused wrongly "
            f"{c['lost']} of {c['answerable']}; unanswerable refused {c['refused']} of {c['unanswerable']}; small talk "
            f"{c['talked']} of {c['talk']}"
        )


class Remembered(Embedder):
    """The embedder, with vectors that were made before; those that had to be made now are in `made`."""

    def __init__(self, known: Mapping[str, Vector]) -> None:
        super().__init__()
        self.known, self.made = dict(known), {}  # type: dict[str, Vector], dict[str, Vector]

    async def queries(self, texts: Sequence[str], account: UUID | None = None) -> list[Vector]:
        return await self._from("q", texts)

    async def passages(self, texts: Sequence[str]) -> list[Vector]:
        return await self._from("p", texts)

    async def _from(self, kind: str, texts: Sequence[str]) -> list[Vector]:
        missing = [t for t in dict.fromkeys(texts) if key(kind, t) not in self.known]
        if missing:
            make = super().queries if kind == "q" else super().passages
            new = {key(kind, t): v for t, v in zip(missing, await make(missing), strict=True)}
            self.made |= new
            self.known |= new
        return [self.known[key(kind, t)] for t in texts]


def key(kind: str, text: str) -> str:
    return kind + hashlib.sha256(text.encode()).hexdigest()[:15]


def vectors(quotes: bool = True) -> dict[str, Vector]:
    names = ("vectors.txt", QUOTES) if quotes else ("vectors.txt",)
    lines = [line for name in names for line in (FOLDER / name).read_text("ascii").splitlines()]
    rows = (line.split(" ") for line in lines)
    return {name: _long(np.frombuffer(base64.b64decode(v), np.int8).astype(np.float32)) for name, v in rows}


def _long(v: Any) -> Vector:
    vector: Vector = (v / np.linalg.norm(v)).tolist()
    return vector


def written(vectors: Mapping[str, Vector], name: str) -> None:
    rows = (f"{k} {base64.b64encode(_short(v)).decode()}" for k, v in sorted(vectors.items()))
    (FOLDER / name).write_text("\n".join(rows) + "\n", "ascii")


async def remember() -> None:
    """Write the vectors that the set needs: `python -m tests.knowledge.business`."""
    embedder = Remembered({})
    for name in NAMES:
        for text in (await texts(name)).values():
            await embedder.passages([p.text for p in pieces(text)])
        for question in questions(name):
            await embedder.queries(given({}, question.messages))
    await embedder.close()
    written(embedder.made, "vectors.txt")


def _short(vector: Vector) -> bytes:
    v = np.array(vector, np.float32)
    return bytes(np.round(v * (127 / np.abs(v).max())).astype(np.int8).tobytes())


async def texts(business: str) -> dict[str, str]:
    """Documents by their names, as they are read of their files; a Markdown document goes by its name alone."""
    parts = re.split(r"^=== (.+)\n", (FOLDER / business / "documents.md").read_text("utf-8"), flags=re.MULTILINE)[1:]
    pairs = list(zip(parts[::2], parts[1::2], strict=True))
    return {name.removesuffix(".md"): await contents(name, text.strip() + "\n") for name, text in pairs}


def _file(name: str) -> str:
    return name if "." in name else f"{name}.md"


def questions(business: str) -> list[Question]:
    lines = (FOLDER / business / "questions.jsonl").read_text("utf-8").splitlines()
    return [Question(n, **{k: _fixed(v) for k, v in json.loads(line).items()}) for n, line in enumerate(lines, 1)]


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


async def shelved(db: Db, embedder: Embedder, account: UUID, business: str, whole: bool = False) -> UUID:
    """A collection of the documents, or of one file that has them all as chapters."""
    collection = await collections.create(db, account, f"{business} {uuid7()}", None, None)
    files = [Given(_file(name), text) for name, text in (await texts(business)).items()]
    if whole:
        files = [Given("handbook.md", "\n".join(f.contents for f in files))]
    for saved in await documents.save(db, account, collection, files):
        await index_document(db, embedder, saved.id)
    return collection


async def judged(
    db: Db, embedder: Embedder, account: UUID, collection: UUID, business: str, kept: bool, figures: Figures,
    parameters: Json | None = None,
) -> Figures:
    """Ask the questions of one half as a conversation does."""
    everything = fold("\n".join((await texts(business)).values()))
    model = Extractive(Likeness(embedder))
    for question in (q for q in questions(business) if q.kept == kept):
        terms = given(parameters or {}, question.messages)
        found = tuple(await search(db, embedder, account, [collection], terms, TOP, LEAST))
        asking = prompt.build({"modelName": MODEL, **(parameters or {})}, question.messages, passages=found)
        answer = "".join([d.text async for d in model.stream(asking, time.monotonic() + 5)])
        figures.outcomes.append(Outcome(question, answer, found, verdict(question, answer, everything)))
        _count(figures.count, figures.outcomes[-1])
    return figures


def verdict(question: Question, answer: str, everything: str) -> str:
    if answer.startswith(REFUSED):
        return "refused"
    if any(has(text, answer) for text in question.never):
        return "wrong"
    if question.kind != "talk" and any(n.rstrip(".,:") not in everything for n in _DIGITS.findall(fold(answer))):
        return "invented"
    return "right" if question.right and all(has(text, answer) for text in question.right) else "wrong"


def has(wanted: str, text: str) -> bool:
    """Whole numbers and words; "a|b" is either."""
    folded = fold(text)
    return any(re.search(rf"(?<![\w.,]){re.escape(fold(w))}(?![\w%]|[.,]\d)", folded) for w in wanted.split("|"))


def _count(c: Counter[str], one: Outcome) -> None:
    names = [p.name.removesuffix(".md") for p in one.found]
    q = one.question
    if q.docs:
        c.update({"placed": 1, "first": names[:1] == [q.docs[0]] or names[:1] == [q.docs[-1]]})
        c["five"] += set(q.docs) <= set(names[:5])
        c.update({"facts": 1, "fact": all(has(t, "\n".join(p.content for p in one.found)) for t in q.right)})
    if q.kind == "talk":
        c.update({"talk": 1, "talked": one.verdict == "right"})
    elif q.right:
        c.update({"answerable": 1, "lost": one.verdict == "refused"})
        c.update({one.verdict: 1} if one.verdict != "refused" else {})
    else:
        c.update({"unanswerable": 1, "refused": one.verdict == "refused", "invented": one.verdict == "invented"})


if __name__ == "__main__":
    asyncio.run(remember())
