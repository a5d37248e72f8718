"""Websites as sources of a collection: an extra beside A-43..A-55."""

from typing import Any
from uuid import UUID

from aiohttp import web

from hub.api.aivax.schemas.knowledge import RefusedOut, SourceDetails, SourceId, SourceIn, SourceOut
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.knowledge import sources
from hub.store.sources import Source

TAG = "Collections"


@endpoint(tag=TAG)
async def listing(request: web.Request, collection_id: UUID) -> list[SourceOut]:
    """List the websites of a collection and how far they are read."""
    found = await sources.every(request.app[HUB], caller(request).account_id, collection_id)
    return [SourceOut(**_fields(s)) for s in found]


@endpoint(tag=TAG)
async def put(request: web.Request, collection_id: UUID, body: SourceIn) -> SourceId:
    """Bring a website into a collection: page by page, as far as its robots.txt allows.

    Each page becomes the document of its address. It is read again after `refreshHours`: what changed is indexed
    again, what is gone there is removed here.
    """
    id = await sources.put(
        request.app[HUB], caller(request).account_id, collection_id, body.address, body.depth, body.pages,
        body.refresh_hours,
    )
    return SourceId(source_id=id)


@endpoint(tag=TAG)
async def details(request: web.Request, collection_id: UUID, source_id: UUID) -> SourceDetails:
    """Show how far a website is read, and which of its pages are not."""
    found, refused = await sources.get(request.app[HUB], caller(request).account_id, collection_id, source_id)
    return SourceDetails(**_fields(found), not_read=[RefusedOut(url=r.url, error=r.error) for r in refused])


@endpoint(tag=TAG, says="Source removed.")
async def remove(request: web.Request, collection_id: UUID, source_id: UUID) -> None:
    """Delete a website from a collection, with the documents it brought."""
    await sources.remove(request.app[HUB], caller(request).account_id, collection_id, source_id)


def _fields(found: Source) -> dict[str, Any]:
    return {
        "id": found.id, "address": found.address, "kind": found.kind, "depth": found.depth, "pages": found.most,
        "refresh_hours": found.hours, "state": found.state, "error": found.error, "created_at": found.created_at,
        "read_at": found.read_at, "next_at": found.next_at, "found": found.found, "waiting": found.waiting,
        "read": found.read, "refused": found.refused,
    }


BASE = "/api/v1/collections/{collection_id}/sources"
ROUTES = [
    Route("GET", BASE, listing),
    Route("POST", BASE, put),
    Route("GET", BASE + "/{source_id}", details),
    Route("DELETE", BASE + "/{source_id}", remove),
]
