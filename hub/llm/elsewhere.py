"""Vectors of an account's own embedder: any server with OpenAI's `/embeddings`, asked through the guarded client."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from hub.domain import Json
from hub.guarded_http import Outbound
from hub.later import later
from hub.llm.counting import usage_of
from hub.llm.embedder import LONGEST, Vector
from hub.llm.embeddings import vectors
from hub.llm.types import Failed

if TYPE_CHECKING:
    import numpy as np
else:
    np = later("numpy")

WIDEST = 4096  # numbers of a vector
SECONDS, PATIENCE = 60.0, 5.0  # for pieces of documents; for a question
PAUSE = 30.0  # seconds for which one that did not answer is not asked
REMEMBERED = 1000
# Bytes of an answer: numbers as they are written, and what stands around them. What is read holds everybody up.
NUMBER, AROUND = 32, 1 << 20
SKU = "inference.embeddings.in"


@dataclass(frozen=True, slots=True)
class Place:
    """id: of the embedder. sealed: its key. dimension: the numbers that are asked for, None: as many as come."""

    id: UUID
    account: UUID
    address: str
    model: str
    dimension: int | None
    sealed: bytes | None


class Elsewhere:
    """opened: the key of an embedder; spent: writes down what was asked of it. What fails for one account is paused for
    that one alone."""

    def __init__(
        self, outbound: Outbound, opened: Callable[[UUID, bytes], str], spent: Callable[[UUID, Json], Awaitable[None]]
    ) -> None:
        self._outbound = outbound
        self._opened = opened
        self._spent = spent
        self._paused: OrderedDict[UUID, float] = OrderedDict()
        self._known: OrderedDict[tuple[UUID, str], Vector] = OrderedDict()

    async def vectors(self, place: Place, texts: Sequence[str], seconds: float = SECONDS) -> list[Vector]:
        """Of unit length, in the order of the texts. Raise Failed."""
        body: Json = {"model": place.model, "input": list(texts)}
        if place.dimension is not None:
            body["dimensions"] = place.dimension
        key = self._opened(place.id, place.sealed) if place.sealed else None
        longest = AROUND + len(texts) * (place.dimension or WIDEST) * NUMBER
        raw = await vectors(self._outbound, place.address, key, {}, body, seconds, longest)
        # What it answered was asked of it, whether it can be read or not.
        await self._spent(place.account, await asyncio.to_thread(_row, place.model, texts, raw))
        return await asyncio.to_thread(_read, raw, len(texts), place.dimension)

    async def questions(self, place: Place, texts: Sequence[str]) -> list[Vector] | None:
        """Vectors of questions; None when there is no answer in time: the hub's own find too."""
        asked = [t[:LONGEST] for t in texts]
        missing = [t for t in dict.fromkeys(asked) if (place.id, t) not in self._known]
        if missing:
            if self._paused.get(place.id, 0.0) > time.monotonic():
                return None
            try:
                made = await self.vectors(place, missing, PATIENCE)
            except Failed:
                _keep(self._paused, place.id, time.monotonic() + PAUSE)
                return None
            for text, vector in zip(missing, made, strict=True):
                _keep(self._known, (place.id, text), vector)
        found = [self._known.get((place.id, t)) for t in asked]
        return [v for v in found if v is not None] if None not in found else None


def _keep(kept: OrderedDict[Any, Any], key: object, value: object) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)


def _row(model: str, texts: Sequence[str], raw: bytes) -> Json:
    """Usage of one request. The account pays its provider itself, so it costs nothing here."""
    try:
        used = usage_of(orjson.loads(raw).get("usage"))
    except (ValueError, AttributeError):
        used = None
    tokens = used.prompt if used is not None else sum(-(-len(t) // 4) for t in texts)
    return {
        "sku": SKU, "quantity": tokens, "unit_price": 0, "amount": 0, "description": f"Embeddings of '{model[:200]}'",
    }


def _read(raw: bytes, count: int, dimension: int | None) -> list[Vector]:
    try:
        data = orjson.loads(raw)["data"]
        rows = [one["embedding"] for one in sorted(data, key=lambda one: int(one.get("index", 0)))]
        found = np.asarray(rows, dtype=np.float64)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise Failed("The embedder's answer cannot be read.", code="model_unreadable") from None
    if found.ndim != 2 or len(found) != count or not np.isfinite(found).all():
        raise Failed(f"The embedder did not answer with a vector for each of {count} texts.", code="model_unreadable")
    width = found.shape[1]
    if not 2 <= width <= WIDEST or dimension not in (None, width):
        raise Failed(
            f"The embedder's vectors have {width} numbers; "
            + (f"{dimension} were asked for." if dimension else f"2 to {WIDEST:,} are possible."),
            code="model_unreadable",
        )
    unit: list[Vector] = (found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)).tolist()
    return unit
