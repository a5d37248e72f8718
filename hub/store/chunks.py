"""Pieces of documents: their vectors and words, and the search over both."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import md5
from typing import Any
from uuid import UUID

from hub.store import scope
from hub.store.db import Call, Row, clean

# A word is stemmed by the languages of its piece, as it is written and without its accents: "devolução",
# "devolucao" and "devoluções" meet, and "nose" is not taken for "nos". The name of the document counts too. The
# Portuguese plural "-coes" typed without accents is the one ending that has to be mended in the question.
# A piece without a vector takes that of one with the same text, which the account has already.
ADD = """
    insert into chunks (account_id, collection_id, document_id, version, ordinal, content, location, embedding, words)
    select $1, $2, $3, $4, p.ordinal, p.content, p.location, v.embedding,
        case when p.languages ~ 'pt' then to_tsvector('portuguese', raw) || to_tsvector('portuguese', bare)
            else '' end
            || case when p.languages ~ 'en' then to_tsvector('english', raw) || to_tsvector('english', bare)
            else '' end
            || case when p.languages ~ 'es' then to_tsvector('spanish', raw) || to_tsvector('spanish', bare)
            else '' end
    from unnest($5::int[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
        as p(ordinal, content, plain, location, embedding, languages)
    cross join lateral (select p.plain as raw, unaccent(p.plain) as bare) w
    cross join lateral (
        select p.embedding::vector as embedding where p.embedding is not null
        union all (select c.embedding from chunks c where p.embedding is null and c.account_id = $1
            and md5(c.content)::uuid = md5(p.content)::uuid and c.content = p.content limit 1)) v
"""
PLACED = "select ordinal, md5(content)::uuid as digest from chunks where account_id = $1 and document_id = $2 and version = $3"
# What is to be made anew keeps no vector of an older version.
KNOWN = """
    select distinct p.digest from unnest($2::uuid[], $3::text[]) as p(digest, content) where exists (
        select 1 from chunks c where c.account_id = $1 and md5(c.content)::uuid = p.digest and c.content = p.content
            and ($4::uuid is null or c.document_id = $4 and c.version = $5))
"""
REMOVE = "delete from chunks where account_id = $1 and document_id = $2 and version = $3 and ordinal = any($4)"
# The pieces of the older text that stand in the new one too have moved to it.
MOVED = """
    delete from chunks where account_id = $1 and document_id = $2 and version <> $3 and md5(content)::uuid = any($4)
"""
REST = """
    delete from chunks where account_id = $1 and document_id = $2 and (version <> $3 or ordinal >= $4)
"""

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
    best as (select distinct on (document_id) * from scored order by document_id, place desc, id),
    -- Documents of the same text under other names take one place.
    single as (
        select distinct on (d.sha256) b.* from best b join documents d on d.id = b.document_id
        where b.score >= $6::real order by d.sha256, b.place desc, d.id)
    select d.id, d.collection_id, d.name, d.reference, d.metadata, b.score, b.cosine, b.place,
        case when length(d.contents) <= $12::int then d.contents else c.content end as content,
        case when length(d.contents) > $12::int then c.location end as location
    from single b cross join lateral (select content, location from chunks where id = b.id offset 0) c
    join documents d on d.id = b.document_id
    order by b.place desc, d.id
    limit $5
"""

AT_ONCE = 200
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Home:
    """Where pieces belong: a version of a document."""

    account: UUID
    collection: UUID
    document: UUID
    version: int
    name: str


@dataclass(frozen=True, slots=True)
class Made:
    """A piece as it is kept; `languages` are those whose endings its words have (pt, en, es).

    Without a vector it takes the one that the account has for the same text. location: its page or rows.
    """

    ordinal: int
    text: str
    location: str | None
    vector: Sequence[float] | None
    languages: tuple[str, ...]


def digest(text: str) -> UUID:
    """What a piece is recognised by; PostgreSQL makes the same of it."""
    return UUID(hex=md5(clean(text).encode(), usedforsecurity=False).hexdigest())


async def placed(db: Call, home: Home) -> dict[int, UUID]:
    """The pieces this version of the document has in the index: digests by ordinal."""
    rows = await db.fetch(PLACED, home.account, home.document, home.version)
    return {r["ordinal"]: r["digest"] for r in rows}


async def known(db: Call, home: Home, texts: Sequence[str], renew: bool) -> set[UUID]:
    """Digests of those texts that have a vector already: in the account, or with `renew` in this very version."""
    only = (home.document, home.version) if renew else (None, None)
    rows = await db.fetch(KNOWN, home.account, [digest(t) for t in texts], [clean(t) for t in texts], *only)
    return {r["digest"] for r in rows}


async def add(db: Call, home: Home, pieces: Sequence[Made]) -> None:
    """Put pieces into the index; those of an older version with the same text go. Call it inside a transaction."""
    await db.run(REMOVE, home.account, home.document, home.version, [p.ordinal for p in pieces])
    for start in range(0, len(pieces), AT_ONCE):
        part = pieces[start : start + AT_ONCE]
        await db.run(
            ADD, home.account, home.collection, home.document, home.version, [p.ordinal for p in part],
            [clean(p.text) for p in part], [" ".join(words(f"{home.name} {p.text}")) for p in part],
            [p.location for p in part], [None if p.vector is None else vector_text(p.vector) for p in part],
            [" ".join(p.languages) for p in part],
        )
    await db.run(MOVED, home.account, home.document, home.version, [digest(p.text) for p in pieces])


async def drop_rest(db: Call, home: Home, count: int) -> None:
    """Drop the pieces of older versions, and those beyond the last one."""
    await db.run(REST, home.account, home.document, home.version, count)


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
