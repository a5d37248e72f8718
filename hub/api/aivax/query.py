"""Search in collections (A-34)."""

from collections.abc import Sequence
from uuid import UUID

from aiohttp import web

from hub.accounts.balance import paying
from hub.api.aivax.schemas.knowledge import MOST, FoundOut, QueryIn, ReferencedOut
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.domain import Passage
from hub.errors import NotFound, TooMany
from hub.knowledge import search
from hub.llm.helper import configured
from hub.store import clients

SMART = 20


@endpoint(id="A-34", tag="RAG", auth="public", errors=(402, 404, 429))
async def query(request: web.Request, body: QueryIn) -> list[FoundOut]:
    """Find documents by meaning and by words.

    With a public key: in collections of the gateways that the key is bound to, else of those behind chat clients.

    Every document comes once: whole when it is short, else its best piece under its headings.
    """
    hub, who = request.app[HUB], caller(request)
    if who.kind == "public":
        await _offered(request, body.collections)
    judge = None
    if body.reranker == "smart":
        await _limit(request)
        # A public key is in everyone's hands: it gets the second look that costs nothing.
        judge = configured(hub.models, hub.settings.helper_model if who.kind == "private" else "", who.account_id)
    if judge:
        await paying(hub, who.account_id)
    try:
        found = await search.query(
            hub.db, hub.embedder, who.account_id, body.collections, body.wanted,
            body.top or MOST, body.min_score, body.reranker, body.include_references, judge,
        )
    finally:
        if judge:
            await hub.meter.add(who.account_id, judge.rows, key=who.key_id)
    return [_out(p) for p in found]


async def _offered(request: web.Request, wanted: Sequence[UUID]) -> None:
    """Raise NotFound for a collection that nobody talks about with visitors."""
    who = caller(request)
    known = await clients.collections(request.app[HUB].db, who.account_id, who.models)
    for id in wanted:
        if id not in known:
            raise NotFound(f"There is no collection {id}.", field="collections")


async def _limit(request: web.Request) -> None:
    """A second look is a second of work: a public key gets some a minute."""
    who = caller(request)
    wait = await request.app[HUB].limits.take("smart", str(who.key_id), SMART, 60.0) if who.kind == "public" else 0.0
    if wait > 0:
        raise TooMany(f"A public key may search {SMART} times a minute with `smart`; use rrf.", retry_after=wait)


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
