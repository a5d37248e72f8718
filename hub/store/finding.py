"""The search over pieces of documents: by meaning, by words and by what is nearly the same, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub.store import scope
from hub.store.chunks import vector_text
from hub.store.db import Db, Row, clean
from hub.store.nearest import Theirs, near

# $1 account, $2 collections, $3 vectors of the terms, $4 their words, $5 documents wanted, $6 least score, $7 how to
# order, $8 and $9 the cosines that mean 0 and 1, $10 what words can add, $11 what they count in the order,
# $12 longest whole document, $13 languages the question may be in, $14 pieces of a longer document,
# $15 characters in which a document tells of itself, $16 words of the same ideas as $4, $17 what those count, $18
# documents more than are wanted, $19 the nearest pieces and $20 their cosines, $21 the account's own embedder, $22 its
# vectors of the terms, $23 and $24 how its cosines become those of the hub's own, $25 words that are known to be common.
# A word weighs more the fewer pieces have it; one that a thousand pieces have leads to none, and is looked up in those
# that were found. A word that no piece has leads to those that have one of the same idea, or nearly the same. The score
# is the rescaled cosine; the weight of the asked words that are found takes a part of the rest.
SEARCH = """
    with asked as materialized (select v::vector(384) as v from unnest($3::text[]) as v),
    theirs as materialized (select v::vector as v from unnest($22::text[]) as v),
    near as materialized (select * from unnest($19::bigint[], $20::real[]) as n(id, cosine)),
    stems as materialized (
        select row_number() over () as n, word, q, others from asked_words($4::text[], $16::text[], $13::text[])),
    exact as materialized (
        select s.n, h.id, 1::real as likeness from stems s cross join lateral (
            select c.id from chunks c
            where c.account_id = $1 and c.collection_id = any($2) and c.words @@ s.q limit 1000) h
        where s.word <> all($25::text[])),
    unknown as materialized (
        select * from stems s where s.word <> all($25::text[]) and not exists (select from exact e where e.n = s.n)),
    alike as materialized (
        select u.n, h.id, $17::real as likeness from unknown u cross join lateral (
            select c.id from chunks c
            where c.account_id = $1 and c.collection_id = any($2) and c.words @@ u.others limit 1000) h
        where numnode(u.others) > 0),
    slips as materialized (
        select u.n, u.word from unknown u
        where length(u.word) >= 5 and u.word !~ '[0-9]' and not exists (select from alike a where a.n = u.n) limit 3),
    hits as materialized (
        select n, id, likeness from exact union all select n, id, likeness from alike
        union all select s.n, h.id, h.likeness from slips s cross join lateral nearly($1, $2, s.word) h),
    weights as materialized (
        select n, word, q, pieces >= 1000 as common, ln(1 + 10000::real / (1 + pieces)) as weight from (
            select s.*, case when s.word = any($25::text[]) then 1000 else coalesce(h.pieces, 0) end as pieces
            from stems s left join (select n, count(*) as pieces from hits group by n) h using (n)) counted),
    question as materialized (select nullif(sum(weight), 0) as weight, nullif(count(*), 0) as words from weights),
    matched as materialized (
        select h.id, sum(w.weight * h.likeness) as weight, count(*) as words from hits h join weights w using (n)
        where not w.common group by h.id),
    found as materialized (
        select id, near.cosine, coalesce(m.weight, 0) as weight, coalesce(m.words, 0) as words from (
            select id from near
            union select id from (select id from matched order by weight desc, id limit 50 + 4 * $5::int) best) f
        left join near using (id) left join matched m using (id)),
    judged as materialized (
        select c.id, c.document_id, c.ordinal,
            coalesce(f.cosine,
                (select $23::real + $24::real * max(-(w.embedding <#> t.v)) from vectors w cross join theirs t
                    where w.piece_id = c.id and w.embedder_id = $21::uuid),
                (select max(-(c.embedding <#> a.v)) from asked a), $8::real) as cosine,
            coalesce((f.weight + coalesce(common.weight, 0)) / question.weight, 0)::real as share,
            f.words + coalesce(common.words, 0) as words
        from found f cross join lateral (
            select id, document_id, ordinal, embedding, words from chunks where id = f.id offset 0) c
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
    ordered as materialized (
        select *, row_number() over (partition by document_id order by place desc, id) as n from scored
        where score >= $6::real),
    -- Documents of the same text under other names take one place.
    single as (
        select distinct on (d.sha256) o.* from ordered o join documents d on d.id = o.document_id where o.n = 1
        order by d.sha256, o.place desc, o.id),
    best as (select * from single order by place desc, document_id limit $5::int + $18::int)
    select d.id, d.collection_id, d.name, d.reference, d.metadata, d.updated_at, b.score, b.cosine, b.place,
        length(d.contents) <= $12::int as whole, left(d.contents, $15::int) as head,
        case when length(d.contents) <= $12::int then d.contents else pieces.contents[1] end as content,
        pieces.contents, pieces.ordinals, pieces.places, pieces.locations,
        (select count(*) from chunks where document_id = d.id) as of,
        (select array_agg(word) from weights where common) as common
    from best b join documents d on d.id = b.document_id
    cross join lateral (
        select array_agg(c.content order by o.n) as contents, array_agg(o.ordinal order by o.n) as ordinals,
            array_agg(o.place order by o.n) as places, array_agg(c.location order by o.n) as locations
        from ordered o cross join lateral (select content, location from chunks where id = o.id offset 0) c
        where o.document_id = b.document_id and (o.n = 1 or (o.n <= $14::int and length(d.contents) > $12::int))) pieces
    order by b.place desc, d.id
"""

NEAR, NEAR_MORE = 50, 4  # pieces that are looked at for their meaning, and more for each document that is wanted
ALIKE = 0.8  # what a word of the same idea counts, where the asked one counts 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a search. order: rrf, lexical or none. scale: the cosines that mean 0 and 1. support: what words
    add to a score. count: what they add to the cosine that gives the order. whole: characters of a document that is
    given whole; of a longer one at most `pieces`. head: characters in which a document tells of itself. more: documents beyond `top` that
    are given too, for another to put in order."""

    top: int
    least: float
    order: str
    scale: tuple[float, float]
    support: float
    count: float
    whole: int
    pieces: int = 1
    head: int = 0
    more: int = 0

    def args(self) -> tuple[Any, ...]:
        return self.top, self.least, self.order, *self.scale, self.support, self.count, self.whole


async def search(
    db: Db, account: UUID, collections: Sequence[UUID], vectors: Sequence[Sequence[float]], asked: Sequence[str],
    beside: Sequence[str], languages: Sequence[str], wanted: Wanted, theirs: Theirs | None = None,
) -> list[Row]:
    """beside: of each word those of the same idea. vectors: none where words alone are to find. The best documents, each with its best pieces, the best first, or whole."""
    whose = (None, [], 0.0, 1.0) if theirs is None else (
        theirs.id, [vector_text(v) for v in theirs.vectors], theirs.shift, theirs.factor,
    )
    args: tuple[Any, ...] = (
        account, list(collections), [vector_text(v) for v in vectors], clean(list(asked)),
        *wanted.args(), list(languages), wanted.pieces, wanted.head, list(beside), ALIKE, wanted.more,
    )
    # Behind the wall PostgreSQL would look at every piece of the account instead of the index of words: what compares
    # words may tell of them. Whose collections they are was looked up behind it.
    with scope.itself():
        known = await near(db, account, collections, vectors, NEAR + NEAR_MORE * wanted.top, theirs)
        shelves = [db.shelves.of((account, one, None)) for one in collections]
        common = list(dict.fromkeys(word for shelf in shelves for word in shelf.common))
        rows = await db.fetch(
            SEARCH, *args, [id for id, _ in known], [cosine for _, cosine in known], *whose, common,
        )
    if rows and len(shelves) == 1:
        # Which of several collections made a word common is not told.
        shelves[0].note(rows[0]["common"] or ())
    return rows
