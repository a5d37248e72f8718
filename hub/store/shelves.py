"""Signs of vectors, kept in this process: of each vector of the collections that were searched lately its signs (48 bytes of
384 numbers) with the id of its piece. Which pieces may be the nearest is told from them; `hub.store.nearest` fetches them.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import numpy as np

MOST = 64 << 20  # bytes
EMPTY = 1000  # bytes that a collection costs beside its signs
# Pieces that are guessed: a part of all, within bounds; and how many times as many are looked at for that. 2,000 of 50,000
# hold 0.985 of the 50 nearest among mixtures of the project's texts, which lie nearer to each other than texts do.
LEAST_GUESSED, MOST_GUESSED, PART_GUESSED, LOOKED = 300, 2000, 25, 6
# An account, a collection of it, and whose vectors are meant; None: the hub's own.
Key = tuple[UUID, UUID, UUID | None]


class Shelf:
    """ids in their order; signs: a row for each eight bytes, so that one row is compared at a time."""

    def __init__(self) -> None:
        self.version: int | None = None
        self.ids: Any = np.empty(0, dtype=np.int64)
        self.signs: Any = np.empty((0, 0), dtype=np.uint64)
        self.turn = asyncio.Lock()

    @property
    def size(self) -> int:
        return EMPTY + int(self.ids.nbytes) + int(self.signs.nbytes)

    def add(self, ids: Any, signs: Any) -> None:
        self.signs = np.concatenate([self.signs, signs], axis=1) if len(self.ids) else signs
        self.ids = np.concatenate([self.ids, ids])

    def drop(self, gone: Any) -> None:
        kept = ~np.isin(self.ids, gone)
        self.ids, self.signs = self.ids[kept], self.signs[:, kept]


class Shelves:
    """Of one database, for as many collections as there is room for; the one that was asked longest ago goes first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[Key, Shelf] = OrderedDict()

    def of(self, key: Key) -> Shelf:
        """What is kept of a collection, perhaps nothing yet."""
        shelf = self._kept.setdefault(key, Shelf())
        self._kept.move_to_end(key)
        return shelf

    def tidy(self) -> None:
        """Make room; the collection that was asked last is kept, however large it is."""
        while len(self._kept) > 1 and self.size > self._most:
            self._kept.popitem(last=False)

    def gone(self, account: UUID, ids: Iterable[int], embedder: UUID | None = None) -> None:
        """These pieces are there no more."""
        dead = np.fromiter(ids, dtype=np.int64)
        for (owner, _, whose), shelf in self._kept.items():
            if owner == account and whose == embedder and not shelf.turn.locked():
                shelf.drop(dead)

    def forget(self, account: UUID) -> None:
        """Fetch the account's collections anew."""
        for key in [k for k in self._kept if k[0] == account]:
            del self._kept[key]

    @property
    def size(self) -> int:
        return sum(s.size for s in self._kept.values())


def read(raw: bytes, pieces: int) -> tuple[Any, Any]:
    """Ids in their order, and the signs beside them."""
    told = np.frombuffer(raw, dtype=np.uint8).reshape(pieces, -1)
    ids = told[:, :8].copy().view(">i8").ravel().astype(np.int64)
    order = np.argsort(ids)
    return ids[order], _rows(told[order, 8:])


def _rows(signs: Any) -> Any:
    """Bytes of signs as a row for each eight of them."""
    padded = np.pad(signs, ((0, 0), (0, -signs.shape[1] % 8)))
    return np.ascontiguousarray(np.ascontiguousarray(padded).view(np.uint64).T)


def nearest(parts: Sequence[tuple[Any, Any, int]], vectors: Sequence[Sequence[float]]) -> list[int]:
    """Pieces that may be the nearest, for each vector. parts: ids, signs, and beyond which id pieces count.

    As PostgreSQL's `binary_quantize`, the sign of a number is whether it is greater than 0. Of those whose signs differ in
    the fewest numbers the best are taken by the asked numbers themselves, each added or taken away as the sign there is.
    """
    asked = np.asarray(vectors, dtype=np.float32)
    cut = [(known, signs, int(np.searchsorted(known, beyond, side="right"))) for known, signs, beyond in parts]
    found: dict[int, None] = {}
    for one, own in zip(asked, _rows(np.packbits(asked > 0, axis=1)).T, strict=True):
        same = [(k[start:], s[:, start:]) for k, s, start in cut if start < len(k) and len(s) == len(own)]
        if not same:
            continue
        ids, signs = same[0] if len(same) == 1 else _together(same)
        many = min(MOST_GUESSED, max(LEAST_GUESSED, len(ids) // PART_GUESSED))
        best = _best(-_apart(signs, own).astype(np.int32), many * LOOKED)
        best = best[_best(_sums(signs[:, best], one), many)]
        found |= dict.fromkeys(ids[best].tolist())
    return list(found)


def _together(parts: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    return np.concatenate([k for k, _ in parts]), np.concatenate([s for _, s in parts], axis=1)


def _best(marks: Any, many: int) -> Any:
    """Places of the greatest."""
    return np.argpartition(-marks, many - 1)[:many] if len(marks) > many else np.arange(len(marks))


def _sums(signs: Any, asked: Any) -> Any:
    """Of each piece the sum of the asked numbers with its signs, eight at a time out of a table of all eight signs."""
    told = np.ascontiguousarray(signs.T).view(np.uint8)
    numbers = np.pad(asked, (0, told.shape[1] * 8 - len(asked))).reshape(-1, 8)
    every = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32) * 2 - 1
    sums = np.zeros(len(told), dtype=np.float32)
    for n, table in enumerate(numbers @ every.T):
        sums += table[told[:, n]]
    return sums


def _apart(signs: Any, asked: Any) -> Any:
    """In how many numbers the signs differ."""
    far = np.zeros(signs.shape[1], dtype=np.uint16)
    for row, own in zip(signs, asked, strict=True):
        far += np.bitwise_count(row ^ own)
    return far
