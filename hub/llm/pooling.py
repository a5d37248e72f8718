"""Vectors of texts that are longer than the model reads: cut into pieces, and averaged."""

import math
from collections.abc import Sequence

from hub.llm.embedder import TOKENS, Embedder, Vector

# Part of what a piece may have: pieces of the same length have not quite the same number of tokens.
ROOM = 0.85


async def cut(embedder: Embedder, text: str, count: int, longest: int) -> list[str]:
    """Pieces of at most TOKENS tokens and `longest` characters, between words where there are any. count: tokens
    of the text."""
    if count <= TOKENS and len(text) <= longest:
        return [text]
    pieces = _parts(text, math.ceil(max(count / (TOKENS * ROOM), len(text) / longest)))
    while True:
        sized = list(zip(pieces, await embedder.tokens(pieces), strict=True))
        if all(size <= TOKENS for _, size in sized):
            return pieces
        # A piece of rare characters has more tokens than the others.
        pieces = [p for piece, size in sized for p in (_parts(piece, 2) if size > TOKENS else [piece])]


def _parts(text: str, number: int) -> list[str]:
    size, found = max(1, math.ceil(len(text) / number)), []
    start = 0
    while start < len(text):
        end = min(start + size, len(text))
        if end < len(text):
            space = text.rfind(" ", start + size // 2, end)
            end = space + 1 if space > start else end
        piece = text[start:end]
        if piece.strip():
            found.append(piece)
        start = end
    return found


def pooled(vectors: Sequence[Vector], weights: Sequence[Sequence[int]]) -> list[Vector]:
    """One vector for each text: the mean of those of its pieces by their weights, of unit length."""
    found: list[Vector] = []
    start = 0
    for one in weights:
        those, start = vectors[start : start + len(one)], start + len(one)
        found.append(those[0] if len(those) == 1 else _mean(those, one))
    return found


def _mean(vectors: Sequence[Vector], weights: Sequence[int]) -> Vector:
    total = [sum(w * x for w, x in zip(weights, column, strict=True)) for column in zip(*vectors, strict=True)]
    length = math.sqrt(sum(x * x for x in total)) or 1.0
    return [x / length for x in total]
