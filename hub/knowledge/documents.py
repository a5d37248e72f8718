"""Documents of a collection: put, read, list, export, remove."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import orjson

from hub.domain import Json
from hub.errors import Invalid, NotFound
from hub.knowledge import filters
from hub.knowledge.collections import missing, require, ring
from hub.live.queue import Queue
from hub.store import documents
from hub.store.db import Call, Db, clean
from hub.store.documents import Document, Given, Listed, Saved

NAME, REFERENCE, CONTENTS, TAGS, TAG, METADATA = 256, 64, 1_000_000, 50, 64, 16_384
PAGE = 1000
EXPORTED = 100


async def put(db: Db, queue: Queue, account: UUID, collection: UUID, given: Given) -> Saved:
    """Create or change the document of this name; a text that changed is indexed again."""
    saved = await save(db, account, collection, [check(given)])
    if not saved:
        raise missing(collection)
    await ring(queue, [s.id for s in saved if s.queued])
    return saved[0]


async def save(db: Call, account: UUID, collection: UUID, given: list[Given]) -> list[Saved]:
    """Write checked documents of different names. Empty when there is no such collection."""
    saved = await documents.put(db, account, collection, given)
    if len(saved) == len(given):
        return saved
    # A document that another request made in the same moment is not visible to the first look.
    await require(db, account, collection)
    seen = {s.name for s in saved}
    return saved + await documents.put(db, account, collection, [g for g in given if clean(g.name) not in seen])


async def every(
    db: Db, account: UUID, collection: UUID, *,
    filter: str | None = None, order_by: str | None = None, state: str | None = None,
    limit: int = PAGE, offset: int = 0,
) -> list[Listed]:
    """Documents that meet the filter, at most `limit`."""
    find, order, wanted = filters.parse(filter), filters.order(order_by), filters.state(state)
    await require(db, account, collection)
    return await documents.find(db, account, collection, find, wanted, order, limit, offset)


async def count(db: Db, account: UUID, collection: UUID, filter: str | None, state: str | None) -> int:
    """How many documents meet the filter."""
    return await documents.count(db, account, collection, filters.parse(filter), filters.state(state))


async def get(db: Db, account: UUID, collection: UUID, id: UUID) -> Document:
    found = await documents.one(db, account, collection, id)
    if found is None:
        raise NotFound(f"There is no document {id} in this collection.")
    return found


async def remove(db: Db, account: UUID, collection: UUID, id: UUID) -> None:
    """Remove a document with its pieces."""
    if not await documents.remove(db, account, collection, id):
        raise NotFound(f"There is no document {id} in this collection.")


async def export(db: Db, account: UUID, collection: UUID) -> AsyncIterator[bytes]:
    """The documents as JSON lines that can be imported again, in the order of their names."""
    await require(db, account, collection)
    return _lines(db, account, collection)


async def _lines(db: Db, account: UUID, collection: UUID) -> AsyncIterator[bytes]:
    after = ""
    while page := await documents.export(db, account, collection, after, EXPORTED):
        for document in page:
            yield orjson.dumps(_line(document), option=orjson.OPT_APPEND_NEWLINE)
        after = page[-1].name


def check(given: Given) -> Given:
    """The document, its name trimmed; raise Invalid when it cannot be kept."""
    name = clean(given.name).strip()
    _require(0 < len(name) <= NAME, "name", f"name must have 1 to {NAME} characters.")
    _require(bool(given.contents.strip()), "contents", "contents must not be empty.")
    _most(given.contents, "contents", CONTENTS)
    _most(given.reference or "", "reference", REFERENCE)
    tags = tuple(dict.fromkeys(t.strip() for t in given.tags if t.strip()))
    fits = len(tags) <= TAGS and all(len(t) <= TAG for t in tags)
    _require(fits, "tags", f"tags takes at most {TAGS} tags of at most {TAG} characters.")
    _metadata(given.metadata or {})
    return replace(given, name=name, reference=given.reference or None, tags=tags, metadata=given.metadata or {})


def counts(contents: str) -> tuple[int, int, int]:
    """Characters, words and an estimate of the tokens (four characters each)."""
    return len(contents), len(contents.split()), (len(contents) + 3) // 4


def _line(document: Given) -> Json:
    line: Json = {"docid": document.name, "text": document.contents}
    optional: Mapping[str, str | Sequence[str] | Json | None] = {
        "__ref": document.reference, "__tags": list(document.tags), "__meta": document.metadata
    }
    return line | {key: value for key, value in optional.items() if value}


def _require(holds: bool, field: str, text: str) -> None:
    if not holds:
        raise Invalid(text, field=field)


def _most(text: str, field: str, most: int) -> None:
    _require(len(text) <= most, field, f"{field} must have at most {most:,} characters; it has {len(text):,}.")


def _metadata(metadata: Json) -> None:
    try:
        size = len(orjson.dumps(metadata, option=orjson.OPT_NON_STR_KEYS))
    except (TypeError, ValueError):
        raise Invalid("metadata is nested too deeply or holds a number that is too large.", field="metadata") from None
    _require(
        size <= METADATA, "metadata", f"metadata must have at most {METADATA:,} characters as JSON; it has {size:,}."
    )
