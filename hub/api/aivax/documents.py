"""Documents of a collection (A-51..A-55)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from aiohttp import web

from hub.api.aivax.schemas.knowledge import (
    DocumentIn,
    DocumentListed,
    DocumentOut,
    DocumentSaved,
    DocumentsQuery,
    Imported,
    ImportQuery,
    LineError,
)
from hub.api.http import pagination
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.jsonl_responses import followed, progress
from hub.api.http.operation import Route
from hub.api.http.uploads import streamed
from hub.domain import Json
from hub.knowledge import documents, imports
from hub.store.documents import Given

TAG = "Documents"
MIB = 1 << 20
FILE = 256 * MIB


@endpoint(id="A-51", tag=TAG, pages=True)
async def listing(request: web.Request, collection_id: UUID, query: DocumentsQuery) -> list[DocumentListed]:
    """List the documents of a collection."""
    db, account = request.app[HUB].db, caller(request).account_id
    found = await documents.every(
        db, account, collection_id, filter=query.filter, order_by=query.order_by, state=query.state,
        limit=query.limit + 1, offset=query.offset,
    )

    async def count() -> int:
        return await documents.count(db, account, collection_id, query.filter, query.state)

    following = {"offset": str(query.offset + query.limit)}
    found = await pagination.shown(request, found, query.limit, query.offset == 0, count, lambda _: following)
    return [
        DocumentListed(
            id=d.id, updated_at=d.updated_at, name=d.name, reference=d.reference, tags=d.tags,
            contents_preview=d.preview, index_state=d.state,  # type: ignore[arg-type]  # checked by the table
        )
        for d in found
    ]


@endpoint(id="A-52", tag=TAG, consumes="multipart/form-data", field="documents", errors=(413,))
async def load(request: web.Request, collection_id: UUID, query: ImportQuery) -> Imported | web.StreamResponse:
    """Import documents from a JSONL file.

    Multipart field `documents`, or the lines as the body. A line is
    `{"docid", "text", "__ref"?, "__tags"?, "__meta"?}` or
    `{"name", "contents", "reference"?, "tags"?, "metadata"?}`, at most 8 MB. With `Accept: text/event-stream`
    or `application/x-ndjson` the answer tells how far the import has come: objects with `state`
    (reading, indexing), `lines`, `enqueued`, `skipped` and `indexed`, the last with `state` done and all fields.
    """
    hub, account = request.app[HUB], caller(request).account_id
    embedder = hub.bulk if query.insert_mode == "sync" else None
    body = streamed(request, "documents", FILE)
    if followed(request):
        steps = imports.steps(hub.db, hub.queue, account, collection_id, body, embedder)
        return await progress(request, _told(steps))
    return _imported(await imports.import_lines(hub.db, hub.queue, account, collection_id, body, embedder))


@endpoint(id="A-53", tag=TAG, limit=8 * MIB, seconds=60, errors=(413,))
async def put(request: web.Request, collection_id: UUID, body: DocumentIn) -> DocumentSaved:
    """Create a document, or change the one of the same name."""
    hub, account = request.app[HUB], caller(request).account_id
    given = Given(body.name, body.contents, body.reference, tuple(body.tags or ()), body.metadata)
    saved = await documents.put(hub.db, hub.queue, account, collection_id, given)
    return DocumentSaved(document_id=saved.id, state=saved.outcome)  # type: ignore[arg-type]  # checked by the table


@endpoint(id="A-54", tag=TAG)
async def details(request: web.Request, collection_id: UUID, document_id: UUID) -> DocumentOut:
    """Show a document."""
    found = await documents.get(request.app[HUB].db, caller(request).account_id, collection_id, document_id)
    characters, words, tokens = documents.counts(found.contents)
    return DocumentOut(
        id=found.id, name=found.name, state=found.state, error=found.error, contents=found.contents,  # type: ignore[arg-type]  # checked by the table
        reference=found.reference, tags=found.tags, created_at=found.created_at, updated_at=found.updated_at,
        indexed_at=found.indexed_at, character_count=characters, word_count=words, approximate_token_count=tokens,
        metadata=found.metadata, pieces=found.pieces, pieces_done=found.pieces_done, notes=found.notes,
    )


@endpoint(id="A-55", tag=TAG, says="Document removed.")
async def remove(request: web.Request, collection_id: UUID, document_id: UUID) -> None:
    """Delete a document."""
    await documents.remove(request.app[HUB].db, caller(request).account_id, collection_id, document_id)


async def _told(steps: AsyncGenerator[imports.Imported, None]) -> AsyncGenerator[Json, None]:
    async with aclosing(steps):
        async for step in steps:
            done = {"lines": step.lines, "enqueued": step.enqueued, "skipped": step.skipped, "indexed": step.indexed}
            if step.state == "done":
                done |= _imported(step).model_dump(mode="json", by_alias=True)
            yield {"state": step.state, **done}


def _imported(done: imports.Imported) -> Imported:
    return Imported(
        enqueued=done.enqueued, skipped=done.skipped, indexed=done.indexed, reasons=dict(done.reasons),
        errors=[LineError(line=n, error=e) for n, e in done.errors],
    )


BASE = "/api/v1/collections/{collection_id}/documents"
ROUTES = [
    Route("GET", BASE, listing),
    Route("POST", BASE, load),
    Route("PUT", BASE, put),
    Route("GET", BASE + "/{document_id}", details),
    Route("DELETE", BASE + "/{document_id}", remove),
]
