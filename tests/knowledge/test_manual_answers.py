"""How-to questions about the console, in three languages, over the manual as the demo has it."""

import json
import time
from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from hub.domain import Json
from hub.engine import prompt
from hub.engine.query import given
from hub.ids import uuid7
from hub.knowledge import collections, documents, shipped
from hub.knowledge.index import index_document
from hub.knowledge.search import search
from hub.llm.embedder import Embedder
from hub.llm.extractive import MODEL, Extractive
from hub.llm.likeness import Likeness
from hub.processes.init import manual
from hub.store.db import Db
from tests.knowledge.business import FOLDER, LEAST, REFUSED, has
from tests.knowledge.manual_chapters import same

MOST = 4  # as the demo asks
QUESTIONS = FOLDER / "manual" / "questions.jsonl"


@dataclass(frozen=True)
class HowTo:
    """docs: the chapters that tell it, one a language; right: words that the answer has, "a|b" one of them."""

    language: str
    ask: str
    docs: tuple[str, ...]
    right: tuple[str, ...]


def questions() -> list[HowTo]:
    lines = map(json.loads, QUESTIONS.read_text("utf-8").splitlines())
    told = same()
    return [
        HowTo(one["language"], one["ask"], tuple({*told[one["docs"][0]], *one["docs"]}), tuple(one["right"]))
        for one in lines
    ]


async def shelved(db: Db, embedder: Embedder, account: UUID) -> UUID:
    collection = await collections.create(db, account, f"Manual {uuid7()}", None, None)
    known = shipped.Shipped(shipped.read(), embedder)
    for saved in await documents.save(db, account, collection, manual()):
        await index_document(db, known, saved.id)
    return collection


def test_each_question_names_chapters_that_are_there() -> None:
    asked, chapters = questions(), {one.name for one in manual()}
    assert len(asked) == len({q.ask for q in asked}) == 32
    assert {d for q in asked for d in q.docs} <= chapters
    assert min(Counter(q.language for q in asked).values()) >= 10


async def test_how_to_questions_find_their_chapter_and_its_answer(
    db: Db, embedder: Embedder, account: UUID,
) -> None:
    collection = await shelved(db, embedder, account)
    count, told = Counter[str](), list[str]()
    for question in questions():
        names, answer = await _asked(db, embedder, account, collection, question.ask)
        right = not answer.startswith(REFUSED) and all(has(text, answer) for text in question.right)
        there = not {*question.docs}.isdisjoint(names)
        count.update({"there": there, "first": names[:1] != [] and names[0] in question.docs, question.language: right})
        if not right or not there:
            told.append(f"{question.ask} {'there' if there else 'lost'}: {names} {answer[:150]!r}")
    said = f"{count}\n" + "\n".join(told)
    assert count["there"] >= 28 and count["first"] >= 22, said
    assert count["en"] >= 8 and count["pt"] >= 6 and count["es"] >= 6, said


async def _asked(
    db: Db, embedder: Embedder, account: UUID, collection: UUID, ask: str,
) -> tuple[list[str], str]:
    """The chapters that are found, best first, and the offline answer."""
    messages: list[Json] = [{"role": "user", "content": ask}]
    found = tuple(await search(db, embedder, account, [collection], given({}, messages), MOST, LEAST))
    asking = prompt.build({"modelName": MODEL}, messages, passages=found)
    answer = "".join([d.text async for d in Extractive(Likeness(embedder)).stream(asking, time.monotonic() + 5)])
    return [p.name for p in found], answer
