"""Documents from JSON lines: `{"docid", "text", "__ref", "__tags", "__meta"}`, one a line."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from hub.errors import HubError, Invalid
from hub.forms import invalid
from hub.jsonl import lines
from hub.knowledge.collections import require, ring
from hub.knowledge.documents import check, save
from hub.knowledge.index import index_document
from hub.live.queue import Queue
from hub.llm.embedder import Embedder
from hub.store.db import Db
from hub.store.documents import Given

log = logging.getLogger(__name__)

BATCH, BATCH_SIZE = 100, 4_000_000  # documents and characters of one statement
TOLD = 20


@dataclass(slots=True)
class Imported:
    """enqueued: new or changed; skipped: unchanged, empty or invalid; errors: (line, why) of the first ones."""

    enqueued: int = 0
    skipped: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)
    queued: list[UUID] = field(default_factory=list)


class Line(BaseModel):
    """One line of the file."""

    model_config = ConfigDict(extra="ignore", strict=True)

    docid: str
    text: str
    ref: Annotated[str | None, Field(alias="__ref")] = None
    tags: Annotated[list[str] | None, Field(alias="__tags")] = None
    meta: Annotated[dict[str, Any] | None, Field(alias="__meta")] = None

    @field_validator("tags", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return value.split(",") if isinstance(value, str) else value


async def import_lines(
    db: Db, queue: Queue, account: UUID, collection: UUID, body: AsyncIterator[bytes], embedder: Embedder | None = None
) -> Imported:
    """Put the documents of a file. With an embedder they are indexed before this returns.

    A name that comes twice in one batch counts once, the last line wins.
    """
    await require(db, account, collection)
    result, batch, size = Imported(), dict[str, Given](), 0
    number = 0
    async for line in lines(body):
        number += 1
        given = _read(line, number, result)
        if given is None:
            continue
        result.skipped += given.name in batch
        batch[given.name] = given
        size += len(given.contents)
        if len(batch) == BATCH or size > BATCH_SIZE:
            await _put(db, account, collection, batch, result)
            batch, size = {}, 0
    await _put(db, account, collection, batch, result)
    if embedder is None:
        await ring(queue, result.queued)
    else:
        await _index(db, embedder, result.queued)
    return result


def _read(line: bytes | None, number: int, result: Imported) -> Given | None:
    if line is not None and not line.strip():
        return None
    try:
        return _given(line, number == 1)
    except Invalid as e:
        result.skipped += 1
        if len(result.errors) < TOLD:
            result.errors.append((number, str(e)))
        return None


def _given(line: bytes | None, first: bool) -> Given:
    if line is None:
        raise Invalid("The line is longer than 1 MB; split the document.")
    try:
        read = Line.model_validate_json(line.removeprefix(b"\xef\xbb\xbf") if first else line)
    except ValidationError as e:
        raise invalid(e) from None
    return check(Given(read.docid, read.text, read.ref, tuple(read.tags or ()), read.meta))


async def _put(db: Db, account: UUID, collection: UUID, batch: dict[str, Given], result: Imported) -> None:
    if not batch:
        return
    saved = await save(db, account, collection, list(batch.values()))
    changed = sum(s.outcome != "Unchanged" for s in saved)
    result.enqueued += changed
    result.skipped += len(saved) - changed
    result.queued += [s.id for s in saved if s.queued]


async def _index(db: Db, embedder: Embedder, ids: list[UUID]) -> None:
    for id in ids:
        try:
            await index_document(db, embedder, id)
        except HubError as e:
            log.warning("document %s is left to the queue: %s", id, e)
