"""The demo's vectors come with the manual; what was changed since is made at the first start."""

from collections.abc import Sequence

import numpy as np

from hub.knowledge.shipped import Shipped, read
from hub.llm.embedder import Embedder, Vector
from hub.store.chunks import digest
from tests.knowledge.shipped import texts


class Asked:
    def __init__(self) -> None:
        self.texts: list[str] = []

    async def passages(self, texts: Sequence[str]) -> list[Vector]:
        self.texts += texts
        return [[0.0] for _ in texts]


async def test_nearly_all_of_the_manual_comes_with_its_vectors() -> None:
    """All of it when they were last made (`python -m tests.knowledge.shipped`)."""
    known, pieces = read(), texts()
    assert len([t for t in pieces if digest(t).hex in known]) > 0.7 * len(pieces)


async def test_they_are_those_that_would_be_made(embedder: Embedder) -> None:
    known = read()
    some = [t for t in texts() if digest(t).hex in known][::12]
    for ours, made in zip([known[digest(t).hex] for t in some], await embedder.passages(some), strict=True):
        assert float(np.dot(ours, made)) > 0.999


async def test_what_is_not_there_is_made_and_nothing_else() -> None:
    behind, known = Asked(), read()
    [one] = [t for t in texts() if digest(t).hex in known][:1]
    got = await Shipped(known, behind).passages(["new", one, "newer"])
    assert behind.texts == ["new", "newer"] and got == [[0.0], known[digest(one).hex], [0.0]]
    assert await Shipped({}, behind).passages([one]) == [[0.0]] and behind.texts[-1] == one
