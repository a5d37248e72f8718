"""Documents from JSON lines, one a line: `{"docid", "text", "__ref", "__tags", "__meta"}`, or the names that a document
has everywhere else: `{"name", "contents", "reference", "tags", "metadata"}`."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

from hub.errors import HubError, Invalid
from hub.jsonl import MOST, TOO_MANY, TOO_WRONG, WRONG, batches
from hub.knowledge.collections import require, ring
from hub.knowledge.documents import check, save
from hub.knowledge.index import Passages, index_document
from hub.live.queue import Queue
from hub.pydantic_base import invalid
from hub.store import indexing
from hub.store.db import Db
from hub.store.documents import Given

log = logging.getLogger(__name__)

# The longest text with every character escaped still fits on a line, so that an export can be read again.
LONGEST = 8 << 20
BATCH, BATCH_SIZE = 100, 4_000_000  # documents and characters of one statement
TOLD = 20
LOOK, PATIENCE = 0.2, 120.0  # seconds between looks at what another process indexes, and how long to wait for it

# What the fields of a document are called on a line.
NAMES: Mapping[str, str] = MappingProxyType(
    {"name": "docid", "contents": "text", "reference": "__ref", "tags": "__tags", "metadata": "__meta"}
)


@dataclass(slots=True)
class Imported:
    """How far an import has come.

    state: reading | indexing | done. enqueued: new or changed; skipped: unchanged, repeated or invalid,
    counted in `reasons` ("unchanged", "repeated", "json", "long" or the name of the wrong field);
    indexed: those that can be found now; errors: (line, why) of the first invalid ones; wrong: how many those are.
    stopped: why the rest of the file was not read; it is the last of the errors too.
    """

    state: str = "reading"
    lines: int = 0
    enqueued: int = 0
    skipped: int = 0
    indexed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    errors: list[tuple[int, str]] = field(default_factory=list)
    queued: list[UUID] = field(default_factory=list)
    wrong: int = 0
    stopped: str = ""

    def skip(self, reason: str, count: int = 1) -> None:
        if count:
            self.skipped += count
            self.reasons[reason] += count


class Line(BaseModel):
    """One line of the file."""

    model_config = ConfigDict(extra="ignore", strict=True)

    docid: Annotated[str, Field(validation_alias=AliasChoices("docid", "name"))]
    text: Annotated[str, Field(validation_alias=AliasChoices("text", "contents"))]
    ref: Annotated[str | None, Field(validation_alias=AliasChoices("__ref", "reference"))] = None
    tags: Annotated[list[str] | None, Field(validation_alias=AliasChoices("__tags", "tags"))] = None
    meta: Annotated[dict[str, Any] | None, Field(validation_alias=AliasChoices("__meta", "metadata"))] = None

    @field_validator("tags", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return value.split(",") if isinstance(value, str) else value


async def import_lines(
    db: Db, queue: Queue, account: UUID, collection: UUID, body: AsyncIterator[bytes], embedder: Passages | None = None
) -> Imported:
    """Put the documents of a file. With an embedder they are indexed before this returns."""
    async with aclosing(steps(db, queue, account, collection, body, embedder)) as states:
        return [state async for state in states][-1]


async def steps(
    db: Db, queue: Queue, account: UUID, collection: UUID, body: AsyncIterator[bytes], embedder: Passages | None = None
) -> AsyncGenerator[Imported, None]:
    """The same, telling how far it has come: always the same object, the last time when all is done.

    A name that comes twice in one batch counts once, the last line wins.
    """
    await require(db, account, collection)
    result, batch, size = Imported(), dict[str, Given](), 0
    async for lines in batches(body, LONGEST):
        while lines and not result.stopped:
            for given in await asyncio.to_thread(_read_some, lines, BATCH - len(batch), result):
                result.skip("repeated", given.name in batch)
                batch[given.name] = given
                size += len(given.contents)
            if len(batch) == BATCH or size > BATCH_SIZE:
                await _put(db, account, collection, batch, result)
                batch, size = {}, 0
                yield result
        if result.stopped:
            break
    await _put(db, account, collection, batch, result)
    if embedder is None:
        await ring(queue, result.queued)
    else:
        result.state = "indexing"
        async for _ in _index(db, embedder, account, collection, result):
            yield result
    result.state = "done"
    yield result


def _read_some(lines: deque[bytes | None], most: int, result: Imported) -> list[Given]:
    """What can be read of the next lines; away from the loop, which has others to serve."""
    found: list[Given] = []
    while lines and len(found) < most:
        line = lines.popleft()
        if result.lines == MOST or result.wrong == WRONG:
            result.stopped = TOO_WRONG if result.wrong == WRONG else TOO_MANY
            result.errors.append((result.lines + 1, result.stopped))
            break
        result.lines += 1
        if given := _read(line, result):
            found.append(given)
    return found


def _read(line: bytes | None, result: Imported) -> Given | None:
    if line is not None and not line.strip():
        return None
    try:
        return _given(line, result.lines == 1)
    except Invalid as e:
        called = e.field or "json"
        name, words = NAMES.get(called, called), str(e)
        result.skip(name)
        result.wrong += 1
        if len(result.errors) < TOLD:
            told = name + words.removeprefix(called) if words.startswith(called) else words
            result.errors.append((result.lines, told))
        return None


def _given(line: bytes | None, first: bool) -> Given:
    if line is None:
        raise Invalid(f"The line is longer than {LONGEST >> 20} MB; split the document.", field="long")
    try:
        read = Line.model_validate_json(line.removeprefix(b"\xef\xbb\xbf") if first else line)
    except ValidationError as e:
        raise _mended(invalid(e)) from None
    return check(Given(read.docid, read.text, read.ref, tuple(read.tags or ()), read.meta))


def _mended(e: Invalid) -> Invalid:
    """The same with the field of the first level as its name; what is no object has none."""
    name = (e.field or "").split(".")[0]
    name = NAMES.get(name, name)
    return Invalid(str(e).replace("The body", "The line", 1), field=name if name in NAMES.values() else "json")


async def _put(db: Db, account: UUID, collection: UUID, batch: dict[str, Given], result: Imported) -> None:
    if not batch:
        return
    saved = await save(db, account, collection, list(batch.values()))
    changed = sum(s.outcome != "Unchanged" for s in saved)
    result.enqueued += changed
    result.skip("unchanged", len(saved) - changed)
    result.queued += [s.id for s in saved if s.queued]


async def _index(
    db: Db, embedder: Passages, account: UUID, collection: UUID, result: Imported
) -> AsyncIterator[None]:
    """Index what waits, document by document; then wait for those that a worker took up meanwhile."""
    for id in result.queued:
        try:
            await index_document(db, embedder, id)
            result.indexed += 1
        except HubError as e:
            log.warning("document %s is left to the queue: %s", id, e)
        yield
    waited = 0.0
    while waited < PATIENCE and (waiting := await indexing.under_way(db, account, collection, result.queued)):
        with suppress(HubError):
            await index_document(db, embedder, waiting[0])
        await asyncio.sleep(LOOK)
        waited += LOOK
        yield
