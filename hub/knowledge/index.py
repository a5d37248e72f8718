"""Bring a document into the index: cut it, turn the pieces into vectors, put them in place of the old ones."""

import asyncio
import logging
from uuid import UUID

from hub.errors import HubError
from hub.knowledge.chunk import Piece, pieces
from hub.language.words import languages
from hub.llm.embedder import Embedder
from hub.store import chunks, documents
from hub.store.chunks import Made
from hub.store.db import Db
from hub.store.documents import Claimed

log = logging.getLogger(__name__)

TRIES = 5


async def index_document(db: Db, embedder: Embedder, document_id: UUID) -> None:
    """Index a waiting document; do nothing when it waits no more or someone else has it.

    A failure is counted; after the fifth the document is cancelled with the error, before that
    it waits for the next sweep.
    """
    claimed = await documents.claim(db, document_id)
    if claimed is None:
        return
    try:
        found = await asyncio.to_thread(pieces, claimed.contents)
        await _store(db, claimed, await _embedded(db, embedder, claimed, found))
    except Exception as e:
        state = await documents.failed(db, claimed.id, claimed.version, _reason(e), TRIES)
        log.warning("document %s was not indexed and is %s now: %s", claimed.id, state, type(e).__name__)
        raise


async def _embedded(
    db: Db, embedder: Embedder, claimed: Claimed, found: list[Piece]
) -> list[tuple[str, list[float]]]:
    """Pieces with vectors; those that did not change keep theirs unless all are to be made anew."""
    texts = [p.text for p in found]
    known = {} if claimed.renew else await chunks.kept(db, claimed.id)
    missing = list(dict.fromkeys(t for t in texts if t not in known))
    known.update(zip(missing, await embedder.passages(missing), strict=True))
    return [(t, known[t]) for t in texts]


async def _store(db: Db, claimed: Claimed, found: list[tuple[str, list[float]]]) -> None:
    async with db.transaction() as inside:
        if await documents.indexed(inside, claimed.id, claimed.version):
            made = [Made(text, vector, languages(text)) for text, vector in found]
            await chunks.replace(inside, claimed.account_id, claimed.collection_id, claimed.id, claimed.name, made)


def _reason(e: Exception) -> str:
    return str(e) if isinstance(e, HubError) else f"The document could not be indexed ({type(e).__name__})."
