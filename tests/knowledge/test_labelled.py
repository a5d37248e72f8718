"""The labelled questions that retrieval is measured with are whole."""

import json
from pathlib import Path

import pytest

from tests.bench.retrieval import DATA, LANGUAGES, ndcg, passages, questions, recall
from tests.bench.vectors import remembering
from tests.knowledge.business import key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_has_answers_that_exist(language: str) -> None:
    texts, asked = passages(language), questions(language)
    assert len(texts) >= 900
    assert len(set(texts.values())) == len(texts)
    assert all(t.strip() == t and t for t in texts.values())
    assert len(asked) >= 100
    assert len({q.number for q in asked}) == len({q.text for q in asked}) == len(asked)
    assert all(q.answers and q.answers <= texts.keys() for q in asked)
    assert abs(sum(q.number % 2 for q in asked) * 2 - len(asked)) <= 1


def test_they_are_as_many_as_a_judgement_needs() -> None:
    assert sum(len(passages(language)) for language in LANGUAGES) >= 2000
    assert sum(len(questions(language)) for language in LANGUAGES) >= 200


def test_the_files_are_small_and_their_sources_named() -> None:
    assert sum(f.stat().st_size for f in DATA.glob("*.jsonl")) < 3_000_000
    readme = (DATA / "README.md").read_text("utf-8")
    for language in LANGUAGES:
        for line in (DATA / f"{language}-passages.jsonl").read_text("utf-8").splitlines():
            work = json.loads(line)["source"].split("/")[0]
            assert work in readme or " " in work, work  # verses have a book, which is one work


def test_marks() -> None:
    assert recall(["x", "a", "y", "z", "w", "b"], frozenset("ab")) == 0.5
    assert ndcg(["a", "x"], frozenset("a")) == 1
    assert ndcg(["x", "a"], frozenset("a")) == pytest.approx(0.6309, abs=1e-4)
    assert ndcg([], frozenset("a")) == 0


async def test_vectors_are_made_once(tmp_path: Path) -> None:
    made = {key("q", "Abre?"): [0.5] * 384, key("p", "Abre."): [0.25] * 384}
    async with remembering(tmp_path) as first:
        first.known, first.made = dict(made), made
    async with remembering(tmp_path) as again:
        assert await again.queries(["Abre?"]) == [[0.5] * 384]
        assert await again.passages(["Abre."]) == [[0.25] * 384]
        assert not again.made
