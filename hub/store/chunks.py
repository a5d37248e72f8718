"""Pieces of documents: their vectors and words, and the search over both."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hub.store.db import Call, Row, clean

# A word is stemmed as Portuguese, English and Spanish, as it is written and without its accents:
# "devolução", "devolucao" and "devoluções" meet. The name of the document counts too. The Portuguese
# plural "-coes" typed without accents is the one ending that has to be mended in the question.
ADD = """
    insert into chunks (account_id, collection_id, document_id, ordinal, content, embedding, words)
    select $1, $2, $3, p.ordinal, p.content, p.embedding::vector,
        to_tsvector('portuguese', w.raw) || to_tsvector('english', w.raw) || to_tsvector('spanish', w.raw)
            || to_tsvector('portuguese', w.bare) || to_tsvector('english', w.bare) || to_tsvector('spanish', w.bare)
    from unnest($4::int[], $5::text[], $6::text[], $7::text[]) as p(ordinal, content, plain, embedding)
    cross join lateral (select p.plain as raw, unaccent(p.plain) as bare) w
"""
KEPT = "select content, embedding from chunks where document_id = $1"
REMOVE = "delete from chunks where document_id = $1"

# $1 account, $2 collections, $3 vectors of the terms, $4 their words, $5 documents wanted, $6 least score,
# $7 how to order, $8 and $9 the cosines that mean 0 and 1, $10 what words can add, $11 longest whole document.
# Every vector of the collections is compared, so the nearest are exact; words come from all of them, then from any.
# The score is the rescaled cosine; the share of the asked words that is found takes a part of the rest.
SEARCH = """
    with asked as materialized (select v::vector as v from unnest($3::text[]) as v),
    stems as materialized (
        select (plainto_tsquery('portuguese', w) || plainto_tsquery('english', w) || plainto_tsquery('spanish', w)
            || plainto_tsquery('portuguese', bare) || plainto_tsquery('english', bare)
            || plainto_tsquery('spanish', bare) || plainto_tsquery('portuguese',
                regexp_replace(regexp_replace(bare, 'coes$', 'ções'), 'soes$', 'sões'))) as q
        from unnest($4::text[]) as w cross join lateral unaccent(w) as bare
        where numnode(plainto_tsquery('portuguese', w)) > 0 and numnode(plainto_tsquery('english', w)) > 0
            and numnode(plainto_tsquery('spanish', w)) > 0),
    question as materialized (
        select count(*)::real as n, string_agg('(' || q::text || ')', ' & ')::tsquery as whole,
            string_agg('(' || q::text || ')', ' | ')::tsquery as part from stems),
    near as materialized (
        select c.id, (select max(-(c.embedding <#> a.v)) from asked a) as cosine
        from chunks c where c.account_id = $1 and c.collection_id = any($2)
        order by cosine desc limit 100 + 4 * $5::int),
    strict as materialized (
        select c.id from chunks c where c.account_id = $1 and c.collection_id = any($2)
            and c.words @@ (select whole from question) limit 500),
    loose as materialized (
        select c.id from chunks c where (select count(*) from strict) < $5::int and c.account_id = $1
            and c.collection_id = any($2) and c.words @@ (select part from question) limit 500),
    judged as materialized (
        select c.id, c.document_id,
            (select max(-(c.embedding <#> a.v)) from asked a) as cosine,
            coalesce(ts_rank(c.words, question.part), 0) as rank,
            coalesce((select count(*) from stems where c.words @@ stems.q) / nullif(question.n, 0), 0) as share
        from (select id from near union select id from strict union select id from loose) found
        join chunks c using (id) cross join question),
    scored as (
        select *, rank * share as text,
            case when $7 = 'none' then near else near + (1 - near) * $10::real * share end as score
        from (select *, greatest(0, least(1, (cosine - $8::real) / ($9::real - $8::real))) as near from judged) j),
    best as (
        select distinct on (document_id) * from scored order by document_id, score desc, cosine desc, id),
    placed as (
        select *, row_number() over (order by cosine desc) as near_place,
            row_number() over (order by text desc) as text_place
        from best)
    select d.id, d.collection_id, d.name, d.reference, d.metadata, p.score,
        case when length(d.contents) <= $11::int then d.contents else c.content end as content
    from placed p join chunks c on c.id = p.id join documents d on d.id = p.document_id
    where p.score >= $6::real
    order by case $7 when 'none' then cosine when 'lexical' then text
        else 1.0 / (60 + near_place) + case when text > 0 then 1.0 / (60 + text_place) else 0 end end desc,
        cosine desc, d.id
    limit $5
"""

AT_ONCE = 200
WORD = re.compile(r"[^\W_]+")


async def kept(db: Call, document: UUID) -> dict[str, list[float]]:
    """Vectors of the pieces a document has now, by their text."""
    return {r["content"]: r["embedding"] for r in await db.fetch(KEPT, document)}


async def replace(
    db: Call, account: UUID, collection: UUID, document: UUID, name: str, pieces: Sequence[tuple[str, Sequence[float]]]
) -> None:
    """Put the pieces of a document in place of those it had; call it inside a transaction."""
    await db.run(REMOVE, document)
    for start in range(0, len(pieces), AT_ONCE):
        part = pieces[start : start + AT_ONCE]
        await db.run(
            ADD, account, collection, document, list(range(start, start + len(part))),
            [clean(text) for text, _ in part], [" ".join(words(f"{name} {text}")) for text, _ in part],
            [vector_text(v) for _, v in part],
        )


async def search(
    db: Call, account: UUID, collections: Sequence[UUID], vectors: Sequence[Sequence[float]], asked: Sequence[str],
    *, top: int, least: float, order: str, scale: tuple[float, float], support: float, whole: int,
) -> list[Row]:
    """The best documents with their best piece, or all of a document of at most `whole` characters."""
    args: tuple[Any, ...] = (
        account, list(collections), [vector_text(v) for v in vectors], clean(list(asked)),
        top, least, order, *scale, support, whole,
    )
    return await db.fetch(SEARCH, *args)


def words(text: str) -> list[str]:
    """The words of a text; PostgreSQL would read "XK-17" as a negative number, and a domain as one word."""
    return WORD.findall(unicodedata.normalize("NFC", text))


def vector_text(vector: Sequence[float]) -> str:
    """How PostgreSQL writes a vector."""
    return "[" + ",".join(format(x, ".6g") for x in vector) + "]"
