"""Search in collections (A-34)."""

from aiohttp import web

from hub.api.aivax.schemas.knowledge import FoundOut, QueryIn, ReferencedOut
from hub.api.http.endpoint import endpoint
from hub.api.http.keys import HUB, caller
from hub.api.http.operation import Route
from hub.domain import Passage
from hub.knowledge import search


@endpoint(id="A-34", tag="RAG", auth="public", errors=(404,))
async def query(request: web.Request, body: QueryIn) -> list[FoundOut]:
    """Find documents by meaning and by words.

    Every document comes once: whole when it is short, else its best piece under its headings.
    """
    hub, account = request.app[HUB], caller(request).account_id
    found = await search.query(
        hub.db, hub.embedder, account, body.collections, body.wanted,
        body.top, body.min_score, body.reranker, body.include_references,
    )
    return [_out(p) for p in found]


def _out(passage: Passage) -> FoundOut:
    return FoundOut(
        document_id=passage.document_id,
        collection_id=passage.collection_id,
        document_name=passage.name,
        document_content=passage.content,
        score=round(passage.score, 6),
        metadata=passage.metadata,
        referenced_documents=[
            ReferencedOut(document_id=r.document_id, document_content=r.content) for r in passage.references
        ],
    )


ROUTES = [Route("POST", "/api/v1/query", query)]
