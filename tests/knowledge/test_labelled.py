"""The labelled questions that retrieval is measured with are whole."""

import json

import numpy as np
import pytest

from hub.knowledge.chunk import LONGEST, pieces
from hub.llm.embedder import DIMENSION
from tests.bench.retrieval import DATA, LANGUAGES, ndcg, passages, questions, recall


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_has_answers_that_exist(language: str) -> None:
    texts, asked = passages(language), questions(language)
    assert len(texts) >= 1000
    assert len(set(texts.values())) == len(texts)
    assert all(300 <= len(t) <= LONGEST for t in texts.values())
    assert len(asked) >= 100
    assert len({q.number for q in asked}) == len({q.text for q in asked}) == len(asked)
    assert all(q.answers and q.answers <= texts.keys() for q in asked)
    assert abs(sum(q.number % 2 for q in asked) * 2 - len(asked)) <= 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_piece_has_a_vector(language: str) -> None:
    vectors = np.load(DATA / f"{language}-vectors.npy")
    assert vectors.shape == (sum(len(pieces(t)) for t in passages(language).values()), DIMENSION)
    assert np.allclose(np.linalg.norm(vectors.astype(np.float32), axis=1), 1, atol=0.01)


def test_the_files_are_small_and_their_sources_named() -> None:
    assert sum(f.stat().st_size for f in DATA.glob("*.jsonl")) < 3_000_000
    assert all(f.stat().st_size < 1_000_000 for f in DATA.glob("*.npy"))
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
