"""Collections of an account: make, change, read, empty, remove."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from hub.domain import Json
from hub.errors import Invalid, NotFound
from hub.live.queue import Queue
from hub.store import collections, documents
from hub.store.collections import Collection
from hub.store.db import Call, Db

NAME, CONTEXT, TAGS, TAG = 128, 8000, 50, 64


async def create(db: Call, account: UUID, name: str, context: str | None, tags: str | None) -> UUID:
    """Add a collection; `tags` are comma separated."""
    return await collections.add(db, account, _name(name), _context(context), split_tags(tags))


async def edit(db: Db, account: UUID, id: UUID, given: Mapping[str, str | None]) -> None:
    """`given` may hold collection_name, context and tags; None clears the latter two. Raise NotFound, Invalid."""
    name, tags = given.get("collection_name"), split_tags(given["tags"]) if "tags" in given else None
    fields: Json = {"name": _name(name)} if name is not None else {}
    fields |= {"context": _context(given["context"])} if "context" in given else {}
    if not await collections.edit(db, account, id, fields, tags):
        raise missing(id)


async def every(db: Db, account: UUID) -> list[Collection]:
    return await collections.every(db, account)


async def get(db: Db, account: UUID, id: UUID) -> Collection:
    found = await collections.one(db, account, id)
    if found is None:
        raise missing(id)
    return found


async def require(db: Call, account: UUID, id: UUID) -> None:
    """Raise NotFound unless the collection is the account's."""
    if not await collections.known(db, account, [id]):
        raise missing(id)


async def contexts(db: Db, account: UUID, ids: Sequence[UUID]) -> list[tuple[str, str]]:
    """Name and context text of those collections that have one, for the system instructions."""
    return await collections.contexts(db, account, list(ids)) if ids else []


async def reset(db: Db, account: UUID, id: UUID) -> int:
    """Remove all documents, some at a time so that no statement takes long; return how many."""
    await require(db, account, id)
    removed = 0
    while part := await documents.purge(db, account, id):
        removed += part
    return removed


async def remove(db: Db, account: UUID, id: UUID) -> None:
    await reset(db, account, id)
    await collections.remove(db, account, id)


async def reindex(db: Db, queue: Queue, account: UUID, id: UUID) -> int:
    """Queue every document to be embedded anew; return how many did not wait for that already.

    Until a document's turn comes it is found as before.
    """
    await require(db, account, id)
    ids: list[UUID] = []
    while part := await documents.requeue(db, account, id):
        ids += part
    await ring(queue, ids)
    return len(ids)


async def ring(queue: Queue, ids: Sequence[UUID]) -> None:
    """Ring for documents that wait for the index."""
    if ids:
        await queue.index()


def split_tags(text: str | None) -> list[str]:
    """Tags from a comma separated text, each once."""
    tags = list(dict.fromkeys(t.strip() for t in (text or "").split(",") if t.strip()))
    if len(tags) > TAGS or any(len(t) > TAG for t in tags):
        raise Invalid(f"tags takes at most {TAGS} tags of at most {TAG} characters, separated by commas.", field="tags")
    return tags


def missing(id: UUID) -> NotFound:
    return NotFound(f"There is no collection {id}.")


def _name(name: str) -> str:
    text = name.strip()
    if not text or len(text) > NAME:
        raise Invalid(f"collectionName must have 1 to {NAME} characters.", field="collectionName")
    return text


def _context(context: str | None) -> str | None:
    if context and len(context) > CONTEXT:
        raise Invalid(f"context must have at most {CONTEXT} characters.", field="context")
    return context or None
