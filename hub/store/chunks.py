"""Pieces of documents: their vectors and words; the search over both is `hub.store.finding`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import md5
from uuid import UUID

from hub.language.marks import composed
from hub.store.db import Call, clean

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


def words(text: str) -> list[str]:
    """The words of a text; PostgreSQL would read "XK-17" as a negative number, and a domain as one word."""
    return WORD.findall(composed(text))


def vector_text(vector: Sequence[float]) -> str:
    """How PostgreSQL writes a vector."""
    return "[" + ",".join(format(x, ".6g") for x in vector) + "]"
