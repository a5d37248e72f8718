"""Collections of documents (A-43..A-50)."""

from uuid import UUID

from aiohttp import web

from hub.api.aivax.schemas.knowledge import (
    CollectionEdit,
    CollectionId,
    CollectionIn,
    CollectionOut,
    Counts,
    Progress,
)
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.jsonl_responses import download
from hub.api.http.operation import Route
from hub.knowledge import collections, documents
from hub.store.collections import Collection

TAG = "Collections"


@endpoint(id="A-43", tag=TAG)
async def listing(request: web.Request) -> list[CollectionOut]:
    """List the collections of the account, newest first."""
    return [_out(c) for c in await collections.every(request.app[HUB].db, caller(request).account_id)]


@endpoint(id="A-44", tag=TAG)
async def create(request: web.Request, body: CollectionIn) -> CollectionId:
    """Create a collection."""
    db, account = request.app[HUB].db, caller(request).account_id
    id = await collections.create(db, account, body.collection_name, body.context, body.tags)
    return CollectionId(collection_id=id)


@endpoint(id="A-45", tag=TAG, says="Collection saved successfully.")
async def edit(request: web.Request, collection_id: UUID, body: CollectionEdit) -> None:
    """Change name, context and tags of a collection; what is left out stays."""
    given = {name: getattr(body, name) for name in body.model_fields_set}
    await collections.edit(request.app[HUB].db, caller(request).account_id, collection_id, given)


@endpoint(id="A-46", tag=TAG)
async def details(request: web.Request, collection_id: UUID) -> CollectionOut:
    """Show a collection and how many of its documents are indexed."""
    return _out(await collections.get(request.app[HUB].db, caller(request).account_id, collection_id))


@endpoint(id="A-47", tag=TAG, says="Collection deleted successfully.")
async def remove(request: web.Request, collection_id: UUID) -> None:
    """Delete a collection with its documents."""
    await collections.remove(request.app[HUB].db, caller(request).account_id, collection_id)


@endpoint(id="A-48", tag=TAG, says="Collection cleaned successfully.")
async def reset(request: web.Request, collection_id: UUID) -> None:
    """Delete all documents of a collection and keep the collection."""
    await collections.reset(request.app[HUB].db, caller(request).account_id, collection_id)


@endpoint(id="A-49", tag=TAG, says="Outdated documents enqueued.")
async def reindex(request: web.Request, collection_id: UUID) -> None:
    """Drop the vectors of a collection and index every document again."""
    hub = request.app[HUB]
    await collections.reindex(hub.db, hub.queue, caller(request).account_id, collection_id)


@endpoint(id="A-50", tag=TAG, produces="application/jsonl")
async def export(request: web.Request, collection_id: UUID) -> web.StreamResponse:
    """Export the documents as JSON lines, which can be imported again."""
    lines = await documents.export(request.app[HUB].db, caller(request).account_id, collection_id)
    return await download(request, lines, "export.jsonl")


def _out(found: Collection) -> CollectionOut:
    return CollectionOut(
        id=found.id, name=found.name, context=found.context, tags=found.tags,
        created_at=found.created_at, updated_at=found.updated_at,
        state=Counts(total=found.total, indexed=found.indexed, queued=found.queued, cancelled=found.cancelled,
                     failed=found.failed),
        progress=Progress(
            pieces=found.pieces, pieces_done=found.pieces_done, seconds_left=found.seconds_left,
            pieces_per_second=None if found.per_second is None else round(found.per_second, 2),
        ),
    )


BASE = "/api/v1/collections"
ROUTES = [
    Route("GET", BASE, listing),
    Route("POST", BASE, create),
    Route("PUT", BASE + "/{collection_id}", edit),
    Route("GET", BASE + "/{collection_id}", details),
    Route("DELETE", BASE + "/{collection_id}", remove),
    Route("DELETE", BASE + "/{collection_id}/reset-only", reset),
    Route("DELETE", BASE + "/{collection_id}/vectors-only", reindex),
    Route("GET", BASE + "/{collection_id}/export.jsonl", export),
]
