"""Pieces of documents: their vectors and words, and the search over both."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub.store import scope
from hub.store.db import Call, Row, clean

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

# $1 account, $2 collections, $3 vectors of the terms, $4 their words, $5 documents wanted, $6 least score, $7 how to
# order, $8 and $9 the cosines that mean 0 and 1, $10 what words can add, $11 what they count in the order,
# $12 longest whole document.
# The nearest by the signs of all vectors of the collections are compared as they are: of 500 pieces and one in thirty
# more, which holds at least 98 of the 100 nearest in collections up to 50,000 pieces. A word weighs more the fewer
# pieces have it; one that a thousand pieces have leads to none, and is looked up in those that were found. The score
# is the rescaled cosine; the weight of the asked words that are found takes a part of the rest.
SEARCH = """
    with asked as materialized (
        select v::vector(384) as v, binary_quantize(v::vector(384))::bit(384) as signs from unnest($3::text[]) as v),
    signed as materialized (
        select distinct n.id from asked a cross join lateral (
            select c.id from chunks c where c.account_id = $1 and c.collection_id = any($2)
            order by c.signs <~> a.signs
            limit (select 500 + count(*) / 30 from chunks where account_id = $1 and collection_id = any($2))) n),
    near as materialized (
        select s.id, (select max(-(c.embedding <#> a.v)) from asked a) as cosine
        from signed s cross join lateral (select embedding from chunks where id = s.id offset 0) c
        order by cosine desc limit 50 + 4 * $5::int),
    stems as materialized (select row_number() over () as n, q from asked_stems($4::text[]) as q),
    hits as materialized (
        select s.n, h.id from stems s cross join lateral (
            select c.id from chunks c
            where c.account_id = $1 and c.collection_id = any($2) and c.words @@ s.q limit 1000) h),
    weights as materialized (
        select s.n, s.q, coalesce(h.pieces, 0) >= 1000 as common, ln(1 + 10000.0 / (1 + coalesce(h.pieces, 0))) as weight
        from stems s left join (select n, count(*) as pieces from hits group by n) h using (n)),
    question as materialized (select nullif(sum(weight), 0) as weight, nullif(count(*), 0) as words from weights),
    matched as (
        select *, row_number() over (order by weight desc, id) as place from (
            select h.id, sum(w.weight) as weight, count(*) as words from hits h join weights w using (n)
            where not w.common group by h.id) m),
    found as materialized (
        select id, max(cosine) as cosine, coalesce(sum(weight), 0) as weight, coalesce(sum(words), 0) as words from (
            select id, cosine, null as weight, null as words, null as place from near
            union all select id, null, weight, words, place from matched) f
        group by id having count(cosine) > 0 or min(place) <= 50 + 4 * $5::int),
    judged as materialized (
        select c.id, c.document_id,
            coalesce(f.cosine, (select max(-(c.embedding <#> a.v)) from asked a)) as cosine,
            coalesce((f.weight + coalesce(common.weight, 0)) / question.weight, 0)::real as share,
            f.words + coalesce(common.words, 0) as words
        from found f cross join lateral (
            select id, document_id, embedding, words from chunks where id = f.id offset 0) c
        cross join question
        left join lateral (
            select sum(w.weight) as weight, count(*) as words from weights w where w.common and c.words @@ w.q
        ) common on true),
    scored as (
        select *,
            case when $7 = 'none' then nearness else nearness + (1 - nearness) * $10::real * share end as score,
            case $7 when 'none' then cosine when 'lexical' then words + cosine / 2
                else cosine + $11::real * share end as place
        from (
            select *, greatest(0, least(1, (cosine - $8::real) / ($9::real - $8::real))) as nearness from judged) j),
    best as (select distinct on (document_id) * from scored order by document_id, place desc, id)
    select d.id, d.collection_id, d.name, d.reference, d.metadata, b.score, b.cosine, b.place,
        case when length(d.contents) <= $12::int then d.contents else c.content end as content
    from best b cross join lateral (select content from chunks where id = b.id offset 0) c
    join documents d on d.id = b.document_id
    where b.score >= $6::real
    order by b.place desc, d.id
    limit $5
"""

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


async def search(
    db: Call, account: UUID, collections: Sequence[UUID], vectors: Sequence[Sequence[float]], asked: Sequence[str],
    *, top: int, least: float, order: str, scale: tuple[float, float], support: float, count: float, whole: int,
) -> list[Row]:
    """The best documents with their best piece, or all of a document of at most `whole` characters.

    `support` is what words add to a score, `count` what they add to the cosine that gives the order.
    """
    args: tuple[Any, ...] = (
        account, list(collections), [vector_text(v) for v in vectors], clean(list(asked)),
        top, least, order, *scale, support, count, whole,
    )
    # Behind the wall PostgreSQL would look at every piece of the account instead of the index of words: what compares
    # words may tell of them. Whose collections they are was looked up behind it.
    with scope.itself():
        return await db.fetch(SEARCH, *args)


def words(text: str) -> list[str]:
    """The words of a text; PostgreSQL would read "XK-17" as a negative number, and a domain as one word."""
    return WORD.findall(unicodedata.normalize("NFC", text))


def vector_text(vector: Sequence[float]) -> str:
    """How PostgreSQL writes a vector."""
    return "[" + ",".join(format(x, ".6g") for x in vector) + "]"
