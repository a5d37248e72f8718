"""Pieces of documents: their vectors and words; the search over both is `hub.store.finding`."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from hub.store.db import Call, clean

# A word is stemmed by the languages of its piece, as it is written and without its accents: "devolução",
# "devolucao" and "devoluções" meet, and "nose" is not taken for "nos". The name of the document counts too. The
# Portuguese plural "-coes" typed without accents is the one ending that has to be mended in the question.
ADD = """
    insert into chunks (account_id, collection_id, document_id, ordinal, content, embedding, words)
    select $1, $2, $3, p.ordinal, p.content, p.embedding::vector,
        case when p.languages ~ 'pt' then to_tsvector('portuguese', raw) || to_tsvector('portuguese', bare)
            else '' end
            || case when p.languages ~ 'en' then to_tsvector('english', raw) || to_tsvector('english', bare)
            else '' end
            || case when p.languages ~ 'es' then to_tsvector('spanish', raw) || to_tsvector('spanish', bare)
            else '' end
    from unnest($4::int[], $5::text[], $6::text[], $7::text[], $8::text[])
        as p(ordinal, content, plain, embedding, languages)
    cross join lateral (select p.plain as raw, unaccent(p.plain) as bare) w
"""
KEPT = "select content, embedding from chunks where document_id = $1"
REMOVE = "delete from chunks where document_id = $1"

AT_ONCE = 200
WORD = re.compile(r"[^\W_]+")


async def kept(db: Call, document: UUID) -> dict[str, list[float]]:
    """Vectors of the pieces a document has now, by their text."""
    return {r["content"]: r["embedding"] for r in await db.fetch(KEPT, document)}


@dataclass(frozen=True, slots=True)
class Made:
    """A piece as it is kept; `languages` are those whose endings its words have (pt, en, es)."""

    text: str
    vector: Sequence[float]
    languages: tuple[str, ...]


async def replace(
    db: Call, account: UUID, collection: UUID, document: UUID, name: str, pieces: Sequence[Made]
) -> None:
    """Put the pieces of a document in place of those it had; call it inside a transaction."""
    await db.run(REMOVE, document)
    for start in range(0, len(pieces), AT_ONCE):
        part = pieces[start : start + AT_ONCE]
        await db.run(
            ADD, account, collection, document, list(range(start, start + len(part))),
            [clean(p.text) for p in part], [" ".join(words(f"{name} {p.text}")) for p in part],
            [vector_text(p.vector) for p in part], [" ".join(p.languages) for p in part],
        )


def words(text: str) -> list[str]:
    """The words of a text; PostgreSQL would read "XK-17" as a negative number, and a domain as one word."""
    return WORD.findall(unicodedata.normalize("NFC", text))


def vector_text(vector: Sequence[float]) -> str:
    """How PostgreSQL writes a vector."""
    return "[" + ",".join(format(x, ".6g") for x in vector) + "]"
