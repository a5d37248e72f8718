"""Bring documents into the index in steps: cut the text, turn some pieces into vectors, put them in, and so on.

Each step is committed as it is made, so that a process that ends, or a document that changes, loses one step at most
and what is there already can be found. Whose turn it is says `hub.store.indexing`.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from hub.errors import HubError
from hub.knowledge.chunk import pieces
from hub.knowledge.places import locate
from hub.language.words import languages
from hub.store import chunks, indexing
from hub.store.chunks import Home, Made
from hub.store.db import Db
from hub.store.indexing import Claimed

log = logging.getLogger(__name__)

TRIES = 5
SLICE = 4  # pieces between two looks at whether the document is still wanted
KNOWN = 300  # pieces of one step whose vectors are there already
SOON = 0.25  # part of the time limit after which a step takes nothing more up
HELD = 4_000_000  # characters of cut texts that are kept between the steps
GRACE = 15.0  # seconds that a claim outlives the time limit of its step


class Passages(Protocol):
    async def passages(self, texts: Sequence[str]) -> list[list[float]]: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """pieces: how many one step makes; seconds: how long it may take."""

    pieces: int = 16
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Cut:
    """The pieces of a text, and the page or rows of each."""

    texts: tuple[str, ...]
    locations: tuple[str | None, ...]


class Cuts:
    """Texts that were cut lately: the next step of a long one need not cut it again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[UUID, int], Cut] = OrderedDict()

    async def of(self, db: Db, claimed: Claimed) -> Cut | None:
        """None when the document was changed or removed meanwhile."""
        key = (claimed.id, claimed.version)
        found = self._kept.pop(key, None)
        if found is None:
            read = await indexing.contents(db, claimed)
            if read is None:
                return None
            found = await asyncio.to_thread(_cut, *read)
        self._kept[key] = found
        while len(self._kept) > 1 and sum(len(t) for c in self._kept.values() for t in c.texts) > HELD:
            self._kept.popitem(last=False)
        return found

    def forget(self, claimed: Claimed) -> None:
        self._kept.pop((claimed.id, claimed.version), None)


@dataclass(frozen=True, slots=True)
class Indexer:
    """What indexing needs."""

    db: Db
    embedder: Passages
    cuts: Cuts
    pace: Pace

    async def step(self, id: UUID) -> bool:
        """Make one step of a waiting document; false when it waits no more, or someone else has it.

        A failure is raised and counted; after the fifth in a row the document is `Failed` with the reason, before that
        it waits for a while. Being stopped counts as nothing: the next one goes on from here.
        """
        claimed = await indexing.claim(self.db, id, self.pace.seconds + GRACE)
        if claimed is None:
            return False
        try:
            if claimed.attempts > TRIES:
                await self._fail(claimed, claimed.error or "The hub ended while it worked on this document.")
                return False
            return await self._step(claimed)
        except asyncio.CancelledError:
            await indexing.release(self.db, claimed)
            raise
        except Exception as e:
            await self._fail(claimed, _reason(e, self.pace))
            raise

    async def _step(self, claimed: Claimed) -> bool:
        began = time.monotonic()
        cut = await self.cuts.of(self.db, claimed)
        if cut is None:
            return False
        home = Home(claimed.account_id, claimed.collection_id, claimed.id, claimed.version, claimed.name)
        there = await chunks.placed(self.db, home)
        todo = [n for n, text in enumerate(cut.texts) if n not in there or there[n] != chunks.digest(text)]
        # After a failure smaller steps: on a slow machine they still end, and what breaks is found alone.
        most = max(1, self.pace.pieces >> (claimed.attempts - 1))
        made, fresh = await self._made(claimed, home, cut, todo, most)
        if made is None:
            return False
        left = len(todo) - len(made)
        if not await self._commit(claimed, home, made, len(cut.texts), left):
            return False
        await indexing.served(self.db, claimed.collection_id, fresh, time.monotonic() - began)
        if not left:
            self.cuts.forget(claimed)
        return left > 0

    async def _made(
        self, claimed: Claimed, home: Home, cut: Cut, todo: list[int], most: int
    ) -> tuple[list[Made] | None, int]:
        """The next pieces, and how many of them had to be embedded; None when the document is not wanted any more."""
        ahead = todo[: KNOWN + most]
        known = await chunks.known(self.db, home, [cut.texts[n] for n in ahead], claimed.renew)
        vectors: dict[str, list[float]] = {}
        missing: list[str] = []
        taken: list[int] = []
        for n in ahead:
            text = cut.texts[n]
            if chunks.digest(text) not in known and text not in missing:
                if len(missing) == most:
                    break
                missing.append(text)
            taken.append(n)
        began = time.monotonic()
        async with asyncio.timeout(self.pace.seconds):
            for start in range(0, len(missing), SLICE):
                if start and not await indexing.held(self.db, claimed):
                    return None, 0
                some = missing[start : start + SLICE]
                vectors.update(zip(some, await self.embedder.passages(some), strict=True))
                if time.monotonic() - began > SOON * self.pace.seconds:
                    break  # on a busy machine a step is shorter, not lost
        there = [n for n in taken if cut.texts[n] in vectors or chunks.digest(cut.texts[n]) in known]
        made = [Made(n, t, cut.locations[n], vectors.get(t), languages(t)) for n in there for t in (cut.texts[n],)]
        return made, len(vectors)

    async def _commit(self, claimed: Claimed, home: Home, made: list[Made], total: int, left: int) -> bool:
        async with self.db.transaction() as inside:
            await indexing.count(inside, claimed)
            if not await indexing.stepped(inside, claimed, total, total - left):
                return False
            await chunks.add(inside, home, made)
            if not left:
                await chunks.drop_rest(inside, home, total)
                await indexing.indexed(inside, claimed)
        return True

    async def _fail(self, claimed: Claimed, reason: str) -> None:
        state = await indexing.failed(self.db, claimed, reason, TRIES)
        if state is not None:
            log.warning("document %s was not indexed and is %s now: %s", claimed.id, state, reason)


async def index_document(db: Db, embedder: Passages, document_id: UUID, pace: Pace = Pace()) -> None:
    """Index a waiting document to its end; do nothing when it waits no more or someone else has it."""
    indexer = Indexer(db, embedder, Cuts(), pace)
    while await indexer.step(document_id):
        pass


def _cut(text: str, places: dict[str, object] | None) -> Cut:
    found = pieces(text)
    locations, start = [], 0
    for piece in found:
        # What is said of a piece begins with its first word, not with the blank lines before it.
        lead = len(piece.body) - len(piece.body.lstrip())
        locations.append(locate(places, start + lead, start + len(piece.body.rstrip())))
        start += len(piece.body)
    return Cut(tuple(p.text for p in found), tuple(locations))


def _reason(e: Exception, pace: Pace) -> str:
    if isinstance(e, HubError):
        return str(e)
    if isinstance(e, TimeoutError):
        return f"The text could not be turned into vectors within {pace.seconds:g} seconds."
    return f"The document could not be indexed ({type(e).__name__})."
