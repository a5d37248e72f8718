"""How near question and quote are by their vectors: for the offline answerer, where its rules leave that open."""

from array import array
from collections import OrderedDict
from collections.abc import Sequence
from uuid import UUID

from hub.domain import Passage
from hub.llm.embedder import Embedder

REMEMBERED = 2000  # vectors of quotes, some 1.5 kB each


class Likeness:
    """Vectors of quotes are kept for the collection that they are of: how long it takes tells nobody else of them."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: OrderedDict[tuple[UUID, str], array[float]] = OrderedDict()

    async def soon(
        self, pairs: Sequence[tuple[str, str]], passages: Sequence[Passage], seconds: float,
    ) -> dict[tuple[str, str], float] | None:
        """`of`; None where the embedder fails or is not done in time."""
        async def made() -> dict[tuple[str, str], float]:
            return await self.of(pairs, passages)

        return await self._embedder.rest.tried([passages[0].collection_id], made, seconds)

    async def of(
        self, pairs: Sequence[tuple[str, str]], passages: Sequence[Passage],
    ) -> dict[tuple[str, str], float]:
        """The cosine of each pair of a question and a quote of the passages."""
        whose = passages[0].collection_id
        asked = list(dict.fromkeys(q for q, _ in pairs))
        vectors = dict(zip(asked, await self._embedder.queries(asked, whose), strict=True))
        quotes = list(dict.fromkeys(t for _, t in pairs))
        found = {t: v for t in quotes if (v := self._known.get((whose, t))) is not None}
        missing = [t for t in quotes if t not in found]
        if missing:
            made = await self._embedder.passages(missing)
            found |= {t: array("f", v) for t, v in zip(missing, made, strict=True)}
        for text, vector in found.items():
            self._remember((whose, text), vector)
        return {(q, t): sum(a * b for a, b in zip(vectors[q], found[t], strict=True)) for q, t in pairs}

    def _remember(self, key: tuple[UUID, str], vector: "array[float]") -> None:
        self._known[key] = vector
        self._known.move_to_end(key)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
