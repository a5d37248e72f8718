"""Signs and codes of vectors, kept in this process: of each vector of the collections that were searched lately its signs (48
bytes of 384 numbers) with the id of its piece, and of collections that are not too large its numbers in a byte each. Which
pieces may be the nearest is told from them; `hub.store.nearest` fetches them and compares these few with the vectors themselves.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hub.later import later

if TYPE_CHECKING:
    import numpy as np
else:
    np = later("numpy")


MOST = 64 << 20  # bytes
EMPTY = 1000  # bytes that a collection costs beside its signs
# Pieces that are guessed: a part of all, within bounds; and how many times as many are looked at for that. 2,000 of 50,000
# hold 0.985 of the 50 nearest among mixtures of the project's texts, which lie nearer to each other than texts do.
LEAST_GUESSED, MOST_GUESSED, PART_GUESSED, LOOKED = 300, 2000, 25, 6
# With codes: pieces whose signs are looked at first, a part of all; of these the best are given, with some to spare.
LEAST_CODED, PART_CODED, SPARE = 2000, 7, 30
MOST_CODED = 60_000  # pieces of a collection whose codes are kept
COMMON, KNOWN_FOR = 2000, 600.0  # common words of a collection, and the seconds for which they are taken to be common
# An account, a collection of it, and whose vectors are meant; None: the hub's own.
Key = tuple[UUID, UUID, UUID | None]


class Shelf:
    """ids in their order; signs: a row for each eight bytes, so that one row is compared at a time. codes: of the pieces up
    to the id `coded`, a row each; what one step of a code is worth: scales."""

    def __init__(self) -> None:
        self.version: int | None = None
        self.ids: Any = np.empty(0, dtype=np.int64)
        self.signs: Any = np.empty((0, 0), dtype=np.uint64)
        self.codes: Any = np.empty((0, 0), dtype=np.int8)
        self.scales: Any = np.empty(0, dtype=np.float32)
        self.turn = asyncio.Lock()
        self._common: dict[str, float] = {}

    @property
    def size(self) -> int:
        return EMPTY + sum(int(a.nbytes) for a in (self.ids, self.signs, self.codes, self.scales))

    @property
    def uncoded(self) -> int:
        """How many codes are still to be fetched; none of a collection that is too large for them."""
        return len(self.ids) - len(self.scales) if len(self.ids) <= MOST_CODED else 0

    @property
    def coded(self) -> bool:
        return len(self.scales) == len(self.ids)

    def add(self, ids: Any, signs: Any) -> None:
        self.signs = np.concatenate([self.signs, signs], axis=1) if len(self.ids) else signs
        self.ids = np.concatenate([self.ids, ids])

    def code(self, codes: Any, scales: Any) -> None:
        """The codes of the next pieces, in the order of their ids."""
        self.codes = np.concatenate([self.codes, codes]) if len(self.scales) else codes
        self.scales = np.concatenate([self.scales, scales])

    def drop(self, gone: Any) -> None:
        kept = ~np.isin(self.ids, gone)
        self.ids, self.signs = self.ids[kept], self.signs[:, kept]
        told = kept[: len(self.scales)]
        self.codes, self.scales = self.codes[told], self.scales[told]
        self._common.clear()

    @property
    def common(self) -> list[str]:
        """Words that very many pieces had a while ago."""
        since = time.monotonic() - KNOWN_FOR
        self._common = {w: at for w, at in self._common.items() if at > since}
        return list(self._common)

    def note(self, common: Iterable[str]) -> None:
        for word in common:
            if len(self._common) < COMMON:
                self._common.setdefault(word, time.monotonic())


@dataclass(frozen=True, slots=True)
class Part:
    """Pieces of a collection. beyond: the id after which they count."""

    ids: Any
    signs: Any
    codes: Any = None
    scales: Any = None
    beyond: int = -1

    def cut(self) -> "Part":
        """Those that count; what is added to the shelf meanwhile has its codes later."""
        start = int(np.searchsorted(self.ids, self.beyond, side="right"))
        coded = self.codes is not None and len(self.codes) == len(self.ids)
        more = (self.codes[start:], self.scales[start:]) if coded else (None, None)
        return Part(self.ids[start:], self.signs[:, start:], *more)


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


def coded(raw: bytes, pieces: int) -> tuple[Any, Any, Any]:
    """Ids in their order, codes and scales of vectors that were sent with two bytes a number."""
    told = np.frombuffer(raw, dtype=np.uint8).reshape(pieces, -1)
    ids = told[:, :8].copy().view(">i8").ravel().astype(np.int64)
    numbers = told[:, 8:].copy().view(">f2").astype(np.float32)
    scales = np.maximum(np.abs(numbers).max(axis=1), 1e-9) / 127
    order = np.argsort(ids)
    return ids[order], np.rint(numbers / scales[:, None]).astype(np.int8)[order], scales.astype(np.float32)[order]


def _rows(signs: Any) -> Any:
    """Bytes of signs as a row for each eight of them."""
    padded = np.pad(signs, ((0, 0), (0, -signs.shape[1] % 8)))
    return np.ascontiguousarray(np.ascontiguousarray(padded).view(np.uint64).T)


def nearest(parts: Sequence[Part], vectors: Sequence[Sequence[float]], wanted: int) -> list[int]:
    """Pieces that may be the `wanted` nearest, for each vector.

    As PostgreSQL's `binary_quantize`, the sign of a number is whether it is greater than 0. Of those whose signs differ in
    the fewest numbers the best are taken: by their codes where they have any, else by the asked numbers themselves, each
    added or taken away as the sign there is.
    """
    asked = np.asarray(vectors, dtype=np.float32)
    cut = [p for p in (p.cut() for p in parts) if len(p.ids)]
    found: dict[int, None] = {}
    for one, own in zip(asked, _rows(np.packbits(asked > 0, axis=1)).T, strict=True):
        same = [p for p in cut if len(p.signs) == len(own)]
        if same:
            whole = same[0] if len(same) == 1 else _together(same)
            found |= dict.fromkeys(whole.ids[_guessed(whole, one, own, wanted)].tolist())
    return list(found)


def _guessed(part: Part, asked: Any, own: Any, wanted: int) -> Any:
    """Places of the pieces that may be the nearest."""
    apart, many = -_apart(part.signs, own).astype(np.int32), len(part.ids)
    if part.codes is not None:
        best = _best(apart, max(LEAST_CODED, many // PART_CODED))
        # Not `@`, which would wake a thread on every core for so little.
        near = np.einsum("ij,j->i", part.codes[best], asked) * part.scales[best]
        return best[_best(near, wanted + SPARE)]
    few = min(MOST_GUESSED, max(LEAST_GUESSED, many // PART_GUESSED))
    best = _best(apart, few * LOOKED)
    return best[_best(_sums(part.signs[:, best], asked), few)]


def _together(parts: list[Part]) -> Part:
    ids, signs = np.concatenate([p.ids for p in parts]), np.concatenate([p.signs for p in parts], axis=1)
    if any(p.codes is None for p in parts):
        return Part(ids, signs)
    return Part(ids, signs, np.concatenate([p.codes for p in parts]), np.concatenate([p.scales for p in parts]))


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
