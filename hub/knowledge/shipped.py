"""Vectors that come with the manual: to make them would take longer than all the rest of a first start."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hub.knowledge.index import Passages
from hub.later import later
from hub.llm.embedder import DIMENSION, MODEL, Vector
from hub.store.chunks import digest

if TYPE_CHECKING:
    import numpy as np
else:
    np = later("numpy")

FILE = Path(__file__).parents[2] / "templates" / "manual" / "vectors.txt"


@dataclass(frozen=True, slots=True)
class Shipped:
    """What is not among them, as its chapter was changed, is made by who stands behind."""

    known: Mapping[str, Vector]
    behind: Passages

    async def passages(self, texts: Sequence[str]) -> list[Vector]:
        missing = [t for t in texts if digest(t).hex not in self.known]
        made = dict(zip(missing, await self.behind.passages(missing), strict=True))
        return [made[t] if t in made else self.known[digest(t).hex] for t in texts]


def read(file: Path = FILE) -> dict[str, Vector]:
    """By the digest of their texts; none where they are those of another model."""
    model, *lines = file.read_text().splitlines() if file.exists() else [""]
    if model != MODEL:
        return {}
    return {name: _unpacked(packed) for name, _, packed in (one.partition(" ") for one in lines)}


def written(vectors: Mapping[str, Vector]) -> str:
    """The file with these texts' vectors."""
    lines = sorted(f"{digest(text).hex} {_packed(vector)}" for text, vector in vectors.items())
    return "\n".join([MODEL, *lines, ""])


def _packed(vector: Vector) -> str:
    return base64.b64encode(np.asarray(vector, "<f2").tobytes()).decode()


def _unpacked(packed: str) -> Vector:
    found = np.frombuffer(base64.b64decode(packed), "<f2").astype(np.float32)
    assert len(found) == DIMENSION
    vector: Vector = found.tolist()
    return vector
