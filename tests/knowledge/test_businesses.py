"""Finding and answering, judged on both halves of the labelled businesses; `make bench` prints the figures."""

import os
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from hub.store.db import Db
from tests.knowledge.business import (
    NAMES,
    QUOTES,
    Figures,
    Remembered,
    judged,
    questions,
    shelved,
    texts,
    vectors,
    written,
)


@pytest.fixture
async def remembered() -> AsyncIterator[Remembered]:
    anew = bool(os.environ.get("WRITE_QUOTES"))
    embedder = Remembered(vectors(quotes=not anew))
    yield embedder
    await embedder.close()
    if anew:
        written(embedder.made, QUOTES)


async def test_the_set_is_whole() -> None:
    asked = [q for name in NAMES for q in questions(name)]
    assert len(asked) >= 120 and len({q.ask for q in asked}) >= 0.98 * len(asked)
    assert abs(sum(q.kept for q in asked) * 2 - len(asked)) <= len(NAMES)
    for name in NAMES:
        assert {d for q in questions(name) for d in q.docs} <= (await texts(name)).keys()
    kinds = {q.kind for q in asked}
    assert kinds >= {"none", "follow", "typo", "accents", "code", "negation", "two", "cell", "dates", "planted", "talk"}


async def test_both_halves(db: Db, remembered: Remembered, account: UUID) -> None:
    halves = {kept: Figures() for kept in (False, True)}
    for name in NAMES:
        collection = await shelved(db, remembered, account, name)
        for kept, figures in halves.items():
            await judged(db, remembered, account, collection, name, kept, figures)
    for kept, figures in halves.items():
        told = f"{'kept' if kept else 'tuned'}: {figures.told()}\n{figures.failed()}"
        assert figures.part("first", "placed") >= 0.93, told
        assert figures.part("five", "placed") >= 0.97, told
        assert figures.part("right", "answerable") >= (0.88 if kept else 0.9), told
        assert figures.part("wrong", "answerable") <= 0.03, told
        assert figures.count["invented"] == 0, told
        assert figures.part("refused", "unanswerable") >= 0.95, told
        assert figures.part("talked", "talk") == 1, told
